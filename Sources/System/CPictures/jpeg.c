#include "CPictures.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

// Coefficients of a progressive picture are kept whole: 2 bytes a sample, so
// this is what 89 million pixels of four channels need.
enum { MEMORY_LIMIT = 800 << 20 };

// What one call needs; outside of the frame that calls setjmp (see png.c).
typedef struct {
  struct jpeg_error_mgr errors; // first, so that cinfo->err is this
  jmp_buf jump;
  char *message;
  struct jpeg_decompress_struct jpeg;
  struct jpeg_progress_mgr progress;
  int scan_limit;
} context;

_Static_assert(CPIC_MESSAGE_SIZE >= JMSG_LENGTH_MAX, "libjpeg's messages fit");

static _Noreturn void fail(context *c, const char *text) {
  snprintf(c->message, CPIC_MESSAGE_SIZE, "%s", text);
  longjmp(c->jump, 1);
}

static void on_error(j_common_ptr jpeg) {
  context *c = (context *)jpeg->err;
  jpeg->err->format_message(jpeg, c->message);
  longjmp(c->jump, 1);
}

// Level -1 is a warning, others are traces.
static void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
  case JWRN_ADOBE_XFORM:
  case JWRN_BOGUS_ICC:
  case JWRN_EXTRANEOUS_DATA:
  case JWRN_JFIF_MAJOR: return; // no sample is lost
  default: on_error(jpeg);
  }
}

static void no_output(j_common_ptr jpeg) { (void)jpeg; }

// A scan of a few bytes can walk over the whole picture.
static void on_progress(j_common_ptr jpeg) {
  context *c = (context *)jpeg->err;
  if (jpeg->is_decompressor && c->jpeg.input_scan_number > c->scan_limit) {
    char text[64];
    snprintf(text, sizeof text, "more than %d scans", c->scan_limit);
    fail(c, text);
  }
}

// Creates the reader and reads up to the first scan. Called below a setjmp.
static void read_header(context *c, const uint8_t *bytes, size_t count) {
  jpeg_std_error(&c->errors);
  c->errors.error_exit = on_error;
  c->errors.emit_message = on_message;
  c->errors.output_message = no_output;
  c->jpeg.err = &c->errors;
  jpeg_create_decompress(&c->jpeg);
  c->jpeg.mem->max_memory_to_use = MEMORY_LIMIT;
  c->progress.progress_monitor = on_progress;
  c->jpeg.progress = &c->progress;
  jpeg_mem_src(&c->jpeg, bytes, count);
  jpeg_read_header(&c->jpeg, TRUE);
}

static cpic_color color_of(J_COLOR_SPACE space) {
  switch (space) {
  case JCS_GRAYSCALE: return cpic_gray;
  case JCS_RGB: return cpic_rgb;
  case JCS_YCbCr: return cpic_ycc;
  case JCS_CMYK: return cpic_cmyk;
  case JCS_YCCK: return cpic_ycck;
  default: return cpic_other;
  }
}

static bool describe(context *c, const uint8_t *bytes, size_t count, cpic_header *header) {
  if (setjmp(c->jump)) return false;
  read_header(c, bytes, count);
  header->width = c->jpeg.image_width;
  header->height = c->jpeg.image_height;
  header->bit_depth = c->jpeg.data_precision;
  header->channels = c->jpeg.num_components;
  header->color = color_of(c->jpeg.jpeg_color_space);
  return true;
}

// rgb = (255 - k) * (255 - cmy) / 255, rounded, from inverted samples, which
// are 255 - cmyk.
static void convert_inverted_cmyk(const uint8_t *cmyk, uint8_t *rgb, size_t width) {
  for (size_t x = 0; x < width; x++) {
    for (int i = 0; i < 3; i++) {
      int cmy = 255 - cmyk[4 * x + i];
      int light = cmyk[4 * x + 3];
      rgb[3 * x + i] = (uint8_t)(light - (cmy * light + 127) / 255);
    }
  }
}

static bool decode(context *c, const uint8_t *bytes, size_t count, uint8_t *pixels,
                   size_t capacity) {
  if (setjmp(c->jump)) return false;
  read_header(c, bytes, count);
  struct jpeg_decompress_struct *jpeg = &c->jpeg;
  bool is_cmyk = jpeg->num_components == 4;
  jpeg->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(jpeg);

  size_t width = jpeg->output_width, height = jpeg->output_height, stride = width * 3;
  if (capacity / height != stride || jpeg->output_components != (is_cmyk ? 4 : 3)) {
    fail(c, "unexpected row size");
  }
  JSAMPARRAY row = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE,
                                           (JDIMENSION)width * 4, 1);
  while (jpeg->output_scanline < height) {
    uint8_t *target = pixels ? pixels + jpeg->output_scanline * stride : row[0];
    JSAMPROW line = is_cmyk ? row[0] : target;
    if (jpeg_read_scanlines(jpeg, &line, 1) != 1) fail(c, "no row");
    if (is_cmyk && pixels) convert_inverted_cmyk(row[0], target, width);
  }
  jpeg_finish_decompress(jpeg);
  return true;
}

bool cpic_jpeg_header(const uint8_t *bytes, size_t count, cpic_header *header, char *message) {
  context c = {.message = message, .scan_limit = 1};
  bool done = describe(&c, bytes, count, header);
  jpeg_destroy_decompress(&c.jpeg);
  return done;
}

bool cpic_jpeg_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity,
                      int scan_limit, char *message) {
  context c = {.message = message, .scan_limit = scan_limit};
  bool done = decode(&c, bytes, count, pixels, capacity);
  jpeg_destroy_decompress(&c.jpeg);
  return done;
}
