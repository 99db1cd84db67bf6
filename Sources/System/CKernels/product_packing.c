#include "CKernels.h"
#include "multiversion.h"
#include <string.h>

enum { ROWS = CK_TILE_ROWS, COLUMNS = CK_TILE_COLUMNS, SIDE = 16 };

// Floats are moved as items too.
typedef uint32_t item __attribute__((may_alias));
typedef uint32_t items __attribute__((vector_size(SIDE * sizeof(uint32_t))));

// Transposes SIDE rows of SIDE items: zipping each row with the one half of them further on, four times.
#define LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define TRANSPOSE(rows)                                                                         \
  do {                                                                                          \
    items zipped[SIDE];                                                                         \
    for (int step = 0; step < 4; step++) {                                                      \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < SIDE / 2; i++) {                   \
        zipped[2 * i] = __builtin_shufflevector(rows[i], rows[i + SIDE / 2], LOW);              \
        zipped[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + SIDE / 2], HIGH);         \
      }                                                                                         \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < SIDE; i++) rows[i] = zipped[i];    \
    }                                                                                           \
  } while (0)

// A bfloat16 number in the upper half of an item: round to nearest even, NaN kept one.
static inline uint32_t rounded(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint32_t up = bits + 0x7FFF + (bits >> 16 & 1);
  return ((bits & 0x7FFFFFFF) > 0x7F800000 ? bits | 0x400000 : up) & 0xFFFF0000;
}

CK_MULTIVERSION
void ck_pack_left_f32(const float *restrict x, size_t stride, size_t rows, size_t count,
                      float *restrict panel) {
  if (rows < ROWS) memset(panel, 0, count * ROWS * sizeof *panel);
  for (size_t i = 0; i < rows; i++)
    for (size_t r = 0; r < count; r++) panel[r * ROWS + i] = x[i * stride + r];
}

CK_MULTIVERSION
void ck_pack_left_bf16(const float *restrict x, size_t stride, size_t rows, size_t count,
                       uint32_t *restrict panel) {
  if (rows < ROWS) memset(panel, 0, (count + 1) / 2 * ROWS * sizeof *panel);
  for (size_t i = 0; i < rows; i++) {
    const float *row = x + i * stride;
    for (size_t p = 0; p < count / 2; p++)
      panel[p * ROWS + i] = rounded(row[2 * p]) >> 16 | rounded(row[2 * p + 1]);
    if (count % 2) panel[count / 2 * ROWS + i] = rounded(row[count - 1]) >> 16;
  }
}

// Transposes `columns` rows of `count` items into a panel.
static inline __attribute__((always_inline)) void transpose_into(
    const item *restrict w, size_t stride, size_t columns, size_t count, item *restrict panel) {
  if (columns < COLUMNS) memset(panel, 0, count * COLUMNS * sizeof *panel);
  for (size_t c = 0; c < columns; c += SIDE) {
    size_t r = 0;
    if (c + SIDE <= columns)
      for (; r + SIDE <= count; r += SIDE) {
        items rows[SIDE];
        for (size_t i = 0; i < SIDE; i++)
          memcpy(&rows[i], w + (c + i) * stride + r, sizeof rows[i]);
        TRANSPOSE(rows);
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
  transpose_into((const item *)w, stride, columns, count, (item *)panel);
}

CK_MULTIVERSION
void ck_pack_right_transposed_bf16(const float *restrict w, size_t stride, size_t columns,
                                   size_t count, uint32_t *restrict panel) {
  // Some steps at a time, which then lie in the first-level cache.
  enum { PAIRS = 64 };
  uint32_t pairs[COLUMNS * PAIRS];
  for (size_t first = 0; first < (count + 1) / 2; first += PAIRS) {
    const size_t left = (count + 1) / 2 - first, here = left < PAIRS ? left : PAIRS;
    for (size_t i = 0; i < columns; i++) {
      const float *row = w + i * stride + 2 * first;
      const size_t whole = 2 * (first + here) <= count ? here : here - 1;
      for (size_t p = 0; p < whole; p++)
        pairs[i * PAIRS + p] = rounded(row[2 * p]) >> 16 | rounded(row[2 * p + 1]);
      if (whole < here) pairs[i * PAIRS + whole] = rounded(row[2 * whole]) >> 16;
    }
    transpose_into(pairs, PAIRS, columns, here, panel + first * COLUMNS);
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
