#include "CKernels.h"
#include "multiversion.h"
#include <string.h>

// Columns whose sums stay in registers while the rank is run through.
enum { WIDTH = 16 };

CK_MULTIVERSION
void ck_add_low_rank_row(const float *restrict base, const double *restrict up,
                         const double *restrict down, size_t rank, size_t columns,
                         double *restrict delta, float *restrict sum) {
#pragma clang fp contract(off) reassociate(off)
  size_t c = 0;
  for (; c + WIDTH <= columns; c += WIDTH) {
    double part[WIDTH] = {0};
    for (size_t k = 0; k < rank; k++)
      for (size_t i = 0; i < WIDTH; i++) part[i] += up[k] * down[k * columns + c + i];
    for (size_t i = 0; i < WIDTH; i++) {
      delta[c + i] = part[i];
      sum[c + i] = (float)(base[c + i] + part[i]);
    }
  }
  for (; c < columns; c++) {
    double part = 0;
    for (size_t k = 0; k < rank; k++) part += up[k] * down[k * columns + c];
    delta[c] = part;
    sum[c] = (float)(base[c] + part);
  }
}

CK_MULTIVERSION
void ck_add_survival(const double *restrict delta, const float *restrict base,
                     const float *restrict merged, size_t count, double *restrict totals) {
#pragma clang fp contract(off) reassociate(off)
  double wanted[8] = {0}, survived[8] = {0}, product[8] = {0}, equal[8] = {0};
  size_t c = 0;
  for (; c + 8 <= count; c += 8)
    for (size_t i = 0; i < 8; i++) {
      double d = delta[c + i], s = (double)merged[c + i] - (double)base[c + i];
      wanted[i] += d * d;
      survived[i] += s * s;
      product[i] += d * s;
      equal[i] += merged[c + i] == base[c + i] ? 1.0 : 0.0;
    }
  for (; c < count; c++) {
    double d = delta[c], s = (double)merged[c] - (double)base[c];
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
