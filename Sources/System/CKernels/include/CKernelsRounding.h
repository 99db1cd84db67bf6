#ifndef CKERNELS_ROUNDING_H
#define CKERNELS_ROUNDING_H

#include <stddef.h>
#include <stdint.h>

// Measuring numbers before they are rounded, and rounding them at random.

/// The largest finite magnitude; 0 when there is none.
float ck_max_magnitude(const float *_Nonnull input, size_t count);

/// The same of bfloat16.
float ck_bf16_max_magnitude(const uint16_t *_Nonnull input, size_t count);

/// Adds to counts[0] the numbers of at least `overflow` whose bits are at most `last`, to counts[1]
/// those of at most `underflow` that aren't zero, all by magnitude.
void ck_count_loss(const float *_Nonnull input, size_t count, float overflow, float underflow,
                   uint32_t last, size_t *_Nonnull counts);

/// Adds to totals[0] the squares of stored - given, to totals[1] those of given, in float64 and one
/// order of sums; pairs whose difference is no finite number are left out.
void ck_add_error(const float *_Nonnull stored, const float *_Nonnull given, size_t count,
                  double *_Nonnull totals);

/// Random words 4·first_block up to 4·(first_block + block_count) of a stream: Philox-4x32 with 10
/// rounds, as RandomStream has them.
void ck_random_words(uint64_t seed, uint32_t purpose, uint32_t step, uint64_t first_block,
                     uint32_t *_Nonnull output, size_t block_count);

// Stochastic rounding: one random word an element decides between the two neighbours. Beyond the
// largest finite number, and for an infinity, that number; NaN stays NaN.

/// output[i] = bfloat16(input[i]).
void ck_f32_to_bf16_at_random(const float *_Nonnull input, const uint32_t *_Nonnull random,
                              uint16_t *_Nonnull output, size_t count);
/// output[i] = half(input[i]).
void ck_f32_to_f16_at_random(const float *_Nonnull input, const uint32_t *_Nonnull random,
                             uint16_t *_Nonnull output, size_t count);
/// output[i] = E4M3(input[i]).
void ck_f32_to_f8_e4m3_at_random(const float *_Nonnull input, const uint32_t *_Nonnull random,
                                 uint8_t *_Nonnull output, size_t count);
/// output[i] = E5M2(input[i]).
void ck_f32_to_f8_e5m2_at_random(const float *_Nonnull input, const uint32_t *_Nonnull random,
                                 uint8_t *_Nonnull output, size_t count);

#endif
