#include "CPictures.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What one call needs. It lives in the frame of the public function, outside
// of the one that calls setjmp, so that its members keep their values across
// longjmp and are released on every path.
typedef struct {
  jmp_buf jump;
  char *message;
  png_structp png;
  png_infop info;
  const uint8_t *input;
  size_t remaining;
  uint8_t *row;
  uint8_t *output;
  size_t output_count;
  size_t output_capacity;
} context;

static _Noreturn void fail(context *c, const char *text) {
  snprintf(c->message, CPIC_MESSAGE_SIZE, "%s", text);
  longjmp(c->jump, 1);
}

static void on_error(png_structp png, png_const_charp text) { fail(png_get_error_ptr(png), text); }

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void take_input(png_structp png, png_bytep destination, size_t count) {
  context *c = png_get_io_ptr(png);
  if (count > c->remaining) png_error(png, "the file ends early");
  memcpy(destination, c->input, count);
  c->input += count;
  c->remaining -= count;
}

// Creates the reader and reads up to the pixels. Called below a setjmp.
static void read_header(context *c) {
  c->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, c, on_error, on_warning);
  if (c->png) c->info = png_create_info_struct(c->png);
  if (!c->info) fail(c, "not enough memory");
  png_set_read_fn(c->png, c, take_input);
  png_set_crc_action(c->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  // Some writers declare a window smaller than the one they used.
  png_set_option(c->png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
  // Compressed profiles and texts may expand to anything: skip all of them.
  static const uint8_t ignored[] =
      "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0"
      "sPLT\0sRGB\0sTER\0tEXt\0tIME\0tRNS\0zTXt";
  png_set_keep_unknown_chunks(c->png, PNG_HANDLE_CHUNK_NEVER, ignored, sizeof ignored / 5);
  png_read_info(c->png, c->info);
}

static cpic_color color_of(int type) {
  switch (type) {
  case PNG_COLOR_TYPE_GRAY: return cpic_gray;
  case PNG_COLOR_TYPE_GRAY_ALPHA: return cpic_gray_alpha;
  case PNG_COLOR_TYPE_PALETTE: return cpic_palette;
  case PNG_COLOR_TYPE_RGB: return cpic_rgb;
  case PNG_COLOR_TYPE_RGB_ALPHA: return cpic_rgba;
  default: return cpic_other;
  }
}

static bool describe(context *c, cpic_header *header) {
  if (setjmp(c->jump)) return false;
  read_header(c);
  header->width = png_get_image_width(c->png, c->info);
  header->height = png_get_image_height(c->png, c->info);
  header->bit_depth = png_get_bit_depth(c->png, c->info);
  header->channels = png_get_channels(c->png, c->info);
  header->color = color_of(png_get_color_type(c->png, c->info));
  return true;
}

static bool decode(context *c, uint8_t *pixels, size_t capacity) {
  if (setjmp(c->jump)) return false;
  read_header(c);
  png_set_expand(c->png);
  png_set_strip_16(c->png);
  png_set_strip_alpha(c->png);
  png_set_gray_to_rgb(c->png);
  int passes = png_set_interlace_handling(c->png);
  png_read_update_info(c->png, c->info);

  size_t height = png_get_image_height(c->png, c->info);
  size_t stride = (size_t)png_get_image_width(c->png, c->info) * 3;
  if (png_get_rowbytes(c->png, c->info) != stride || capacity / height != stride) {
    png_error(c->png, "unexpected row size");
  }
  if (!pixels) c->row = png_malloc(c->png, stride);
  for (int pass = 0; pass < passes; pass++) {
    for (size_t y = 0; y < height; y++) {
      png_read_row(c->png, pixels ? pixels + y * stride : c->row, NULL);
    }
  }
  png_read_end(c->png, NULL);
  return true;
}

static void release_reader(context *c) {
  if (!c->png) return;
  png_free(c->png, c->row);
  png_destroy_read_struct(&c->png, &c->info, NULL);
}

bool cpic_png_header(const uint8_t *bytes, size_t count, cpic_header *header, char *message) {
  context c = {.message = message, .input = bytes, .remaining = count};
  bool done = describe(&c, header);
  release_reader(&c);
  return done;
}

bool cpic_png_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity,
                     char *message) {
  context c = {.message = message, .input = bytes, .remaining = count};
  bool done = decode(&c, pixels, capacity);
  release_reader(&c);
  return done;
}

static void give_output(png_structp png, png_bytep bytes, size_t count) {
  context *c = png_get_io_ptr(png);
  if (count > c->output_capacity - c->output_count) {
    size_t capacity = c->output_capacity * 2 + count;
    uint8_t *grown = realloc(c->output, capacity);
    if (!grown) png_error(png, "not enough memory");
    c->output = grown;
    c->output_capacity = capacity;
  }
  memcpy(c->output + c->output_count, bytes, count);
  c->output_count += count;
}

static void no_flush(png_structp png) { (void)png; }

static bool encode(context *c, const uint8_t *pixels, uint32_t width, uint32_t height,
                   const uint8_t *chunks, size_t chunk_bytes) {
  if (setjmp(c->jump)) return false;
  c->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, c, on_error, on_warning);
  if (c->png) c->info = png_create_info_struct(c->png);
  if (!c->info) fail(c, "not enough memory");
  png_set_write_fn(c->png, c, give_output, no_flush);
  png_set_IHDR(c->png, c->info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(c->png, 6);
  png_set_filter(c->png, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
  png_write_info(c->png, c->info);
  while (chunk_bytes >= 8) {
    size_t count = png_get_uint_32(chunks);
    if (count > chunk_bytes - 8) png_error(c->png, "chunk longer than its bytes");
    png_write_chunk(c->png, chunks + 4, chunks + 8, count);
    chunks += 8 + count;
    chunk_bytes -= 8 + count;
  }
  for (uint32_t y = 0; y < height; y++) {
    png_write_row(c->png, pixels + (size_t)y * width * 3);
  }
  png_write_end(c->png, NULL);
  return true;
}

bool cpic_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height,
                     const uint8_t *chunks, size_t chunk_bytes, uint8_t **output,
                     size_t *output_count, char *message) {
  context c = {.message = message};
  bool done = encode(&c, pixels, width, height, chunks, chunk_bytes);
  png_destroy_write_struct(&c.png, &c.info);
  if (!done) {
    free(c.output);
    return false;
  }
  *output = c.output;
  *output_count = c.output_count;
  return true;
}

void cpic_free(uint8_t *bytes) { free(bytes); }
