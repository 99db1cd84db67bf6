#ifndef CKERNELS_MERGE_H
#define CKERNELS_MERGE_H

#include <stddef.h>

// Adding a low-rank product to rows of a weight. Every sum has one order, and products are fused
// with sums everywhere, so that the results are the same bits on every instruction-set level.

/// Columns of a panel, which lie together for all of the rank: the columns of one row after the other
/// would be so far apart that caches hold few of them.
enum { CK_PANEL_COLUMNS = 8 };

/// delta[r * stride + c] = sum_k up[r * rank + k] * down[k][c] for `rows` rows and columns `first_column`
/// up to `last_column`, in float64. `down` is in panels: column c of row k is at
/// ((c / 8) * rank + k) * 8 + c % 8, and the last panel is whole.
void ck_low_rank_rows(const double *_Nonnull up, const double *_Nonnull down, size_t rank,
                      size_t stride, size_t rows, size_t first_column, size_t last_column,
                      double *_Nonnull delta);

/// sum[c] = base[c] + delta[c] in float64, rounded to float32 once.
void ck_add_delta(const float *_Nonnull base, const double *_Nonnull delta, size_t count,
                  float *_Nonnull sum);

/// What became of a delta: adds to totals[0] the squares of delta, to totals[1] the squares of
/// (merged - base), to totals[2] their products, to totals[3] the number of equal entries.
void ck_add_survival(const double *_Nonnull delta, const float *_Nonnull base,
                     const float *_Nonnull merged, size_t count, double *_Nonnull totals);

#endif
