#ifndef CKERNELS_MATH_H
#define CKERNELS_MATH_H

#include <stddef.h>

// Row-wise and elementwise float32 arithmetic of the transformers.
//
// Matrices are row-major and contiguous, `rows` x `columns`. Every pointer is non-null; output may
// be the same buffer as an input of the same shape. Nothing here allocates, locks or fails: sizes
// are checked by the Swift callers in `Compute`.

/// y = (x - mean) * r with r = 1 / sqrt(variance + epsilon), each row by itself; r is stored, one a
/// row. Without `centred` the mean is taken as 0 and the variance as the mean square (RMS norm).
void ck_normalize_rows(const float *_Nonnull x, float *_Nonnull y, float *_Nonnull reciprocal,
                       size_t rows, size_t columns, float epsilon, int centred);

/// Gradient of ck_normalize_rows from its result y and its reciprocals:
/// dx = r * (dy - mean(dy) [if centred] - y * mean(dy * y)).
void ck_normalize_backward_rows(const float *_Nonnull dy, const float *_Nonnull y,
                                const float *_Nonnull reciprocal, float *_Nonnull dx, size_t rows,
                                size_t columns, int centred);

/// y = x * (offset + scale) + shift, scale and shift [columns]; shift may be null (taken as 0).
void ck_scale_shift_rows(const float *_Nonnull x, const float *_Nonnull scale, float offset,
                         const float *_Nullable shift, float *_Nonnull y, size_t rows,
                         size_t columns);

/// sums[c] += sum over rows of a[r][c] * b[r][c]; b may be null (taken as 1).
void ck_column_sums(const float *_Nonnull a, const float *_Nullable b, float *_Nonnull sums,
                    size_t rows, size_t columns);

/// y = residual + gate * x, gate [columns].
void ck_gated_sum_rows(const float *_Nonnull residual, const float *_Nonnull x,
                       const float *_Nonnull gate, float *_Nonnull y, size_t rows, size_t columns);

/// Rotates pairs (2i, 2i+1) of every head: (a, b) -> (a cos - b sin, a sin + b cos).
/// x and y are [rows, heads * 2 * pairs]; cosines and sines are [rows, pairs]. With `inverse` the
/// angle is negated.
void ck_rotate_pairs(const float *_Nonnull x, const float *_Nonnull cosines,
                     const float *_Nonnull sines, float *_Nonnull y, size_t rows, size_t heads,
                     size_t pairs, int inverse);

/// The same for pairs (i, i + pairs).
void ck_rotate_halves(const float *_Nonnull x, const float *_Nonnull cosines,
                      const float *_Nonnull sines, float *_Nonnull y, size_t rows, size_t heads,
                      size_t pairs, int inverse);

/// GELU in its tanh form: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
void ck_gelu_tanh(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// dx = dy * gelu'(x).
void ck_gelu_tanh_backward(const float *_Nonnull x, const float *_Nonnull dy, float *_Nonnull dx,
                           size_t count);

/// GELU: 0.5 x (1 + erf(x / sqrt(2))), by the C library's erff.
void ck_gelu(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// dx = dy * gelu'(x).
void ck_gelu_backward(const float *_Nonnull x, const float *_Nonnull dy, float *_Nonnull dx,
                      size_t count);

/// x * sigmoid(slope * x): SiLU for slope 1, CLIP's quick GELU for slope 1.702.
void ck_swish(const float *_Nonnull x, float slope, float *_Nonnull y, size_t count);
/// dx = dy * swish'(x).
void ck_swish_backward(const float *_Nonnull x, float slope, const float *_Nonnull dy,
                       float *_Nonnull dx, size_t count);

#endif
