#include "CKernelsFloat8.h"
#include "bits.h"
#include "float8.h"
#include "multiversion.h"
#include <string.h>

// The 7 bits below the sign, moved to where float32 has them, are the number times a power of two:
// the biases differ. That holds for subnormals too, which the product makes normal.

CK_MULTIVERSION
void ck_f8_e4m3_to_f32(const uint8_t *restrict input, float *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t sign = (uint32_t)(input[i] & 0x80u) << 24;
    uint32_t rest = input[i] & 0x7fu;
    uint32_t magnitude = bits_of(float_of(rest << 20) * 0x1p120f);
    output[i] = float_of(sign | (rest == 0x7fu ? 0x7fc00000u : magnitude));
  }
}

CK_MULTIVERSION
void ck_f8_e5m2_to_f32(const uint8_t *restrict input, float *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t sign = (uint32_t)(input[i] & 0x80u) << 24;
    uint32_t rest = input[i] & 0x7fu;
    uint32_t magnitude = bits_of(float_of(rest << 21) * 0x1p112f);
    uint32_t special = rest == 0x7cu ? 0x7f800000u : 0x7fc00000u;
    output[i] = float_of(sign | (rest >= 0x7cu ? special : magnitude));
  }
}

CK_MULTIVERSION
void ck_f32_to_f8_e4m3(const float *restrict input, uint8_t *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) output[i] = (uint8_t)round_e4m3(input[i]).code;
}

CK_MULTIVERSION
void ck_f32_to_f8_e5m2(const float *restrict input, uint8_t *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) output[i] = (uint8_t)round_e5m2(input[i]).code;
}

CK_MULTIVERSION
void ck_f64_to_f32(const void *restrict input, float *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double value;
    memcpy(&value, (const char *)input + i * sizeof value, sizeof value);
    output[i] = (float)value;
  }
}

CK_MULTIVERSION
void ck_f64_to_f32_odd(const void *restrict input, float *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double value;
    memcpy(&value, (const char *)input + i * sizeof value, sizeof value);
    float nearest = (float)value;
    uint32_t bits = bits_of(nearest);
    // Of the two neighbours of an inexact result, the one nearer to zero with its last bit set is
    // odd; so step back where rounding went away from zero, then set the bit.
    double back = (double)nearest;
    double magnitude = value < 0 ? -value : value;
    double back_magnitude = back < 0 ? -back : back;
    uint32_t truncated = bits - (back_magnitude > magnitude ? 1u : 0u);
    output[i] = float_of(back != value && value == value ? truncated | 1u : bits);
  }
}

CK_MULTIVERSION
void ck_f32_to_f64(const float *restrict input, void *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double value = (double)input[i];
    memcpy((char *)output + i * sizeof value, &value, sizeof value);
  }
}
