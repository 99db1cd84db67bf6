#include "CKernelsProductsAMX.h"
#include "multiversion.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "product_amx_emulated.h"
#include "product_amx_tile.h"

CK_MULTIVERSION
static void product_by_emulation(const uint16_t *restrict left, const uint32_t *restrict right,
                                 size_t count, int terms, float *restrict sums,
                                 int accumulate) {
  if (!emulation_has_begun) __builtin_trap();
  product_of_emulation(left, right, count, terms, sums, accumulate);
}

CK_MULTIVERSION
static void strip_by_emulation(const uint16_t *restrict left, size_t tiles,
                               const uint32_t *restrict right, size_t count, float *restrict y,
                               int accumulate) {
  if (!emulation_has_begun) __builtin_trap();
  strip_of_emulation(left, tiles, right, count, y, accumulate);
}

#if defined(__x86_64__)
#include "product_amx_instructions.h"
#include "product_amx_tile.h"

__attribute__((target("avx512f,amx-tile,amx-bf16"))) static void product_by_instructions(
    const uint16_t *restrict left, const uint32_t *restrict right, size_t count, int terms,
    float *restrict sums, int accumulate) {
  product_of_instructions(left, right, count, terms, sums, accumulate);
}

__attribute__((target("avx512f,amx-tile,amx-bf16"))) static void strip_by_instructions(
    const uint16_t *restrict left, size_t tiles, const uint32_t *restrict right, size_t count,
    float *restrict y, int accumulate) {
  strip_of_instructions(left, tiles, right, count, y, accumulate);
}
#endif

void ck_product_begin(ck_product_level level) {
#if defined(__x86_64__)
  if (level == CK_PRODUCT_AMX) load_tile_shapes();
#endif
  if (level == CK_PRODUCT_AMX_EMULATED) emulation_has_begun = 1;
}

void ck_product_end(ck_product_level level) {
#if defined(__x86_64__)
  if (level == CK_PRODUCT_AMX) release_tiles();
#endif
  if (level == CK_PRODUCT_AMX_EMULATED) emulation_has_begun = 0;
}

void ck_product_tile_amx(ck_product_level level, const uint16_t *left, const uint32_t *right,
                         size_t count, int terms, float *sums, int accumulate) {
#if defined(__x86_64__)
  if (level == CK_PRODUCT_AMX)
    return product_by_instructions(left, right, count, terms, sums, accumulate);
#endif
  product_by_emulation(left, right, count, terms, sums, accumulate);
}

enum { TILE_FLOATS = CK_AMX_ROWS * CK_AMX_COLUMNS };

// Calls MOVE(float of a tile, float of the matrix) for those that there are, a row of a tile at a time, whose
// length the compiler knows where it is whole.
#define EACH_FLOAT_OF_TILES(MOVE)                                                                \
  for (size_t i = 0; i < rows; i++)                                                              \
    for (size_t j = 0; j < columns; j += CK_AMX_COLUMNS) {                                       \
      const size_t across = (columns + CK_AMX_COLUMNS - 1) / CK_AMX_COLUMNS;                      \
      const size_t at = (i / CK_AMX_ROWS * across + j / CK_AMX_COLUMNS) * TILE_FLOATS +           \
                        i % CK_AMX_ROWS * CK_AMX_COLUMNS;                                         \
      if (j + CK_AMX_COLUMNS <= columns)                                                         \
        for (size_t k = 0; k < CK_AMX_COLUMNS; k++) MOVE(tiles[at + k], y[i * stride + j + k]);  \
      else                                                                                       \
        for (size_t k = 0; k < columns - j; k++) MOVE(tiles[at + k], y[i * stride + j + k]);     \
    }

#define TO_ROW(tile, row) row = tile
#define FROM_ROW(tile, row) tile = row

CK_MULTIVERSION
void ck_rows_of_tiles(const float *restrict tiles, size_t rows, size_t columns, float *restrict y,
                      size_t stride) {
  EACH_FLOAT_OF_TILES(TO_ROW);
}

CK_MULTIVERSION
void ck_tiles_of_rows(const float *restrict y, size_t stride, size_t rows, size_t columns,
                      float *restrict tiles) {
  EACH_FLOAT_OF_TILES(FROM_ROW);
}

void ck_product_strip_amx(ck_product_level level, const uint16_t *left, size_t tiles,
                          const uint32_t *right, size_t count, float *y, int accumulate) {
#if defined(__x86_64__)
  if (level == CK_PRODUCT_AMX)
    return strip_by_instructions(left, tiles, right, count, y, accumulate);
#endif
  strip_by_emulation(left, tiles, right, count, y, accumulate);
}
