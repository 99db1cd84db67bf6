#ifndef CKERNELS_PIXELS_H
#define CKERNELS_PIXELS_H

#include <stddef.h>

// Kernels of convolutional networks on channels-last pixels, [rows = pixels, columns = channels].

/// sums[c] += sum over rows of x, squares[c] += sum over rows of x * x, in float64.
void ck_channel_moments(const float *_Nonnull x, size_t rows, size_t columns,
                        double *_Nonnull sums, double *_Nonnull squares);

/// y = SiLU(x * scale + shift), scale and shift [columns]; shift may be null (taken as 0).
void ck_affine_silu_rows(const float *_Nonnull x, const float *_Nonnull scale,
                         const float *_Nullable shift, float *_Nonnull y, size_t rows,
                         size_t columns);

#endif
