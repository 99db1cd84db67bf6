#ifndef CKERNELS_GRAM_H
#define CKERNELS_GRAM_H

#include <stddef.h>

// Inner products in double precision. Every sum has one order and no fused operations, so that the
// results are the same bits on every instruction-set level.

/// gram += xᵀ · x: x is `rows` x `columns`, row-major, and gram `columns` x `columns`, of which
/// entries on and right of the diagonal are meant; those left of it may or may not be written.
/// `columns` is a multiple of 8.
void ck_add_gram(const float *_Nonnull x, size_t rows, size_t columns, double *_Nonnull gram);

/// The sum of a[i] * b[i].
double ck_dot_f64(const double *_Nonnull a, const double *_Nonnull b, size_t count);

/// y[i] -= factor * x[i].
void ck_subtract_f64(double factor, const double *_Nonnull x, double *_Nonnull y, size_t count);

#endif
