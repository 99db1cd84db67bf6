#ifndef CK_ERROR_SUMS_H
#define CK_ERROR_SUMS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { ERROR_LANES = 8 };
typedef double error_lanes __attribute__((vector_size(ERROR_LANES * sizeof(double))));
typedef int64_t error_mask __attribute__((vector_size(ERROR_LANES * sizeof(int64_t))));
typedef float error_floats __attribute__((vector_size(ERROR_LANES * sizeof(float))));

// Squares of differences and of numbers, in lanes that are added up at the end: one order of sums on
// every processor.
typedef struct {
  error_lanes differences, norms;
} error_sums;

static inline void error_add(const error_floats *stored, const error_floats *given,
                             error_sums *sums) {
#pragma clang fp contract(off) reassociate(off)
  error_lanes numbers = __builtin_convertvector(*given, error_lanes);
  error_lanes difference = __builtin_convertvector(*stored, error_lanes) - numbers;
  error_lanes square = difference * difference, norm = numbers * numbers;
  // What is no number can't be far or near.
  error_mask counts = square < HUGE_VAL;
  sums->differences += (error_lanes)((error_mask)square & counts);
  sums->norms += (error_lanes)((error_mask)norm & counts);
}

// Adds what pairs say; the last few of an uneven number go to the first lane.
static inline void error_add_pairs(const float *restrict stored, const float *restrict given,
                                   size_t count, error_sums *restrict sums) {
  error_sums part = *sums;
  size_t i = 0;
  for (; i + ERROR_LANES <= count; i += ERROR_LANES) {
    error_floats s, g;
    memcpy(&s, stored + i, sizeof s);
    memcpy(&g, given + i, sizeof g);
    error_add(&s, &g, &part);
  }
  for (; i < count; i++) {
    error_floats s = {stored[i]}, g = {given[i]};
    error_add(&s, &g, &part);
  }
  *sums = part;
}

static inline void error_total(const error_sums *restrict sums, double *restrict totals) {
#pragma clang fp contract(off) reassociate(off)
  for (size_t i = 0; i < ERROR_LANES; i++) {
    totals[0] += sums->differences[i];
    totals[1] += sums->norms[i];
  }
}

#endif
