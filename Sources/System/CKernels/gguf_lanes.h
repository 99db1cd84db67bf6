#ifndef CK_GGUF_LANES_H
#define CK_GGUF_LANES_H

#include "gguf.h"

// Shared by the searches for scales: sixteen sub-blocks at once, one in each lane, so that every sum
// keeps the order that it has when one sub-block is searched after the other.

#pragma clang fp contract(off)

enum { lane_count = 16 };
typedef float lanes __attribute__((vector_size(4 * lane_count)));
typedef int32_t lane_mask __attribute__((vector_size(4 * lane_count)));

CK_INLINE void choose(const lane_mask *mask, const lanes *yes, lanes *value) {
  *value = (lanes)((*mask & (lane_mask)*yes) | (~*mask & (lane_mask)*value));
}

/// Rounds to nearest, ties to even, and clamps to whole numbers; for magnitudes below 2^22 before.
CK_INLINE void round_between(lanes *value, float low, float high) {
  lanes bottom = (lanes){} + low, top = (lanes){} + high;
  *value = (*value + 12582912.0f) - 12582912.0f;
  lane_mask above = *value > top, below = *value < bottom;
  choose(&above, &top, value);
  choose(&below, &bottom, value);
}

/// A scaled element as a code from `low` to `high`; any number, also one that isn't finite.
CK_INLINE int code_between(float value, float low, float high) {
  value = value > low ? value : low;
  value = value < high ? value : high;
  return (int)((value + 12582912.0f) - 12582912.0f);
}

/// x[i][lane] is element i of the sub-block of that lane.
CK_INLINE void transpose(const ck_anywhere *x, int size, lanes *transposed) {
  for (int i = 0; i < size; i++) {
    for (int lane = 0; lane < lane_count; lane++) transposed[i][lane] = x[lane * size + i];
  }
}

CK_INLINE int is_finite(const ck_anywhere *x) {
  uint32_t largest = 0;
  for (int i = 0; i < 256; i++) {
    uint32_t magnitude = ck_magnitude_bits(x[i]);
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest < CK_INFINITY_BITS;
}

/// A block that comes back as NaN: the half at `scale` is one.
CK_INLINE void store_not_finite(uint8_t *block, size_t size, int scale) {
  memset(block, 0, size);
  block[scale + 1] = 0x7e;
}

#endif
