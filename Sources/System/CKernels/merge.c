#include "CKernels.h"
#include "multiversion.h"
#include <string.h>

// What stays in registers while the rank is run through: a panel of some rows, or of one row several.
enum { COLUMNS = CK_PANEL_COLUMNS, ROWS = 4, PANELS = 4 };

// Computes ROWS_ x PANELS_ panels from row r and column c on, and stores the wanted columns.
#define TILE(ROWS_, PANELS_)                                                                    \
  do {                                                                                          \
    double part[ROWS_][PANELS_][COLUMNS] = {{{0}}};                                             \
    for (size_t k = 0; k < rank; k++)                                                           \
      for (size_t j = 0; j < ROWS_; j++)                                                        \
        for (size_t p = 0; p < PANELS_; p++)                                                    \
          for (size_t i = 0; i < COLUMNS; i++)                                                  \
            part[j][p][i] = __builtin_fma(up[(r + j) * rank + k],                               \
                                          down[(c + p * COLUMNS) * rank + k * COLUMNS + i],     \
                                          part[j][p][i]);                                       \
    for (size_t j = 0; j < ROWS_; j++)                                                          \
      for (size_t p = 0; p < PANELS_; p++)                                                      \
        store(part[j][p], c + p * COLUMNS, first_column, last_column, delta + (r + j) * stride); \
  } while (0)

static inline void store(const double *restrict part, size_t start, size_t first, size_t last,
                         double *restrict row) {
  if (start >= first && start + COLUMNS <= last)
    for (size_t i = 0; i < COLUMNS; i++) row[start + i] = part[i];
  else
    for (size_t i = 0; i < COLUMNS; i++)
      if (start + i >= first && start + i < last) row[start + i] = part[i];
}

CK_MULTIVERSION
void ck_low_rank_rows(const double *restrict up, const double *restrict down, size_t rank,
                      size_t stride, size_t rows, size_t first_column, size_t last_column,
                      double *restrict delta) {
  const size_t begin = first_column / COLUMNS * COLUMNS, together = rows / ROWS * ROWS;
  for (size_t c = begin; c < last_column; c += COLUMNS)
    for (size_t r = 0; r < together; r += ROWS) TILE(ROWS, 1);
  for (size_t r = together; r < rows; r++) {
    size_t c = begin;
    for (; c + PANELS * COLUMNS <= last_column; c += PANELS * COLUMNS) TILE(1, PANELS);
    for (; c < last_column; c += COLUMNS) TILE(1, 1);
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
