#include "CKernels.h"
#include "exponential.h"
#include "multiversion.h"

#include <math.h>

// tanh(u) = 1 - 2 / (exp(2u) + 1), so that 0.5 (1 + tanh(u)) = 1 / (1 + exp(-2u)): the tanh form of
// GELU is x * sigmoid(2u) with u = sqrt(2/pi) (x + 0.044715 x^3).
static const float two_root = 1.5957691216057308f;  // 2 sqrt(2/pi)
static const float cubic = 0.044715f;

CK_MULTIVERSION
void ck_gelu_tanh(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float u = two_root * (x[i] + cubic * x[i] * x[i] * x[i]);
    y[i] = x[i] / (1.0f + ck_exp(-u));
  }
}

CK_MULTIVERSION
void ck_gelu_tanh_backward(const float *x, const float *dy, float *dx, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float u = two_root * (x[i] + cubic * x[i] * x[i] * x[i]);
    float s = 1.0f / (1.0f + ck_exp(-u));
    float slope = two_root * (1.0f + 3.0f * cubic * x[i] * x[i]);
    dx[i] = dy[i] * (s + x[i] * s * (1.0f - s) * slope);
  }
}

static const float root_half = 0.70710678f;        // sqrt(1/2)
static const float normal_density = 0.39894228f;   // 1 / sqrt(2 pi)

void ck_gelu(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = 0.5f * x[i] * (1.0f + erff(x[i] * root_half));
}

void ck_gelu_backward(const float *x, const float *dy, float *dx, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float share = 0.5f * (1.0f + erff(x[i] * root_half));
    dx[i] = dy[i] * (share + x[i] * normal_density * ck_exp(-0.5f * x[i] * x[i]));
  }
}

CK_MULTIVERSION
void ck_swish(const float *x, float slope, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = x[i] / (1.0f + ck_exp(-slope * x[i]));
}

CK_MULTIVERSION
void ck_swish_backward(const float *x, float slope, const float *dy, float *dx, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float s = 1.0f / (1.0f + ck_exp(-slope * x[i]));
    dx[i] = dy[i] * (s + x[i] * s * (1.0f - s) * slope);
  }
}
