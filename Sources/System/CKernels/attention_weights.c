#include "CKernels.h"
#include "exponential.h"
#include "multiversion.h"
#include <math.h>
#include <string.h>

enum { LANES = CK_TILE_COLUMNS };

CK_MULTIVERSION
void ck_attention_bias(float *restrict scores, size_t keys, size_t queries, float factor,
                       const float *restrict bias) {
  for (size_t k = 0; k < keys; k++)
    for (size_t i = 0; i < queries; i++)
      scores[k * LANES + i] =
          scores[k * LANES + i] * factor + bias[(ptrdiff_t)k - (ptrdiff_t)i];
}

void ck_attention_mask(float *restrict scores, size_t keys, ptrdiff_t ahead) {
  for (size_t k = 0; k < keys; k++)
    for (ptrdiff_t i = 0; i < LANES && i < (ptrdiff_t)k + ahead; i++)
      scores[k * LANES + (size_t)i] = -INFINITY;
}

// 2^((score - largest) * factor). Where all scores so far are masked nothing is taken away from them, so that
// they stay minus infinity.
static inline __attribute__((always_inline)) float weight_of(float score, float largest,
                                                             float factor) {
  return ck_power_of_two((score - (largest == -INFINITY ? 0.0f : largest)) * factor);
}

CK_MULTIVERSION
void ck_attention_weights(float *restrict scores, size_t keys, float factor,
                          float *restrict largest, float *restrict sum,
                          float *restrict correction) {
  float best[LANES], total[LANES] = {0};
  memcpy(best, largest, sizeof best);
  for (size_t k = 0; k < keys; k++)
    for (size_t i = 0; i < LANES; i++)
      best[i] = scores[k * LANES + i] > best[i] ? scores[k * LANES + i] : best[i];
  for (size_t k = 0; k < keys; k++)
    for (size_t i = 0; i < LANES; i++) {
      const float weight = weight_of(scores[k * LANES + i], best[i], factor);
      scores[k * LANES + i] = weight;
      total[i] += weight;
    }
  for (size_t i = 0; i < LANES; i++) {
    correction[i] = weight_of(largest[i], best[i], factor);
    largest[i] = best[i];
    sum[i] = sum[i] * correction[i] + total[i];
  }
}

CK_MULTIVERSION
void ck_attention_factors(const float *restrict then, const float *restrict largest, float factor,
                          const float *restrict sum, float *restrict factors) {
  for (size_t i = 0; i < LANES; i++) {
    const float share = weight_of(then[i], largest[i], factor) / sum[i];
    // Masked throughout: there are no weights.
    factors[i] = sum[i] == 0 ? 0.0f : share;
  }
}
