#include "CKernels.h"
#include "multiversion.h"
#include <math.h>

CK_MULTIVERSION
void ck_add_moments(const float *restrict x, double *restrict sums, double *restrict squares,
                    size_t pixels, size_t channels) {
  for (size_t p = 0; p < pixels; p++, x += channels) {
    for (size_t c = 0; c < channels; c++) {
      double value = x[c];
      sums[c] += value;
      squares[c] += value * value;
    }
  }
}

CK_MULTIVERSION
void ck_unit_pixels(const float *x, const float *gamma, float *y, size_t pixels, size_t channels) {
#pragma clang fp reassociate(on) contract(fast)
  float root = sqrtf((float)channels);
  for (size_t p = 0; p < pixels; p++, x += channels, y += channels) {
    float square = 0;
    for (size_t c = 0; c < channels; c++) square += x[c] * x[c];
    float norm = sqrtf(square);
    float factor = root / (norm > 1e-12f ? norm : 1e-12f);
    for (size_t c = 0; c < channels; c++) y[c] = x[c] * factor * gamma[c];
  }
}
