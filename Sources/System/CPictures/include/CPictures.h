#ifndef CPICTURES_H
#define CPICTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// libpng, libjpeg-turbo and libwebp behind functions that return: errors of the
// first two leave by longjmp, which may not cross Swift.
//
// Every function works on a whole file in memory, keeps no state and writes
// nothing to standard error. On failure it returns false and puts one line
// that says why into `message`, which has room for CPIC_MESSAGE_SIZE bytes.

enum { CPIC_MESSAGE_SIZE = 256 };

/// How the samples of a picture are stored.
typedef enum {
  cpic_gray,
  cpic_gray_alpha,
  cpic_palette,
  cpic_rgb,
  cpic_rgba,
  cpic_ycc,
  cpic_cmyk,
  cpic_ycck,
  cpic_other,
} cpic_color;

/// What a picture's header declares; nothing is decoded to know it.
typedef struct {
  uint32_t width;
  uint32_t height;
  uint8_t bit_depth;
  uint8_t channels;
  cpic_color color;
} cpic_header;

/// Reads a PNG up to its pixels.
bool cpic_png_header(const uint8_t *_Nonnull bytes, size_t count, cpic_header *_Nonnull header,
                     char *_Nonnull message);

/// Decodes a PNG into 8-bit RGB, `capacity` = height * width * 3 bytes; with
/// `pixels` null every row is decoded into the same scratch row, which checks
/// the file without the memory of the picture.
///
/// The high byte of 16-bit samples is taken; alpha and every ancillary chunk
/// (gamma, profiles, texts, transparency) are ignored without being inflated.
bool cpic_png_decode(const uint8_t *_Nonnull bytes, size_t count, uint8_t *_Nullable pixels,
                     size_t capacity, char *_Nonnull message);

/// Encodes 8-bit RGB as a PNG, always with the same filters and compression
/// level. `chunks` are written before the pixels: each a big-endian length, a
/// type of four letters and that many bytes, as in a PNG but without the CRC.
///
/// On success `*output` holds `*output_count` bytes that `cpic_free` releases.
bool cpic_png_encode(const uint8_t *_Nonnull pixels, uint32_t width, uint32_t height,
                     const uint8_t *_Nullable chunks, size_t chunk_bytes,
                     uint8_t *_Nullable *_Nonnull output, size_t *_Nonnull output_count,
                     char *_Nonnull message);

/// Releases what `cpic_png_encode` or `cpic_jpeg_encode` gave.
void cpic_free(uint8_t *_Nullable bytes);

/// Reads a JPEG up to its first scan.
bool cpic_jpeg_header(const uint8_t *_Nonnull bytes, size_t count, cpic_header *_Nonnull header,
                      char *_Nonnull message);

/// Decodes a JPEG into 8-bit RGB, as `cpic_png_decode` does for a PNG.
///
/// Accurate integer DCT and smooth chroma upsampling, which are the defaults
/// of libjpeg-turbo. CMYK is taken as Adobe writes it, inverted. Warnings that
/// mean lost data are errors, and so are more than `scan_limit` scans.
bool cpic_jpeg_decode(const uint8_t *_Nonnull bytes, size_t count, uint8_t *_Nullable pixels,
                      size_t capacity, int scan_limit, char *_Nonnull message);

/// Reads a WebP's header; an animation is refused. What is stored lossily counts
/// as RGB.
bool cpic_webp_header(const uint8_t *_Nonnull bytes, size_t count, cpic_header *_Nonnull header,
                      char *_Nonnull message);

/// Decodes a WebP into 8-bit RGB, as `cpic_png_decode` does for a PNG; with
/// `pixels` null it takes the memory of the picture for the time of the call.
bool cpic_webp_decode(const uint8_t *_Nonnull bytes, size_t count, uint8_t *_Nullable pixels,
                      size_t capacity, char *_Nonnull message);

/// Encodes 8-bit RGB as a baseline JPEG: YCbCr with chroma halved both ways, accurate integer DCT
/// and the usual Huffman tables, which are the defaults of libjpeg-turbo.
///
/// On success `*output` holds `*output_count` bytes that `cpic_free` releases.
bool cpic_jpeg_encode(const uint8_t *_Nonnull pixels, uint32_t width, uint32_t height, int quality,
                      uint8_t *_Nullable *_Nonnull output, size_t *_Nonnull output_count,
                      char *_Nonnull message);

#endif
