#ifndef CKERNELS_PLANES_H
#define CKERNELS_PLANES_H

#include <stddef.h>
#include <stdint.h>

// Elements taken apart into planes of bytes, and differences of elements, for lossless compression.
// Nothing needs to be aligned. `size` is the bytes of an element: 1, 2, 4 or 8.

/// planes[p * count + i] = byte p of element i, the least significant first. With `rotate` the
/// element's bits are rotated left by one before, so that the sign is the lowest bit and an exponent
/// of eight bits is one byte.
void ck_split_planes(const uint8_t *_Nonnull input, uint8_t *_Nonnull planes, size_t count,
                     size_t size, int rotate);

/// The inverse; planes[p] is where plane p begins.
void ck_join_planes(const uint8_t *_Nonnull const *_Nonnull planes, uint8_t *_Nonnull output,
                    size_t count, size_t size, int rotate);

/// output[i] = zigzag(input[i] - base[i]) as wrapping integers: 0, -1, 1, -2 ... become 0, 1, 2, 3.
/// Output may be input.
void ck_zigzag_difference(const uint8_t *_Nonnull input, const uint8_t *_Nonnull base,
                          uint8_t *_Nonnull output, size_t count, size_t size);

/// The inverse: output[i] = base[i] + unzigzag(difference[i]). Output may be difference.
void ck_zigzag_sum(const uint8_t *_Nonnull difference, const uint8_t *_Nonnull base,
                   uint8_t *_Nonnull output, size_t count, size_t size);

/// counts[b] += how often the byte b occurs.
void ck_count_bytes(const uint8_t *_Nonnull input, size_t count, uint32_t *_Nonnull counts);

/// Whether all bytes are equal to the first.
int ck_is_constant(const uint8_t *_Nonnull input, size_t count);

#endif
