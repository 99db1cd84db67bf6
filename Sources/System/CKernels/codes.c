#include "CKernels.h"
#include "multiversion.h"

#pragma clang fp contract(off)

// Sources: Comfy-Org/comfy-kitchen 0.2.40, `comfy_kitchen/backends/eager/quantization.py` and
// `convrot_w4a4.py`, `comfy_kitchen/float_utils.py`; OCP Microscaling Formats (MX) 1.0, section 5.3.3
// (E2M1); SDNQ 0.2.8, `packed_int/unpack.py` (U2 to U7, I2 to I7), `quant_utils.py` (sums that are
// turned); bitsandbytes-foundation/bitsandbytes 0.50.2, `functional.py`, `get_4bit_type` (NF4, FP4).

/// A float32 that may lie anywhere.
typedef float ck_any_float __attribute__((aligned(1)));

CK_MULTIVERSION
void ck_i8_to_f32(const void *codes, void *output, size_t count) {
  const int8_t *q = codes;
  ck_any_float *y = output;
  for (size_t i = 0; i < count; i++) y[i] = (float)q[i];
}

CK_MULTIVERSION
void ck_u8_to_f32(const void *codes, void *output, size_t count) {
  const uint8_t *q = codes;
  ck_any_float *y = output;
  for (size_t i = 0; i < count; i++) y[i] = (float)q[i];
}

/// output = 2 * `count` numbers of a table, two codes of four bits a byte; `first` is how far the first of them is
/// shifted.
CK_INLINE void look_up(const void *codes, void *output, size_t count, const float *values,
                       int first) {
  const uint8_t *q = codes;
  ck_any_float *y = output;
  for (size_t i = 0; i < count; i++) {
    y[2 * i] = values[q[i] >> first & 15];
    y[2 * i + 1] = values[q[i] >> (4 - first) & 15];
  }
}

/// What the sixteen codes of E2M1 stand for. Not ggml's table (`ck_e2m1_doubled`), whose integers have no negative
/// zero: both are bit for bit what the programs that wrote the files make of them.
static const float e2m1[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                               -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};

/// Integers without a sign.
static const float u4[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/// Integers that 8 was added to.
static const float i4[16] = {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7};

/// Quantiles of a normal distribution.
static const float nf4[16] = {-1.0f,
                              -0.6961928009986877f,
                              -0.5250730514526367f,
                              -0.39491748809814453f,
                              -0.28444138169288635f,
                              -0.18477343022823334f,
                              -0.09105003625154495f,
                              0.0f,
                              0.07958029955625534f,
                              0.16093020141124725f,
                              0.24611230194568634f,
                              0.33791524171829224f,
                              0.44070982933044434f,
                              0.5626170039176941f,
                              0.7229568362236023f,
                              1.0f};

/// A sign, two bits of exponent and one of mantissa that no other program reads so, as parts of the largest; no
/// negative zero.
static const float fp4[16] = {0.0f,         0.0625f / 12,  8.0f / 12,  1.0f,
                              4.0f / 12,    6.0f / 12,     2.0f / 12,  3.0f / 12,
                              0.0f,         -0.0625f / 12, -8.0f / 12, -1.0f,
                              -4.0f / 12,   -6.0f / 12,    -2.0f / 12, -3.0f / 12};

CK_MULTIVERSION
void ck_e2m1_to_f32(const void *codes, void *output, size_t count) {
  look_up(codes, output, count, e2m1, 0);
}

CK_MULTIVERSION
void ck_e2m1_high_to_f32(const void *codes, void *output, size_t count) {
  look_up(codes, output, count, e2m1, 4);
}

CK_MULTIVERSION
void ck_u4_to_f32(const void *codes, void *output, size_t count) {
  look_up(codes, output, count, u4, 0);
}

CK_MULTIVERSION
void ck_i4_to_f32(const void *codes, void *output, size_t count) {
  look_up(codes, output, count, i4, 0);
}

/// Takes a group of integers apart, see `ck_packed_to_f32`; answers how many bytes it has.
CK_INLINE size_t take_apart(const uint8_t *q, uint8_t *integers, int bits) {
  switch (bits) {
  case 2:
    for (int i = 0; i < 4; i++) integers[i] = q[0] >> 2 * i & 3;
    return 1;
  case 3:
    for (int i = 0; i < 3; i++) {
      integers[i] = q[i] & 7;
      integers[i + 3] = q[i] >> 3 & 7;
    }
    integers[6] = (uint8_t)(q[0] >> 6 | (q[2] >> 6 & 1) << 2);
    integers[7] = (uint8_t)(q[1] >> 6 | q[2] >> 7 << 2);
    return 3;
  case 5:
    for (int i = 0; i < 5; i++) integers[i] = q[i] & 31;
    integers[5] = (uint8_t)(q[0] >> 5 | (q[3] >> 5 & 3) << 3);
    integers[6] = (uint8_t)(q[1] >> 5 | (q[4] >> 5 & 3) << 3);
    integers[7] = (uint8_t)(q[2] >> 5 | q[3] >> 7 << 4 | q[4] >> 7 << 3);
    return 5;
  case 6:
    for (int i = 0; i < 3; i++) integers[i] = q[i] & 63;
    integers[3] = (uint8_t)(q[0] >> 6 << 4 | q[1] >> 6 << 2 | q[2] >> 6);
    return 3;
  default:
    integers[7] = 0;
    for (int i = 0; i < 7; i++) {
      integers[i] = q[i] & 127;
      integers[7] = (uint8_t)(integers[7] << 1 | q[i] >> 7);
    }
    return 7;
  }
}

CK_MULTIVERSION
void ck_packed_to_f32(const void *codes, void *output, size_t count, int bits, int least) {
  const uint8_t *q = codes;
  ck_any_float *y = output;
  uint8_t integers[8];
  size_t length = bits == 2 || bits == 6 ? 4 : 8;
  for (size_t g = 0; g < count; g++, y += length) {
    q += take_apart(q, integers, bits);
    for (size_t i = 0; i < length; i++) y[i] = (float)(integers[i] + least);
  }
}

CK_MULTIVERSION
void ck_nf4_to_f32(const void *codes, void *output, size_t count) {
  look_up(codes, output, count, nf4, 4);
}

CK_MULTIVERSION
void ck_fp4_to_f32(const void *codes, void *output, size_t count) {
  look_up(codes, output, count, fp4, 4);
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

CK_MULTIVERSION
void ck_add_runs(float *values, size_t count, const float *numbers, size_t run, size_t skip) {
  size_t length = run - skip;
  for (size_t start = 0; start < count; start += length, length = run) {
    size_t end = length < count - start ? start + length : count;
    float number = *numbers++;
    for (size_t i = start; i < end; i++) values[i] += number;
    if (end == count) break;
  }
}

CK_MULTIVERSION
void ck_add_products(double *sums, size_t count, double factor, const float *numbers) {
  for (size_t i = 0; i < count; i++) sums[i] += factor * numbers[i];
}

CK_MULTIVERSION
void ck_rotate_sums(double *sums, size_t count, size_t group) {
  // A power of 4 has a whole root.
  double factor = 1;
  size_t size = group;
  for (; size > 2; size /= 4) factor *= 0.5;
  int by_twos = size == 2;
  if (by_twos) factor *= 0x1.6a09e667f3bcdp-1;
  for (double *end = sums + count; sums < end; sums += group) {
    for (size_t step = 1; by_twos && step < group; step *= 2) {
      for (size_t first = 0; first < group; first += 2 * step) {
        for (size_t i = first; i < first + step; i++) {
          double a = sums[i], b = sums[i + step];
          sums[i] = a + b;
          sums[i + step] = a - b;
        }
      }
    }
    for (size_t step = 1; !by_twos && step < group; step *= 4) {
      for (size_t first = 0; first < group; first += 4 * step) {
        for (size_t i = first; i < first + step; i++) {
          double a = sums[i], b = sums[i + step], c = sums[i + 2 * step], d = sums[i + 3 * step];
          sums[i] = (a + b) + (c - d);
          sums[i + step] = (a + b) - (c - d);
          sums[i + 2 * step] = (a - b) + (c + d);
          sums[i + 3 * step] = (b - a) + (c + d);
        }
      }
    }
    for (size_t i = 0; i < group; i++) sums[i] *= factor;
  }
}
