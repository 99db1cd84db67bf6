#include "CKernels.h"
#include "multiversion.h"
#include <string.h>

// Rows and columns whose sums stay in registers while the rank is run through.
enum { ROWS = 4, COLUMNS = 8 };

CK_MULTIVERSION
void ck_low_rank_rows(const double *restrict up, const double *restrict down, size_t rank,
                      size_t stride, size_t rows, size_t first_column, size_t last_column,
                      double *restrict delta) {
  size_t c = first_column;
  for (; c + COLUMNS <= last_column; c += COLUMNS) {
    size_t r = 0;
    for (; r + ROWS <= rows; r += ROWS) {
      double part[ROWS][COLUMNS] = {{0}};
      for (size_t k = 0; k < rank; k++)
        for (size_t j = 0; j < ROWS; j++)
          for (size_t i = 0; i < COLUMNS; i++)
            part[j][i] =
                __builtin_fma(up[(r + j) * rank + k], down[k * stride + c + i], part[j][i]);
      for (size_t j = 0; j < ROWS; j++)
        for (size_t i = 0; i < COLUMNS; i++) delta[(r + j) * stride + c + i] = part[j][i];
    }
    for (; r < rows; r++) {
      double part[COLUMNS] = {0};
      for (size_t k = 0; k < rank; k++)
        for (size_t i = 0; i < COLUMNS; i++)
          part[i] = __builtin_fma(up[r * rank + k], down[k * stride + c + i], part[i]);
      for (size_t i = 0; i < COLUMNS; i++) delta[r * stride + c + i] = part[i];
    }
  }
  for (; c < last_column; c++)
    for (size_t r = 0; r < rows; r++) {
      double part = 0;
      for (size_t k = 0; k < rank; k++)
        part = __builtin_fma(up[r * rank + k], down[k * stride + c], part);
      delta[r * stride + c] = part;
    }
}

CK_MULTIVERSION
void ck_add_delta(const float *restrict base, const double *restrict delta, size_t count,
                  float *restrict sum) {
  for (size_t c = 0; c < count; c++) sum[c] = (float)((double)base[c] + delta[c]);
}

// Nothing survives where a weight is no number, or became none.
static inline double difference(float merged, float base) {
  double s = (double)merged - (double)base;
  return s - s == 0 ? s : 0;
}

CK_MULTIVERSION
void ck_add_survival(const double *restrict delta, const float *restrict base,
                     const float *restrict merged, size_t count, double *restrict totals) {
#pragma clang fp contract(off) reassociate(off)
  double wanted[8] = {0}, survived[8] = {0}, product[8] = {0}, equal[8] = {0};
  size_t c = 0;
  for (; c + 8 <= count; c += 8)
    for (size_t i = 0; i < 8; i++) {
      double d = delta[c + i], s = difference(merged[c + i], base[c + i]);
      wanted[i] += d * d;
      survived[i] += s * s;
      product[i] += d * s;
      equal[i] += merged[c + i] == base[c + i] ? 1.0 : 0.0;
    }
  for (; c < count; c++) {
    double d = delta[c], s = difference(merged[c], base[c]);
    wanted[0] += d * d;
    survived[0] += s * s;
    product[0] += d * s;
    equal[0] += merged[c] == base[c] ? 1.0 : 0.0;
  }
  for (size_t i = 0; i < 8; i++) {
    totals[0] += wanted[i];
    totals[1] += survived[i];
    totals[2] += product[i];
    totals[3] += equal[i];
  }
}
