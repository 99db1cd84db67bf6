#include "CKernels.h"
#include "exponential.h"
#include "multiversion.h"

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
