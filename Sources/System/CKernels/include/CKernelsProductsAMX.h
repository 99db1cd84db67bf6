#ifndef CKERNELS_PRODUCTS_AMX_H
#define CKERNELS_PRODUCTS_AMX_H

#include "CKernelsProducts.h"

// Matrix products on AMX, whose instructions multiply tiles of 16 rows and 16 columns with 32 steps
// of the reduction, in bfloat16 numbers with sums in float32.
//
// A float32 number of the left operand is the sum of `terms` bfloat16 numbers: each is what those
// before leave, rounded to nearest even. Three are all of a number from 2^-102 on. A number of the
// right operand is one bfloat16 number: products are those of float32 where it was one before.
//
// Relative to the norm of the result, errors of one, two and three terms are about 1.7e-3, 2.5e-6
// and 1.5e-7 (one sum in float32: 1e-6). Infinities and NaN of the left operand are in the first
// term alone, and give what they give in float32. An infinite number of the right operand may give
// NaN, as later terms are 0. What of the left operand rounds beyond 3.39e38 becomes infinite.
// Numbers below 2^-126 count as 0, as terms, right operands, sums and results.

/// Rows of the left operand that a panel holds, and of the result in a tile.
enum { CK_AMX_ROWS = 32 };
/// Columns of the right operand that a panel holds, and of the result in a tile.
enum { CK_AMX_COLUMNS = 32 };
/// Steps that are multiplied together; panels end with zeros up to a multiple of it.
enum { CK_AMX_STEPS = 32 };

/// Packs x[i * stride + r] for `rows` (at most 32) rows and `count` steps, with zeros for the rest,
/// into panel[((r / 32 * terms + p) * 32 + i) * 32 + r % 32], where p is 0 for the last and
/// smallest term. That is `terms` (1, 2 or 3) times 1024 numbers for every 32 steps that are begun.
void ck_pack_left_amx(const float *_Nonnull x, size_t stride, size_t rows, size_t count, int terms,
                      uint16_t *_Nonnull panel);

/// ck_pack_left_amx with one term, for rows of the left operand that are columns of x, as many as there
/// are: panels of 32 of them follow each other, with x[r * stride + i] in the first. That is xT · w.
void ck_pack_left_transposed_amx(const float *_Nonnull x, size_t stride, size_t rows, size_t count,
                                 uint16_t *_Nonnull panels);

/// Packs w[i * stride + r] for `columns` (at most 32) columns of the right operand, which are rows
/// of w, and `count` steps, rounded to bfloat16, with zeros for the rest. Of panel[r / 2 * 32 + i]
/// an even step is the lower half: 512 items for every 32 steps that are begun. That is x · wT.
void ck_pack_right_transposed_amx(const float *_Nonnull w, size_t stride, size_t columns,
                                  size_t count, uint32_t *_Nonnull panel);

/// The same of w[r * stride + i], for as many columns as there are: panels of 32 of them follow each
/// other. That is dy · w. Rows of w lie on pages of their own, so each is read once, to its end.
void ck_pack_right_amx(const float *_Nonnull w, size_t stride, size_t columns, size_t count,
                       uint32_t *_Nonnull panels);

/// ck_pack_right_transposed_amx of bfloat16 numbers, as files store them.
void ck_pack_stored_right_transposed_amx(const uint16_t *_Nonnull w, size_t stride, size_t columns,
                                         size_t count, uint32_t *_Nonnull panel);

/// ck_pack_right_amx of bfloat16 numbers, as files store them.
void ck_pack_stored_right_amx(const uint16_t *_Nonnull w, size_t stride, size_t columns,
                              size_t count, uint32_t *_Nonnull panels);

/// Readies the calling thread for products of a level, before its first tile. Begun work is not
/// begun again, and ends on the same thread.
void ck_product_begin(ck_product_level level);

/// Gives back what ck_product_begin took, after the thread's last tile.
void ck_product_end(ck_product_level level);

/// sums[i * 32 + j] = (accumulate ? sums : 0) + sum over `count` steps of left[i][r] · right[r][j], for
/// a tile of 32 rows and 32 columns, between ck_product_begin and ck_product_end. Panels and tiles best
/// begin at multiples of 64 bytes.
///
/// Every 32 steps add to the sum as the instruction TDPBF16PS says, of all terms, the last and
/// smallest one first: then it is not lost while the sum is small. An element's bits depend on its
/// own row and column only. Every level but AMX, which the processor must have, is emulated.
void ck_product_tile_amx(ck_product_level level, const uint16_t *_Nonnull left,
                         const uint32_t *_Nonnull right, size_t count, int terms,
                         float *_Nonnull sums, int accumulate);

/// y[i * stride + j] of `rows` rows and `columns` columns from tiles, which lie one after the other: those of
/// 32 rows, then those of the next.
void ck_rows_of_tiles(const float *_Nonnull tiles, size_t rows, size_t columns, float *_Nonnull y,
                      size_t stride);

/// The other way round. What of a tile is beside the matrix is left as it is.
void ck_tiles_of_rows(const float *_Nonnull y, size_t stride, size_t rows, size_t columns,
                      float *_Nonnull tiles);

/// Whole tiles one below the other, of left panels of one term that follow each other and a right panel
/// of 48 columns of pairs, as ck_pack_right_bf16 makes it, with zeros up to a multiple of 32 steps:
/// y[i * 48 + j] = (accumulate ? y : 0) + sum over `count` steps of left[i][r] · right[r][j], for
/// 32 · `tiles` rows i and 48 columns j. All else is as for ck_product_tile_amx.
void ck_product_strip_amx(ck_product_level level, const uint16_t *_Nonnull left, size_t tiles,
                          const uint32_t *_Nonnull right, size_t count, float *_Nonnull y,
                          int accumulate);

#endif
