#ifndef CK_PRODUCT_ITEMS_H
#define CK_PRODUCT_ITEMS_H

#include "CKernelsProducts.h"
#include "bits.h"
#include "multiversion.h"
#include "transpose.h"

// How operands of products become items of panels, whose width the compiler knows where these parts
// are inlined.

// Pairs are made of so many steps of a row at a time, which then lie in the first-level cache.
enum { PAIRS = 64 };

// A bfloat16 number in the upper half of an item: round to nearest even, NaN kept one.
CK_INLINE uint32_t rounded(float value) {
  uint32_t bits = bits_of(value);
  uint32_t up = bits + 0x7FFF + (bits >> 16 & 1);
  return ((bits & 0x7FFFFFFF) > 0x7F800000 ? bits | 0x400000 : up) & 0xFFFF0000;
}

// Pairs of one row: of `count` steps from an even one on.
CK_INLINE void pair_up(const float *restrict row, size_t count, ck_item *restrict pairs) {
  for (size_t p = 0; p < count / 2; p++)
    pairs[p] = rounded(row[2 * p]) >> 16 | rounded(row[2 * p + 1]);
  if (count % 2) pairs[count / 2] = rounded(row[count - 1]) >> 16;
}

// Transposes `columns` rows of `count` items, whose beginnings are `stride` bytes apart, into a panel.
CK_INLINE void transpose_into(const void *restrict w, size_t stride, size_t columns, size_t count,
                              ck_item *restrict panel, size_t width) {
  if (columns < width) memset(panel, 0, count * width * sizeof *panel);
  for (size_t c = 0; c < columns; c += CK_SIDE) {
    const char *restrict first = (const char *)w + c * stride;
    size_t r = 0;
    if (c + CK_SIDE <= columns)
      for (; r + CK_SIDE <= count; r += CK_SIDE) {
        ck_items rows[CK_SIDE];
        for (size_t i = 0; i < CK_SIDE; i++)
          memcpy(&rows[i], first + i * stride + r * sizeof *panel, sizeof rows[i]);
        CK_TRANSPOSE(rows);
        for (size_t i = 0; i < CK_SIDE; i++)
          memcpy(panel + (r + i) * width + c, &rows[i], sizeof rows[i]);
      }
    for (; r < count; r++)
      for (size_t i = 0; i < CK_SIDE && c + i < columns; i++)
        memcpy(panel + r * width + c + i, first + i * stride + r * sizeof *panel, sizeof *panel);
  }
}

// Rounds `columns` rows of `count` steps and transposes their pairs into a panel.
CK_INLINE void transpose_pairs_into(const float *restrict w, size_t stride, size_t columns,
                                    size_t count, uint32_t *restrict panel, size_t width) {
  uint32_t pairs[CK_TILE_COLUMNS * PAIRS];
  for (size_t first = 0; first < count; first += 2 * PAIRS) {
    const size_t here = count - first < 2 * PAIRS ? count - first : 2 * PAIRS;
    for (size_t i = 0; i < columns; i++) pair_up(w + i * stride + first, here, pairs + i * PAIRS);
    transpose_into(pairs, PAIRS * sizeof *pairs, columns, (here + 1) / 2, panel + first / 2 * width, width);
  }
}

// Rounds `count` rows of `columns` numbers and joins two and two of them in a panel.
CK_INLINE void join_pairs_into(const float *restrict w, size_t stride, size_t columns,
                               size_t count, uint32_t *restrict panel, size_t width) {
  if (columns < width) memset(panel, 0, (count + 1) / 2 * width * sizeof *panel);
  for (size_t p = 0; p < count / 2; p++) {
    const float *first = w + 2 * p * stride, *second = first + stride;
    for (size_t i = 0; i < columns; i++)
      panel[p * width + i] = rounded(first[i]) >> 16 | rounded(second[i]);
  }
  if (count % 2)
    for (size_t i = 0; i < columns; i++)
      panel[count / 2 * width + i] = rounded(w[(count - 1) * stride + i]) >> 16;
}

// Of bfloat16 numbers as files store them, two that follow each other are a pair already.

// Has a part of a row that is needed soon brought near. Rows lie on pages of their own, one after the other,
// which processors don't foresee.
CK_INLINE void await_row(const uint16_t *w, size_t columns) {
  __builtin_prefetch(w);
  __builtin_prefetch(w + columns - 1);
}

// How many rows before it is needed.
enum { ROWS_AHEAD = 16 };

// Transposes the pairs of `columns` rows of `count` stored numbers into a panel.
CK_INLINE void transpose_stored_pairs_into(const uint16_t *restrict w, size_t stride,
                                           size_t columns, size_t count, uint32_t *restrict panel,
                                           size_t width) {
  transpose_into(w, stride * sizeof *w, columns, count / 2, panel, width);
  uint32_t *last = panel + count / 2 * width;
  if (count % 2)
    for (size_t i = 0; i < width; i++) last[i] = i < columns ? w[i * stride + count - 1] : 0;
}

// Joins two and two of `count` rows of `columns` stored numbers in a panel.
CK_INLINE void join_stored_pairs_into(const uint16_t *restrict w, size_t stride, size_t columns,
                                      size_t count, uint32_t *restrict panel, size_t width) {
  if (columns < width) memset(panel, 0, (count + 1) / 2 * width * sizeof *panel);
  for (size_t p = 0; p < count / 2; p++) {
    const uint16_t *first = w + 2 * p * stride, *second = first + stride;
    if (2 * p + 1 + ROWS_AHEAD < count) {
      await_row(first + ROWS_AHEAD * stride, columns);
      await_row(second + ROWS_AHEAD * stride, columns);
    }
    for (size_t i = 0; i < columns; i++)
      panel[p * width + i] = first[i] | (uint32_t)second[i] << 16;
  }
  if (count % 2)
    for (size_t i = 0; i < columns; i++)
      panel[count / 2 * width + i] = w[(count - 1) * stride + i];
}

// Transposes `columns` rows of `count` stored numbers, widened to float32, into a panel.
CK_INLINE void transpose_stored_into(const uint16_t *restrict w, size_t stride, size_t columns,
                                     size_t count, ck_item *restrict panel, size_t width) {
  if (columns < width) memset(panel, 0, count * width * sizeof *panel);
  for (size_t c = 0; c < columns; c += CK_SIDE) {
    size_t r = 0;
    if (c + CK_SIDE <= columns)
      for (; r + 2 * CK_SIDE <= count; r += 2 * CK_SIDE) {
        ck_items pairs[CK_SIDE];
        for (size_t i = 0; i < CK_SIDE; i++)
          memcpy(&pairs[i], w + (c + i) * stride + r, sizeof pairs[i]);
        CK_TRANSPOSE(pairs);
        for (size_t i = 0; i < CK_SIDE; i++) {
          const ck_items earlier = pairs[i] << 16, later = pairs[i] & 0xFFFF0000;
          memcpy(panel + (r + 2 * i) * width + c, &earlier, sizeof earlier);
          memcpy(panel + (r + 2 * i + 1) * width + c, &later, sizeof later);
        }
      }
    for (; r < count; r++)
      for (size_t i = c; i < columns && i < c + CK_SIDE; i++)
        panel[r * width + i] = (ck_item)w[i * stride + r] << 16;
  }
}

#endif
