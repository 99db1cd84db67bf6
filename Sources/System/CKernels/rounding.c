#include "CKernelsRounding.h"
#include "bits.h"
#include "error_sums.h"
#include "multiversion.h"

#include <string.h>

// Magnitudes of finite numbers are ordered like their bits.
CK_MULTIVERSION
float ck_max_magnitude(const float *restrict input, size_t count) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t magnitude = bits_of(input[i]) & 0x7fffffffu;
    magnitude = magnitude < 0x7f800000u ? magnitude : 0;
    largest = magnitude > largest ? magnitude : largest;
  }
  return float_of(largest);
}

CK_MULTIVERSION
float ck_bf16_max_magnitude(const uint16_t *restrict input, size_t count) {
  // In 32 bits, which is what vectorises.
  uint32_t largest = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t magnitude = input[i] & 0x7fffu;
    magnitude = magnitude < 0x7f80u ? magnitude : 0;
    largest = magnitude > largest ? magnitude : largest;
  }
  return float_of(largest << 16);
}

CK_MULTIVERSION
void ck_count_loss(const float *restrict input, size_t count, float overflow, float underflow,
                   uint32_t last, size_t *restrict counts) {
  const uint32_t high = bits_of(overflow), low = bits_of(underflow);
  // Sums of 32 bits vectorise best; portions keep them from wrapping.
  for (size_t start = 0; start < count; start += 1u << 20) {
    size_t end = count - start > 1u << 20 ? start + (1u << 20) : count;
    uint32_t over = 0, under = 0;
    for (size_t i = start; i < end; i++) {
      uint32_t magnitude = bits_of(input[i]) & 0x7fffffffu;
      over += (magnitude >= high) & (magnitude <= last);
      under += (magnitude <= low) & (magnitude != 0);
    }
    counts[0] += over;
    counts[1] += under;
  }
}

CK_MULTIVERSION
void ck_add_error(const float *restrict stored, const float *restrict given, size_t count,
                  double *restrict totals) {
  error_sums sums = {0};
  error_add_pairs(stored, given, count, &sums);
  error_total(&sums, totals);
}

CK_MULTIVERSION
void ck_random_words(uint64_t seed, uint32_t purpose, uint32_t step, uint64_t first_block,
                     uint32_t *restrict output, size_t block_count) {
  for (size_t block = 0; block < block_count; block++) {
    uint64_t position = first_block + block;
    uint32_t x = (uint32_t)position, y = (uint32_t)(position >> 32), z = step, w = purpose;
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
      uint64_t product0 = (uint64_t)x * 0xD2511F53u, product1 = (uint64_t)z * 0xCD9E8D57u;
      uint32_t next_x = (uint32_t)(product1 >> 32) ^ y ^ key0;
      uint32_t next_z = (uint32_t)(product0 >> 32) ^ w ^ key1;
      y = (uint32_t)product1;
      w = (uint32_t)product0;
      x = next_x;
      z = next_z;
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    output[4 * block] = x;
    output[4 * block + 1] = y;
    output[4 * block + 2] = z;
    output[4 * block + 3] = w;
  }
}

// Normal results: add a random number below one step to the bits, cut. Subnormal ones: count whole
// steps, and one more with the probability of the rest; both are exact in float32.
static inline uint32_t code_at_random(float input, uint32_t random, int fraction_bits,
                                      uint32_t first_normal, uint32_t bias_steps, float per_step,
                                      uint32_t largest, uint32_t nan) {
  uint32_t bits = bits_of(input), magnitude = bits & 0x7fffffffu;
  int cut = 23 - fraction_bits;
  uint32_t normal = ((magnitude + (random >> (32 - cut))) >> cut) - bias_steps;
  float steps = float_of(magnitude < first_normal ? magnitude : 0) * per_step;
  uint32_t whole = (uint32_t)steps;
  float chance = (float)(random >> 8) * 0x1p-24f;
  uint32_t subnormal = whole + (chance < steps - (float)whole ? 1u : 0u);
  uint32_t code = magnitude < first_normal ? subnormal : normal;
  code = code > largest || magnitude >= 0x7f800000u ? largest : code;
  return magnitude > 0x7f800000u ? nan : code;
}

CK_MULTIVERSION
void ck_f32_to_bf16_at_random(const float *restrict input, const uint32_t *restrict random,
                              uint16_t *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = bits_of(input[i]), magnitude = bits & 0x7fffffffu;
    uint32_t code = (magnitude + (random[i] >> 16)) >> 16;
    code = code >= 0x7f80u ? 0x7f7fu : code;
    code = magnitude > 0x7f800000u ? (magnitude >> 16) | 0x40u : code;
    output[i] = (uint16_t)(bits >> 31 << 15 | code);
  }
}

CK_MULTIVERSION
void ck_f32_to_f16_at_random(const float *restrict input, const uint32_t *restrict random,
                             uint16_t *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++)
    output[i] = (uint16_t)(bits_of(input[i]) >> 31 << 15 |
                           code_at_random(input[i], random[i], 10, 0x38800000u, 112u << 10,
                                          0x1p24f, 0x7bffu, 0x7e00u));
}

CK_MULTIVERSION
void ck_f32_to_f8_e4m3_at_random(const float *restrict input, const uint32_t *restrict random,
                                 uint8_t *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++)
    output[i] = (uint8_t)(bits_of(input[i]) >> 31 << 7 |
                          code_at_random(input[i], random[i], 3, 0x3c800000u, 120u << 3, 0x1p9f,
                                         0x7eu, 0x7fu));
}

CK_MULTIVERSION
void ck_f32_to_f8_e5m2_at_random(const float *restrict input, const uint32_t *restrict random,
                                 uint8_t *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++)
    output[i] = (uint8_t)(bits_of(input[i]) >> 31 << 7 |
                          code_at_random(input[i], random[i], 2, 0x38800000u, 112u << 2, 0x1p16f,
                                         0x7bu, 0x7eu));
}
