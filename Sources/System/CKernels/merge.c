#include "CKernels.h"
#include "multiversion.h"
#include <string.h>

enum { COLUMNS = CK_PANEL_COLUMNS };
typedef double panel __attribute__((vector_size(COLUMNS * sizeof(double))));

// Stores the columns of a panel that are in first..<last; the panel begins at column start.
static inline void store(const panel *values, size_t start, size_t first, size_t last, double *row) {
  if (start >= first && start + COLUMNS <= last)
    memcpy(row + start, values, sizeof *values);
  else
    for (size_t i = 0; i < COLUMNS; i++)
      if (start + i >= first && start + i < last) row[start + i] = (*values)[i];
}

// Computes ROWS x PANELS panels from row r and column c on, and stores the wanted columns. The sums
// stay in registers while the rank is run through.
#define TILE(ROWS, PANELS)                                                                      \
  do {                                                                                          \
    panel sum[ROWS][PANELS];                                                                    \
    for (size_t j = 0; j < ROWS; j++)                                                           \
      for (size_t p = 0; p < PANELS; p++) sum[j][p] = (panel){0};                               \
    for (size_t k = 0; k < rank; k++) {                                                         \
      panel below[PANELS];                                                                      \
      for (size_t p = 0; p < PANELS; p++)                                                       \
        memcpy(&below[p], down + (c + p * COLUMNS) * rank + k * COLUMNS, sizeof below[p]);      \
      for (size_t j = 0; j < ROWS; j++) {                                                       \
        const panel above = up[(r + j) * rank + k] - (panel){0};                                \
        for (size_t p = 0; p < PANELS; p++)                                                     \
          sum[j][p] = __builtin_elementwise_fma(above, below[p], sum[j][p]);                    \
      }                                                                                         \
    }                                                                                           \
    for (size_t j = 0; j < ROWS; j++)                                                           \
      for (size_t p = 0; p < PANELS; p++)                                                       \
        store(&sum[j][p], c + p * COLUMNS, first_column, last_column, delta + (r + j) * stride); \
  } while (0)

CK_MULTIVERSION
void ck_low_rank_rows(const double *restrict up, const double *restrict down, size_t rank,
                      size_t stride, size_t rows, size_t first_column, size_t last_column,
                      double *restrict delta) {
  // Three rows and two panels take twelve of AVX2's sixteen registers, and hide a product's latency.
  const size_t begin = first_column / COLUMNS * COLUMNS, together = rows / 3 * 3;
  size_t c = begin;
  for (; c + 2 * COLUMNS <= last_column; c += 2 * COLUMNS)
    for (size_t r = 0; r < together; r += 3) TILE(3, 2);
  for (; c < last_column; c += COLUMNS)
    for (size_t r = 0; r < together; r += 3) TILE(3, 1);
  for (size_t r = together; r < rows; r++) {
    c = begin;
    for (; c + 4 * COLUMNS <= last_column; c += 4 * COLUMNS) TILE(1, 4);
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
