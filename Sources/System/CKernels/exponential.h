#ifndef CK_EXPONENTIAL_H
#define CK_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

// 2^n by its exponent bits, of a whole n to which 1.5 · 2^23 was added, so that it stands in the last bits.
static inline __attribute__((always_inline)) float ck_power_in_last_bits(float shifted) {
  uint32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits - 0x4B400000 + 127) << 23;
  float power;
  memcpy(&power, &bits, sizeof power);
  return power;
}

// exp(x) in float32, within 2 ulp, written so that the compiler can vectorise loops over it.
//
// x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts (Cody and Waite), exp(r) by its Taylor
// polynomial of degree 7 (remainder below 2^-28), the factor 2^n by its exponent bits.
static inline __attribute__((always_inline)) float ck_exp(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  // Round to nearest: what is added leaves n in the last bits, also of what is no number.
  float n = x * 1.44269504088896f;
  float shifted = n + 12582912.0f;
  n = shifted - 12582912.0f;
  float r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * ck_power_in_last_bits(shifted);
}

// 2^x in float32 for x up to 127, within 2 ulp; below 2^-126 it is 0, and no number stays none.
//
// x = n + r with |r| <= 1/2, exactly; 2^r by the polynomial of degree 6 that comes nearest among those that
// are 1 at 0 (off by 2e-9 of itself at most), the factor 2^n by its exponent bits.
static inline __attribute__((always_inline)) float ck_power_of_two(float x) {
  // What is added leaves n in the last bits.
  float shifted = x + 12582912.0f;
  float r = x - (shifted - 12582912.0f);
  float p = 0.000153533619f;
  p = p * r + 0.00133988738f;
  p = p * r + 0.00961843785f;
  p = p * r + 0.0555033237f;
  p = p * r + 0.240226477f;
  p = p * r + 0.693147182f;
  p = p * r + 1.0f;
  return x < -126.0f ? 0.0f : p * ck_power_in_last_bits(shifted);
}

#endif
