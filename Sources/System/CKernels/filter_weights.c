#include "filters.h"

// Taps, `stride` numbers apart, become numbers.
CK_INLINE void turn_taps(ck_filter filter, const float *w, size_t stride, float *numbers,
                         size_t distance) {
  if (filter == CK_FILTER_POINT) {
    numbers[0] = w[0];
    return;
  }
  const float a = w[0], b = w[stride], c = w[2 * stride];
  numbers[0] = a;
  if (filter == CK_FILTER_SAME) {
    numbers[distance] = 0.5f * (a + b + c);
    numbers[2 * distance] = 0.5f * (a - b + c);
    numbers[3 * distance] = c;
  } else {
    numbers[distance] = filter == CK_FILTER_DOUBLED ? a + b + c : b;
    numbers[2 * distance] = c;
  }
}

CK_INLINE void weights_of(ck_filter filter, const float *restrict w, size_t stride, size_t count,
                          float *restrict numbers) {
  const size_t n = ck_numbers(filter), taps = filter == CK_FILTER_POINT ? 1 : 3;
  for (size_t i = 0; i < count; i++) {
    // Columns first, then rows.
    float half[CK_MOST * 3], all[CK_MOST * CK_MOST];
    for (size_t x = 0; x < taps; x++) turn_taps(filter, w + i * stride + x, taps, half + x, taps);
    for (size_t y = 0; y < n; y++) turn_taps(filter, half + y * taps, 1, all + y * n, 1);
    for (size_t p = 0; p < n * n; p++) numbers[p * count + i] = all[p];
  }
}

CK_MULTIVERSION
void ck_filter_weights(ck_filter filter, const float *w, size_t stride, size_t count,
                       float *numbers) {
#define WEIGHTS_OF(filter) weights_of(filter, w, stride, count, numbers)
  CK_FOR_FILTER(filter, WEIGHTS_OF)
}
