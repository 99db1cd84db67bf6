#include "CKernels.h"
#include "multiversion.h"

CK_MULTIVERSION
void ck_rotate_pairs(const float *x, const float *cosines, const float *sines, float *y,
                     size_t rows, size_t heads, size_t pairs, int inverse) {
  float sign = inverse ? -1.0f : 1.0f;
  for (size_t r = 0; r < rows; r++, cosines += pairs, sines += pairs)
    for (size_t h = 0; h < heads; h++, x += 2 * pairs, y += 2 * pairs)
      for (size_t p = 0; p < pairs; p++) {
        float a = x[2 * p], b = x[2 * p + 1], c = cosines[p], s = sign * sines[p];
        y[2 * p] = a * c - b * s;
        y[2 * p + 1] = a * s + b * c;
      }
}

CK_MULTIVERSION
void ck_rotate_halves(const float *x, const float *cosines, const float *sines, float *y,
                      size_t rows, size_t heads, size_t pairs, int inverse) {
  float sign = inverse ? -1.0f : 1.0f;
  for (size_t r = 0; r < rows; r++, cosines += pairs, sines += pairs)
    for (size_t h = 0; h < heads; h++, x += 2 * pairs, y += 2 * pairs)
      for (size_t p = 0; p < pairs; p++) {
        float a = x[p], b = x[p + pairs], c = cosines[p], s = sign * sines[p];
        y[p] = a * c - b * s;
        y[p + pairs] = a * s + b * c;
      }
}
