#include "CPictures.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

// What one call needs; outside of the frame that calls setjmp (see png.c).
typedef struct {
  struct jpeg_error_mgr errors; // first, so that cinfo->err is this
  jmp_buf jump;
  char *message;
  struct jpeg_compress_struct jpeg;
  unsigned char *output;
  unsigned long output_count;
} context;

static void on_error(j_common_ptr jpeg) {
  context *c = (context *)jpeg->err;
  jpeg->err->format_message(jpeg, c->message);
  longjmp(c->jump, 1);
}

static void no_output(j_common_ptr jpeg) { (void)jpeg; }

static bool encode(context *c, const uint8_t *pixels, uint32_t width, uint32_t height,
                   int quality) {
  if (setjmp(c->jump)) return false;
  jpeg_std_error(&c->errors);
  c->errors.error_exit = on_error;
  c->errors.output_message = no_output;
  c->jpeg.err = &c->errors;
  jpeg_create_compress(&c->jpeg);
  jpeg_mem_dest(&c->jpeg, &c->output, &c->output_count);
  c->jpeg.image_width = width;
  c->jpeg.image_height = height;
  c->jpeg.input_components = 3;
  c->jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&c->jpeg);
  jpeg_set_quality(&c->jpeg, quality, TRUE);
  jpeg_start_compress(&c->jpeg, TRUE);
  while (c->jpeg.next_scanline < height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)c->jpeg.next_scanline * width * 3);
    jpeg_write_scanlines(&c->jpeg, &row, 1);
  }
  jpeg_finish_compress(&c->jpeg);
  return true;
}

bool cpic_jpeg_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int quality,
                      uint8_t **output, size_t *output_count, char *message) {
  context c = {.message = message};
  bool done = encode(&c, pixels, width, height, quality);
  jpeg_destroy_compress(&c.jpeg);
  if (!done) {
    free(c.output);
    return false;
  }
  *output = c.output;
  *output_count = c.output_count;
  return true;
}
