#include "CKernels.h"
#include "multiversion.h"
#include "transpose.h"
#include <string.h>

enum { ROWS = CK_TILE_ROWS, COLUMNS = CK_TILE_COLUMNS, SIDE = CK_SIDE };
// Pairs are made of so many steps of a row at a time, which then lie in the first-level cache.
enum { PAIRS = 64 };

// A bfloat16 number in the upper half of an item: round to nearest even, NaN kept one.
static inline uint32_t rounded(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint32_t up = bits + 0x7FFF + (bits >> 16 & 1);
  return ((bits & 0x7FFFFFFF) > 0x7F800000 ? bits | 0x400000 : up) & 0xFFFF0000;
}

// Pairs of one row: of `count` steps from an even one on.
static inline __attribute__((always_inline)) void pair_up(const float *restrict row, size_t count,
                                                          ck_item *restrict pairs) {
  for (size_t p = 0; p < count / 2; p++)
    pairs[p] = rounded(row[2 * p]) >> 16 | rounded(row[2 * p + 1]);
  if (count % 2) pairs[count / 2] = rounded(row[count - 1]) >> 16;
}

// Puts `rows` rows of `count` items side by side into a panel of ROWS.
static inline __attribute__((always_inline)) void interleave_into(
    const ck_item *restrict x, size_t stride, size_t rows, size_t count, ck_item *restrict panel) {
  if (rows < ROWS) memset(panel, 0, count * ROWS * sizeof *panel);
  size_t r = 0;
  if (rows == ROWS)
    for (; r + SIDE <= count; r += SIDE) {
      ck_items vectors[ROWS];
      for (size_t i = 0; i < ROWS; i++) memcpy(&vectors[i], x + i * stride + r, sizeof vectors[i]);
      CK_ZIP(vectors, ROWS, 3);
      memcpy(panel + r * ROWS, vectors, sizeof vectors);
    }
  for (; r < count; r++)
    for (size_t i = 0; i < rows; i++) panel[r * ROWS + i] = x[i * stride + r];
}

CK_MULTIVERSION
void ck_pack_left_f32(const float *restrict x, size_t stride, size_t rows, size_t count,
                      float *restrict panel) {
  interleave_into((const ck_item *)x, stride, rows, count, (ck_item *)panel);
}

CK_MULTIVERSION
void ck_pack_left_bf16(const float *restrict x, size_t stride, size_t rows, size_t count,
                       uint32_t *restrict panel) {
  uint32_t pairs[ROWS * PAIRS];
  for (size_t first = 0; first < count; first += 2 * PAIRS) {
    const size_t here = count - first < 2 * PAIRS ? count - first : 2 * PAIRS;
    for (size_t i = 0; i < rows; i++) pair_up(x + i * stride + first, here, pairs + i * PAIRS);
    interleave_into(pairs, PAIRS, rows, (here + 1) / 2, panel + first / 2 * ROWS);
  }
}

CK_MULTIVERSION
void ck_pack_left_transposed_f32(const float *restrict x, size_t stride, size_t rows, size_t count,
                                 float *restrict panels) {
  for (size_t r = 0; r < count; r++)
    for (size_t first = 0; first < rows; first += ROWS) {
      const float *from = x + r * stride + first;
      float *to = panels + first * count + r * ROWS;
      if (first + ROWS <= rows)
        memcpy(to, from, ROWS * sizeof *to);
      else
        for (size_t i = 0; i < ROWS; i++) to[i] = first + i < rows ? from[i] : 0;
    }
}

CK_MULTIVERSION
void ck_pack_left_transposed_bf16(const float *restrict x, size_t stride, size_t rows,
                                  size_t count, uint32_t *restrict panels) {
  const size_t pairs = (count + 1) / 2;
  for (size_t p = 0; p < pairs; p++) {
    const float *one = x + 2 * p * stride;
    const float *other = 2 * p + 1 < count ? one + stride : 0;
    for (size_t first = 0; first < rows; first += ROWS) {
      uint32_t *to = panels + first * pairs + p * ROWS;
      if (other && first + ROWS <= rows)
        for (size_t i = first; i < first + ROWS; i++)
          *to++ = rounded(one[i]) >> 16 | rounded(other[i]);
      else
        for (size_t i = first; i < first + ROWS; i++)
          *to++ = i < rows ? rounded(one[i]) >> 16 | (other ? rounded(other[i]) : 0) : 0;
    }
  }
}

// Transposes `columns` rows of `count` items into a panel.
static inline __attribute__((always_inline)) void transpose_into(
    const ck_item *restrict w, size_t stride, size_t columns, size_t count, ck_item *restrict panel) {
  if (columns < COLUMNS) memset(panel, 0, count * COLUMNS * sizeof *panel);
  for (size_t c = 0; c < columns; c += SIDE) {
    size_t r = 0;
    if (c + SIDE <= columns)
      for (; r + SIDE <= count; r += SIDE) {
        ck_items rows[SIDE];
        for (size_t i = 0; i < SIDE; i++)
          memcpy(&rows[i], w + (c + i) * stride + r, sizeof rows[i]);
        CK_TRANSPOSE(rows);
        for (size_t i = 0; i < SIDE; i++)
          memcpy(panel + (r + i) * COLUMNS + c, &rows[i], sizeof rows[i]);
      }
    for (; r < count; r++)
      for (size_t i = c; i < columns && i < c + SIDE; i++)
        panel[r * COLUMNS + i] = w[i * stride + r];
  }
}

CK_MULTIVERSION
void ck_pack_right_transposed_f32(const float *restrict w, size_t stride, size_t columns,
                                  size_t count, float *restrict panel) {
  transpose_into((const ck_item *)w, stride, columns, count, (ck_item *)panel);
}

CK_MULTIVERSION
void ck_pack_right_transposed_bf16(const float *restrict w, size_t stride, size_t columns,
                                   size_t count, uint32_t *restrict panel) {
  uint32_t pairs[COLUMNS * PAIRS];
  for (size_t first = 0; first < count; first += 2 * PAIRS) {
    const size_t here = count - first < 2 * PAIRS ? count - first : 2 * PAIRS;
    for (size_t i = 0; i < columns; i++) pair_up(w + i * stride + first, here, pairs + i * PAIRS);
    transpose_into(pairs, PAIRS, columns, (here + 1) / 2, panel + first / 2 * COLUMNS);
  }
}

CK_MULTIVERSION
void ck_pack_right_f32(const float *restrict w, size_t stride, size_t columns, size_t count,
                       float *restrict panel) {
  if (columns < COLUMNS) memset(panel, 0, count * COLUMNS * sizeof *panel);
  for (size_t r = 0; r < count; r++)
    memcpy(panel + r * COLUMNS, w + r * stride, columns * sizeof *panel);
}

CK_MULTIVERSION
void ck_pack_right_bf16(const float *restrict w, size_t stride, size_t columns, size_t count,
                        uint32_t *restrict panel) {
  if (columns < COLUMNS) memset(panel, 0, (count + 1) / 2 * COLUMNS * sizeof *panel);
  for (size_t p = 0; p < count / 2; p++) {
    const float *first = w + 2 * p * stride, *second = first + stride;
    for (size_t i = 0; i < columns; i++)
      panel[p * COLUMNS + i] = rounded(first[i]) >> 16 | rounded(second[i]);
  }
  if (count % 2)
    for (size_t i = 0; i < columns; i++)
      panel[count / 2 * COLUMNS + i] = rounded(w[(count - 1) * stride + i]) >> 16;
}
