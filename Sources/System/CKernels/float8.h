#ifndef CK_FLOAT8_H
#define CK_FLOAT8_H

#include "bits.h"

// A number rounded to an eight-bit type: its code, and the bits of the float32 that the code stands
// for.
typedef struct {
  uint32_t code, bits;
} rounded8;

// Normal results: add half of what is cut off (ties: to even), cut, change the bias. Subnormal ones:
// adding a number whose last place is the type's smallest step rounds to steps; the sum's lower
// bits count them.
static inline rounded8 round8(float number, int cut, uint32_t bias, uint32_t first_normal,
                              float step_base, uint32_t largest, uint32_t largest_code,
                              uint32_t nan_code) {
  uint32_t sign = bits_of(number) & 0x80000000u;
  uint32_t magnitude = bits_of(number) & 0x7fffffffu;
  uint32_t half = (1u << (cut - 1)) - 1;
  uint32_t normal = (magnitude + half + ((magnitude >> cut) & 1u)) >> cut;
  float steps = float_of(magnitude) + step_base;
  int is_normal = magnitude >= first_normal;
  uint32_t code = is_normal ? normal - bias : bits_of(steps) - bits_of(step_base);
  uint32_t bits = is_normal ? normal << cut : bits_of(steps - step_base);
  code = magnitude >= largest ? largest_code : code;
  bits = magnitude >= largest ? largest : bits;
  code = magnitude > 0x7f800000u ? nan_code : code;
  bits = magnitude > 0x7f800000u ? 0x7fc00000u : bits;
  return (rounded8){sign >> 24 | code, sign | bits};
}

static inline rounded8 round_e4m3(float number) {
  return round8(number, 20, 120u << 3, 0x3c800000u, 0x1p14f, 0x43e00000u, 0x7eu, 0x7fu);
}

static inline rounded8 round_e5m2(float number) {
  return round8(number, 21, 112u << 2, 0x38800000u, 0x1p7f, 0x47600000u, 0x7bu, 0x7fu);
}

#endif
