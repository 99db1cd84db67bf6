#include "CKernelsStatistics.h"
#include "multiversion.h"
#include <math.h>
#include <string.h>

// Sums go to so many places of their own, which are added up in order at the end.
enum { LANES = 16 };

#define NUMBER float
#define COUNT uint32_t
#define NAME(stem) stem##_f32
#include "statistics_loops.h"
#undef NUMBER
#undef COUNT
#undef NAME

#define NUMBER double
#define COUNT uint64_t
#define NAME(stem) stem##_f64
#include "statistics_loops.h"

// Equal neighbours would wait for each other's count, so they get tables of their own.

void ck_count_u16(const uint16_t *restrict codes, size_t count, uint32_t *restrict counts) {
  uint32_t *other = counts + CK_U16_CODES;
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    uint64_t four;
    memcpy(&four, codes + i, sizeof four);
    counts[four & 0xffff]++;
    other[four >> 16 & 0xffff]++;
    counts[four >> 32 & 0xffff]++;
    other[four >> 48]++;
  }
  for (; i < count; i++) counts[codes[i]]++;
}

void ck_count_u8(const uint8_t *restrict codes, size_t count, uint32_t *restrict counts) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t eight;
    memcpy(&eight, codes + i, sizeof eight);
    for (size_t t = 0; t < 8; t++) counts[256 * t + (eight >> 8 * t & 0xff)]++;
  }
  for (; i < count; i++) counts[codes[i]]++;
}
