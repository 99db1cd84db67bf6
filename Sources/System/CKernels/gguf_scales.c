#include "gguf_lanes.h"

#pragma clang fp contract(off)

// Q6_K: sub-blocks of 16 elements with a scale each.
//
// Source: ggml-org/llama.cpp, `ggml/src/ggml-quants.c`, `make_qx_quants` and
// `quantize_row_q6_K_ref`: the same arithmetic in the
// same order, so the same bytes.

/// Elements and scales below this count as zero.
static const float least_scale = 1e-15f;

/// What a search found for the sixteen sub-blocks of Q6_K: `scale` times a code, and how the codes
/// were made: `inverse` times the element, rounded.
typedef struct {
  lanes scale, inverse;
} found_scale;

/// The scale with which sub-blocks of 16 come back with the least error, weighted by the squares of
/// the elements: the extreme gets code -32 or a little more or less.
CK_INLINE void search_scale(const lanes *x, found_scale *found) {
  lanes extreme = {}, largest = {}, zero = {};
  for (int i = 0; i < 16; i++) {
    lanes magnitude = __builtin_elementwise_abs(x[i]);
    lane_mask larger = magnitude > largest;
    choose(&larger, &magnitude, &largest);
    choose(&larger, &x[i], &extreme);
  }
  lanes best = {};
  *found = (found_scale){};
  for (int attempt = 0; attempt < 19; attempt++) {
    // First the grid that ends at the extreme, then -9 … -1 and 1 … 9 tenths beyond.
    int tenths = attempt == 0 ? 0 : attempt < 10 ? attempt - 10 : attempt - 9;
    lanes inverse = -(32.0f + 0.1f * (float)tenths) / extreme;
    lanes lx = {}, ll = {};
    for (int i = 0; i < 16; i++) {
      lanes code = inverse * x[i], w = x[i] * x[i];
      round_between(&code, -32, 31);
      lx += w * x[i] * code;
      ll += w * code * code;
    }
    lanes scale = lx / ll, gain = scale * lx;
    lane_mask better = (ll > zero) & (lx * lx > best * ll);
    if (attempt == 0) better = largest > zero;
    choose(&better, &scale, &found->scale);
    choose(&better, &gain, &best);
    choose(&better, &inverse, &found->inverse);
  }
  lanes least = zero + least_scale;
  lane_mask flat = largest < least;
  choose(&flat, &zero, &found->scale);
  choose(&flat, &zero, &found->inverse);
}

/// The codes of a sub-block with the scale that was stored; where that is zero, and codes mean
/// nothing, those of the search.
CK_INLINE void codes_of_scale(const ck_anywhere *x, float scale, float inverse, uint8_t *codes) {
  for (int i = 0; i < 16; i++) {
    float code = scale == 0 ? inverse * x[i] : x[i] / scale;
    codes[i] = scale == 0 && inverse == 0 ? 0 : (uint8_t)(code_between(code, -32, 31) + 32);
  }
}

CK_INLINE void store_six_bits(const uint8_t *codes, uint8_t *block) {
  for (int i = 0; i < 64; i++) {
    const uint8_t *four = codes + i / 32 * 128 + i % 32;
    uint8_t *low = block + i / 32 * 64 + i % 32;
    low[0] = (uint8_t)((four[0] & 15) | (four[64] & 15) << 4);
    low[32] = (uint8_t)((four[32] & 15) | (four[96] & 15) << 4);
    block[128 + i] =
        (uint8_t)(four[0] >> 4 | four[32] >> 4 << 2 | four[64] >> 4 << 4 | four[96] >> 4 << 6);
  }
}

CK_MULTIVERSION
void ck_f32_to_q6_k(const void *input, void *blocks, size_t count) {
  const ck_anywhere *x = input;
  uint8_t *block = blocks;
  for (size_t b = 0; b < count; b++, block += 210, x += 256) {
    if (!is_finite(x)) {
      store_not_finite(block, 210, 208);
      continue;
    }
    lanes transposed[16];
    found_scale found;
    transpose(x, 16, transposed);
    search_scale(transposed, &found);
    float largest = 0;
    for (int s = 0; s < 16; s++) {
      float scale = found.scale[s];
      if (ck_magnitude_bits(scale) > ck_magnitude_bits(largest)) largest = scale;
    }
    memset(block, 0, 210);
    if (__builtin_fabsf(largest) < least_scale) continue;
    float inverse = -128.0f / largest;
    ck_store_half(block + 208, 1.0f / inverse);
    float d = ck_load_half(block + 208);
    uint8_t codes[256];
    for (int s = 0; s < 16; s++) {
      int scale = code_between(inverse * found.scale[s], -128, 127);
      block[192 + s] = (uint8_t)(int8_t)scale;
      codes_of_scale(x + s * 16, d * (float)scale, found.inverse[s], codes + s * 16);
    }
    store_six_bits(codes, block);
  }
}
