#ifndef CKERNELS_MERGE_H
#define CKERNELS_MERGE_H

#include <stddef.h>

// Adding a low-rank product to rows of a weight. Every sum has one order and no fused operations,
// so that the results are the same bits on every instruction-set level.

/// sum[c] = base[c] + delta[c] with delta[c] = sum_k up[k] * down[k * columns + c], both in float64;
/// sum is rounded to float32 once.
void ck_add_low_rank_row(const float *_Nonnull base, const double *_Nonnull up,
                         const double *_Nonnull down, size_t rank, size_t columns,
                         double *_Nonnull delta, float *_Nonnull sum);

/// What became of a delta: adds to totals[0] the squares of delta, to totals[1] the squares of
/// (merged - base), to totals[2] their products, to totals[3] the number of equal entries.
void ck_add_survival(const double *_Nonnull delta, const float *_Nonnull base,
                     const float *_Nonnull merged, size_t count, double *_Nonnull totals);

#endif
