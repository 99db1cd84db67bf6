#include "CKernels.h"
#include "multiversion.h"
#include <string.h>

// One body for each width: loads and stores go through memcpy, as nothing is aligned, and the
// rotation is a shift by 0 or 1 so that the loop stays free of branches.
#define DEFINE_WIDTH(TYPE, BYTES)                                                                 \
  CK_MULTIVERSION                                                                                 \
  static void difference##BYTES(const uint8_t *input, const uint8_t *base, uint8_t *output,       \
                                size_t count) {                                                   \
    for (size_t i = 0; i < count; i++) {                                                          \
      TYPE a, b;                                                                                  \
      memcpy(&a, input + i * BYTES, BYTES);                                                       \
      memcpy(&b, base + i * BYTES, BYTES);                                                        \
      TYPE d = (TYPE)(a - b);                                                                     \
      TYPE sign = (TYPE)(0 - (TYPE)(d >> (8 * BYTES - 1)));                                       \
      TYPE z = (TYPE)((TYPE)(d << 1) ^ sign);                                                     \
      memcpy(output + i * BYTES, &z, BYTES);                                                      \
    }                                                                                             \
  }                                                                                               \
  CK_MULTIVERSION                                                                                 \
  static void sum##BYTES(const uint8_t *difference, const uint8_t *base, uint8_t *output,         \
                         size_t count) {                                                          \
    for (size_t i = 0; i < count; i++) {                                                          \
      TYPE z, b;                                                                                  \
      memcpy(&z, difference + i * BYTES, BYTES);                                                  \
      memcpy(&b, base + i * BYTES, BYTES);                                                        \
      TYPE sign = (TYPE)(0 - (TYPE)(z & 1));                                                      \
      TYPE a = (TYPE)(b + (TYPE)((TYPE)(z >> 1) ^ sign));                                         \
      memcpy(output + i * BYTES, &a, BYTES);                                                      \
    }                                                                                             \
  }

DEFINE_WIDTH(uint8_t, 1)
DEFINE_WIDTH(uint16_t, 2)
DEFINE_WIDTH(uint32_t, 4)
DEFINE_WIDTH(uint64_t, 8)

CK_MULTIVERSION
static void split2(const uint8_t *restrict input, uint8_t *restrict low, uint8_t *restrict high,
                   size_t count, int rotate) {
  int left = rotate ? 1 : 0, right = rotate ? 15 : 16;
  for (size_t i = 0; i < count; i++) {
    uint16_t v;
    memcpy(&v, input + 2 * i, 2);
    uint32_t r = ((uint32_t)v << left) | ((uint32_t)v >> right);
    low[i] = (uint8_t)r;
    high[i] = (uint8_t)(r >> 8);
  }
}

CK_MULTIVERSION
static void join2(const uint8_t *restrict low, const uint8_t *restrict high,
                  uint8_t *restrict output, size_t count, int rotate) {
  int right = rotate ? 1 : 0, left = rotate ? 15 : 16;
  for (size_t i = 0; i < count; i++) {
    uint32_t r = (uint32_t)low[i] | (uint32_t)high[i] << 8;
    uint16_t v = (uint16_t)((r >> right) | (r << left));
    memcpy(output + 2 * i, &v, 2);
  }
}

CK_MULTIVERSION
static void split4(const uint8_t *restrict input, uint8_t *restrict planes, size_t count,
                   int rotate) {
  for (size_t i = 0; i < count; i++) {
    uint32_t v;
    memcpy(&v, input + 4 * i, 4);
    if (rotate) v = v << 1 | v >> 31;
    for (size_t p = 0; p < 4; p++) planes[p * count + i] = (uint8_t)(v >> (8 * p));
  }
}

CK_MULTIVERSION
static void join4(const uint8_t *const *planes, uint8_t *restrict output, size_t count,
                  int rotate) {
  const uint8_t *restrict a = planes[0], *restrict b = planes[1];
  const uint8_t *restrict c = planes[2], *restrict d = planes[3];
  for (size_t i = 0; i < count; i++) {
    uint32_t v = (uint32_t)a[i] | (uint32_t)b[i] << 8 | (uint32_t)c[i] << 16 | (uint32_t)d[i] << 24;
    if (rotate) v = v >> 1 | v << 31;
    memcpy(output + 4 * i, &v, 4);
  }
}

CK_MULTIVERSION
static void split8(const uint8_t *restrict input, uint8_t *restrict planes, size_t count,
                   int rotate) {
  for (size_t i = 0; i < count; i++) {
    uint64_t v;
    memcpy(&v, input + 8 * i, 8);
    if (rotate) v = v << 1 | v >> 63;
    for (size_t p = 0; p < 8; p++) planes[p * count + i] = (uint8_t)(v >> (8 * p));
  }
}

CK_MULTIVERSION
static void join8(const uint8_t *const *planes, uint8_t *restrict output, size_t count,
                  int rotate) {
  for (size_t i = 0; i < count; i++) {
    uint64_t v = 0;
    for (size_t p = 0; p < 8; p++) v |= (uint64_t)planes[p][i] << (8 * p);
    if (rotate) v = v >> 1 | v << 63;
    memcpy(output + 8 * i, &v, 8);
  }
}

void ck_split_planes(const uint8_t *input, uint8_t *planes, size_t count, size_t size,
                     int rotate) {
  switch (size) {
  case 2: split2(input, planes, planes + count, count, rotate); break;
  case 4: split4(input, planes, count, rotate); break;
  case 8: split8(input, planes, count, rotate); break;
  default: memcpy(planes, input, count);
  }
}

void ck_join_planes(const uint8_t *const *planes, uint8_t *output, size_t count, size_t size,
                    int rotate) {
  switch (size) {
  case 2: join2(planes[0], planes[1], output, count, rotate); break;
  case 4: join4(planes, output, count, rotate); break;
  case 8: join8(planes, output, count, rotate); break;
  default: memcpy(output, planes[0], count);
  }
}

void ck_zigzag_difference(const uint8_t *input, const uint8_t *base, uint8_t *output,
                          size_t count, size_t size) {
  switch (size) {
  case 2: difference2(input, base, output, count); break;
  case 4: difference4(input, base, output, count); break;
  case 8: difference8(input, base, output, count); break;
  default: difference1(input, base, output, count);
  }
}

void ck_zigzag_sum(const uint8_t *difference, const uint8_t *base, uint8_t *output, size_t count,
                   size_t size) {
  switch (size) {
  case 2: sum2(difference, base, output, count); break;
  case 4: sum4(difference, base, output, count); break;
  case 8: sum8(difference, base, output, count); break;
  default: sum1(difference, base, output, count);
  }
}

void ck_count_bytes(const uint8_t *input, size_t count, uint32_t *counts) {
  // Two tables, so that equal neighbours don't wait for each other's store.
  uint32_t other[256] = {0};
  size_t i = 0;
  for (; i + 2 <= count; i += 2) {
    counts[input[i]]++;
    other[input[i + 1]]++;
  }
  if (i < count) counts[input[i]]++;
  for (i = 0; i < 256; i++) counts[i] += other[i];
}

int ck_is_constant(const uint8_t *input, size_t count) {
  return count < 2 || memcmp(input, input + 1, count - 1) == 0;
}
