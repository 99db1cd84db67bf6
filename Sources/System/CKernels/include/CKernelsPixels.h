#ifndef CKERNELS_PIXELS_H
#define CKERNELS_PIXELS_H

#include <stddef.h>

// Loops over the pixels of activations stored channels last: `pixels` x `channels`, contiguous
// unless a function says so. Nothing here allocates, locks or fails: sizes are checked by the Swift
// callers in `Autoencoders`.

/// sums[c] += x[p][c] and squares[c] += x[p][c] * x[p][c] over all pixels.
void ck_add_moments(const float *_Nonnull x, double *_Nonnull sums, double *_Nonnull squares,
                    size_t pixels, size_t channels);

/// y = x / max(norm(x), 1e-12) * sqrt(channels) * gamma, the norm over the channels of a pixel;
/// gamma is [channels]. y may be x.
void ck_unit_pixels(const float *_Nonnull x, const float *_Nonnull gamma, float *_Nonnull y,
                    size_t pixels, size_t channels);

#endif
