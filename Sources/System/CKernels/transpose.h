#ifndef CK_TRANSPOSE_H
#define CK_TRANSPOSE_H

#include <stdint.h>

// Items of 32 bits in vectors, whose order changes by zipping: of two vectors come the lower and the upper
// halves of their items in turn.

enum { CK_SIDE = 16 };

// Floats are moved as items too.
typedef uint32_t ck_item __attribute__((may_alias));
typedef uint32_t ck_items __attribute__((vector_size(CK_SIDE * sizeof(uint32_t))));

#define CK_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define CK_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

// Zips each of COUNT vectors with the one half of them further on, STEPS times. What lies one after the
// other, COUNT rows of CK_SIDE items, is CK_SIDE rows of COUNT items after log2(COUNT) steps.
#define CK_ZIP(rows, COUNT, STEPS)                                                              \
  do {                                                                                          \
    ck_items zipped[COUNT];                                                                     \
    for (int step = 0; step < STEPS; step++) {                                                  \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < COUNT / 2; i++) {                  \
        zipped[2 * i] = __builtin_shufflevector(rows[i], rows[i + COUNT / 2], CK_LOW);          \
        zipped[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + COUNT / 2], CK_HIGH);     \
      }                                                                                         \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < COUNT; i++) rows[i] = zipped[i];   \
    }                                                                                           \
  } while (0)

// Transposes CK_SIDE vectors.
#define CK_TRANSPOSE(rows) CK_ZIP(rows, CK_SIDE, 4)

#endif
