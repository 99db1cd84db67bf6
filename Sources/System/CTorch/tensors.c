#include "torch.h"

int32_t ct_type(const ct_torch *torch, ct_dtype type) {
  switch (type) {
    case CT_BFLOAT16: return torch->aoti_torch_dtype_bfloat16();
    case CT_FLOAT16: return torch->aoti_torch_dtype_float16();
    case CT_FLOAT8_E4M3: return torch->aoti_torch_dtype_float8_e4m3fn();
    case CT_FLOAT8_E5M2: return torch->aoti_torch_dtype_float8_e5m2();
    case CT_BYTE: return torch->aoti_torch_dtype_uint8();
    default: return torch->aoti_torch_dtype_float32();
  }
}

static void contiguous(int rank, const int64_t *sizes, int64_t *strides) {
  int64_t stride = 1;
  for (int axis = rank; axis-- > 0; stride *= sizes[axis]) strides[axis] = stride;
}

ct_tensor ct_borrow(
    const ct_torch *torch, const void *bytes, ct_dtype type, int rank, const int64_t *sizes) {
  int64_t strides[8];
  ct_tensor made = 0;
  contiguous(rank, sizes, strides);
  if (torch->aoti_torch_create_tensor_from_blob_v2(
          (void *)bytes, rank, sizes, strides, 0, ct_type(torch, type),
          torch->aoti_torch_device_type_cpu(), -1, &made, torch->aoti_torch_layout_strided(), 0, 0)) {
    return ct_fail(torch, "memory of the host"), (ct_tensor)0;
  }
  return made;
}

ct_tensor ct_empty(
    const ct_torch *torch, ct_device device, ct_dtype type, int rank, const int64_t *sizes) {
  int64_t strides[8];
  ct_tensor made = 0;
  contiguous(rank, sizes, strides);
  if (torch->aoti_torch_empty_strided(
          rank, sizes, strides, ct_type(torch, type), device.type, device.index, &made)) {
    return ct_fail(torch, "memory of the device"), (ct_tensor)0;
  }
  return made;
}

ct_tensor ct_view(
    const ct_torch *torch, ct_tensor x, int rank, const int64_t *sizes, const int64_t *strides,
    int64_t offset) {
  ct_tensor made = 0;
  if (torch->aoti_torch__reinterpret_tensor(x, rank, sizes, strides, offset, &made)) {
    return ct_fail(torch, "view"), (ct_tensor)0;
  }
  return made;
}

bool ct_zero(const ct_torch *torch, ct_tensor x) {
  if (torch->aoti_torch_zero_(x)) return ct_fail(torch, "zero"), false;
  return true;
}

bool ct_copy(const ct_torch *torch, ct_tensor to, ct_tensor from) {
  if (torch->aoti_torch_copy_(to, from, 0)) return ct_fail(torch, "copy"), false;
  return true;
}

void ct_free(const ct_torch *torch, ct_tensor x) {
  if (!x) return;
  torch->aoti_torch_delete_tensor_object(x);
}
