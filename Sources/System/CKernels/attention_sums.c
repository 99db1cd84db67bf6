#include "CKernels.h"
#include "multiversion.h"
#include "transpose.h"
#include <string.h>

enum { LANES = CK_TILE_COLUMNS, SIDE = CK_SIDE };

CK_MULTIVERSION
void ck_attention_rescale(float *restrict sums, size_t rows, const float *restrict factors) {
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < LANES; i++) sums[r * LANES + i] *= factors[i];
}

CK_MULTIVERSION
void ck_attention_store(const float *restrict sums, size_t rows, size_t columns,
                        const float *restrict factors, float *restrict y, size_t stride) {
  for (size_t c = 0; c < columns; c += SIDE) {
    const size_t here = columns - c < SIDE ? columns - c : SIDE;
    size_t r = 0;
    for (; r + SIDE <= rows; r += SIDE) {
      ck_items vectors[SIDE];
      for (size_t i = 0; i < SIDE; i++) {
        float scaled[SIDE];
        for (size_t j = 0; j < SIDE; j++)
          scaled[j] = sums[(r + i) * LANES + c + j] * factors[c + j];
        memcpy(&vectors[i], scaled, sizeof scaled);
      }
      CK_TRANSPOSE(vectors);
      for (size_t i = 0; i < here; i++)
        memcpy(y + (c + i) * stride + r, &vectors[i], sizeof vectors[i]);
    }
    for (; r < rows; r++)
      for (size_t i = c; i < c + here; i++) y[i * stride + r] = sums[r * LANES + i] * factors[i];
  }
}
