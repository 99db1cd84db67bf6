#include "CKernelsProducts.h"
#include "product_items.h"

enum { ROWS = CK_TILE_ROWS, COLUMNS = CK_TILE_COLUMNS };

// Puts `rows` rows of `count` items side by side into a panel of ROWS.
CK_INLINE void interleave_into(const ck_item *restrict x, size_t stride, size_t rows, size_t count,
                               ck_item *restrict panel) {
  if (rows < ROWS) memset(panel, 0, count * ROWS * sizeof *panel);
  size_t r = 0;
  if (rows == ROWS)
    for (; r + CK_SIDE <= count; r += CK_SIDE) {
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

CK_MULTIVERSION
void ck_pack_right_transposed_f32(const float *restrict w, size_t stride, size_t columns,
                                  size_t count, float *restrict panel) {
  transpose_into(w, stride * sizeof *w, columns, count, (ck_item *)panel, COLUMNS);
}

CK_MULTIVERSION
void ck_pack_right_transposed_bf16(const float *restrict w, size_t stride, size_t columns,
                                   size_t count, uint32_t *restrict panel) {
  transpose_pairs_into(w, stride, columns, count, panel, COLUMNS);
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
  join_pairs_into(w, stride, columns, count, panel, COLUMNS);
}

CK_MULTIVERSION
void ck_round_to_bf16(float *restrict x, size_t count) {
  ck_item *items = (ck_item *)x;
  for (size_t i = 0; i < count; i++) items[i] = rounded(float_of(items[i]));
}

CK_MULTIVERSION
void ck_pack_stored_right_transposed_f32(const uint16_t *restrict w, size_t stride, size_t columns,
                                         size_t count, float *restrict panel) {
  transpose_stored_into(w, stride, columns, count, (ck_item *)panel, COLUMNS);
}

CK_MULTIVERSION
void ck_pack_stored_right_transposed_bf16(const uint16_t *restrict w, size_t stride,
                                          size_t columns, size_t count, uint32_t *restrict panel) {
  transpose_stored_pairs_into(w, stride, columns, count, panel, COLUMNS);
}

CK_MULTIVERSION
void ck_pack_stored_right_f32(const uint16_t *restrict w, size_t stride, size_t columns,
                              size_t count, float *restrict panel) {
  ck_item *items = (ck_item *)panel;
  if (columns < COLUMNS) memset(panel, 0, count * COLUMNS * sizeof *panel);
  for (size_t r = 0; r < count; r++) {
    if (r + ROWS_AHEAD < count) await_row(w + (r + ROWS_AHEAD) * stride, columns);
    for (size_t i = 0; i < columns; i++)
      items[r * COLUMNS + i] = (ck_item)w[r * stride + i] << 16;
  }
}

CK_MULTIVERSION
void ck_pack_stored_right_bf16(const uint16_t *restrict w, size_t stride, size_t columns,
                               size_t count, uint32_t *restrict panel) {
  join_stored_pairs_into(w, stride, columns, count, panel, COLUMNS);
}
