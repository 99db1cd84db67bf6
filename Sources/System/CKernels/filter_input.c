#include "filters.h"

// Vectors of one channel become items of panels: floats, or pairs of two channels rounded to bfloat16, to
// nearest even; NaN is kept one.
CK_INLINE void round_lanes(ck_items *bits) {
  const ck_items up = *bits + 0x7FFF + (*bits >> 16 & 1);
  const ck_items is_nan = (ck_items)((*bits & 0x7FFFFFFF) > 0x7F800000);
  *bits = ((is_nan & (*bits | 0x400000)) | (~is_nan & up)) & 0xFFFF0000;
}

// The items of CK_SIDE tiles and of at most CK_SIDE channels from `channel` on.
CK_INLINE void put_items(ck_items *restrict rows, size_t channel, size_t channels, size_t width,
                         int pairs, uint32_t *restrict panel) {
  CK_TRANSPOSE(rows);
  const size_t count = channels - channel < CK_SIDE ? channels - channel : CK_SIDE;
  if (!pairs) {
    for (size_t r = 0; r < count; r++)
      memcpy(panel + (channel + r) * width, &rows[r], sizeof *rows);
    return;
  }
  for (size_t r = 0; r < count; r += 2) {
    ck_items pair = rows[r], later = rows[r + 1];
    round_lanes(&pair);
    round_lanes(&later);
    pair >>= 16;
    if (r + 1 < count) pair |= later;
    memcpy(panel + (channel + r) / 2 * width, &pair, sizeof pair);
  }
}

CK_INLINE void input_of(ck_filter filter, const float *restrict pixels, size_t row, size_t channels,
                        ck_filter_tiles tiles, size_t width, int pairs, size_t items,
                        uint32_t *restrict panels, size_t position) {
  const size_t n = ck_numbers(filter), step = ck_step(filter);
  ck_lanes numbers[CK_MOST * CK_MOST][CK_SIDE];
  for (size_t side = 0; side < width; side += CK_SIDE) {
    const float *start[CK_SIDE] = {0};
    for (size_t i = 0; i < CK_SIDE && side + i < tiles.count; i++) {
      const size_t tile = tiles.first + side + i;
      start[i] = pixels + tile / tiles.columns * step * row + tile % tiles.columns * step * channels;
    }
    for (size_t channel = 0; channel < channels; channel += CK_SIDE) {
      for (size_t i = 0; i < CK_SIDE; i++) {
        ck_lanes x[CK_MOST * CK_MOST] = {0};
        if (start[i]) {
          for (size_t a = 0; a < n; a++)
            for (size_t b = 0; b < n; b++)
              memcpy(&x[a * n + b], start[i] + a * row + b * channels + channel, sizeof *x);
          for (size_t b = 0; b < n; b++) ck_turn_pixels(filter, x + b, n);
          for (size_t a = 0; a < n; a++) ck_turn_pixels(filter, x + a * n, 1);
        }
        for (size_t p = 0; p < n * n; p++) numbers[p][i] = x[p];
      }
      for (size_t p = 0; p < n * n; p++)
        put_items((ck_items *)numbers[p], channel, channels, width, pairs,
                  panels + p * position + side);
    }
  }
  const size_t used = pairs ? (channels + 1) / 2 : channels;
  for (size_t p = 0; p < n * n && used < items; p++)
    memset(panels + p * position + used * width, 0, (items - used) * width * sizeof *panels);
}

CK_MULTIVERSION
void ck_filter_input(ck_filter filter, const float *pixels, size_t row, size_t channels,
                     ck_filter_tiles tiles, size_t width, int pairs, size_t items,
                     uint32_t *panels, size_t position) {
#define INPUT_OF(filter)                                                                        \
  if (pairs)                                                                                    \
    input_of(filter, pixels, row, channels, tiles, width, 1, items, panels, position);          \
  else                                                                                          \
    input_of(filter, pixels, row, channels, tiles, width, 0, items, panels, position)
  CK_FOR_FILTER(filter, INPUT_OF)
}
