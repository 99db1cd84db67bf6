#include "CKernels.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { ROWS = CK_TILE_ROWS, COLUMNS = CK_TILE_COLUMNS };

// The part of a tile that is kept in registers: HEIGHT rows by WIDTH vectors of LANES floats, from row i
// and column j on.
#define PART(VECTOR, LANES, HEIGHT, WIDTH, MULTIPLY_ADD)                                        \
  do {                                                                                          \
    VECTOR sum[HEIGHT][WIDTH];                                                                  \
    _Pragma("clang loop unroll(full)") for (size_t a = 0; a < HEIGHT; a++)                      \
        _Pragma("clang loop unroll(full)") for (size_t b = 0; b < WIDTH; b++)                   \
            sum[a][b] = (VECTOR){0};                                                            \
    for (size_t r = 0; r < count; r++) {                                                        \
      VECTOR below[WIDTH];                                                                      \
      _Pragma("clang loop unroll(full)") for (size_t b = 0; b < WIDTH; b++)                     \
          memcpy(&below[b], right + r * COLUMNS + j + b * LANES, sizeof below[b]);              \
      _Pragma("clang loop unroll(full)") for (size_t a = 0; a < HEIGHT; a++) {                  \
        const VECTOR above = left[r * ROWS + i + a] - (VECTOR){0};                              \
        _Pragma("clang loop unroll(full)") for (size_t b = 0; b < WIDTH; b++)                   \
            sum[a][b] = MULTIPLY_ADD(above, below[b], sum[a][b]);                               \
      }                                                                                         \
    }                                                                                           \
    _Pragma("clang loop unroll(full)") for (size_t a = 0; a < HEIGHT; a++)                      \
        _Pragma("clang loop unroll(full)") for (size_t b = 0; b < WIDTH; b++)                   \
            memcpy(tile + (i + a) * COLUMNS + j + b * LANES, &sum[a][b], sizeof sum[a][b]);     \
  } while (0)

typedef float float16 __attribute__((vector_size(64)));
typedef float float8 __attribute__((vector_size(32)));
typedef float float4 __attribute__((vector_size(16)));
typedef uint32_t items16 __attribute__((vector_size(64)));
typedef uint32_t items8 __attribute__((vector_size(32)));
typedef uint32_t items4 __attribute__((vector_size(16)));

#define FUSED(a, b, c) __builtin_elementwise_fma(a, b, c)
#define APART(a, b, c) ((a) * (b) + (c))

static void tile_of_any(const float *restrict left, const float *restrict right, size_t count,
                        float *restrict tile) {
#pragma clang fp contract(off)
  for (size_t i = 0; i < ROWS; i += 4)
    for (size_t j = 0; j < COLUMNS; j += 8) PART(float4, 4, 4, 2, APART);
}

// The two numbers of a pair as floats, the earlier one first.
#define EARLIER(pairs) ((pairs) << 16)
#define LATER(pairs) ((pairs) & 0xFFFF0000)

// PART for pairs of bfloat16 numbers: two steps after each other.
#define PART_OF_PAIRS(VECTOR, ITEMS, LANES, HEIGHT, WIDTH, MULTIPLY_ADD)                        \
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
        const ITEMS above = left[r * ROWS + i + a] + (ITEMS){0};                                \
        const VECTOR first = (VECTOR)EARLIER(above), second = (VECTOR)LATER(above);             \
        _Pragma("clang loop unroll(full)") for (size_t b = 0; b < WIDTH; b++) {                 \
          sum[a][b] = MULTIPLY_ADD(first, (VECTOR)EARLIER(below[b]), sum[a][b]);                \
          sum[a][b] = MULTIPLY_ADD(second, (VECTOR)LATER(below[b]), sum[a][b]);                 \
        }                                                                                       \
      }                                                                                         \
    }                                                                                           \
    _Pragma("clang loop unroll(full)") for (size_t a = 0; a < HEIGHT; a++)                      \
        _Pragma("clang loop unroll(full)") for (size_t b = 0; b < WIDTH; b++)                   \
            memcpy(tile + (i + a) * COLUMNS + j + b * LANES, &sum[a][b], sizeof sum[a][b]);     \
  } while (0)

static void pairs_of_any(const uint32_t *restrict left, const uint32_t *restrict right,
                         size_t count, float *restrict tile) {
#pragma clang fp contract(off)
  for (size_t i = 0; i < ROWS; i += 4)
    for (size_t j = 0; j < COLUMNS; j += 4) PART_OF_PAIRS(float4, items4, 4, 4, 1, APART);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void pairs_of_avx2(const uint32_t *restrict left,
                                                              const uint32_t *restrict right,
                                                              size_t count, float *restrict tile) {
  for (size_t j = 0; j < COLUMNS; j += 16)
    for (size_t i = 0; i < ROWS; i += 4) PART_OF_PAIRS(float8, items8, 8, 4, 2, FUSED);
}

__attribute__((target("avx512f"))) static void pairs_of_avx512(const uint32_t *restrict left,
                                                               const uint32_t *restrict right,
                                                               size_t count,
                                                               float *restrict tile) {
  for (size_t i = 0; i < ROWS; i += 4) {
    const size_t j = 0;
    PART_OF_PAIRS(float16, items16, 16, 4, 3, FUSED);
  }
}

__attribute__((target("avx2,fma"))) static void tile_of_avx2(const float *restrict left,
                                                             const float *restrict right,
                                                             size_t count, float *restrict tile) {
  for (size_t j = 0; j < COLUMNS; j += 24)
    for (size_t i = 0; i < ROWS; i += 4) PART(float8, 8, 4, 3, FUSED);
}

__attribute__((target("avx512f"))) static void tile_of_avx512(const float *restrict left,
                                                              const float *restrict right,
                                                              size_t count,
                                                              float *restrict tile) {
  const size_t i = 0, j = 0;
  PART(float16, 16, 8, 3, FUSED);
}

__attribute__((target("avx512f,avx512bf16"))) static void tile_of_bf16(
    const uint32_t *restrict left, const uint32_t *restrict right, size_t count,
    float *restrict tile) {
  __m512 sum[ROWS][3];
#pragma clang loop unroll(full)
  for (size_t a = 0; a < ROWS; a++)
#pragma clang loop unroll(full)
    for (size_t b = 0; b < 3; b++) sum[a][b] = _mm512_setzero_ps();
  for (size_t r = 0; r < count; r++) {
    __m512i below[3];
#pragma clang loop unroll(full)
    for (size_t b = 0; b < 3; b++) below[b] = _mm512_loadu_si512(right + r * COLUMNS + 16 * b);
#pragma clang loop unroll(full)
    for (size_t a = 0; a < ROWS; a++) {
      const __m512i above = _mm512_set1_epi32((int)left[r * ROWS + a]);
#pragma clang loop unroll(full)
      for (size_t b = 0; b < 3; b++)
        sum[a][b] = _mm512_dpbf16_ps(sum[a][b], (__m512bh)above, (__m512bh)below[b]);
    }
  }
#pragma clang loop unroll(full)
  for (size_t a = 0; a < ROWS; a++)
#pragma clang loop unroll(full)
    for (size_t b = 0; b < 3; b++) _mm512_storeu_ps(tile + a * COLUMNS + 16 * b, sum[a][b]);
}
#endif

// Puts the wanted part of a tile into the result.
static void store(const float *restrict tile, float *restrict y, size_t stride, size_t rows,
                  size_t columns, int accumulate) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++)
      y[i * stride + j] = accumulate ? y[i * stride + j] + tile[i * COLUMNS + j]
                                     : tile[i * COLUMNS + j];
}

ck_product_level ck_best_product_level(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return __builtin_cpu_supports("avx512bf16") ? CK_PRODUCT_AVX512_BF16 : CK_PRODUCT_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return CK_PRODUCT_AVX2;
#endif
  return CK_PRODUCT_PLAIN;
}

void ck_product_tile_f32(ck_product_level level, const float *left, const float *right,
                         size_t count, float *y, size_t stride, size_t rows, size_t columns,
                         int accumulate) {
  _Alignas(64) float tile[ROWS * COLUMNS];
  switch (level) {
#if defined(__x86_64__)
    case CK_PRODUCT_AVX512_BF16:
    case CK_PRODUCT_AVX512: tile_of_avx512(left, right, count, tile); break;
    case CK_PRODUCT_AVX2: tile_of_avx2(left, right, count, tile); break;
#endif
    default: tile_of_any(left, right, count, tile);
  }
  store(tile, y, stride, rows, columns, accumulate);
}

void ck_product_tile_bf16(ck_product_level level, const uint32_t *left, const uint32_t *right,
                          size_t count, float *y, size_t stride, size_t rows, size_t columns,
                          int accumulate) {
  _Alignas(64) float tile[ROWS * COLUMNS];
  switch (level) {
#if defined(__x86_64__)
    case CK_PRODUCT_AVX512_BF16: tile_of_bf16(left, right, count, tile); break;
    case CK_PRODUCT_AVX512: pairs_of_avx512(left, right, count, tile); break;
    case CK_PRODUCT_AVX2: pairs_of_avx2(left, right, count, tile); break;
#endif
    default: pairs_of_any(left, right, count, tile);
  }
  store(tile, y, stride, rows, columns, accumulate);
}
