#include "CKernels.h"
#include "multiversion.h"
#include <string.h>

CK_MULTIVERSION
void ck_bf16_to_f32(const uint16_t *restrict input, float *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = (uint32_t)input[i] << 16;
    memcpy(&output[i], &bits, sizeof bits);
  }
}

CK_MULTIVERSION
void ck_bf16_rows_to_f32(const uint16_t *restrict input, size_t stride, size_t rows,
                         size_t columns, float *restrict output) {
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < columns; i++) {
      uint32_t bits = (uint32_t)input[r * stride + i] << 16;
      memcpy(&output[r * columns + i], &bits, sizeof bits);
    }
}

CK_MULTIVERSION
void ck_f32_to_bf16(const float *restrict input, uint16_t *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, &input[i], sizeof bits);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    uint32_t quiet_nan = (bits >> 16) | 0x40u;
    int is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
    output[i] = (uint16_t)(is_nan ? quiet_nan : rounded);
  }
}

CK_MULTIVERSION
void ck_f16_to_f32(const uint16_t *restrict input, float *restrict output, size_t count) {
  const _Float16 *half = (const _Float16 *)input;
  for (size_t i = 0; i < count; i++) output[i] = (float)half[i];
}

CK_MULTIVERSION
void ck_f32_to_f16(const float *restrict input, uint16_t *restrict output, size_t count) {
  _Float16 *half = (_Float16 *)output;
  for (size_t i = 0; i < count; i++) half[i] = (_Float16)input[i];
}

const char *ck_cpu_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return "x86-64-v4";
  if (__builtin_cpu_supports("x86-64-v3")) return "x86-64-v3";
#endif
  return "baseline";
}
