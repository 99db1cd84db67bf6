#include "filters.h"

// At most CK_SIDE channels of a pixel.
CK_INLINE void put_pixel(const ck_lanes *sums, const ck_lanes *shift, float *restrict y,
                         size_t count, int accumulate) {
  ck_lanes pixel = *sums + *shift;
  if (count == CK_SIDE) {
    if (accumulate) {
      ck_lanes before;
      memcpy(&before, y, sizeof before);
      pixel += before;
    }
    memcpy(y, &pixel, sizeof pixel);
    return;
  }
  for (size_t c = 0; c < count; c++) y[c] = accumulate ? y[c] + pixel[c] : pixel[c];
}

CK_INLINE void output_of(ck_filter filter, const float *restrict sums, size_t position,
                         size_t width, size_t channels, ck_filter_tiles tiles,
                         const float *restrict bias, float *restrict y, size_t row, size_t rows,
                         size_t across, int accumulate) {
  const size_t n = ck_numbers(filter), m = ck_pixels(filter);
  ck_lanes pixels[4][CK_SIDE];
  for (size_t side = 0; side < tiles.count; side += CK_SIDE)
    for (size_t channel = 0; channel < channels; channel += CK_SIDE) {
      const size_t count = channels - channel < CK_SIDE ? channels - channel : CK_SIDE;
      ck_lanes shift = {0};
      memcpy(&shift, bias + channel, count * sizeof *bias);
      for (size_t c = 0; c < CK_SIDE; c++) {
        ck_lanes x[CK_MOST * CK_MOST] = {0};
        if (c < count) {
          const float *from = sums + (channel + c) * width + side;
          for (size_t p = 0; p < n * n; p++) memcpy(&x[p], from + p * position, sizeof *x);
          for (size_t b = 0; b < n; b++) ck_turn_sums(filter, x + b, n);
          for (size_t a = 0; a < m; a++) ck_turn_sums(filter, x + a * n, 1);
        }
        for (size_t a = 0; a < m; a++)
          for (size_t b = 0; b < m; b++) pixels[a * m + b][c] = x[a * n + b];
      }
      for (size_t q = 0; q < m * m; q++) {
        ck_items *lanes = (ck_items *)pixels[q];
        CK_TRANSPOSE(lanes);
        for (size_t i = 0; i < CK_SIDE && side + i < tiles.count; i++) {
          const size_t tile = tiles.first + side + i;
          const size_t down = tile / tiles.columns * m + q / m;
          const size_t right = tile % tiles.columns * m + q % m;
          if (down < rows && right < across)
            put_pixel(&pixels[q][i], &shift, y + down * row + right * channels + channel, count,
                      accumulate);
        }
      }
    }
}

CK_MULTIVERSION
void ck_filter_output(ck_filter filter, const float *sums, size_t position, size_t width,
                      size_t channels, ck_filter_tiles tiles, const float *bias, float *y,
                      size_t row, size_t rows, size_t across, int accumulate) {
#define OUTPUT_OF(filter)                                                                       \
  output_of(filter, sums, position, width, channels, tiles, bias, y, row, rows, across, accumulate)
  CK_FOR_FILTER(filter, OUTPUT_OF)
}
