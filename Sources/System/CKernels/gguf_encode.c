#include "gguf.h"

#pragma clang fp contract(off)

// Source: ggml-org/llama.cpp, `gguf-py/gguf/quants.py`, `quantize_blocks` of each type; where a
// division overflows there, which leaves the codes undefined, they are those of zero here.

/// The largest magnitude of a block, as bits.
CK_INLINE uint32_t largest_magnitude(const ck_anywhere *x) {
  uint32_t largest = 0;
  for (int i = 0; i < 32; i++) {
    uint32_t magnitude = ck_magnitude_bits(x[i]);
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

/// 1 / d, or 0 where that is infinite or NaN.
CK_INLINE float reciprocal(float d) {
  float inverse = 1.0f / d;
  return ck_magnitude_bits(inverse) < CK_INFINITY_BITS ? inverse : 0.0f;
}

CK_MULTIVERSION
void ck_f32_to_q8_0(const void *input, void *blocks, size_t count) {
  const ck_anywhere *x = input;
  uint8_t *block = blocks;
  for (size_t b = 0; b < count; b++, block += 34, x += 32) {
    uint32_t bits = largest_magnitude(x);
    float largest;
    memcpy(&largest, &bits, sizeof largest);
    float d = largest / 127.0f;
    float inverse = reciprocal(d);
    ck_store_half(block, d);
    int8_t *q = (int8_t *)block + 2;
    if (bits >= CK_INFINITY_BITS) {
      memset(q, 0, 32);
      continue;
    }
    for (int i = 0; i < 32; i++) {
      float scaled = x[i] * inverse;
      // Half away from zero: what is just under a half, added, lifts no other number too far.
      q[i] = (int8_t)(int32_t)(scaled + __builtin_copysignf(0x1.fffffep-2f, scaled));
    }
  }
}

/// The first element of the largest magnitude, with its sign.
CK_INLINE float extreme(const ck_anywhere *x) {
  uint32_t largest = largest_magnitude(x);
  int32_t first = 31;
  for (int32_t i = 0; i < 32; i++) {
    int32_t place = ck_magnitude_bits(x[i]) == largest ? i : 31;
    first = place < first ? place : first;
  }
  return x[first];
}

/// An integer that compares as the number does: -0 before 0, a NaN before or after all others. It is
/// its own inverse on bits.
CK_INLINE int32_t ordered(int32_t bits) { return bits ^ (bits >> 31 & 0x7fffffff); }

/// The smallest and the largest element.
CK_INLINE void extremes(const ck_anywhere *x, float *minimum, float *maximum) {
  int32_t low = INT32_MAX, high = INT32_MIN;
  for (int i = 0; i < 32; i++) {
    int32_t bits;
    memcpy(&bits, &x[i], sizeof bits);
    bits = ordered(bits);
    low = bits < low ? bits : low;
    high = bits > high ? bits : high;
  }
  low = ordered(low);
  high = ordered(high);
  memcpy(minimum, &low, sizeof low);
  memcpy(maximum, &high, sizeof high);
}

/// Codes of a block without a minimum: the extreme gets code 0, zero the middle one.
CK_INLINE void quantize_symmetric(const ck_anywhere *x, uint8_t *scale, int middle, int32_t *q) {
  float d = extreme(x) / (float)-middle;
  ck_store_half(scale, d);
  float inverse = ck_magnitude_bits(d) < CK_INFINITY_BITS ? reciprocal(d) : 0.0f;
  for (int i = 0; i < 32; i++) {
    float scaled = x[i] * inverse + ((float)middle + 0.5f);
    int32_t code = scaled >= 0.0f ? (int32_t)scaled : middle;
    q[i] = code < 2 * middle ? code : 2 * middle - 1;
  }
}

/// Codes of a block with a minimum, which gets code 0; the maximum gets the largest one.
CK_INLINE void quantize_with_minimum(const ck_anywhere *x, uint8_t *scale, int largest, int32_t *q) {
  float minimum, maximum;
  extremes(x, &minimum, &maximum);
  float d = (maximum - minimum) / (float)largest;
  ck_store_half(scale, d);
  ck_store_half(scale + 2, minimum);
  float inverse = ck_magnitude_bits(d) < CK_INFINITY_BITS ? reciprocal(d) : 0.0f;
  for (int i = 0; i < 32; i++) {
    float scaled = (x[i] - minimum) * inverse + 0.5f;
    int32_t code = scaled >= 0.0f ? (int32_t)scaled : 0;
    q[i] = code < largest ? code : largest;
  }
}

/// The low four bits of a block's codes, element i with element i + 16.
CK_INLINE void store_nibbles(uint8_t *bytes, const int32_t *q) {
  for (int i = 0; i < 16; i++) bytes[i] = (uint8_t)((q[i] & 15) | (q[i + 16] & 15) << 4);
}

/// The fifth bits of a block's codes.
CK_INLINE void store_high_bits(uint8_t *bytes, const int32_t *q) {
  uint32_t bits = 0;
  for (int i = 0; i < 32; i++) bits |= (uint32_t)(q[i] >> 4 & 1) << i;
  memcpy(bytes, &bits, sizeof bits);
}

CK_MULTIVERSION
void ck_f32_to_q4_0(const void *input, void *blocks, size_t count) {
  const ck_anywhere *x = input;
  uint8_t *block = blocks;
  int32_t q[32];
  for (size_t b = 0; b < count; b++, block += 18, x += 32) {
    quantize_symmetric(x, block, 8, q);
    store_nibbles(block + 2, q);
  }
}

CK_MULTIVERSION
void ck_f32_to_q4_1(const void *input, void *blocks, size_t count) {
  const ck_anywhere *x = input;
  uint8_t *block = blocks;
  int32_t q[32];
  for (size_t b = 0; b < count; b++, block += 20, x += 32) {
    quantize_with_minimum(x, block, 15, q);
    store_nibbles(block + 4, q);
  }
}

CK_MULTIVERSION
void ck_f32_to_q5_0(const void *input, void *blocks, size_t count) {
  const ck_anywhere *x = input;
  uint8_t *block = blocks;
  int32_t q[32];
  for (size_t b = 0; b < count; b++, block += 22, x += 32) {
    quantize_symmetric(x, block, 16, q);
    store_high_bits(block + 2, q);
    store_nibbles(block + 6, q);
  }
}

CK_MULTIVERSION
void ck_f32_to_q5_1(const void *input, void *blocks, size_t count) {
  const ck_anywhere *x = input;
  uint8_t *block = blocks;
  int32_t q[32];
  for (size_t b = 0; b < count; b++, block += 24, x += 32) {
    quantize_with_minimum(x, block, 31, q);
    store_high_bits(block + 4, q);
    store_nibbles(block + 8, q);
  }
}
