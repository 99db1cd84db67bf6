#include "gguf.h"

#pragma clang fp contract(off)

// Source: ggml-org/llama.cpp, `gguf-py/gguf/quants.py`, `dequantize_blocks` of each type.

// Thirty-two elements a block.

CK_MULTIVERSION
void ck_q8_0_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 34, y += 32) {
    float d = ck_load_half(block);
    const int8_t *q = (const int8_t *)block + 2;
    for (int i = 0; i < 32; i++) y[i] = d * (float)q[i];
  }
}

CK_MULTIVERSION
void ck_q4_0_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 18, y += 32) {
    float d = ck_load_half(block);
    const uint8_t *q = block + 2;
    for (int i = 0; i < 16; i++) {
      y[i] = d * (float)((q[i] & 15) - 8);
      y[i + 16] = d * (float)((q[i] >> 4) - 8);
    }
  }
}

CK_MULTIVERSION
void ck_q4_1_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 20, y += 32) {
    float d = ck_load_half(block);
    float m = ck_load_half(block + 2);
    const uint8_t *q = block + 4;
    for (int i = 0; i < 16; i++) {
      y[i] = d * (float)(q[i] & 15) + m;
      y[i + 16] = d * (float)(q[i] >> 4) + m;
    }
  }
}

/// The five-bit codes of a block of Q5_0 or Q5_1: low bits in pairs of nibbles, high bits in a word.
CK_INLINE void load_five_bits(const uint8_t *high, const uint8_t *low, int32_t *q) {
  uint32_t bits;
  memcpy(&bits, high, sizeof bits);
  for (int i = 0; i < 16; i++) q[i] = (low[i] & 15) | (int32_t)((bits >> i & 1) << 4);
  for (int i = 0; i < 16; i++) q[i + 16] = (low[i] >> 4) | (int32_t)((bits >> (i + 16) & 1) << 4);
}

CK_MULTIVERSION
void ck_q5_0_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 22, y += 32) {
    float d = ck_load_half(block);
    int32_t q[32];
    load_five_bits(block + 2, block + 6, q);
    for (int i = 0; i < 32; i++) y[i] = d * (float)(q[i] - 16);
  }
}

CK_MULTIVERSION
void ck_q5_1_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 24, y += 32) {
    float d = ck_load_half(block);
    float m = ck_load_half(block + 2);
    int32_t q[32];
    load_five_bits(block + 4, block + 8, q);
    for (int i = 0; i < 32; i++) y[i] = d * (float)q[i] + m;
  }
}

// Two hundred and fifty-six elements a block, in sub-blocks with scales of their own.

CK_MULTIVERSION
void ck_q2_k_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 84, y += 256) {
    float d = ck_load_half(block + 80);
    float dmin = ck_load_half(block + 82);
    // Sub-block s: 16 elements, two bits each, at this byte and shift.
    for (int s = 0; s < 16; s++) {
      const uint8_t *q = block + 16 + s / 8 * 32 + s % 2 * 16;
      int shift = s % 8 / 2 * 2;
      float scale = d * (float)(block[s] & 15);
      float minimum = dmin * (float)(block[s] >> 4);
      for (int i = 0; i < 16; i++) y[s * 16 + i] = scale * (float)(q[i] >> shift & 3) - minimum;
    }
  }
}

CK_MULTIVERSION
void ck_q3_k_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 110, y += 256) {
    const uint8_t *scales = block + 96;
    float d = ck_load_half(block + 108);
    for (int s = 0; s < 16; s++) {
      const uint8_t *q = block + 32 + s / 8 * 32 + s % 2 * 16;
      const uint8_t *high = block + s % 2 * 16;
      int shift = s % 8 / 2 * 2;
      // Six bits: four of the low ones in a nibble, two in the last four bytes.
      int low = scales[s % 8] >> (s / 8 * 4) & 15;
      float scale = d * (float)((low | (scales[8 + s % 4] >> (s / 4 * 2) & 3) << 4) - 32);
      // A high bit that is set means that nothing is taken off.
      for (int i = 0; i < 16; i++) {
        int code = (q[i] >> shift & 3) - 4 + (high[i] >> (s / 2) & 1) * 4;
        y[s * 16 + i] = scale * (float)code;
      }
    }
  }
}

CK_MULTIVERSION
void ck_q4_k_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 144, y += 256) {
    float d = ck_load_half(block);
    float dmin = ck_load_half(block + 2);
    for (int s = 0; s < 8; s++) {
      float scale, minimum;
      ck_load_scale_min(block + 4, s, &scale, &minimum);
      scale = d * scale;
      minimum = dmin * minimum;
      const uint8_t *q = block + 16 + s / 2 * 32;
      int shift = s % 2 * 4;
      for (int i = 0; i < 32; i++) y[s * 32 + i] = scale * (float)(q[i] >> shift & 15) - minimum;
    }
  }
}

CK_MULTIVERSION
void ck_q5_k_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 176, y += 256) {
    float d = ck_load_half(block);
    float dmin = ck_load_half(block + 2);
    const uint8_t *high = block + 16;
    for (int s = 0; s < 8; s++) {
      float scale, minimum;
      ck_load_scale_min(block + 4, s, &scale, &minimum);
      scale = d * scale;
      minimum = dmin * minimum;
      const uint8_t *q = block + 48 + s / 2 * 32;
      int shift = s % 2 * 4;
      for (int i = 0; i < 32; i++) {
        int code = (q[i] >> shift & 15) | (high[i] >> s & 1) << 4;
        y[s * 32 + i] = scale * (float)code - minimum;
      }
    }
  }
}

CK_MULTIVERSION
void ck_q6_k_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 210, y += 256) {
    const int8_t *scales = (const int8_t *)block + 192;
    float d = ck_load_half(block + 208);
    for (int s = 0; s < 16; s++) {
      const uint8_t *low = block + s / 8 * 64 + s % 4 * 16;
      const uint8_t *high = block + 128 + s / 8 * 32 + s % 2 * 16;
      int low_shift = s % 8 / 4 * 4;
      int high_shift = s % 8 / 2 * 2;
      float scale = d * (float)scales[s];
      for (int i = 0; i < 16; i++) {
        int code = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
        y[s * 16 + i] = scale * (float)(code - 32);
      }
    }
  }
}
