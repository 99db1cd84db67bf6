#ifndef CK_FILTERS_H
#define CK_FILTERS_H

#include "CKernelsFilters.h"
#include "multiversion.h"
#include "transpose.h"
#include <string.h>

// The turns of CKernelsFilters.h along an axis, whose filter the compiler knows where they are inlined.

// Numbers of channels of a pixel, or of tiles for a channel.
typedef float ck_lanes __attribute__((vector_size(CK_SIDE * sizeof(float))));

// The most numbers along an axis.
enum { CK_MOST = 4 };

// Numbers along an axis, and pixels that they are of.
CK_INLINE size_t ck_numbers(ck_filter filter) {
  return filter == CK_FILTER_POINT ? 1 : filter == CK_FILTER_SAME ? 4 : 3;
}

// Pixels that the numbers are for.
CK_INLINE size_t ck_pixels(ck_filter filter) {
  return filter == CK_FILTER_SAME || filter == CK_FILTER_DOUBLED ? 2 : 1;
}

// Pixels of the input from one tile to the next.
CK_INLINE size_t ck_step(ck_filter filter) {
  return filter == CK_FILTER_SAME || filter == CK_FILTER_HALVED ? 2 : 1;
}

// Pixels, `stride` vectors apart, become numbers.
CK_INLINE void ck_turn_pixels(ck_filter filter, ck_lanes *x, size_t stride) {
  if (filter == CK_FILTER_SAME) {
    const ck_lanes a = x[0], b = x[stride], c = x[2 * stride], d = x[3 * stride];
    x[0] = a - c;
    x[stride] = b + c;
    x[2 * stride] = c - b;
    x[3 * stride] = b - d;
  } else if (filter == CK_FILTER_DOUBLED) {
    x[0] -= x[stride];
    x[2 * stride] = x[stride] - x[2 * stride];
  }
}

// Sums, `stride` vectors apart, become pixels.
CK_INLINE void ck_turn_sums(ck_filter filter, ck_lanes *x, size_t stride) {
  if (filter == CK_FILTER_SAME) {
    const ck_lanes sum = x[stride] + x[2 * stride], difference = x[stride] - x[2 * stride];
    x[0] += sum;
    x[stride] = difference - x[3 * stride];
  } else if (filter == CK_FILTER_DOUBLED) {
    x[0] += x[stride];
    x[stride] -= x[2 * stride];
  } else if (filter == CK_FILTER_HALVED) {
    x[0] += x[stride] + x[2 * stride];
  }
}

// A body for every filter, which is then a constant in it.
#define CK_FOR_FILTER(filter, BODY)                                                             \
  switch (filter) {                                                                             \
    case CK_FILTER_POINT: BODY(CK_FILTER_POINT); break;                                         \
    case CK_FILTER_SAME: BODY(CK_FILTER_SAME); break;                                           \
    case CK_FILTER_DOUBLED: BODY(CK_FILTER_DOUBLED); break;                                     \
    case CK_FILTER_HALVED: BODY(CK_FILTER_HALVED); break;                                       \
  }

#endif
