#include "gguf_grids.h"

#pragma clang fp contract(off)

// Types whose codes are rows of a grid: four or eight magnitudes at once, with a sign each.
//
// Source: ggml-org/llama.cpp, `gguf-py/gguf/quants.py`, `dequantize_blocks` of each type.

/// Seven signs, and an eighth that makes the number of negative ones even.
CK_INLINE uint32_t even_signs(uint32_t seven) {
  return seven | (uint32_t)(__builtin_popcount(seven) & 1) << 7;
}

CK_INLINE float sign(uint32_t signs, int i) { return signs >> i & 1 ? -1.0f : 1.0f; }

/// Eight elements of IQ2: two bits each stand for 8, 25 and 43.
CK_INLINE void load_row_of_iq2(uint16_t row, uint32_t signs, float scale, ck_anywhere *y) {
  for (int i = 0; i < 8; i++) {
    int code = row >> (2 * i) & 3;
    y[i] = scale * (float)(8 + 17 * code + (code >> 1)) * sign(signs, i);
  }
}

/// Four elements of IQ3_XXS: three bits each stand for 4, 12 … 52 and 62.
CK_INLINE void load_row_of_iq3_xxs(uint16_t row, uint32_t signs, float scale, ck_anywhere *y) {
  for (int i = 0; i < 4; i++) {
    int code = row >> (3 * i) & 7;
    y[i] = scale * (float)(4 + 8 * code + (code == 7) * 2) * sign(signs, i);
  }
}

/// Four elements of IQ3_S: three bits each stand for 1, 3 … 15.
CK_INLINE void load_row_of_iq3_s(uint16_t row, uint32_t signs, float scale, ck_anywhere *y) {
  for (int i = 0; i < 4; i++) {
    int code = row >> (3 * i) & 7;
    y[i] = scale * (float)(1 + 2 * code) * sign(signs, i);
  }
}

/// Eight elements of IQ1: two bits each stand for -1, 0 and 1; all are shifted.
CK_INLINE void load_row_of_iq1(uint16_t row, float shift, float scale, ck_anywhere *y) {
  for (int i = 0; i < 8; i++) y[i] = scale * ((float)((row >> (2 * i) & 3) - 1) + shift);
}

/// The nibble `index` of bytes, low ones first.
CK_INLINE float nibble(const uint8_t *bytes, int index) {
  return (float)(bytes[index / 2] >> (index % 2 * 4) & 15);
}

CK_INLINE uint32_t load_16(const uint8_t *bytes) { return bytes[0] | (uint32_t)bytes[1] << 8; }

CK_INLINE uint32_t load_32(const uint8_t *bytes) {
  uint32_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

CK_MULTIVERSION
void ck_iq2_xxs_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 66, y += 256) {
    float d = ck_load_half(block);
    for (int s = 0; s < 8; s++) {
      const uint8_t *q = block + 2 + s * 8;
      uint32_t signs = load_32(q + 4);
      float scale = d * (0.5f + (float)(signs >> 28)) * 0.25f;
      for (int k = 0; k < 4; k++) {
        load_row_of_iq2(ck_iq2_xxs_grid[q[k]], even_signs(signs >> (7 * k) & 127), scale,
                        y + s * 32 + k * 8);
      }
    }
  }
}

CK_MULTIVERSION
void ck_iq2_xs_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 74, y += 256) {
    float d = ck_load_half(block);
    for (int k = 0; k < 32; k++) {
      uint32_t q = load_16(block + 2 + 2 * k);
      float scale = d * (0.5f + nibble(block + 66, k / 2)) * 0.25f;
      load_row_of_iq2(ck_iq2_xs_grid[q & 511], even_signs(q >> 9), scale, y + k * 8);
    }
  }
}

CK_MULTIVERSION
void ck_iq2_s_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 82, y += 256) {
    float d = ck_load_half(block);
    for (int k = 0; k < 32; k++) {
      int row = block[2 + k] | (block[66 + k / 4] >> (k % 4 * 2) & 3) << 8;
      float scale = d * (0.5f + nibble(block + 74, k / 2)) * 0.25f;
      load_row_of_iq2(ck_iq2_s_grid[row], block[34 + k], scale, y + k * 8);
    }
  }
}

CK_MULTIVERSION
void ck_iq3_xxs_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 98, y += 256) {
    float d = ck_load_half(block);
    for (int s = 0; s < 8; s++) {
      uint32_t signs = load_32(block + 66 + s * 4);
      float scale = d * (0.5f + (float)(signs >> 28)) * 0.5f;
      for (int k = 0; k < 8; k++) {
        uint32_t eight = even_signs(signs >> (k / 2 * 7) & 127);
        load_row_of_iq3_xxs(ck_iq3_xxs_grid[block[2 + s * 8 + k]], eight >> (k % 2 * 4), scale,
                            y + s * 32 + k * 4);
      }
    }
  }
}

CK_MULTIVERSION
void ck_iq3_s_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 110, y += 256) {
    float d = ck_load_half(block);
    for (int k = 0; k < 64; k++) {
      int row = block[2 + k] | (block[66 + k / 8] >> (k % 8) & 1) << 8;
      float scale = d * (1.0f + 2.0f * nibble(block + 106, k / 8));
      load_row_of_iq3_s(ck_iq3_s_grid[row], block[74 + k / 2] >> (k % 2 * 4), scale, y + k * 4);
    }
  }
}

CK_MULTIVERSION
void ck_iq1_s_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 50, y += 256) {
    float d = ck_load_half(block);
    for (int s = 0; s < 8; s++) {
      uint32_t high = load_16(block + 34 + s * 2);
      float scale = d * (float)(2 * (high >> 12 & 7) + 1);
      float shift = high >> 15 ? -0.125f : 0.125f;
      for (int k = 0; k < 4; k++) {
        uint32_t row = block[2 + s * 4 + k] | (high >> (3 * k) & 7) << 8;
        load_row_of_iq1(ck_iq1_grid[row], shift, scale, y + s * 32 + k * 8);
      }
    }
  }
}

CK_MULTIVERSION
void ck_iq1_m_to_f32(const void *blocks, void *output, size_t count) {
  const uint8_t *block = blocks;
  ck_anywhere *y = output;
  for (size_t b = 0; b < count; b++, block += 56, y += 256) {
    const uint8_t *scales = block + 48;
    // The half is in the highest four bits of each word of scales.
    uint8_t half[2] = {(uint8_t)(scales[1] >> 4 | (scales[3] & 0xf0)),
                       (uint8_t)(scales[5] >> 4 | (scales[7] & 0xf0))};
    float d = ck_load_half(half);
    for (int k = 0; k < 32; k++) {
      uint32_t high = block[32 + k / 2] >> (k % 2 * 4) & 15;
      uint32_t row = block[k] | (high & 7) << 8;
      uint32_t code = load_16(scales + k / 8 * 2) >> (k / 2 % 4 * 3) & 7;
      load_row_of_iq1(ck_iq1_grid[row], high & 8 ? -0.125f : 0.125f,
                      d * (float)(2 * code + 1), y + k * 8);
    }
  }
}
