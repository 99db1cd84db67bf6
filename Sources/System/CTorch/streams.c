#include <stdlib.h>

#include "torch.h"

/// `cudaStreamNonBlocking`.
static const unsigned beside_computing = 1;
/// `cudaEventDisableTiming`.
static const unsigned without_time = 2;
/// `cudaHostAllocPortable`.
static const unsigned for_all_devices = 1;
/// `cudaMemcpyHostToDevice`.
static const int host_to_device = 1;

/// Whether a call of the runtime's went well.
static bool is_done(const ct_torch *torch, const char *what, int status) {
  if (!status) return true;
  ct_note(what, torch->runtime.reason ? torch->runtime.reason(status) : "the runtime does not say why");
  return false;
}

/// Makes a device the thread's own until ``leave``; what is recorded without a stream is recorded there.
static bool enter(const ct_torch *torch, ct_device device, void **guard) {
  if (!torch->new_guard(device.index < 0 ? 0 : device.index, guard)) return true;
  return ct_fail(torch, "device"), false;
}

static void leave(const ct_torch *torch, void *guard) { torch->delete_guard(guard); }

bool ct_has_streams(const ct_torch *torch, ct_device device) {
  return ct_is_cuda(torch, device) && torch->runtime.is_whole && torch->new_guard &&
         torch->delete_guard;
}

ct_stream ct_new_stream(const ct_torch *torch, ct_device device) {
  void *guard = NULL, *made = NULL;
  if (!enter(torch, device, &guard)) return NULL;
  is_done(torch, "stream", torch->runtime.new_stream(&made, beside_computing));
  leave(torch, guard);
  return made;
}

void ct_free_stream(const ct_torch *torch, ct_stream stream) {
  if (stream) torch->runtime.free_stream(stream);
}

ct_event ct_new_event(const ct_torch *torch, ct_device device) {
  void *guard = NULL, *made = NULL;
  if (!enter(torch, device, &guard)) return NULL;
  is_done(torch, "event", torch->runtime.new_event(&made, without_time));
  leave(torch, guard);
  return made;
}

void ct_free_event(const ct_torch *torch, ct_event event) {
  if (event) torch->runtime.free_event(event);
}

// torch computes on the device's default stream, whose handle is null, as nobody told it another.

bool ct_record(const ct_torch *torch, ct_device device, ct_event event, ct_stream stream) {
  void *guard = NULL;
  if (!event) return true;
  if (!enter(torch, device, &guard)) return false;
  int status = torch->runtime.record(event, stream);
  leave(torch, guard);
  return is_done(torch, "event", status);
}

bool ct_await(const ct_torch *torch, ct_device device, ct_stream stream, ct_event event) {
  void *guard = NULL;
  if (!event) return true;
  if (!enter(torch, device, &guard)) return false;
  int status = torch->runtime.await(stream, event, 0);
  leave(torch, guard);
  return is_done(torch, "event", status);
}

bool ct_finish(const ct_torch *torch, ct_event event) {
  return !event || is_done(torch, "copy", torch->runtime.finish(event));
}

void *ct_new_pinned(const ct_torch *torch, ct_device device, size_t count) {
  void *made = NULL;
  if (ct_has_streams(torch, device)) {
    is_done(torch, "pinned memory", torch->runtime.new_pinned(&made, count, for_all_devices));
  } else if (!(made = malloc(count ? count : 1))) {
    ct_note("memory of the host", "there is no more");
  }
  return made;
}

void ct_free_pinned(const ct_torch *torch, ct_device device, void *memory) {
  if (!memory) return;
  if (ct_has_streams(torch, device)) {
    torch->runtime.free_pinned(memory);
  } else {
    free(memory);
  }
}

/// Copies on this thread.
static bool copy_now(const ct_torch *torch, ct_tensor to, const void *from, size_t count) {
  const int64_t sizes[] = {(int64_t)count}, strides[] = {1};
  ct_tensor source = ct_borrow(torch, from, CT_BYTE, 1, sizes);
  ct_tensor target = ct_view(torch, to, 1, sizes, strides, 0);
  bool is_copied = source && target && ct_copy(torch, target, source);
  ct_free(torch, source);
  ct_free(torch, target);
  return is_copied;
}

bool ct_upload(
    const ct_torch *torch, ct_device device, ct_tensor to, const void *from, size_t count,
    ct_stream stream) {
  void *guard = NULL, *place = NULL;
  if (!stream) return copy_now(torch, to, from, count);
  if (torch->aoti_torch_get_data_ptr(to, &place)) return ct_fail(torch, "memory of the device"), false;
  if (!enter(torch, device, &guard)) return false;
  int status = torch->runtime.upload(place, from, count, host_to_device, stream);
  leave(torch, guard);
  return is_done(torch, "copy", status);
}
