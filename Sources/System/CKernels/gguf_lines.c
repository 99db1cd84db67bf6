#include "gguf_lanes.h"

#pragma clang fp contract(off)

// Q4_K and Q5_K: sub-blocks of 32 elements on a line, a scale and a minimum each.
//
// Source: ggml-org/llama.cpp, `ggml/src/ggml-quants.c`, `make_qkx2_quants`,
// `quantize_row_q4_K_ref` and `quantize_row_q5_K_ref`: the same arithmetic in the
// same order, so the same bytes.

/// What is summed over the 32 elements of a sub-block, each times its weight: w, w x; and for codes
/// l: w l, w l l, w l x.
typedef struct {
  lanes w, x, l, ll, xl;
} weighted_sums;

CK_INLINE void round_codes(const lanes *x, const lanes *w, const lanes *inverse, const lanes *minimum,
                           float largest, lanes *codes, weighted_sums *sums) {
  sums->l = sums->ll = sums->xl = (lanes){};
  for (int i = 0; i < 32; i++) {
    codes[i] = *inverse * (x[i] - *minimum);
    round_between(&codes[i], 0, largest);
    lanes wl = w[i] * codes[i];
    sums->l += wl;
    sums->ll += wl * codes[i];
    sums->xl += wl * x[i];
  }
}

CK_INLINE void squared_error(const lanes *x, const lanes *w, const lanes *codes, const lanes *scale,
                             const lanes *minimum, lanes *error) {
  *error = (lanes){};
  for (int i = 0; i < 32; i++) {
    lanes difference = *scale * codes[i] + *minimum - x[i];
    *error += w[i] * (difference * difference);
  }
}

/// What a search found for sixteen sub-blocks of Q4_K or Q5_K: `scale` times a code plus `minimum`,
/// and how the codes were made: `inverse` times the distance from `base`, rounded.
typedef struct {
  lanes scale, minimum, inverse, base;
} found_line;

/// The scale and the minimum, at most zero, with which sub-blocks come back with the least weighted
/// error: grids between the extremes and a little beyond are tried, and for the codes that each gives
/// the least-squares line is taken.
CK_INLINE void search_line(const lanes *x, float largest, float first, int steps,
                           found_line *found) {
  lanes w[32], codes[32];
  lanes low = x[0], high = x[0], squares = {};
  for (int i = 0; i < 32; i++) {
    lane_mask below = x[i] < low, above = x[i] > high;
    choose(&below, &x[i], &low);
    choose(&above, &x[i], &high);
    squares += x[i] * x[i];
  }
  lanes mean = __builtin_elementwise_sqrt(squares / 32.0f);
  weighted_sums sums = {};
  for (int i = 0; i < 32; i++) {
    w[i] = mean + __builtin_elementwise_abs(x[i]);
    sums.w += w[i];
    sums.x += w[i] * x[i];
  }
  lanes zero = {};
  lane_mask positive = low > zero;
  choose(&positive, &zero, &low);

  lanes inverse = largest / (high - low), best;
  *found = (found_line){1.0f / inverse, low, inverse, low};
  round_codes(x, w, &inverse, &low, largest, codes, &sums);
  squared_error(x, w, codes, &found->scale, &low, &best);
  for (int step = 0; step <= steps; step++) {
    // From the minimum found last, as the source does.
    lanes base = found->minimum;
    inverse = (first + 0.1f * (float)step + largest) / (high - base);
    round_codes(x, w, &inverse, &base, largest, codes, &sums);
    lanes determinant = sums.w * sums.ll - sums.l * sums.l;
    lanes slope = (sums.w * sums.xl - sums.x * sums.l) / determinant;
    lanes intercept = (sums.ll * sums.x - sums.l * sums.xl) / determinant;
    lanes through_zero = sums.xl / sums.ll, error;
    positive = intercept > zero;
    choose(&positive, &zero, &intercept);
    choose(&positive, &through_zero, &slope);
    squared_error(x, w, codes, &slope, &intercept, &error);
    lane_mask better = (determinant > zero) & (error < best);
    choose(&better, &error, &best);
    choose(&better, &slope, &found->scale);
    choose(&better, &intercept, &found->minimum);
    choose(&better, &inverse, &found->inverse);
    choose(&better, &base, &found->base);
  }
  lane_mask flat = high == low;
  choose(&flat, &zero, &found->scale);
  choose(&flat, &low, &found->minimum);
  choose(&flat, &zero, &found->inverse);
}

/// Stores what Q4_K and Q5_K begin with: two halves and eight pairs of six bits, for the sub-blocks
/// from a lane on.
CK_INLINE void store_scales_mins(const found_line *found, int lane, uint8_t *block) {
  float max_scale = 0, max_min = 0;
  for (int s = lane; s < lane + 8; s++) {
    max_scale = found->scale[s] > max_scale ? found->scale[s] : max_scale;
    max_min = -found->minimum[s] > max_min ? -found->minimum[s] : max_min;
  }
  float inverse_scale = max_scale > 0 ? 63.0f / max_scale : 0.0f;
  float inverse_min = max_min > 0 ? 63.0f / max_min : 0.0f;
  ck_store_half(block, max_scale / 63.0f);
  ck_store_half(block + 2, max_min / 63.0f);
  uint8_t *packed = block + 4;
  memset(packed, 0, 12);
  for (int s = 0; s < 8; s++) {
    int ls = code_between(inverse_scale * found->scale[lane + s], 0, 63);
    int lm = code_between(inverse_min * -found->minimum[lane + s], 0, 63);
    if (s < 4) {
      packed[s] = (uint8_t)ls;
      packed[s + 4] = (uint8_t)lm;
    } else {
      packed[s + 4] = (uint8_t)((ls & 15) | (lm & 15) << 4);
      packed[s - 4] |= (uint8_t)(ls >> 4 << 6);
      packed[s] |= (uint8_t)(lm >> 4 << 6);
    }
  }
}

/// The codes of a block with the scales and minima that were stored; where a scale became zero, and
/// codes mean nothing, those of the search.
CK_INLINE void codes_on_line(const ck_anywhere *x, const uint8_t *block, float largest,
                             const found_line *found, int lane, uint8_t *codes) {
  float d = ck_load_half(block);
  float dmin = ck_load_half(block + 2);
  for (int s = 0; s < 8; s++) {
    float scale, minimum, inverse = found->inverse[lane + s], base = found->base[lane + s];
    ck_load_scale_min(block + 4, s, &scale, &minimum);
    scale = d * scale;
    minimum = dmin * minimum;
    for (int i = s * 32; i < s * 32 + 32; i++) {
      float code = scale == 0 ? inverse * (x[i] - base) : (x[i] + minimum) / scale;
      codes[i] = (uint8_t)code_between(code, 0, largest);
    }
  }
}

/// Stores codes after what a block of a type begins with.
typedef void store_codes(const uint8_t *codes, uint8_t *block);

CK_INLINE void store_four_bits(const uint8_t *codes, uint8_t *block) {
  for (int i = 0; i < 128; i++) {
    const uint8_t *pair = codes + i / 32 * 64 + i % 32;
    block[16 + i] = (uint8_t)(pair[0] | pair[32] << 4);
  }
}

CK_INLINE void store_five_bits(const uint8_t *codes, uint8_t *block) {
  memset(block + 16, 0, 32);
  for (int s = 0; s < 8; s++) {
    for (int i = 0; i < 32; i++) block[16 + i] |= (uint8_t)(codes[s * 32 + i] >> 4 << s);
  }
  for (int i = 0; i < 128; i++) {
    const uint8_t *pair = codes + i / 32 * 64 + i % 32;
    block[48 + i] = (uint8_t)((pair[0] & 15) | (pair[32] & 15) << 4);
  }
}

/// Blocks of Q4_K or Q5_K, two at once.
CK_INLINE void quantize_on_lines(const ck_anywhere *x, uint8_t *block, size_t count, size_t size,
                                 float largest, float first, int steps, store_codes *store) {
  for (size_t b = 0; b < count; b += 2) {
    size_t part = count - b < 2 ? 1 : 2;
    float pair[512] = {};
    memcpy(pair, x + b * 256, part * 256 * sizeof(float));
    lanes transposed[32];
    found_line found;
    transpose(pair, 32, transposed);
    search_line(transposed, largest, first, steps, &found);
    for (size_t one = 0; one < part; one++, block += size) {
      if (!is_finite(pair + one * 256)) {
        store_not_finite(block, size, 0);
        continue;
      }
      uint8_t codes[256];
      int lane = (int)one * 8;
      store_scales_mins(&found, lane, block);
      codes_on_line(pair + one * 256, block, largest, &found, lane, codes);
      store(codes, block);
    }
  }
}

CK_MULTIVERSION
void ck_f32_to_q4_k(const void *input, void *blocks, size_t count) {
  quantize_on_lines(input, blocks, count, 144, 15, -1.0f, 20, store_four_bits);
}

CK_MULTIVERSION
void ck_f32_to_q5_k(const void *input, void *blocks, size_t count) {
  quantize_on_lines(input, blocks, count, 176, 31, -0.5f, 15, store_five_bits);
}
