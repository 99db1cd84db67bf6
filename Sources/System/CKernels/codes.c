#include "CKernels.h"
#include "multiversion.h"

#pragma clang fp contract(off)

// Sources: Comfy-Org/comfy-kitchen 0.2.40, `comfy_kitchen/backends/eager/quantization.py` and
// `convrot_w4a4.py`, `comfy_kitchen/float_utils.py`; OCP Microscaling Formats (MX) 1.0, section 5.3.3
// (E2M1).

/// A float32 that may lie anywhere.
typedef float ck_any_float __attribute__((aligned(1)));

CK_MULTIVERSION
void ck_i8_to_f32(const void *codes, void *output, size_t count) {
  const int8_t *q = codes;
  ck_any_float *y = output;
  for (size_t i = 0; i < count; i++) y[i] = (float)q[i];
}

/// What the sixteen codes of E2M1 stand for.
static const float e2m1[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                               -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};

CK_MULTIVERSION
void ck_e2m1_to_f32(const void *codes, void *output, size_t count) {
  const uint8_t *q = codes;
  ck_any_float *y = output;
  for (size_t i = 0; i < count; i++) {
    y[2 * i] = e2m1[q[i] & 15];
    y[2 * i + 1] = e2m1[q[i] >> 4];
  }
}

CK_MULTIVERSION
void ck_e2m1_high_to_f32(const void *codes, void *output, size_t count) {
  const uint8_t *q = codes;
  ck_any_float *y = output;
  for (size_t i = 0; i < count; i++) {
    y[2 * i] = e2m1[q[i] >> 4];
    y[2 * i + 1] = e2m1[q[i] & 15];
  }
}

/// Multiplies a group of integers by the matrix, axis by axis of its Kronecker product, and by the power
/// of two: sums of at most 1024 integers of eight bits are exact.
CK_INLINE void rotate(int32_t *sums, size_t size, ck_any_float *y) {
  float factor = 1;
  for (size_t step = 1; step < size; step *= 4) {
    factor *= 0.5f;
    for (size_t first = 0; first < size; first += 4 * step) {
      for (size_t i = first; i < first + step; i++) {
        int32_t a = sums[i], b = sums[i + step], c = sums[i + 2 * step], d = sums[i + 3 * step];
        int32_t sum = a + b + c + d;
        sums[i] = sum - 2 * d;
        sums[i + step] = sum - 2 * c;
        sums[i + 2 * step] = sum - 2 * b;
        sums[i + 3 * step] = sum - 2 * a;
      }
    }
  }
  for (size_t i = 0; i < size; i++) y[i] = (float)sums[i] * factor;
}

CK_MULTIVERSION
void ck_rotated_i8_to_f32(const void *codes, void *output, size_t count, size_t group) {
  const int8_t *q = codes;
  ck_any_float *y = output;
  int32_t integers[1024];
  for (size_t g = 0; g < count; g++, q += group, y += group) {
    for (size_t i = 0; i < group; i++) integers[i] = q[i];
    rotate(integers, group, y);
  }
}

CK_MULTIVERSION
void ck_rotated_i4_to_f32(const void *codes, void *output, size_t count, size_t group) {
  const uint8_t *q = codes;
  ck_any_float *y = output;
  int32_t integers[1024];
  for (size_t g = 0; g < count; g++, q += group / 2, y += group) {
    for (size_t i = 0; i < group / 2; i++) {
      integers[2 * i] = ((q[i] & 15) ^ 8) - 8;
      integers[2 * i + 1] = ((q[i] >> 4) ^ 8) - 8;
    }
    rotate(integers, group, y);
  }
}

CK_MULTIVERSION
void ck_scale_runs(float *values, size_t count, const float *factors, size_t run, size_t skip) {
  size_t length = run - skip;
  for (size_t start = 0; start < count; start += length, length = run) {
    size_t end = length < count - start ? start + length : count;
    float factor = *factors++;
    for (size_t i = start; i < end; i++) values[i] *= factor;
    if (end == count) break;
  }
}
