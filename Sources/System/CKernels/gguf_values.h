#ifndef CK_GGUF_VALUES_H
#define CK_GGUF_VALUES_H

#include "gguf.h"

// Codes that stand for numbers at uneven distances.

/// What the codes of IQ4_NL and IQ4_XS are worth before the scale.
///
/// Source: ggml-org/llama.cpp, `ggml/src/ggml-common.h`, `kvalues_iq4nl`.
static const int8_t ck_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                         1,    13,   25,  38,  53,  69,  89,  113};

/// What codes of E2M1 are worth, doubled, so that they are whole.
///
/// Source: OCP Microscaling Formats 1.0, section 5.3.3.
static const int8_t ck_e2m1_doubled[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                           0, -1, -2, -3, -4, -6, -8, -12};

#endif
