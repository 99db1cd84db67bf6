#ifndef CTORCH_TORCH_H
#define CTORCH_TORCH_H

#include "CTorch.h"

/// A word of a dispatcher's stack: a number, a handle, or a pointer to a word for what may be absent.
typedef uint64_t word;

/// torch's C functions; each returns 0 unless it fails, where it returns int.
#define CT_FUNCTIONS(X)                                                                                  \
  X(int, torch_call_dispatcher, (const char *, const char *, word *, uint64_t))                          \
  X(int, torch_parse_device_string, (const char *, uint32_t *, int32_t *))                               \
  X(int, torch_get_num_threads, (uint32_t *))                                                            \
  X(int, torch_new_list_reserve_size, (size_t, void **))                                                 \
  X(int, torch_list_push_back, (void *, word))                                                           \
  X(int, torch_new_string_handle, (const char *, size_t, void **))                                       \
  X(uint64_t, aoti_torch_abi_version, (void))                                                            \
  X(int, aoti_torch_new_tensor_handle, (ct_tensor, ct_tensor *))                                         \
  X(int, aoti_torch_delete_tensor_object, (ct_tensor))                                                   \
  X(int, aoti_torch_create_tensor_from_blob_v2,                                                          \
    (void *, int64_t, const int64_t *, const int64_t *, int64_t, int32_t, int32_t, int32_t, ct_tensor *, \
     int32_t, const uint8_t *, int64_t))                                                                 \
  X(int, aoti_torch_empty_strided,                                                                       \
    (int64_t, const int64_t *, const int64_t *, int32_t, int32_t, int32_t, ct_tensor *))                 \
  X(int, aoti_torch__reinterpret_tensor,                                                                 \
    (ct_tensor, int64_t, const int64_t *, const int64_t *, int64_t, ct_tensor *))                        \
  X(int, aoti_torch_zero_, (ct_tensor))                                                                  \
  X(int, aoti_torch_copy_, (ct_tensor, ct_tensor, int32_t))                                              \
  X(int, aoti_torch_aten_subtract_Tensor, (ct_tensor, ct_tensor, double, ct_tensor *))                   \
  X(int32_t, aoti_torch_device_type_cpu, (void))                                                         \
  X(int32_t, aoti_torch_device_type_cuda, (void))                                                        \
  X(int32_t, aoti_torch_dtype_float32, (void))                                                           \
  X(int32_t, aoti_torch_dtype_bfloat16, (void))                                                          \
  X(int32_t, aoti_torch_dtype_float16, (void))                                                           \
  X(int32_t, aoti_torch_dtype_float8_e4m3fn, (void))                                                     \
  X(int32_t, aoti_torch_dtype_float8_e5m2, (void))                                                       \
  X(int32_t, aoti_torch_dtype_uint8, (void))                                                             \
  X(int, aoti_torch_get_data_ptr, (ct_tensor, void **))                                                  \
  X(int32_t, aoti_torch_layout_strided, (void))

/// The CUDA runtime's functions for copies beside computing, from the library that torch loaded, by their names there
/// and by HIP's; each returns 0 unless it fails.
#define CT_RUNTIME_FUNCTIONS(X)                                                                        \
  X(new_stream, "cudaStreamCreateWithFlags", "hipStreamCreateWithFlags", (void **, unsigned))          \
  X(free_stream, "cudaStreamDestroy", "hipStreamDestroy", (void *))                                    \
  X(new_event, "cudaEventCreateWithFlags", "hipEventCreateWithFlags", (void **, unsigned))             \
  X(free_event, "cudaEventDestroy", "hipEventDestroy", (void *))                                       \
  X(record, "cudaEventRecord", "hipEventRecord", (void *, void *))                                     \
  X(await, "cudaStreamWaitEvent", "hipStreamWaitEvent", (void *, void *, unsigned))                    \
  X(finish, "cudaEventSynchronize", "hipEventSynchronize", (void *))                                   \
  X(new_pinned, "cudaHostAlloc", "hipHostMalloc", (void **, size_t, unsigned))                         \
  X(free_pinned, "cudaFreeHost", "hipHostFree", (void *))                                              \
  X(upload, "cudaMemcpyAsync", "hipMemcpyAsync", (void *, const void *, size_t, int, void *))

typedef struct {
#define CT_DECLARE(name, cuda, hip, arguments) int(*name) arguments;
  CT_RUNTIME_FUNCTIONS(CT_DECLARE)
#undef CT_DECLARE
  const char *(*reason)(int);
  /// Whether all of them are there.
  bool is_whole;
} ct_runtime;

struct ct_torch {
#define CT_DECLARE(result, name, arguments) result(*name) arguments;
  CT_FUNCTIONS(CT_DECLARE)
#undef CT_DECLARE
  /// Makes the word behind an argument that may be absent; since 2.13.
  int (*torch_new_stable_ivalue)(word **);
  /// What C++ allocates with, for such words before.
  void *(*operator_new)(size_t);
  /// The text of the last failure; since 2.13.
  const char *(*torch_exception_get_what_without_backtrace)(void);
  int (*memory)(size_t *, size_t *);
  int (*count)(int *);
  int (*new_guard)(int32_t, void **);
  int (*delete_guard)(void *);
  ct_runtime runtime;
  bool is_deterministic;
};

/// Notes a failure: of what, and why torch says it failed.
void ct_fail(const ct_torch *torch, const char *what);
/// Notes a failure: of what, and a text of why; the first line of each, as much as there is room for.
void ct_note(const char *what, const char *why);
/// torch's number of a type.
int32_t ct_type(const ct_torch *torch, ct_dtype type);

#endif
