#include "CKernelsFloat8.h"
#include "error_sums.h"
#include "float8.h"
#include "multiversion.h"

#include <string.h>

// Numbers that go from one step to the next in the first cache; a multiple of the sums' lanes.
enum { BLOCK = 1024 };

static inline void load_bf16(const void *input, size_t start, size_t count, float *restrict block) {
  const char *from = (const char *)input + start * sizeof(uint16_t);
  for (size_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, from + i * sizeof half, sizeof half);
    block[i] = float_of((uint32_t)half << 16);
  }
}

static inline void load_f32(const void *input, size_t start, size_t count, float *restrict block) {
  memcpy(block, (const char *)input + start * sizeof(float), count * sizeof(float));
}

#define MEASURED(name, load, round)                                                          \
  CK_MULTIVERSION                                                                            \
  void name(const void *restrict input, float factor, float overflow, float underflow,       \
            uint8_t *restrict output, size_t count, size_t *restrict counts,                 \
            double *restrict totals) {                                                       \
    const uint32_t high = bits_of(overflow), low = bits_of(underflow);                       \
    float given[BLOCK], stored[BLOCK];                                                       \
    error_sums sums = {0};                                                                   \
    for (size_t start = 0; start < count; start += BLOCK) {                                  \
      size_t size = count - start < BLOCK ? count - start : BLOCK;                           \
      uint8_t *restrict codes = output + start;                                              \
      load(input, start, size, given);                                                       \
      /* Sums of 32 bits vectorise best, and a block can't make them wrap. */                \
      uint32_t over = 0, under = 0;                                                          \
      for (size_t i = 0; i < size; i++) {                                                    \
        given[i] *= factor;                                                                  \
        uint32_t magnitude = bits_of(given[i]) & 0x7fffffffu;                                \
        over += (magnitude >= high) & (magnitude <= 0x7f800000u);                            \
        under += (magnitude <= low) & (magnitude != 0);                                      \
        rounded8 rounded = round(given[i]);                                                  \
        codes[i] = (uint8_t)rounded.code;                                                    \
        stored[i] = float_of(rounded.bits);                                                  \
      }                                                                                      \
      counts[0] += over;                                                                     \
      counts[1] += under;                                                                    \
      error_add_pairs(stored, given, size, &sums);                                           \
    }                                                                                        \
    error_total(&sums, totals);                                                              \
  }

MEASURED(ck_bf16_to_f8_e4m3_measured, load_bf16, round_e4m3)
MEASURED(ck_bf16_to_f8_e5m2_measured, load_bf16, round_e5m2)
MEASURED(ck_f32_to_f8_e4m3_measured, load_f32, round_e4m3)
MEASURED(ck_f32_to_f8_e5m2_measured, load_f32, round_e5m2)
