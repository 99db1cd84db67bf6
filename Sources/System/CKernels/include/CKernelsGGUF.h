#ifndef CKERNELS_GGUF_H
#define CKERNELS_GGUF_H

#include <stddef.h>

// The block types of GGUF. A block of Qn_0, Qn_1, IQ4_NL and MXFP4 has 32 elements, one of NVFP4 64,
// of Q1_0 128, of the others 256; neither blocks nor elements need be aligned. Every sum has one order and no fused operations, so that the results
// are the same bits on every instruction-set level.

/// output = the elements of `count` blocks, as float32.
void ck_q8_0_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_q4_0_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_q4_1_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_q5_0_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_q5_1_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_q2_k_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_q3_k_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_q4_k_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_q5_k_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_q6_k_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_iq1_s_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_iq1_m_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_iq2_xxs_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_iq2_xs_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_iq2_s_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_iq3_xxs_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_iq3_s_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_iq4_nl_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_iq4_xs_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_mxfp4_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_nvfp4_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_tq1_0_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_tq2_0_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);
void ck_q1_0_to_f32(const void *_Nonnull blocks, void *_Nonnull output, size_t count);

/// blocks = `count` blocks that hold the elements of input. A block with an infinity or a NaN comes
/// back as infinities and NaNs.
void ck_f32_to_q8_0(const void *_Nonnull input, void *_Nonnull blocks, size_t count);
void ck_f32_to_q4_0(const void *_Nonnull input, void *_Nonnull blocks, size_t count);
void ck_f32_to_q4_1(const void *_Nonnull input, void *_Nonnull blocks, size_t count);
void ck_f32_to_q5_0(const void *_Nonnull input, void *_Nonnull blocks, size_t count);
void ck_f32_to_q5_1(const void *_Nonnull input, void *_Nonnull blocks, size_t count);
void ck_f32_to_q4_k(const void *_Nonnull input, void *_Nonnull blocks, size_t count);
void ck_f32_to_q5_k(const void *_Nonnull input, void *_Nonnull blocks, size_t count);
void ck_f32_to_q6_k(const void *_Nonnull input, void *_Nonnull blocks, size_t count);
void ck_f32_to_iq4_nl(const void *_Nonnull input, void *_Nonnull blocks, size_t count);

#endif
