#ifndef CKERNELS_FLOAT8_H
#define CKERNELS_FLOAT8_H

#include <stddef.h>
#include <stdint.h>

// Eight-bit floating types, as the OCP 8-bit Floating Point Specification (OFP8) 1.0 defines them:
// E4M3 has no infinity and one NaN of each sign, E5M2 is the upper half of an IEEE half.

/// output[i] = float(input[i]), E4M3 to float32; exact, NaN stays NaN.
void ck_f8_e4m3_to_f32(const uint8_t *_Nonnull input, float *_Nonnull output, size_t count);

/// output[i] = float(input[i]), E5M2 to float32; exact, NaN stays NaN.
void ck_f8_e5m2_to_f32(const uint8_t *_Nonnull input, float *_Nonnull output, size_t count);

/// output[i] = E4M3(input[i]), round to nearest even; beyond the largest finite number, and for an
/// infinity, the largest finite number; NaN stays NaN.
void ck_f32_to_f8_e4m3(const float *_Nonnull input, uint8_t *_Nonnull output, size_t count);

/// output[i] = E5M2(input[i]), round to nearest even; beyond the largest finite number, and for an
/// infinity, the largest finite number; NaN stays NaN.
void ck_f32_to_f8_e5m2(const float *_Nonnull input, uint8_t *_Nonnull output, size_t count);

// The same of bfloat16 or float32 times a factor, saying besides what it does to the numbers: adds to
// counts[0] those of at least `overflow` that are not NaN, to counts[1] those of at most `underflow`
// that aren't zero, by magnitude; and to totals what ck_add_error adds, of codes and numbers after the
// factor. Input may be unaligned.

/// bfloat16 to E4M3.
void ck_bf16_to_f8_e4m3_measured(const void *_Nonnull input, float factor, float overflow,
                                 float underflow, uint8_t *_Nonnull output, size_t count,
                                 size_t *_Nonnull counts, double *_Nonnull totals);
/// bfloat16 to E5M2.
void ck_bf16_to_f8_e5m2_measured(const void *_Nonnull input, float factor, float overflow,
                                 float underflow, uint8_t *_Nonnull output, size_t count,
                                 size_t *_Nonnull counts, double *_Nonnull totals);
/// float32 to E4M3.
void ck_f32_to_f8_e4m3_measured(const void *_Nonnull input, float factor, float overflow,
                                float underflow, uint8_t *_Nonnull output, size_t count,
                                size_t *_Nonnull counts, double *_Nonnull totals);
/// float32 to E5M2.
void ck_f32_to_f8_e5m2_measured(const void *_Nonnull input, float factor, float overflow,
                                float underflow, uint8_t *_Nonnull output, size_t count,
                                size_t *_Nonnull counts, double *_Nonnull totals);

/// output[i] = float(input[i]), float64 to float32, round to nearest even. Input may be unaligned.
void ck_f64_to_f32(const void *_Nonnull input, float *_Nonnull output, size_t count);

/// output[i] = float(input[i]), float64 to float32, round to odd: rounding the result once more, to
/// a type of at most 22 bits of significand, gives what rounding the input once would have.
void ck_f64_to_f32_odd(const void *_Nonnull input, float *_Nonnull output, size_t count);

/// output[i] = double(input[i]), float32 to float64; exact. Output may be unaligned.
void ck_f32_to_f64(const float *_Nonnull input, void *_Nonnull output, size_t count);

#endif
