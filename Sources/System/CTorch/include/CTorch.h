#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// PyTorch's stable C interface, found at run time: nothing of torch is needed to build this, and no Python
// runs. Functions that fail return null, false or 0; `ct_error` then says why.
//
// Source: pytorch/pytorch, `torch/csrc/stable/c/shim.h`, `torch/csrc/inductor/aoti_torch/c/shim.h` and
// `aten/src/ATen/native/native_functions.yaml`, versions 2.10 to 2.15.

/// A libtorch that was loaded; it stays loaded until the process ends.
typedef struct ct_torch ct_torch;
/// A tensor of torch's: memory on a device, sizes and strides. Freed by `ct_free`.
typedef struct ct_tensor_object *ct_tensor;

/// Element types.
typedef enum {
  CT_FLOAT32,
  CT_BFLOAT16,
  CT_FLOAT16,
  CT_FLOAT8_E4M3,
  CT_FLOAT8_E5M2,
  CT_BYTE
} ct_dtype;

/// A device as torch numbers it.
typedef struct {
  int32_t type;
  int32_t index;
} ct_device;

/// Why the last function that failed on this thread did; one line.
const char *_Nonnull ct_error(void);

/// Loads a library, `libtorch.so` or what the system calls it, out of reach of the process's other libraries.
///
/// - `threads`: how many torch's own loops take; it decides the last bits of what is computed on processors.
ct_torch *_Nullable ct_open(const char *_Nonnull library, int threads);

/// The version: 10000 · major + 100 · minor + patch.
int ct_version(const ct_torch *_Nonnull torch);
/// Threads of torch's own loops.
int ct_threads(const ct_torch *_Nonnull torch);
/// Whether torch was told to leave out algorithms whose bits differ from run to run.
bool ct_is_deterministic(const ct_torch *_Nonnull torch);

/// A device by torch's name for it, `cpu` or `cuda:1`, which must be there: a number is written to it.
bool ct_find_device(const ct_torch *_Nonnull torch, const char *_Nonnull name, ct_device *_Nonnull found);
/// Whether a device is the processor.
bool ct_is_cpu(const ct_torch *_Nonnull torch, ct_device device);
/// Whether a device is one of CUDA's, or of ROCm, which torch calls so too.
bool ct_is_cuda(const ct_torch *_Nonnull torch, ct_device device);
/// How many devices CUDA or ROCm has; 0 where torch was built without them.
int ct_cuda_count(const ct_torch *_Nonnull torch);
/// Free and all bytes of a device of CUDA's or ROCm's; false where they aren't known.
bool ct_memory(
    const ct_torch *_Nonnull torch, ct_device device, size_t *_Nonnull free, size_t *_Nonnull total);

// Memory. Sizes and strides count elements; there are up to 8 axes.

/// A tensor over memory of the host's, which has to outlive it. Rank 0 is a scalar, and goes with any device.
ct_tensor _Nullable ct_borrow(
    const ct_torch *_Nonnull torch, const void *_Nonnull bytes, ct_dtype type, int rank,
    const int64_t *_Nonnull sizes);
/// A contiguous tensor of unspecified contents.
ct_tensor _Nullable ct_empty(
    const ct_torch *_Nonnull torch, ct_device device, ct_dtype type, int rank,
    const int64_t *_Nonnull sizes);
/// Other sizes and strides over the same memory, from an element on.
ct_tensor _Nullable ct_view(
    const ct_torch *_Nonnull torch, ct_tensor _Nonnull x, int rank, const int64_t *_Nonnull sizes,
    const int64_t *_Nonnull strides, int64_t offset);
/// The bytes of a contiguous tensor `[bytes]` as elements of a type, `[bytes / size of one]`.
ct_tensor _Nullable ct_view_as(const ct_torch *_Nonnull torch, ct_tensor _Nonnull x, ct_dtype type);
/// Zeroes all elements.
bool ct_zero(const ct_torch *_Nonnull torch, ct_tensor _Nonnull x);
/// Copies elements, which may have another type, other strides or be on another device; the target is written
/// when this returns, wherever its reader is.
bool ct_copy(const ct_torch *_Nonnull torch, ct_tensor _Nonnull to, ct_tensor _Nonnull from);
/// Gives a tensor back; null is none.
void ct_free(const ct_torch *_Nonnull torch, ct_tensor _Nullable x);

// Copies beside computing: a second stream, and events that keep its order with the one that computes. Where a device
// has none, streams and events are null, what waits for them does nothing, and a copy is done when it returns.
//
// Source: NVIDIA, CUDA Runtime API 12, "Stream Management", "Event Management" and "Memory Management"; AMD, HIP
// Runtime API, the same.

/// Copies in an order of their own.
typedef struct ct_stream_object *ct_stream;
/// A place in a stream's order.
typedef struct ct_event_object *ct_event;

/// Whether a device has them.
bool ct_has_streams(const ct_torch *_Nonnull torch, ct_device device);
/// A stream that doesn't wait for the one that computes.
ct_stream _Nullable ct_new_stream(const ct_torch *_Nonnull torch, ct_device device);
/// Gives it back; null is none.
void ct_free_stream(const ct_torch *_Nonnull torch, ct_stream _Nullable stream);
/// An event that nothing waits for yet.
ct_event _Nullable ct_new_event(const ct_torch *_Nonnull torch, ct_device device);
/// Gives it back; null is none.
void ct_free_event(const ct_torch *_Nonnull torch, ct_event _Nullable event);
/// Puts an event behind all that a stream was told so far; without a stream, the one that computes.
bool ct_record(
    const ct_torch *_Nonnull torch, ct_device device, ct_event _Nullable event,
    ct_stream _Nullable stream);
/// Has a stream, without one the one that computes, do nothing more before an event.
bool ct_await(
    const ct_torch *_Nonnull torch, ct_device device, ct_stream _Nullable stream,
    ct_event _Nullable event);
/// Returns after an event.
bool ct_finish(const ct_torch *_Nonnull torch, ct_event _Nullable event);
/// Memory of the host's that a device with streams copies from by itself; elsewhere any.
void *_Nullable ct_new_pinned(const ct_torch *_Nonnull torch, ct_device device, size_t count);
/// Gives it back; null is none.
void ct_free_pinned(const ct_torch *_Nonnull torch, ct_device device, void *_Nullable memory);
/// Has a stream copy bytes of such memory, which has to stay as it is until then, to the beginning of a contiguous
/// tensor of bytes.
bool ct_upload(
    const ct_torch *_Nonnull torch, ct_device device, ct_tensor _Nonnull to,
    const void *_Nonnull from, size_t count, ct_stream _Nullable stream);

// Arithmetic. Results are new tensors; a bfloat16 tensor with a float32 one, neither a scalar, gives float32.

/// a · b of matrices `[m, k]` and `[k, n]`, of one type.
ct_tensor _Nullable ct_mm(
    const ct_torch *_Nonnull torch, ct_tensor _Nonnull a, ct_tensor _Nonnull b);
/// The same of as many matrices as the first axis has.
ct_tensor _Nullable ct_bmm(
    const ct_torch *_Nonnull torch, ct_tensor _Nonnull a, ct_tensor _Nonnull b);
/// a · b element by element, sizes of 1 repeated.
ct_tensor _Nullable ct_multiply(
    const ct_torch *_Nonnull torch, ct_tensor _Nonnull a, ct_tensor _Nonnull b);
/// a - alpha · b element by element, sizes of 1 repeated.
ct_tensor _Nullable ct_subtract(
    const ct_torch *_Nonnull torch, ct_tensor _Nonnull a, ct_tensor _Nonnull b, double alpha);
/// Sums over an axis, which is then gone or has size 1.
ct_tensor _Nullable ct_sum(
    const ct_torch *_Nonnull torch, ct_tensor _Nonnull x, int64_t axis, bool keeps_axis);
/// Means over the last axis, which then has size 1.
ct_tensor _Nullable ct_means(const ct_torch *_Nonnull torch, ct_tensor _Nonnull x);
/// 1 / sqrt(x).
ct_tensor _Nullable ct_reciprocal_root(const ct_torch *_Nonnull torch, ct_tensor _Nonnull x);
/// GELU, by tanh or by erf.
ct_tensor _Nullable ct_gelu(const ct_torch *_Nonnull torch, ct_tensor _Nonnull x, bool by_tanh);
/// dy · gelu'(x).
ct_tensor _Nullable ct_gelu_backward(
    const ct_torch *_Nonnull torch, ct_tensor _Nonnull dy, ct_tensor _Nonnull x, bool by_tanh);
/// x · sigmoid(x).
ct_tensor _Nullable ct_silu(const ct_torch *_Nonnull torch, ct_tensor _Nonnull x);
/// dy · silu'(x).
ct_tensor _Nullable ct_silu_backward(
    const ct_torch *_Nonnull torch, ct_tensor _Nonnull dy, ct_tensor _Nonnull x);
/// A convolution of `[1, channels, height, width]` with `[outChannels, channels, taps, taps]`, all of one type.
ct_tensor _Nullable ct_convolution(
    const ct_torch *_Nonnull torch, ct_tensor _Nonnull x, ct_tensor _Nonnull weight,
    ct_tensor _Nonnull bias, int64_t stride, int64_t padding);
/// Softmax over the last axis.
ct_tensor _Nullable ct_softmax(const ct_torch *_Nonnull torch, ct_tensor _Nonnull x);
/// The gradient of what a float32 softmax y was made of.
ct_tensor _Nullable ct_softmax_backward(
    const ct_torch *_Nonnull torch, ct_tensor _Nonnull dy, ct_tensor _Nonnull y);

/// softmax(scale · q · kᵀ) · v by torch's flash attention, of `[1, heads, tokens, channels]`.
///
/// - `on_cpu`: whether by the processor's or CUDA's. CUDA's takes bfloat16 and channels in eights up to 256.
/// - `is_causal`: whether a query sees only keys up to its own place.
ct_tensor _Nullable ct_attention(
    const ct_torch *_Nonnull torch, bool on_cpu, ct_tensor _Nonnull q, ct_tensor _Nonnull k,
    ct_tensor _Nonnull v, double scale, bool is_causal);
/// The gradients of q, k and v for a gradient of the output, which is computed again.
bool ct_attention_backward(
    const ct_torch *_Nonnull torch, bool on_cpu, ct_tensor _Nonnull dy, ct_tensor _Nonnull q,
    ct_tensor _Nonnull k, ct_tensor _Nonnull v, double scale, bool is_causal,
    ct_tensor _Nullable *_Nonnull dq, ct_tensor _Nullable *_Nonnull dk,
    ct_tensor _Nullable *_Nonnull dv);
/// Calls CUDA's flash attention and its gradient with tensors of the processor's: each has to refuse them for
/// want of a kernel, and not for its arguments. How many of the two do.
int ct_probe_cuda_attention(
    const ct_torch *_Nonnull torch, ct_tensor _Nonnull q, ct_tensor _Nonnull lse);

#endif
