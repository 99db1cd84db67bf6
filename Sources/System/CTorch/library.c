#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "torch.h"

static _Thread_local char error[1024];

const char *ct_error(void) { return error; }

void ct_note(const char *what, const char *why) {
  int length = (int)strcspn(why, "\n");
  if (*what) {
    snprintf(error, sizeof error, "%s: %.*s", what, length, why);
  } else {
    snprintf(error, sizeof error, "%.*s", length, why);
  }
}

void ct_fail(const ct_torch *torch, const char *what) {
  const char *why = torch->torch_exception_get_what_without_backtrace
                        ? torch->torch_exception_get_what_without_backtrace()
                        : "torch says why on standard error";
  ct_note(what, why && *why ? why : "torch does not say why");
}

/// The symbol of the first of two names that a library, or one that it needs, has.
static void *either(void *library, const char *first, const char *second) {
  void *found = dlsym(library, first);
  return found ? found : dlsym(library, second);
}

/// Has torch leave out what gives other bits from run to run, sums of bfloat16 in bfloat16, and convolutions of
/// float32 in TF32. None of it is
/// in the C interface; the names of C++ have been the same since 2.10, the last one's arguments were not.
static bool settle(void *library) {
  void *(*context)(void) = (void *(*)(void))dlsym(library, "_ZN2at13globalContextEv");
  void (*deterministic)(void *, bool, bool) =
      (void (*)(void *, bool, bool))dlsym(library, "_ZN2at7Context26setDeterministicAlgorithmsEbb");
  void (*fill)(void *, bool) =
      (void (*)(void *, bool))dlsym(library, "_ZN2at7Context39setDeterministicFillUninitializedMemoryEb");
  void (*reduction)(void *, bool, bool) = (void (*)(void *, bool, bool))either(
      library, "_ZN2at7Context27setAllowBF16ReductionCuBLASEbb",
      "_ZN2at7Context27setAllowBF16ReductionCuBLASEb");
  void (*tf32)(void *, bool) =
      (void (*)(void *, bool))dlsym(library, "_ZN2at7Context17setAllowTF32CuDNNEb");
  if (tf32 && context) tf32(context(), false);
  if (!context || !deterministic || !fill) return false;
  deterministic(context(), true, false);
  fill(context(), false);
  if (reduction) reduction(context(), false, true);
  return true;
}

static void find_runtime(void *library, ct_runtime *runtime) {
  runtime->is_whole = true;
#define FIND(name, cuda, hip, arguments)                             \
  runtime->name = (int(*) arguments)either(library, cuda, hip);      \
  runtime->is_whole &= runtime->name != NULL;
  CT_RUNTIME_FUNCTIONS(FIND)
#undef FIND
  runtime->reason = (const char *(*)(int))either(library, "cudaGetErrorString", "hipGetErrorString");
}

ct_torch *ct_open(const char *path, int threads) {
  char count[16];
  snprintf(count, sizeof count, "%d", threads);
  // Read by cuBLAS and OpenMP when they are loaded.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
  setenv("OMP_NUM_THREADS", count, 1);
  // Threads that wait for others actively take the processor from them where other programs run, too.
  setenv("OMP_WAIT_POLICY", "passive", 0);
  int flags = RTLD_NOW | RTLD_LOCAL;
#ifdef RTLD_DEEPBIND
  // Else torch would take the process's OpenBLAS for its own products.
  flags |= RTLD_DEEPBIND;
#endif
  void *library = dlopen(path, flags);
  if (!library) return ct_note("", dlerror()), NULL;
  ct_torch *torch = calloc(1, sizeof *torch);
  if (!torch) return ct_note(path, "no memory"), NULL;
#define FIND(result, name, arguments)                             \
  torch->name = (result(*) arguments)dlsym(library, #name);       \
  if (!torch->name) {                                             \
    free(torch);                                                  \
    return ct_note("", "this torch has no " #name), NULL;            \
  }
  CT_FUNCTIONS(FIND)
#undef FIND
  torch->torch_new_stable_ivalue = (int (*)(word **))dlsym(library, "torch_new_stable_ivalue");
  torch->operator_new = (void *(*)(size_t))dlsym(library, "_Znwm");
  torch->torch_exception_get_what_without_backtrace =
      (const char *(*)(void))dlsym(library, "torch_exception_get_what_without_backtrace");
  torch->memory = (int (*)(size_t *, size_t *))either(library, "cudaMemGetInfo", "hipMemGetInfo");
  torch->count = (int (*)(int *))either(library, "cudaGetDeviceCount", "hipGetDeviceCount");
  torch->new_guard = (int (*)(int32_t, void **))dlsym(library, "aoti_torch_create_device_guard");
  torch->delete_guard = (int (*)(void *))dlsym(library, "aoti_torch_delete_device_guard");
  find_runtime(library, &torch->runtime);
  void (*set_threads)(int) = (void (*)(int))dlsym(library, "_ZN2at15set_num_threadsEi");
  if (set_threads) set_threads(threads);
  torch->is_deterministic = settle(library);
  return torch;
}

int ct_version(const ct_torch *torch) {
  uint64_t version = torch->aoti_torch_abi_version();
  return (int)(version >> 56 & 255) * 10000 + (int)(version >> 48 & 255) * 100 +
         (int)(version >> 40 & 255);
}

int ct_threads(const ct_torch *torch) {
  uint32_t count = 0;
  return torch->torch_get_num_threads(&count) ? 0 : (int)count;
}

bool ct_is_deterministic(const ct_torch *torch) { return torch->is_deterministic; }

bool ct_find_device(const ct_torch *torch, const char *name, ct_device *found) {
  uint32_t type = 0;
  int32_t index = -1;
  if (torch->torch_parse_device_string(name, &type, &index)) return ct_fail(torch, name), false;
  *found = (ct_device){(int32_t)type, index};
  ct_tensor probe = ct_empty(torch, *found, CT_FLOAT32, 1, (int64_t[]){1});
  bool is_there = probe && ct_zero(torch, probe);
  ct_free(torch, probe);
  return is_there;
}

bool ct_is_cpu(const ct_torch *torch, ct_device device) {
  return device.type == torch->aoti_torch_device_type_cpu();
}

bool ct_is_cuda(const ct_torch *torch, ct_device device) {
  return device.type == torch->aoti_torch_device_type_cuda();
}

int ct_cuda_count(const ct_torch *torch) {
  int count = 0;
  return !torch->count || torch->count(&count) ? 0 : count;
}

bool ct_memory(const ct_torch *torch, ct_device device, size_t *free, size_t *total) {
  if (!ct_is_cuda(torch, device) || !torch->memory || !torch->new_guard || !torch->delete_guard) {
    return false;
  }
  void *guard = NULL;
  if (torch->new_guard(device.index < 0 ? 0 : device.index, &guard)) return false;
  bool is_known = torch->memory(free, total) == 0;
  torch->delete_guard(guard);
  return is_known;
}
