#include "CKernels.h"
#include "multiversion.h"
#include <math.h>

CK_MULTIVERSION
void ck_normalize_rows(const float *x, float *y, float *reciprocal, size_t rows, size_t columns,
                       float epsilon, int centred) {
#pragma clang fp reassociate(on) contract(fast)
  for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
    float mean = 0;
    if (centred) {
      for (size_t c = 0; c < columns; c++) mean += x[c];
      mean /= (float)columns;
    }
    float square = 0;
    for (size_t c = 0; c < columns; c++) square += (x[c] - mean) * (x[c] - mean);
    float k = 1.0f / sqrtf(square / (float)columns + epsilon);
    for (size_t c = 0; c < columns; c++) y[c] = (x[c] - mean) * k;
    reciprocal[r] = k;
  }
}

CK_MULTIVERSION
void ck_normalize_backward_rows(const float *dy, const float *y, const float *reciprocal, float *dx,
                                size_t rows, size_t columns, int centred) {
#pragma clang fp reassociate(on) contract(fast)
  for (size_t r = 0; r < rows; r++, dy += columns, y += columns, dx += columns) {
    float sum = 0, dot = 0;
    for (size_t c = 0; c < columns; c++) {
      sum += dy[c];
      dot += dy[c] * y[c];
    }
    float mean = centred ? sum / (float)columns : 0.0f;
    float projection = dot / (float)columns, k = reciprocal[r];
    for (size_t c = 0; c < columns; c++) dx[c] = k * (dy[c] - mean - y[c] * projection);
  }
}

CK_MULTIVERSION
void ck_scale_shift_rows(const float *x, const float *scale, float offset, const float *shift,
                         float *y, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
    if (shift) {
      for (size_t c = 0; c < columns; c++) y[c] = x[c] * (offset + scale[c]) + shift[c];
    } else {
      for (size_t c = 0; c < columns; c++) y[c] = x[c] * (offset + scale[c]);
    }
  }
}

CK_MULTIVERSION
void ck_column_sums(const float *restrict a, const float *restrict b, float *restrict sums,
                    size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++, a += columns) {
    if (b) {
      for (size_t c = 0; c < columns; c++) sums[c] += a[c] * b[c];
      b += columns;
    } else {
      for (size_t c = 0; c < columns; c++) sums[c] += a[c];
    }
  }
}

CK_MULTIVERSION
void ck_gated_sum_rows(const float *residual, const float *x, const float *gate, float *y,
                       size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++, residual += columns, x += columns, y += columns)
    for (size_t c = 0; c < columns; c++) y[c] = residual[c] + gate[c] * x[c];
}
