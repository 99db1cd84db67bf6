#ifndef CK_GGUF_H
#define CK_GGUF_H

#include "CKernels.h"
#include "multiversion.h"
#include <string.h>

// Shared by the kernels of GGUF's block types. Blocks are byte arrays, since nothing in a file is
// aligned.

/// A float32 that may lie anywhere.
typedef float ck_anywhere __attribute__((aligned(1)));

/// The half at `bytes` as float32.
CK_INLINE float ck_load_half(const uint8_t *bytes) {
  _Float16 half;
  memcpy(&half, bytes, sizeof half);
  return (float)half;
}

/// Stores a float32 at `bytes` as a half, rounded to nearest even.
CK_INLINE void ck_store_half(uint8_t *bytes, float value) {
  _Float16 half = (_Float16)value;
  memcpy(bytes, &half, sizeof half);
}

/// The bits of a float32's magnitude: they compare as magnitudes do, with NaN the largest.
CK_INLINE uint32_t ck_magnitude_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits & 0x7fffffffu;
}

/// The magnitude bits of infinity: from there on nothing is finite.
#define CK_INFINITY_BITS 0x7f800000u

/// Scale and minimum of sub-block `index` of Q4_K and Q5_K: eight pairs of six bits in 12 bytes.
CK_INLINE void ck_load_scale_min(const uint8_t *packed, int index, float *scale, float *minimum) {
  if (index < 4) {
    *scale = packed[index] & 63;
    *minimum = packed[index + 4] & 63;
  } else {
    *scale = (packed[index + 4] & 15) | (packed[index - 4] >> 6 << 4);
    *minimum = (packed[index + 4] >> 4) | (packed[index] >> 6 << 4);
  }
}

#endif
