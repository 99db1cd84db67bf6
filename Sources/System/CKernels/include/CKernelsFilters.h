#ifndef CKERNELS_FILTERS_H
#define CKERNELS_FILTERS_H

#include <stddef.h>
#include <stdint.h>

// Convolutions of pixels as products of matrices, with less arithmetic than a product for every tap.
//
// The output is cut into tiles of so many pixels each way. What a tile reads of a channel, and the weights of
// two channels, are turned into as many numbers as there are positions; the products of those at a position
// are summed over the channels, and the sums are turned into the tile's pixels. Every turn is one of rows and
// then one of columns, of additions alone but for halves of weights.
//
// Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (arXiv 1509.09308), F(2x2, 3x3);
// doubled pixels are that with one of the four numbers always 0.

/// How pixels lie to each other, and so the numbers along an axis.
typedef enum {
  /// One pixel to one: 1 number of 1 pixel, for 1 pixel.
  CK_FILTER_POINT,
  /// Three taps, padded on both sides: 4 numbers of 4 pixels, for 2 pixels; the next tile is 2 pixels on.
  CK_FILTER_SAME,
  /// Three taps of an axis whose pixels come twice: 3 numbers of 3 pixels, for 2 pixels; the next tile is 1
  /// pixel on.
  CK_FILTER_DOUBLED,
  /// Three taps of every second pixel: 3 numbers of 3 pixels, for 1 pixel; the next tile is 2 pixels on.
  CK_FILTER_HALVED,
} ck_filter;

/// Tiles that follow each other row by row, in rows of `columns` of them.
typedef struct {
  /// The number of the first one, and how many there are.
  size_t first, count;
  size_t columns;
} ck_filter_tiles;

/// Floats that may be read after the last pixel of a plane.
enum { CK_FILTER_SLACK = 16 };

/// Turns weights: numbers[(p * count) + i] is the number of position p for w[i * stride] and the taps after it,
/// row by row.
void ck_filter_weights(ck_filter filter, const float *_Nonnull w, size_t stride, size_t count,
                       float *_Nonnull numbers);

/// Turns the pixels of at most `width` tiles (48 or 32) into panels of a right operand, one for every position:
/// panel[r * width + i] of position p, `position` items after the one before it, is the number of channel r
/// and tile i, or with `pairs` the numbers of channels 2r and 2r+1, rounded to bfloat16. Steps up to `items`
/// and tiles that don't exist are 0.
///
/// Pixels `channels` floats apart, in rows `row` floats apart, begin with the first tile's first one.
void ck_filter_input(ck_filter filter, const float *_Nonnull pixels, size_t row, size_t channels,
                     ck_filter_tiles tiles, size_t width, int pairs, size_t items,
                     uint32_t *_Nonnull panels, size_t position);

/// Turns sums into pixels: y = pixel + bias, or y += pixel + bias with `accumulate`. sums[c * width + i] of
/// position p, `position` floats after the one before it, is that of channel c and tile i.
///
/// y is the first pixel of the first tile of a row of tiles, in a picture of which `rows` and `across` pixels
/// are left from there; its pixels are dense, its rows `row` floats apart.
void ck_filter_output(ck_filter filter, const float *_Nonnull sums, size_t position, size_t width,
                      size_t channels, ck_filter_tiles tiles, const float *_Nonnull bias,
                      float *_Nonnull y, size_t row, size_t rows, size_t across, int accumulate);

#endif
