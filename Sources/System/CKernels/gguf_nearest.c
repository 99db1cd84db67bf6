#include "gguf_lanes.h"
#include "gguf_values.h"

#pragma clang fp contract(off)

// IQ4_NL: blocks of 32 elements with a scale each, and the nearest of sixteen uneven numbers.
//
// Source: ggml-org/llama.cpp, `ggml/src/ggml-quants.c`, `quantize_iq4_nl` without weights of an
// importance matrix, `quantize_row_iq4_nl_impl` with seven attempts on each side: the same arithmetic
// in the same order, so the same bytes.

/// Blocks whose elements are all below this come back as zero.
static const float least_element = 1e-15f;

/// The nearest of the sixteen numbers, of two equally near ones the larger, and which it is.
CK_INLINE void find_nearest(const lanes *x, lanes *value, lane_mask *code) {
  lanes twice = *x + *x;
  *value = (lanes){} + (float)ck_iq4_values[0];
  *code = (lane_mask){};
  for (int i = 1; i < 16; i++) {
    lanes border = (lanes){} + (float)(ck_iq4_values[i - 1] + ck_iq4_values[i]);
    lanes step = (lanes){} + (float)(ck_iq4_values[i] - ck_iq4_values[i - 1]);
    lane_mask above = twice >= border;
    *value += (lanes)(above & (lane_mask)step);
    *code -= above;
  }
}

/// The scale with which sixteen blocks come back with the least error, weighted by the squares of the
/// elements: the extreme gets the largest magnitude there is, or up to seven less or more, of either
/// sign.
CK_INLINE void search_scale(const lanes *x, lanes *found) {
  lanes extreme = {}, largest = {}, zero = {};
  for (int i = 0; i < 32; i++) {
    lanes magnitude = __builtin_elementwise_abs(x[i]);
    lane_mask larger = magnitude > largest;
    choose(&larger, &magnitude, &largest);
    choose(&larger, &x[i], &extreme);
  }
  lanes best = {};
  *found = (lanes){};
  for (int attempt = -8; attempt <= 7; attempt++) {
    // The first, which makes the extreme positive, is taken whatever the others give.
    int first = attempt == -8;
    lanes inverse = first ? 1.0f / (-extreme / (float)ck_iq4_values[0])
                          : (float)(attempt + ck_iq4_values[0]) / extreme;
    lanes qx = {}, qq = {};
    for (int i = 0; i < 32; i++) {
      lanes scaled = inverse * x[i], w = x[i] * x[i], value;
      lane_mask code;
      find_nearest(&scaled, &value, &code);
      qx += w * value * x[i];
      qq += w * value * value;
    }
    lanes scale = qx / qq, gain = scale * qx;
    lane_mask better = (qq > zero) & (qx * qx > best * qq);
    if (first) better = largest > zero;
    choose(&better, &scale, found);
    choose(&better, &gain, &best);
  }
  lanes least = zero + least_element;
  lane_mask flat = largest < least;
  choose(&flat, &zero, found);
}

CK_MULTIVERSION
void ck_f32_to_iq4_nl(const void *input, void *blocks, size_t count) {
  const ck_anywhere *x = input;
  uint8_t *block = blocks;
  for (size_t b = 0; b < count; b += lane_count) {
    size_t part = count - b < lane_count ? count - b : lane_count;
    float sixteen[lane_count * 32] = {};
    memcpy(sixteen, x + b * 32, part * 32 * sizeof(float));
    lanes transposed[32], scale;
    lane_mask codes[32];
    transpose(sixteen, 32, transposed);
    search_scale(transposed, &scale);
    lanes inverse = 1.0f / scale;
    lane_mask flat = scale == (lanes){};
    lanes zero = {};
    choose(&flat, &zero, &inverse);
    for (int i = 0; i < 32; i++) {
      lanes scaled = inverse * transposed[i], value;
      find_nearest(&scaled, &value, &codes[i]);
    }
    for (size_t lane = 0; lane < part; lane++, block += 18) {
      // Squares that are beyond float32 leave no scale.
      if (ck_magnitude_bits(scale[lane]) >= CK_INFINITY_BITS) {
        store_not_finite(block, 18, 0);
        continue;
      }
      ck_store_half(block, scale[lane]);
      for (int i = 0; i < 16; i++) {
        block[2 + i] = (uint8_t)(codes[i][lane] | codes[i + 16][lane] << 4);
      }
    }
  }
}
