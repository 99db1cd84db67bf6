#include "CKernels.h"
#include "multiversion.h"
#include <string.h>

typedef double double8 __attribute__((vector_size(64)));
typedef float float8 __attribute__((vector_size(32)));

// Four rows of the Gram matrix by eight columns stay in registers while the rows of x pass.
CK_MULTIVERSION
void ck_add_gram(const float *restrict x, size_t rows, size_t columns, double *restrict gram) {
#pragma clang fp contract(off) reassociate(off)
  for (size_t i = 0; i < columns; i += 4)
    for (size_t j = i / 8 * 8; j < columns; j += 8) {
      double8 sums[4] = {0};
      for (size_t row = 0; row < rows; row++) {
        const float *start = x + row * columns;
        float8 narrow;
        memcpy(&narrow, start + j, sizeof narrow);
        double8 right = __builtin_convertvector(narrow, double8);
        for (size_t k = 0; k < 4; k++) sums[k] += (double)start[i + k] * right;
      }
      for (size_t k = 0; k < 4; k++) {
        double *out = gram + (i + k) * columns + j;
        for (size_t c = 0; c < 8; c++) out[c] += sums[k][c];
      }
    }
}

CK_MULTIVERSION
double ck_dot_f64(const double *restrict a, const double *restrict b, size_t count) {
#pragma clang fp contract(off) reassociate(off)
  double8 sums = {0};
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    double8 left, right;
    memcpy(&left, a + i, sizeof left);
    memcpy(&right, b + i, sizeof right);
    sums += left * right;
  }
  double sum = 0;
  for (size_t k = 0; k < 8; k++) sum += sums[k];
  for (; i < count; i++) sum += a[i] * b[i];
  return sum;
}

CK_MULTIVERSION
void ck_subtract_f64(double factor, const double *restrict x, double *restrict y, size_t count) {
#pragma clang fp contract(off) reassociate(off)
  for (size_t i = 0; i < count; i++) y[i] -= factor * x[i];
}
