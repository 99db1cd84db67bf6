#ifndef CKERNELS_ATTENTION_H
#define CKERNELS_ATTENTION_H

#include <stddef.h>

// Attention, a block of keys by CK_TILE_COLUMNS queries at a time: what stands between its products.
//
// A block has a row for every key, of a lane for every query: `scores[k * 48 + i]`. Nothing crosses lanes, and
// what is beside the wanted queries may hold anything. What is known of queries is a float a lane: 48 of
// them. Sums over keys are in the order of the keys within a block, and blocks in the order of the calls.
//
// Weights are 2^((score - largest) * factor), with log2(e) in the factor so that they are powers of e;
// `largest` is the largest score of the blocks so far. What was computed before with a smaller one is
// corrected, in the end or as it goes. A score of minus infinity makes a weight that is exactly 0; NaN stays
// NaN.

/// scores[k][i] = scores[k][i] * factor + bias[k - i] for `queries` lanes. `bias` is the one of the first key
/// and query of the block; there must be queries - 1 floats before and keys - 1 after it.
void ck_attention_bias(float *_Nonnull scores, size_t keys, size_t queries, float factor,
                       const float *_Nonnull bias);

/// scores[k][i] becomes -inf where i < k + ahead: where the key comes after the query, with `ahead` for the
/// first key's position minus the first query's.
void ck_attention_mask(float *_Nonnull scores, size_t keys, ptrdiff_t ahead);

/// scores[k][i] becomes 2^((scores[k][i] - largest) * factor), for a factor above 0.
///
/// Before the first block `largest` is -inf, `sum` 0. Afterwards `largest` has the block's scores in it, `sum`
/// is that of the weights of all blocks, and `correction` what those of earlier blocks are to be multiplied
/// by.
void ck_attention_weights(float *_Nonnull scores, size_t keys, float factor,
                          float *_Nonnull largest, float *_Nonnull sum,
                          float *_Nonnull correction);

/// factors[i] = 2^((then - largest) * factor) / sum: what a block's weights, computed when the largest score
/// was `then`, are to be multiplied by after the last block. 0 where the sum is, that is where all was masked.
void ck_attention_factors(const float *_Nonnull then, const float *_Nonnull largest, float factor,
                          const float *_Nonnull sum, float *_Nonnull factors);

/// dots[i] = dots[i] * correction[i] + sum over keys of weights[k][i] * gradients[k][i].
void ck_attention_dots(const float *_Nonnull weights, const float *_Nonnull gradients, size_t keys,
                       const float *_Nonnull correction, float *_Nonnull dots);

/// weights[k][i] *= factors[i]; then the softmax's gradient of the scores,
/// gradients[k][i] = weights[k][i] * (gradients[k][i] - dots[i]).
void ck_attention_gradients(float *_Nonnull weights, float *_Nonnull gradients, size_t keys,
                            const float *_Nonnull factors, const float *_Nonnull dots);

/// sums[r][i] *= factors[i] for `rows` rows of 48.
void ck_attention_rescale(float *_Nonnull sums, size_t rows, const float *_Nonnull factors);

/// y[i * stride + r] = sums[r][i] * factors[i] for `rows` rows and `columns` (at most 48) columns.
void ck_attention_store(const float *_Nonnull sums, size_t rows, size_t columns,
                        const float *_Nonnull factors, float *_Nonnull y, size_t stride);

#endif
