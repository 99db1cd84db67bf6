#include "CKernels.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { ROWS = CK_TILE_ROWS, COLUMNS = CK_TILE_COLUMNS };

typedef float float16 __attribute__((vector_size(64)));
typedef float float8 __attribute__((vector_size(32)));
typedef float float4 __attribute__((vector_size(16)));
typedef uint32_t pairs16 __attribute__((vector_size(64)));
typedef uint32_t pairs8 __attribute__((vector_size(32)));
typedef uint32_t pairs4 __attribute__((vector_size(16)));

// The part of a tile that is kept in registers: HEIGHT rows by WIDTH vectors of LANES floats, from row i
// and column j on. Operands are vectors of ITEMS, and STEP adds the products of two of them to sums; IN_TURN
// says that those of a row come before the next one's. The sums are put into the result, or added to it.
#define PART(VECTOR, ITEMS, LANES, HEIGHT, WIDTH, STEP, IN_TURN)                                \
  do {                                                                                          \
    VECTOR sum[HEIGHT][WIDTH];                                                                  \
    _Pragma("clang loop unroll(full)") for (size_t a = 0; a < HEIGHT; a++)                      \
        _Pragma("clang loop unroll(full)") for (size_t b = 0; b < WIDTH; b++)                   \
            sum[a][b] = (VECTOR){0};                                                            \
    for (size_t r = 0; r < count; r++) {                                                        \
      ITEMS below[WIDTH];                                                                       \
      _Pragma("clang loop unroll(full)") for (size_t b = 0; b < WIDTH; b++)                     \
          memcpy(&below[b], right + r * COLUMNS + j + b * LANES, sizeof below[b]);              \
      _Pragma("clang loop unroll(full)") for (size_t a = 0; a < HEIGHT; a++) {                  \
        const ITEMS above = left[r * ROWS + i + a] - (ITEMS){0};                                \
        _Pragma("clang loop unroll(full)") for (size_t b = 0; b < WIDTH; b++)                   \
            STEP(VECTOR, above, below[b], sum[a][b]);                                           \
        IN_TURN(sum[a]);                                                                        \
      }                                                                                         \
    }                                                                                           \
    _Pragma("clang loop unroll(full)") for (size_t a = 0; a < HEIGHT; a++)                      \
        _Pragma("clang loop unroll(full)") for (size_t b = 0; b < WIDTH; b++) {                 \
          float *place = y + (i + a) * stride + j + b * LANES;                                  \
          VECTOR before;                                                                        \
          memcpy(&before, place, sizeof before);                                                \
          if (adds) sum[a][b] += before;                                                        \
          memcpy(place, &sum[a][b], sizeof sum[a][b]);                                          \
        }                                                                                       \
  } while (0)

#define ANY_ORDER(sums)
// 12 sums, 3 vectors of the right operand and one of the left are all 16 registers.
#define ROW_BY_ROW(sums) __asm__("" : "+x"((sums)[0]), "+x"((sums)[1]), "+x"((sums)[2]))

#define FUSED(VECTOR, above, below, sum) sum = __builtin_elementwise_fma(above, below, sum)
#define APART(VECTOR, above, below, sum) sum = (above) * (below) + sum

// Pairs of bfloat16 numbers, which are the upper halves of floats: the earlier ones, then the later ones.
#define EACH_OF_PAIRS(STEP, VECTOR, above, below, sum)                                          \
  do {                                                                                          \
    STEP(VECTOR, (VECTOR)((above) << 16), (VECTOR)((below) << 16), sum);                        \
    STEP(VECTOR, (VECTOR)((above) & 0xFFFF0000), (VECTOR)((below) & 0xFFFF0000), sum);          \
  } while (0)
#define FUSED_PAIRS(VECTOR, above, below, sum) EACH_OF_PAIRS(FUSED, VECTOR, above, below, sum)
#define APART_PAIRS(VECTOR, above, below, sum) EACH_OF_PAIRS(APART, VECTOR, above, below, sum)
#define BF16_PAIRS(VECTOR, above, below, sum) \
  sum = (VECTOR)_mm512_dpbf16_ps((__m512)sum, (__m512bh)(above), (__m512bh)(below))

static void tile_of_any(const float *restrict left, const float *restrict right, size_t count,
                        float *restrict y, size_t stride, int adds) {
#pragma clang fp contract(off)
  for (size_t i = 0; i < ROWS; i += 4)
    for (size_t j = 0; j < COLUMNS; j += 8) PART(float4, float4, 4, 4, 2, APART, ANY_ORDER);
}

static void pairs_of_any(const uint32_t *restrict left, const uint32_t *restrict right,
                         size_t count, float *restrict y, size_t stride, int adds) {
#pragma clang fp contract(off)
  for (size_t i = 0; i < ROWS; i += 4)
    for (size_t j = 0; j < COLUMNS; j += 4)
      PART(float4, pairs4, 4, 4, 1, APART_PAIRS, ANY_ORDER);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void tile_of_avx2(
    const float *restrict left, const float *restrict right, size_t count, float *restrict y,
    size_t stride, int adds) {
  for (size_t j = 0; j < COLUMNS; j += 24)
    for (size_t i = 0; i < ROWS; i += 4) PART(float8, float8, 8, 4, 3, FUSED, ROW_BY_ROW);
}

__attribute__((target("avx2,fma"))) static void pairs_of_avx2(
    const uint32_t *restrict left, const uint32_t *restrict right, size_t count,
    float *restrict y, size_t stride, int adds) {
  for (size_t j = 0; j < COLUMNS; j += 16)
    for (size_t i = 0; i < ROWS; i += 4) PART(float8, pairs8, 8, 4, 2, FUSED_PAIRS, ANY_ORDER);
}

__attribute__((target("avx512f"))) static void tile_of_avx512(
    const float *restrict left, const float *restrict right, size_t count, float *restrict y,
    size_t stride, int adds) {
  const size_t i = 0, j = 0;
  PART(float16, float16, 16, 8, 3, FUSED, ANY_ORDER);
}

__attribute__((target("avx512f"))) static void pairs_of_avx512(
    const uint32_t *restrict left, const uint32_t *restrict right, size_t count,
    float *restrict y, size_t stride, int adds) {
  const size_t j = 0;
  for (size_t i = 0; i < ROWS; i += 4) PART(float16, pairs16, 16, 4, 3, FUSED_PAIRS, ANY_ORDER);
}

__attribute__((target("avx512f,avx512bf16"))) static void pairs_of_avx512_bf16(
    const uint32_t *restrict left, const uint32_t *restrict right, size_t count,
    float *restrict y, size_t stride, int adds) {
  const size_t i = 0, j = 0;
  PART(float16, pairs16, 16, 8, 3, BF16_PAIRS, ANY_ORDER);
}
#endif

// A whole tile.
static void tile_of(ck_product_level level, const float *left, const float *right, size_t count,
                    float *y, size_t stride, int adds) {
  switch (level) {
#if defined(__x86_64__)
    case CK_PRODUCT_AMX:
    case CK_PRODUCT_AVX512_BF16:
    case CK_PRODUCT_AVX512: tile_of_avx512(left, right, count, y, stride, adds); break;
    case CK_PRODUCT_AVX2: tile_of_avx2(left, right, count, y, stride, adds); break;
#endif
    default: tile_of_any(left, right, count, y, stride, adds);
  }
}

// The same of pairs.
static void tile_of_pairs(ck_product_level level, const uint32_t *left, const uint32_t *right,
                          size_t count, float *y, size_t stride, int adds) {
  switch (level) {
#if defined(__x86_64__)
    case CK_PRODUCT_AMX:
    case CK_PRODUCT_AVX512_BF16: pairs_of_avx512_bf16(left, right, count, y, stride, adds); break;
    case CK_PRODUCT_AVX512: pairs_of_avx512(left, right, count, y, stride, adds); break;
    case CK_PRODUCT_AVX2: pairs_of_avx2(left, right, count, y, stride, adds); break;
#endif
    default: pairs_of_any(left, right, count, y, stride, adds);
  }
}

// Has the place of a whole tile brought near while the tile is computed: its rows lie far apart.
static void await(const float *y, size_t stride) {
  enum { LINE = 64 / sizeof *y };
  for (size_t i = 0; i < ROWS; i++)
    for (size_t j = 0; j < COLUMNS; j += LINE) __builtin_prefetch(y + i * stride + j, 1);
}

// Puts the wanted part of a tile into the result.
static void store(const float *restrict tile, float *restrict y, size_t stride, size_t rows,
                  size_t columns, int accumulate) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++)
      y[i * stride + j] = accumulate ? y[i * stride + j] + tile[i * COLUMNS + j]
                                     : tile[i * COLUMNS + j];
}

void ck_product_tile_f32(ck_product_level level, const float *left, const float *right,
                         size_t count, float *y, size_t stride, size_t rows, size_t columns,
                         int accumulate) {
  if (rows == ROWS && columns == COLUMNS) {
    await(y, stride);
    return tile_of(level, left, right, count, y, stride, accumulate);
  }
  _Alignas(64) float tile[ROWS * COLUMNS];
  tile_of(level, left, right, count, tile, COLUMNS, 0);
  store(tile, y, stride, rows, columns, accumulate);
}

void ck_product_tile_bf16(ck_product_level level, const uint32_t *left, const uint32_t *right,
                          size_t count, float *y, size_t stride, size_t rows, size_t columns,
                          int accumulate) {
  if (rows == ROWS && columns == COLUMNS) {
    await(y, stride);
    return tile_of_pairs(level, left, right, count, y, stride, accumulate);
  }
  _Alignas(64) float tile[ROWS * COLUMNS];
  tile_of_pairs(level, left, right, count, tile, COLUMNS, 0);
  store(tile, y, stride, rows, columns, accumulate);
}

void ck_product_strip_f32(ck_product_level level, const float *left, size_t tiles,
                          const float *right, size_t count, float *y, int accumulate) {
  for (size_t t = 0; t < tiles; t++)
    tile_of(level, left + t * count * ROWS, right, count, y + t * ROWS * COLUMNS, COLUMNS,
            accumulate);
}

void ck_product_strip_bf16(ck_product_level level, const uint32_t *left, size_t tiles,
                           const uint32_t *right, size_t count, float *y, int accumulate) {
  for (size_t t = 0; t < tiles; t++)
    tile_of_pairs(level, left + t * count * ROWS, right, count, y + t * ROWS * COLUMNS, COLUMNS,
                  accumulate);
}
