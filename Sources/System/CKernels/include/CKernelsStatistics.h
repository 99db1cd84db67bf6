#ifndef CKERNELS_STATISTICS_H
#define CKERNELS_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

enum {
  /// Bins of a histogram.
  CK_BINS = 16,
  /// Codes of 16 bits.
  CK_U16_CODES = 65536,
};

// What the numbers of a tensor are like. Every sum has one order and no fused operations, so that
// the results are the same bits on every instruction-set level.

/// Sums over the finite numbers of an array, and counts of the others.
typedef struct {
  /// Sums of (x - shift) and of its square.
  double sum, squares;
  /// The least and the greatest; infinity and -infinity when there is none.
  double least, greatest;
  /// How many numbers are finite, zero, NaN, infinite, and neither zero nor as large as the limit.
  uint64_t finite, zeros, nans, infinities, small;
} ck_summary;

/// The summary of `count` numbers, less than 2^32.
void ck_summarize_f32(const float *_Nonnull x, size_t count, double shift, double limit,
                      ck_summary *_Nonnull summary);
/// The same for float64.
void ck_summarize_f64(const double *_Nonnull x, size_t count, double shift, double limit,
                      ck_summary *_Nonnull summary);

/// counts[i] += how many finite x have i = (x / 2 - least / 2) * scale, rounded down and kept within
/// the bins; scale is finite.
void ck_histogram_f32(const float *_Nonnull x, size_t count, double least, double scale,
                      uint64_t *_Nonnull counts);
/// The same for float64.
void ck_histogram_f64(const double *_Nonnull x, size_t count, double least, double scale,
                      uint64_t *_Nonnull counts);

/// How two arrays differ, over the places where both numbers are finite.
typedef struct {
  /// Sums of (a - b)^2 and of b^2.
  double differences, squares;
  /// The greatest |a - b|.
  double greatest;
  /// Places where the numbers aren't equal (two NaN are), and those of them that can't be
  /// subtracted.
  uint64_t unequal, not_finite;
} ck_difference;

/// The difference of `count` pairs, less than 2^32.
void ck_compare_f32(const float *_Nonnull a, const float *_Nonnull b, size_t count,
                    ck_difference *_Nonnull difference);
/// The same for float64.
void ck_compare_f64(const double *_Nonnull a, const double *_Nonnull b, size_t count,
                    ck_difference *_Nonnull difference);

/// Counts how often each code occurs, for fewer than 2^32 of them: that of code c is the sum of
/// counts[c] and counts[65536 + c].
void ck_count_u16(const uint16_t *_Nonnull codes, size_t count, uint32_t *_Nonnull counts);
/// The same for bytes: the sum of counts[256 * t + c] over t = 0 ... 7.
void ck_count_u8(const uint8_t *_Nonnull codes, size_t count, uint32_t *_Nonnull counts);

#endif
