#include "CPictures.h"

#include <stdio.h>
#include <stdlib.h>

#include <webp/decode.h>

static const char *text(VP8StatusCode status) {
  switch (status) {
  case VP8_STATUS_OUT_OF_MEMORY: return "no memory for it";
  case VP8_STATUS_NOT_ENOUGH_DATA: return "it is cut off";
  case VP8_STATUS_UNSUPPORTED_FEATURE: return "a feature that libwebp does not read";
  default: return "its data are damaged";
  }
}

static bool fail(char *message, const char *why) {
  snprintf(message, CPIC_MESSAGE_SIZE, "%s", why);
  return false;
}

bool cpic_webp_header(const uint8_t *bytes, size_t count, cpic_header *header, char *message) {
  WebPBitstreamFeatures features;
  VP8StatusCode status = WebPGetFeatures(bytes, count, &features);
  if (status != VP8_STATUS_OK) return fail(message, text(status));
  if (features.has_animation) return fail(message, "an animation, expected one picture");
  header->width = (uint32_t)features.width;
  header->height = (uint32_t)features.height;
  header->bit_depth = 8;
  header->channels = features.has_alpha ? 4 : 3;
  header->color = features.has_alpha ? cpic_rgba : cpic_rgb;
  return true;
}

bool cpic_webp_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity, char *message) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return fail(message, "another libwebp than this was built for");
  VP8StatusCode status = WebPGetFeatures(bytes, count, &config.input);
  if (status != VP8_STATUS_OK) return fail(message, text(status));
  size_t stride = (size_t)config.input.width * 3, size = stride * (size_t)config.input.height;
  if (config.input.has_animation || size > capacity) return fail(message, "another picture than its header says");
  uint8_t *scratch = pixels ? NULL : malloc(size);
  if (!pixels && !scratch) return fail(message, "no memory for it");
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels ? pixels : scratch;
  config.output.u.RGBA.stride = (int)stride;
  config.output.u.RGBA.size = size;
  status = WebPDecode(bytes, count, &config);
  WebPFreeDecBuffer(&config.output);
  free(scratch);
  return status == VP8_STATUS_OK || fail(message, text(status));
}
