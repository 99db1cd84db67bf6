#include <string.h>

#include "dispatcher.h"

/// A list of numbers.
static word list(const ct_torch *torch, int count, const int64_t *items) {
  void *made = 0;
  torch->torch_new_list_reserve_size((size_t)count, &made);
  for (int i = 0; i < count; i++) torch->torch_list_push_back(made, (word)items[i]);
  return (word)made;
}

static word text(const ct_torch *torch, const char *x) {
  void *made = 0;
  torch->torch_new_string_handle(x, strlen(x), &made);
  return (word)made;
}

/// The one result of an operation.
static ct_tensor result(
    const ct_torch *torch, const char *name, const char *overload, stack arguments) {
  return call(torch, name, overload, &arguments) ? (ct_tensor)arguments.words[0] : 0;
}

ct_tensor ct_mm(const ct_torch *torch, ct_tensor a, ct_tensor b) {
  return result(torch, "aten::mm", "", (stack){{tensor(torch, a), tensor(torch, b)}});
}

ct_tensor ct_bmm(const ct_torch *torch, ct_tensor a, ct_tensor b) {
  return result(torch, "aten::bmm", "", (stack){{tensor(torch, a), tensor(torch, b)}});
}

ct_tensor ct_view_as(const ct_torch *torch, ct_tensor x, ct_dtype type) {
  return result(
      torch, "aten::view", "dtype", (stack){{tensor(torch, x), (word)ct_type(torch, type)}});
}

ct_tensor ct_multiply(const ct_torch *torch, ct_tensor a, ct_tensor b) {
  return result(torch, "aten::mul", "Tensor", (stack){{tensor(torch, a), tensor(torch, b)}});
}

ct_tensor ct_subtract(const ct_torch *torch, ct_tensor a, ct_tensor b, double alpha) {
  ct_tensor made = 0;
  // The dispatcher takes no scalars, as `add` and `sub` have; this one has a function of its own.
  if (torch->aoti_torch_aten_subtract_Tensor(a, b, alpha, &made)) {
    return ct_fail(torch, "aten::subtract"), (ct_tensor)0;
  }
  return made;
}

ct_tensor ct_sum(const ct_torch *torch, ct_tensor x, int64_t axis, bool keeps_axis) {
  // self, dim, keepdim, dtype
  return result(
      torch, "aten::sum", "dim_IntList",
      (stack){{tensor(torch, x), present(torch, list(torch, 1, &axis)), keeps_axis, 0}});
}

ct_tensor ct_means(const ct_torch *torch, ct_tensor x) {
  return result(
      torch, "aten::mean", "dim",
      (stack){{tensor(torch, x), present(torch, list(torch, 1, (int64_t[]){-1})), true, 0}});
}

ct_tensor ct_reciprocal_root(const ct_torch *torch, ct_tensor x) {
  return result(torch, "aten::rsqrt", "", (stack){{tensor(torch, x)}});
}

static word approximation(const ct_torch *torch, bool by_tanh) {
  return text(torch, by_tanh ? "tanh" : "none");
}

ct_tensor ct_gelu(const ct_torch *torch, ct_tensor x, bool by_tanh) {
  return result(
      torch, "aten::gelu", "", (stack){{tensor(torch, x), approximation(torch, by_tanh)}});
}

ct_tensor ct_gelu_backward(const ct_torch *torch, ct_tensor dy, ct_tensor x, bool by_tanh) {
  return result(
      torch, "aten::gelu_backward", "",
      (stack){{tensor(torch, dy), tensor(torch, x), approximation(torch, by_tanh)}});
}

ct_tensor ct_silu(const ct_torch *torch, ct_tensor x) {
  return result(torch, "aten::silu", "", (stack){{tensor(torch, x)}});
}

ct_tensor ct_silu_backward(const ct_torch *torch, ct_tensor dy, ct_tensor x) {
  return result(
      torch, "aten::silu_backward", "", (stack){{tensor(torch, dy), tensor(torch, x)}});
}

ct_tensor ct_convolution(
    const ct_torch *torch, ct_tensor x, ct_tensor weight, ct_tensor bias, int64_t stride,
    int64_t padding) {
  const int64_t strides[] = {stride, stride}, paddings[] = {padding, padding};
  const int64_t ones[] = {1, 1}, zeros[] = {0, 0};
  // input, weight, bias, stride, padding, dilation, transposed, output_padding, groups
  return result(
      torch, "aten::convolution", "",
      (stack){{tensor(torch, x), tensor(torch, weight), present(torch, tensor(torch, bias)),
               list(torch, 2, strides), list(torch, 2, paddings), list(torch, 2, ones), false,
               list(torch, 2, zeros), 1}});
}

ct_tensor ct_softmax(const ct_torch *torch, ct_tensor x) {
  // self, dim, half_to_float
  return result(torch, "aten::_softmax", "", (stack){{tensor(torch, x), (word)-1, false}});
}

ct_tensor ct_softmax_backward(const ct_torch *torch, ct_tensor dy, ct_tensor y) {
  // grad_output, output, dim, input_dtype
  return result(
      torch, "aten::_softmax_backward_data", "",
      (stack){{tensor(torch, dy), tensor(torch, y), (word)-1,
               (word)torch->aoti_torch_dtype_float32()}});
}
