#ifndef CKERNELS_PRODUCTS_H
#define CKERNELS_PRODUCTS_H

#include <stddef.h>
#include <stdint.h>

// Matrix products of packed operands. Both lie in panels of 32-bit items, one for each step of the
// reduction: a float, or with two steps at once a pair of bfloat16 numbers, the earlier one in the lower
// half. A tile of the result is CK_TILE_ROWS x CK_TILE_COLUMNS.
//
// Every element of the result is one sum, in the order of the reduction: its bits depend on how the
// reduction is divided and on the level, not on the tile that it is in.

/// Rows of the left operand that a panel holds, and of the result in a tile.
enum { CK_TILE_ROWS = 8 };
/// Columns of the right operand that a panel holds, and of the result in a tile.
enum { CK_TILE_COLUMNS = 48 };

/// panel[r * 8 + i] = x[i * stride + r] for `rows` (at most 8) rows and `count` steps; zeros for the rest.
void ck_pack_left_f32(const float *_Nonnull x, size_t stride, size_t rows, size_t count,
                      float *_Nonnull panel);

/// The same with pairs of steps, rounded to bfloat16, to nearest even; an odd count ends with a zero.
void ck_pack_left_bf16(const float *_Nonnull x, size_t stride, size_t rows, size_t count,
                       uint32_t *_Nonnull panel);

/// The same for rows of the left operand that are columns of x, as many as there are: panels of 8 of them
/// follow each other, with panel[r * 8 + i] = x[r * stride + i] in the first. That is xT · w.
void ck_pack_left_transposed_f32(const float *_Nonnull x, size_t stride, size_t rows, size_t count,
                                 float *_Nonnull panels);

/// The same with pairs of steps, rounded to bfloat16; an odd count ends with a zero.
void ck_pack_left_transposed_bf16(const float *_Nonnull x, size_t stride, size_t rows,
                                  size_t count, uint32_t *_Nonnull panels);

/// panel[r * 48 + i] = w[i * stride + r] for `columns` (at most 48) columns of the right operand, which are
/// rows of w, and `count` steps; zeros for the rest. That is x · wT.
void ck_pack_right_transposed_f32(const float *_Nonnull w, size_t stride, size_t columns,
                                  size_t count, float *_Nonnull panel);

/// The same with pairs of steps, rounded to bfloat16; an odd count ends with a zero.
void ck_pack_right_transposed_bf16(const float *_Nonnull w, size_t stride, size_t columns,
                                   size_t count, uint32_t *_Nonnull panel);

/// panel[r * 48 + i] = w[r * stride + i] for `columns` (at most 48) columns and `count` steps; zeros for the
/// rest. That is dy · w.
void ck_pack_right_f32(const float *_Nonnull w, size_t stride, size_t columns, size_t count,
                       float *_Nonnull panel);

/// The same with pairs of steps, rounded to bfloat16; an odd count ends with a zero.
void ck_pack_right_bf16(const float *_Nonnull w, size_t stride, size_t columns, size_t count,
                        uint32_t *_Nonnull panel);

/// Rounds `count` floats in place to what bfloat16 has, to nearest even.
void ck_round_to_bf16(float *_Nonnull x, size_t count);

/// ck_pack_right_transposed_f32 of bfloat16 numbers, as files store them.
void ck_pack_stored_right_transposed_f32(const uint16_t *_Nonnull w, size_t stride, size_t columns,
                                         size_t count, float *_Nonnull panel);

/// ck_pack_right_transposed_bf16 of bfloat16 numbers, as files store them.
void ck_pack_stored_right_transposed_bf16(const uint16_t *_Nonnull w, size_t stride,
                                          size_t columns, size_t count, uint32_t *_Nonnull panel);

/// ck_pack_right_f32 of bfloat16 numbers, as files store them.
void ck_pack_stored_right_f32(const uint16_t *_Nonnull w, size_t stride, size_t columns,
                              size_t count, float *_Nonnull panel);

/// ck_pack_right_bf16 of bfloat16 numbers, as files store them.
void ck_pack_stored_right_bf16(const uint16_t *_Nonnull w, size_t stride, size_t columns,
                               size_t count, uint32_t *_Nonnull panel);

/// Which instructions compute a tile. AVX2 and AVX-512 give the same bits of float32, and of
/// bfloat16 where it has no instructions of its own.
typedef enum {
  /// Whatever the compiler takes for any processor of the architecture; products are not fused with sums.
  CK_PRODUCT_PLAIN,
  /// AVX2 with fused products.
  CK_PRODUCT_AVX2,
  /// AVX-512 with fused products.
  CK_PRODUCT_AVX512,
  /// The same, with products of pairs of bfloat16 numbers.
  CK_PRODUCT_AVX512_BF16,
  /// The same, with tiles of AMX, which have panels and a product of their own: CKernelsProductsAMX.h.
  CK_PRODUCT_AMX,
  /// What AMX computes, bit for bit, on any processor and slowly: for tests. The products of this file
  /// are the plain ones.
  CK_PRODUCT_AMX_EMULATED,
} ck_product_level;

/// The best level that this processor has; it has the lower ones too. AMX is it only where the system gives
/// this process leave to use tiles, which the first call asks for; any threads may call it at once.
ck_product_level ck_best_product_level(void);

/// Whether this processor multiplies pairs of bfloat16 numbers as often as floats where it has instructions for
/// them: AMD's do, Intel's don't.
int ck_pairs_are_fast(void);

/// y[i * stride + j] = (accumulate ? y : 0) + sum over `count` steps of left[r][i] · right[r][j], for `rows`
/// and `columns` of a tile.
void ck_product_tile_f32(ck_product_level level, const float *_Nonnull left,
                         const float *_Nonnull right, size_t count, float *_Nonnull y,
                         size_t stride, size_t rows, size_t columns, int accumulate);

/// The same for `count` pairs of steps. On CK_PRODUCT_AVX512_BF16 and CK_PRODUCT_AMX sums are in the order of
/// the instruction VDPBF16PS, on the others one step after the other.
void ck_product_tile_bf16(ck_product_level level, const uint32_t *_Nonnull left,
                          const uint32_t *_Nonnull right, size_t count, float *_Nonnull y,
                          size_t stride, size_t rows, size_t columns, int accumulate);

/// Whole tiles one below the other, of panels that follow each other: y[i * 48 + j] = (accumulate ? y : 0)
/// + sum over `count` steps of left[r][i] · right[r][j], for 8 · `tiles` rows i and 48 columns j.
void ck_product_strip_f32(ck_product_level level, const float *_Nonnull left, size_t tiles,
                          const float *_Nonnull right, size_t count, float *_Nonnull y,
                          int accumulate);

/// The same for `count` pairs of steps.
void ck_product_strip_bf16(ck_product_level level, const uint32_t *_Nonnull left, size_t tiles,
                           const uint32_t *_Nonnull right, size_t count, float *_Nonnull y,
                           int accumulate);

#endif
