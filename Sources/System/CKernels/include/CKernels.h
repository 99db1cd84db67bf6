#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// Elementwise and reduction kernels on contiguous buffers.
//
// Every pointer is non-null, `count` is in elements, input and output do not
// overlap unless a function says so. Nothing here allocates, locks or fails:
// sizes are checked by the Swift callers.

/// output[i] = float(input[i]), bfloat16 to float32; exact.
void ck_bf16_to_f32(const uint16_t *_Nonnull input, float *_Nonnull output, size_t count);

/// The same for `rows` parts of `columns` numbers that lie `stride` numbers apart; densely in the output.
void ck_bf16_rows_to_f32(const uint16_t *_Nonnull input, size_t stride, size_t rows,
                         size_t columns, float *_Nonnull output);

/// output[i] = bfloat16(input[i]), round to nearest even; NaN stays NaN.
void ck_f32_to_bf16(const float *_Nonnull input, uint16_t *_Nonnull output, size_t count);

/// output[i] = float(input[i]), IEEE half to float32; exact.
void ck_f16_to_f32(const uint16_t *_Nonnull input, float *_Nonnull output, size_t count);

/// output[i] = half(input[i]), round to nearest even.
void ck_f32_to_f16(const float *_Nonnull input, uint16_t *_Nonnull output, size_t count);

/// Name of the widest variant this CPU runs: "x86-64-v4", "x86-64-v3" or "baseline".
const char *_Nonnull ck_cpu_level(void);

#include "CKernelsAttention.h"
#include "CKernelsCodes.h"
#include "CKernelsFilters.h"
#include "CKernelsFloat8.h"
#include "CKernelsGGUF.h"
#include "CKernelsGram.h"
#include "CKernelsMath.h"
#include "CKernelsMerge.h"
#include "CKernelsPixels.h"
#include "CKernelsPlanes.h"
#include "CKernelsProducts.h"
#include "CKernelsProductsAMX.h"
#include "CKernelsRounding.h"
#include "CKernelsStatistics.h"

#endif
