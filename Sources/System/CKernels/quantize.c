#include "CKernelsCodes.h"
#include "bits.h"
#include "float8.h"
#include "multiversion.h"

#include <string.h>

#pragma clang fp contract(off)

// Weights become codes that factors stand beside. Everything is in float32, quotients are divisions.
//
// Sources: Comfy-Org/comfy-kitchen 0.2.40, `comfy_kitchen/backends/eager/quantization.py`,
// `quantize_int8_rowwise`, `quantize_nvfp4`, `quantize_mxfp8`, and `comfy_kitchen/float_utils.py`,
// `_f32_to_floatx_unpacked`: the same arithmetic, so the same bytes for weights in float32.

enum { NVFP4_BLOCK = 16, MXFP8_BLOCK = 32 };

/// The bits of the largest magnitude, which are ordered like magnitudes; not finite where one is not.
CK_INLINE uint32_t largest_bits(const float *x, size_t count) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t magnitude = bits_of(x[i]) & 0x7fffffffu;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

CK_MULTIVERSION
size_t ck_f32_to_i8(float *values, float factor, void *codes, size_t count) {
  int8_t *q = codes;
  size_t others = 0;
  // Adding and taking away this rounds to integers, ties to even.
  const float shift = 0x1.8p23f;
  for (size_t i = 0; i < count; i++) {
    others += (bits_of(values[i]) & 0x7f800000u) == 0x7f800000u;
    float rounded = values[i] / factor + shift - shift;
    // What is no number fails the first comparison.
    rounded = rounded >= -128.0f ? rounded : -128.0f;
    rounded = rounded <= 127.0f ? rounded : 127.0f;
    q[i] = (int8_t)(int32_t)rounded;
    values[i] = rounded * factor;
  }
  return others;
}

/// The factor of a block of nvfp4, to be multiplied by that of the whole.
CK_INLINE rounded8 nvfp4_factor(uint32_t largest, float whole) {
  float wanted = float_of(largest) / 6.0f / whole;
  return round_e4m3(wanted < 448.0f ? wanted : 448.0f);
}

CK_MULTIVERSION
void ck_nvfp4_factors(const float *values, float whole, void *factors, size_t count) {
  uint8_t *f = factors;
  for (size_t b = 0; b < count; b++) {
    f[b] = (uint8_t)nvfp4_factor(largest_bits(values + b * NVFP4_BLOCK, NVFP4_BLOCK), whole).code;
  }
}

/// The nearest element of E2M1, ties to even: its code, and the bits of its number.
CK_INLINE rounded8 round_e2m1(float number) {
  uint32_t sign = bits_of(number) & 0x80000000u;
  float magnitude = float_of(bits_of(number) & 0x7fffffffu);
  magnitude = magnitude < 6.0f ? magnitude : 6.0f;
  uint32_t bits = bits_of(magnitude);
  uint32_t normal = (bits + 0x1fffffu + (bits >> 22 & 1u)) >> 22;
  // Below 1 there are steps of a half, which are those of this number's last place.
  float steps = magnitude + 0x1p22f;
  int is_normal = bits >= 0x3f800000u;
  uint32_t code = is_normal ? normal - 252u : bits_of(steps) - bits_of(0x1p22f);
  uint32_t value = is_normal ? normal << 22 : bits_of(steps - 0x1p22f);
  return (rounded8){sign >> 28 | code, sign | value};
}

// Factors that are made side by side, which is much faster than one by one.
enum { NVFP4_TOGETHER = 16 };

CK_MULTIVERSION
size_t ck_f32_to_nvfp4(float *values, float whole, void *codes, void *factors, size_t count) {
  uint8_t *q = codes, *f = factors;
  size_t others = 0;
  for (size_t first = 0; first < count; first += NVFP4_TOGETHER) {
    size_t blocks = count - first < NVFP4_TOGETHER ? count - first : NVFP4_TOGETHER;
    uint32_t largest[NVFP4_TOGETHER] = {0}, own[NVFP4_TOGETHER];
    float factor[NVFP4_TOGETHER];
    for (size_t b = 0; b < blocks; b++) {
      largest[b] = largest_bits(values + b * NVFP4_BLOCK, NVFP4_BLOCK);
    }
    for (size_t b = 0; b < NVFP4_TOGETHER; b++) {
      rounded8 rounded = nvfp4_factor(largest[b], whole);
      own[b] = rounded.code;
      factor[b] = whole * float_of(rounded.bits);
      others += largest[b] >= 0x7f800000u;
    }
    for (size_t b = 0; b < blocks; b++, values += NVFP4_BLOCK, q += NVFP4_BLOCK / 2) {
      f[first + b] = (uint8_t)own[b];
      // A block whose factor is rounded to zero is zero, whatever its signs.
      float divisor = factor[b] == 0 ? 1.0f : factor[b];
      uint32_t mask = factor[b] == 0 ? 0 : 0xffffffffu;
      uint32_t found[NVFP4_BLOCK];
      for (size_t i = 0; i < NVFP4_BLOCK; i++) {
        rounded8 rounded = round_e2m1(float_of(bits_of(values[i] / divisor) & mask));
        found[i] = rounded.code;
        values[i] = float_of(rounded.bits) * factor[b];
      }
      // As pairs in one number, the first in the low half.
      uint64_t pairs[NVFP4_BLOCK / 2];
      memcpy(pairs, found, sizeof pairs);
      for (size_t i = 0; i < NVFP4_BLOCK / 2; i++) {
        q[i] = (uint8_t)(pairs[i] << 4 | pairs[i] >> 32);
      }
    }
  }
  return others;
}

/// The exponent of a block of mxfp8, as its factor's code has it: that of the smallest power of two that is
/// no less than the largest magnitude / 448, whose logarithm is rounded to float32 first, so that a
/// quotient a few units above a power of two may be taken for it. A block of zeros has the code 0;
/// blocks too small for the code 1 have that.
CK_INLINE uint32_t mxfp8_exponent(uint32_t largest) {
  uint32_t wanted = bits_of(float_of(largest) / 448.0f);
  uint32_t exponent = wanted >> 23;
  // ln(1 + m) is m - m²/2 where m is so small that it matters.
  double part = (double)(wanted & 0x7fffffu) * 0x1p-23;
  double power = (double)exponent - 127.0;
  float logarithm = (float)(power + part * 0x1.71547652b82fep0 * (1 - 0.5 * part));
  exponent += logarithm > (float)power;
  exponent = exponent < 1 ? 1 : exponent > 254 ? 254 : exponent;
  return largest == 0 ? 0 : exponent;
}

CK_MULTIVERSION
void ck_mxfp8_factors(const float *values, void *factors, size_t count) {
  uint8_t *f = factors;
  for (size_t b = 0; b < count; b++) {
    f[b] = (uint8_t)mxfp8_exponent(largest_bits(values + b * MXFP8_BLOCK, MXFP8_BLOCK));
  }
}

CK_MULTIVERSION
size_t ck_f32_to_mxfp8(float *values, void *codes, void *factors, size_t count) {
  uint8_t *q = codes, *f = factors;
  size_t others = 0;
  for (size_t b = 0; b < count; b++, values += MXFP8_BLOCK, q += MXFP8_BLOCK) {
    uint32_t largest = largest_bits(values, MXFP8_BLOCK);
    others += largest >= 0x7f800000u;
    uint32_t exponent = mxfp8_exponent(largest);
    f[b] = (uint8_t)exponent;
    // Both powers of two are normal numbers, so that products with them are exact or rounded once.
    float factor = float_of(exponent << 23), inverse = float_of((254u - exponent) << 23);
    uint32_t mask = largest == 0 ? 0 : 0xffffffffu;
    for (size_t i = 0; i < MXFP8_BLOCK; i++) {
      rounded8 rounded = round_e4m3(float_of(bits_of(values[i] * inverse) & mask));
      q[i] = (uint8_t)rounded.code;
      values[i] = float_of(rounded.bits) * factor;
    }
  }
  return others;
}
