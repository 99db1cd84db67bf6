#ifndef CKERNELS_CODES_H
#define CKERNELS_CODES_H

#include <stddef.h>
#include <stdint.h>

// Codes of quantised weights that scales stand beside, before they are scaled. Neither codes nor
// elements need be aligned. Everything here is exact: each element is an integer, a number of a table,
// or a sum of integers below 2^24 times a power of two.

/// output = `count` signed integers of eight bits, one a byte.
void ck_i8_to_f32(const void *_Nonnull codes, void *_Nonnull output, size_t count);

/// output = 2 * `count` floats of four bits (E2M1), two a byte; the first is in the low four bits.
void ck_e2m1_to_f32(const void *_Nonnull codes, void *_Nonnull output, size_t count);

/// The same where the first is in the high four bits.
void ck_e2m1_high_to_f32(const void *_Nonnull codes, void *_Nonnull output, size_t count);

/// output = `count` integers of eight bits without a sign.
void ck_u8_to_f32(const void *_Nonnull codes, void *_Nonnull output, size_t count);

/// output = 2 * `count` integers of four bits without a sign; the first is in the low four bits.
void ck_u4_to_f32(const void *_Nonnull codes, void *_Nonnull output, size_t count);

/// The same less 8.
void ck_i4_to_f32(const void *_Nonnull codes, void *_Nonnull output, size_t count);

/// output = `count` groups of SDNQ's integers of 2, 3, 5, 6 or 7 bits, plus `least`, which is the smallest that a
/// signed type has, or 0. A group is 4 integers of 2 bits in a byte, the first in the low bits; 4 of 6 bits in 3 bytes;
/// or 8 in as many bytes as they have bits. There the low bits of a byte are an integer each, and of 3 bits the next
/// three are another; what is left of the bytes makes the last integers.
void ck_packed_to_f32(const void *_Nonnull codes, void *_Nonnull output, size_t count, int bits,
                      int least);

/// output = 2 * `count` numbers of bitsandbytes' table NF4; the first is in the high four bits.
void ck_nf4_to_f32(const void *_Nonnull codes, void *_Nonnull output, size_t count);

/// The same of its table FP4, which is not E2M1.
void ck_fp4_to_f32(const void *_Nonnull codes, void *_Nonnull output, size_t count);

/// output = `count` groups of `group` elements, a power of 4 up to 1024, each the group's integers of
/// eight bits times the regular Hadamard matrix: H / sqrt(group), H the Kronecker power of
/// [[1, 1, 1, -1], [1, 1, -1, 1], [1, -1, 1, 1], [-1, 1, 1, 1]], which is its own transpose.
void ck_rotated_i8_to_f32(const void *_Nonnull codes, void *_Nonnull output, size_t count,
                          size_t group);

/// The same of signed integers of four bits, two a byte; the first is in the low four bits.
void ck_rotated_i4_to_f32(const void *_Nonnull codes, void *_Nonnull output, size_t count,
                          size_t group);

/// values[i] *= the factor of its run: the first `run - skip` elements have factors[0], the next `run`
/// factors[1], and so on; skip < run.
void ck_scale_runs(float *_Nonnull values, size_t count, const float *_Nonnull factors, size_t run,
                   size_t skip);

/// values[i] += the number of its run, runs being as in `ck_scale_runs`.
void ck_add_runs(float *_Nonnull values, size_t count, const float *_Nonnull numbers, size_t run,
                 size_t skip);

/// sums[i] += factor * numbers[i], of a factor that is a float: the product is exact.
void ck_add_products(double *_Nonnull sums, size_t count, double factor,
                     const float *_Nonnull numbers);

/// Multiplies every group of sums by a matrix that is its own inverse; the length n of a group is a power of two that
/// divides `count`. For powers of 4 it is the matrix of `ck_rotated_i8_to_f32`, for others Sylvester's: 1/sqrt(n) times
/// the Kronecker product of log2(n) matrices (1 1; 1 -1).
void ck_rotate_sums(double *_Nonnull sums, size_t count, size_t group);

// Weights in float32 become codes that factors stand beside. What is stored beside the codes is made of
// the same numbers by functions of its own, since files have it elsewhere. `values` become what the
// codes stand for, factors applied. The functions return how many numbers, or blocks with such,
// were not finite; what they give for those means nothing. Codes and factors need not be aligned.

/// codes = `count` integers of eight bits: values / factor, rounded to nearest, ties to even.
size_t ck_f32_to_i8(float *_Nonnull values, float factor, void *_Nonnull codes, size_t count);

/// codes = `count` blocks of 16 elements of E2M1, two a byte, the first in the high four bits: values /
/// (whole * the block's factor), rounded to nearest, ties to even. factors = those of the blocks, in E4M3: the largest
/// magnitude / 6 / whole.
size_t ck_f32_to_nvfp4(float *_Nonnull values, float whole, void *_Nonnull codes,
                       void *_Nonnull factors, size_t count);

/// factors = those of `count` such blocks alone.
void ck_nvfp4_factors(const float *_Nonnull values, float whole, void *_Nonnull factors,
                      size_t count);

/// codes = `count` blocks of 32 elements of E4M3: values / the block's factor, rounded to nearest, ties to
/// even. factors = those of the blocks, in E8M0: a power of two, no less than the largest magnitude / 448.
size_t ck_f32_to_mxfp8(float *_Nonnull values, void *_Nonnull codes, void *_Nonnull factors,
                       size_t count);

/// factors = those of `count` such blocks alone.
void ck_mxfp8_factors(const float *_Nonnull values, void *_Nonnull factors, size_t count);

#endif
