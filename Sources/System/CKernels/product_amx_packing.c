#include "CKernelsProductsAMX.h"
#include "product_items.h"

enum { ROWS = CK_AMX_ROWS, COLUMNS = CK_AMX_COLUMNS, STEPS = CK_AMX_STEPS };

// Takes the next term out of STEPS numbers: what they are rounded to is exact to take away.
// Infinities and NaN leave nothing, for an infinity minus itself would make NaN of it.
CK_INLINE void take_term(float *restrict rest, uint16_t *restrict term) {
  for (size_t s = 0; s < STEPS; s++) {
    const uint32_t bits = rounded(rest[s]);
    const float left = rest[s] - float_of(bits);
    term[s] = (uint16_t)(bits >> 16);
    rest[s] = (bits & 0x7F800000) == 0x7F800000 ? 0 : left;
  }
}

CK_MULTIVERSION
void ck_pack_left_amx(const float *restrict x, size_t stride, size_t rows, size_t count, int terms,
                      uint16_t *restrict panel) {
  const size_t term_length = ROWS * STEPS;
  for (size_t i = 0; i < ROWS; i++) {
    uint16_t *last = panel + i * STEPS;
    for (size_t first = 0; first < count; first += STEPS) {
      float rest[STEPS] = {0};
      if (i < rows && first + STEPS <= count)
        memcpy(rest, x + i * stride + first, sizeof rest);
      else if (i < rows)
        memcpy(rest, x + i * stride + first, (count - first) * sizeof *rest);
      for (int term = terms; term-- > 0;) take_term(rest, last + (size_t)term * term_length);
      last += (size_t)terms * term_length;
    }
  }
}

// Rounds STEPS rows of CK_SIDE numbers and transposes them: rows of STEPS numbers, so many apart.
CK_INLINE void turn_block(const float *restrict x, size_t stride, uint16_t *restrict block) {
  ck_items pairs[CK_SIDE];
  for (size_t p = 0; p < CK_SIDE; p++) {
    const float *first = x + 2 * p * stride, *second = first + stride;
    uint32_t joined[CK_SIDE];
    for (size_t i = 0; i < CK_SIDE; i++) joined[i] = rounded(first[i]) >> 16 | rounded(second[i]);
    memcpy(&pairs[p], joined, sizeof joined);
  }
  CK_TRANSPOSE(pairs);
  memcpy(block, pairs, sizeof pairs);
}

CK_MULTIVERSION
void ck_pack_left_transposed_amx(const float *restrict x, size_t stride, size_t rows, size_t count,
                                 uint16_t *restrict panels) {
  const size_t length = (count + STEPS - 1) / STEPS * STEPS;
  for (size_t first = 0; first < count; first += STEPS)
    for (size_t i = 0; i < (rows + ROWS - 1) / ROWS * ROWS; i += CK_SIDE) {
      const float *from = x + first * stride + i;
      uint16_t *block = panels + i / ROWS * ROWS * length + (first * ROWS + i % ROWS * STEPS);
      const size_t steps = count - first < STEPS ? count - first : STEPS;
      const size_t here = rows < i ? 0 : rows - i < CK_SIDE ? rows - i : CK_SIDE;
      if (steps == STEPS && here == CK_SIDE) {
        turn_block(from, stride, block);
        continue;
      }
      float part[STEPS * CK_SIDE] = {0};
      for (size_t r = 0; r < steps; r++)
        memcpy(part + r * CK_SIDE, from + r * stride, here * sizeof *part);
      turn_block(part, CK_SIDE, block);
    }
}

// Items of a panel of so many steps.
CK_INLINE size_t panel_length(size_t count) {
  return (count + STEPS - 1) / STEPS * (STEPS / 2) * COLUMNS;
}

// Fills the last pairs of a panel whose tiles reach beyond its steps.
CK_INLINE void pad(uint32_t *panel, size_t count) {
  const size_t filled = (count + 1) / 2 * COLUMNS;
  memset(panel + filled, 0, (panel_length(count) - filled) * sizeof *panel);
}

CK_MULTIVERSION
void ck_pack_right_transposed_amx(const float *restrict w, size_t stride, size_t columns,
                                  size_t count, uint32_t *restrict panel) {
  transpose_pairs_into(w, stride, columns, count, panel, COLUMNS);
  pad(panel, count);
}

// Joins row by row with the next one, in panel after panel; PAIR(column) is the item of two numbers, and
// LAST(column) of the first of them alone.
#define JOIN_ROWS(PAIR, LAST)                                                                     \
  for (size_t p = 0; p < (count + 1) / 2; p++) {                                                  \
    const int is_pair = 2 * p + 1 < count;                                                        \
    for (size_t c = 0; c < columns; c += COLUMNS) {                                               \
      uint32_t *to = panels + c / COLUMNS * panel_length(count) + p * COLUMNS;                    \
      if (is_pair && c + COLUMNS <= columns)                                                      \
        for (size_t i = 0; i < COLUMNS; i++) to[i] = PAIR(c + i);                                 \
      else                                                                                        \
        for (size_t i = 0; i < COLUMNS; i++)                                                      \
          to[i] = c + i >= columns ? 0 : is_pair ? PAIR(c + i) : LAST(c + i);                     \
    }                                                                                             \
  }                                                                                               \
  for (size_t c = 0; c < columns; c += COLUMNS)                                                   \
    pad(panels + c / COLUMNS * panel_length(count), count)

CK_MULTIVERSION
void ck_pack_right_amx(const float *restrict w, size_t stride, size_t columns, size_t count,
                       uint32_t *restrict panels) {
#define FIRST(i) (rounded(w[2 * p * stride + (i)]) >> 16)
#define BOTH(i) (FIRST(i) | rounded(w[(2 * p + 1) * stride + (i)]))
  JOIN_ROWS(BOTH, FIRST);
#undef FIRST
#undef BOTH
}

CK_MULTIVERSION
void ck_pack_stored_right_transposed_amx(const uint16_t *restrict w, size_t stride, size_t columns,
                                         size_t count, uint32_t *restrict panel) {
  transpose_stored_pairs_into(w, stride, columns, count, panel, COLUMNS);
  pad(panel, count);
}

CK_MULTIVERSION
void ck_pack_stored_right_amx(const uint16_t *restrict w, size_t stride, size_t columns,
                              size_t count, uint32_t *restrict panels) {
#define FIRST(i) ((uint32_t)w[2 * p * stride + (i)])
#define BOTH(i) (FIRST(i) | (uint32_t)w[(2 * p + 1) * stride + (i)] << 16)
  JOIN_ROWS(BOTH, FIRST);
#undef FIRST
#undef BOTH
}
