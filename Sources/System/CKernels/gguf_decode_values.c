#include "gguf_values.h"

#pragma clang fp contract(off)

// Types whose codes are looked up, and those of two or three values.
//
// Source: ggml-org/llama.cpp, `gguf-py/gguf/quants.py`, `dequantize_blocks` of each type; of Q1_0
// `ggml/src/ggml-quants.c`, `dequantize_row_q1_0`.

/// Elements whose codes are in pairs of nibbles, the low ones first: `half` of each.
CK_INLINE void look_up(const uint8_t *q, int half, float scale, const int8_t *values,
                       ck_anywhere *y) {
  for (int i = 0; i < half; i++) {
    y[i] = scale * (float)values[q[i] & 15];
    y[i + half] = scale * (float)values[q[i] >> 4];
  }
}

CK_MULTIVERSION
void ck_iq4_nl_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 18, y += 32) {
    look_up(block + 2, 16, ck_load_half(block), ck_iq4_values, y);
  }
}

CK_MULTIVERSION
void ck_iq4_xs_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 136, y += 256) {
    float d = ck_load_half(block);
    uint32_t high = block[2] | (uint32_t)block[3] << 8;
    for (int s = 0; s < 8; s++) {
      // Six bits: four of the low ones in a nibble, two in the word.
      int low = block[4 + s / 2] >> (s % 2 * 4) & 15;
      float scale = d * (float)((low | (int)(high >> (2 * s) & 3) << 4) - 32);
      look_up(block + 8 + s * 16, 16, scale, ck_iq4_values, y + s * 32);
    }
  }
}

CK_MULTIVERSION
void ck_mxfp4_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 17, y += 32) {
    // Half of 2 to the power of the byte less 127: two of them are below the least normal float32.
    uint32_t bits = block[0] < 2 ? 0x00200000u << block[0] : (uint32_t)(block[0] - 1) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    look_up(block + 1, 16, scale, ck_e2m1_doubled, y);
  }
}

/// Half of what a scale of NVFP4 says: E4M3 without a sign, whose NaN counts as zero.
CK_INLINE float load_nvfp4_scale(uint8_t code) {
  int exponent = code >> 3 & 15;
  float fraction = (float)(code & 7);
  if (code == 0x7f) return 0.0f;
  if (exponent == 0) return fraction * 0x1p-9f * 0.5f;
  uint32_t bits = (uint32_t)(exponent + 120) << 23;
  float power;
  memcpy(&power, &bits, sizeof power);
  return (1.0f + fraction / 8.0f) * power * 0.5f;
}

CK_MULTIVERSION
void ck_nvfp4_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 36, y += 64) {
    for (int s = 0; s < 4; s++) {
      look_up(block + 4 + s * 8, 8, load_nvfp4_scale(block[s]), ck_e2m1_doubled, y + s * 16);
    }
  }
}

/// Elements of three values in a byte each of which is multiplied by a power of three first.
CK_INLINE void load_ternary(const uint8_t *q, int bytes, int digits, float d, ck_anywhere *y) {
  uint32_t power = 1;
  for (int digit = 0; digit < digits; digit++, power *= 3, y += bytes) {
    for (int i = 0; i < bytes; i++) {
      // The byte is a fraction of 256; what is above it after a multiplication by 3 is the digit.
      uint32_t rest = q[i] * power & 255;
      y[i] = d * (float)((int)(rest * 3 >> 8) - 1);
    }
  }
}

CK_MULTIVERSION
void ck_tq1_0_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 54, y += 256) {
    float d = ck_load_half(block + 52);
    load_ternary(block, 32, 5, d, y);
    load_ternary(block + 32, 16, 5, d, y + 160);
    load_ternary(block + 48, 4, 4, d, y + 240);
  }
}

CK_MULTIVERSION
void ck_tq2_0_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 66, y += 256) {
    float d = ck_load_half(block + 64);
    for (int s = 0; s < 8; s++) {
      const uint8_t *q = block + s / 4 * 32;
      int shift = s % 4 * 2;
      for (int i = 0; i < 32; i++) y[s * 32 + i] = d * (float)((q[i] >> shift & 3) - 1);
    }
  }
}

CK_MULTIVERSION
void ck_q1_0_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 18, y += 128) {
    float d = ck_load_half(block);
    for (int i = 0; i < 128; i++) y[i] = block[2 + i / 8] >> (i % 8) & 1 ? d : -d;
  }
}
