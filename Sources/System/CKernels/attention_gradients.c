#include "CKernels.h"
#include "multiversion.h"

enum { LANES = CK_TILE_COLUMNS };

CK_MULTIVERSION
void ck_attention_dots(const float *restrict weights, const float *restrict gradients, size_t keys,
                       const float *restrict correction, float *restrict dots) {
  float total[LANES] = {0};
  for (size_t k = 0; k < keys; k++)
    for (size_t i = 0; i < LANES; i++)
      total[i] += weights[k * LANES + i] * gradients[k * LANES + i];
  for (size_t i = 0; i < LANES; i++) dots[i] = dots[i] * correction[i] + total[i];
}

CK_MULTIVERSION
void ck_attention_gradients(float *restrict weights, float *restrict gradients, size_t keys,
                            const float *restrict factors, const float *restrict dots) {
  for (size_t k = 0; k < keys; k++)
    for (size_t i = 0; i < LANES; i++) {
      const size_t at = k * LANES + i;
      const float weight = weights[at] * factors[i];
      weights[at] = weight;
      gradients[at] = weight * (gradients[at] - dots[i]);
    }
}
