#include "CKernels.h"
#include "exponential.h"
#include "multiversion.h"

CK_MULTIVERSION
void ck_channel_moments(const float *restrict x, size_t rows, size_t columns,
                        double *restrict sums, double *restrict squares) {
  for (size_t r = 0; r < rows; r++, x += columns)
    for (size_t c = 0; c < columns; c++) {
      double v = x[c];
      sums[c] += v;
      squares[c] += v * v;
    }
}

CK_MULTIVERSION
void ck_affine_silu_rows(const float *x, const float *scale, const float *shift, float *y,
                         size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++, x += columns, y += columns)
    for (size_t c = 0; c < columns; c++) {
      float v = x[c] * scale[c] + (shift ? shift[c] : 0.0f);
      y[c] = v / (1.0f + ck_exp(-v));
    }
}
