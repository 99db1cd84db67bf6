// The tile kernels over eight tile registers of 16 rows of 64 bytes. Whoever includes this file says
// what they are:
//   TILE_TARGET                     attributes of a function that uses them
//   TILE_KERNEL, TILE_STRIP         the functions' names
//   TILE_STATE                      a declaration of what keeps them
//   TILE_ZERO(t)                    makes a register 0
//   TILE_LOAD(t, start, stride)     fills it with rows so many bytes apart
//   TILE_LOAD_PASSING(...)          the same with rows that the first-level cache need not keep
//   TILE_MULTIPLY(sums, a, b)       adds to sums of float32 the products of pairs of bfloat16
//                                   numbers: 16 rows of pairs by 16 columns of pairs
//   TILE_STORE(t, start, stride)    puts its rows into memory

// 0...3 are the sums, 4 and 5 the columns, 6 and 7 the rows. Four sums are as many as hide how long
// a product takes, and every tile that is loaded is multiplied twice, columns twice for each term.
TILE_TARGET CK_INLINE void TILE_KERNEL(const uint16_t *restrict left,
                                       const uint32_t *restrict right, size_t count, int terms,
                                       float *restrict sums, int accumulate) {
  enum {
    HALF = 16,
    LEFT_BYTES = CK_AMX_STEPS * sizeof *left,
    RIGHT_BYTES = CK_AMX_COLUMNS * sizeof *right,
    SUM_BYTES = CK_AMX_COLUMNS * sizeof *sums,
  };
  float *lower = sums + HALF * CK_AMX_COLUMNS;
  // Compilers have not always known that tiles are read from memory: nothing that was written to
  // the panels may come later.
  __asm__ volatile("" ::: "memory");
  TILE_STATE;
  if (accumulate) {
    TILE_LOAD(0, sums, SUM_BYTES);
    TILE_LOAD(1, sums + HALF, SUM_BYTES);
    TILE_LOAD(2, lower, SUM_BYTES);
    TILE_LOAD(3, lower + HALF, SUM_BYTES);
  } else {
    TILE_ZERO(0);
    TILE_ZERO(1);
    TILE_ZERO(2);
    TILE_ZERO(3);
  }
  for (size_t first = 0; first < count; first += CK_AMX_STEPS) {
    TILE_LOAD(4, right, RIGHT_BYTES);
    TILE_LOAD(5, right + HALF, RIGHT_BYTES);
    right += CK_AMX_STEPS / 2 * CK_AMX_COLUMNS;
    for (int term = 0; term < terms; term++) {
      TILE_LOAD_PASSING(6, left, LEFT_BYTES);
      TILE_MULTIPLY(0, 6, 4);
      TILE_MULTIPLY(1, 6, 5);
      TILE_LOAD_PASSING(7, left + HALF * CK_AMX_STEPS, LEFT_BYTES);
      TILE_MULTIPLY(2, 7, 4);
      TILE_MULTIPLY(3, 7, 5);
      left += CK_AMX_ROWS * CK_AMX_STEPS;
    }
  }
  TILE_STORE(0, sums, SUM_BYTES);
  TILE_STORE(1, sums + HALF, SUM_BYTES);
  TILE_STORE(2, lower, SUM_BYTES);
  TILE_STORE(3, lower + HALF, SUM_BYTES);
  // Nor that they are written to it.
  __asm__ volatile("" ::: "memory");
}

// 0...5 are the sums, which are loaded and stored where they belong; 6 are rows and 7 columns. A column
// is loaded twice, from a panel that stays in the first-level cache.
TILE_TARGET CK_INLINE void TILE_STRIP(const uint16_t *restrict left, size_t tile_count,
                                      const uint32_t *restrict right, size_t count,
                                      float *restrict y, int accumulate) {
  enum {
    SIDE = 16,
    LEFT_BYTES = CK_AMX_STEPS * sizeof *left,
    RIGHT_BYTES = CK_TILE_COLUMNS * sizeof *right,
    SUM_BYTES = CK_TILE_COLUMNS * sizeof *y,
  };
  __asm__ volatile("" ::: "memory");
  TILE_STATE;
  for (size_t tile = 0; tile < tile_count; tile++) {
    float *lower = y + SIDE * CK_TILE_COLUMNS;
    if (accumulate) {
      TILE_LOAD(0, y, SUM_BYTES);
      TILE_LOAD(1, y + SIDE, SUM_BYTES);
      TILE_LOAD(2, y + 2 * SIDE, SUM_BYTES);
      TILE_LOAD(3, lower, SUM_BYTES);
      TILE_LOAD(4, lower + SIDE, SUM_BYTES);
      TILE_LOAD(5, lower + 2 * SIDE, SUM_BYTES);
    } else {
      TILE_ZERO(0);
      TILE_ZERO(1);
      TILE_ZERO(2);
      TILE_ZERO(3);
      TILE_ZERO(4);
      TILE_ZERO(5);
    }
    const uint32_t *pairs = right;
    for (size_t first = 0; first < count; first += CK_AMX_STEPS) {
      TILE_LOAD_PASSING(6, left, LEFT_BYTES);
      TILE_LOAD(7, pairs, RIGHT_BYTES);
      TILE_MULTIPLY(0, 6, 7);
      TILE_LOAD(7, pairs + SIDE, RIGHT_BYTES);
      TILE_MULTIPLY(1, 6, 7);
      TILE_LOAD(7, pairs + 2 * SIDE, RIGHT_BYTES);
      TILE_MULTIPLY(2, 6, 7);
      TILE_LOAD_PASSING(6, left + SIDE * CK_AMX_STEPS, LEFT_BYTES);
      TILE_MULTIPLY(5, 6, 7);
      TILE_LOAD(7, pairs + SIDE, RIGHT_BYTES);
      TILE_MULTIPLY(4, 6, 7);
      TILE_LOAD(7, pairs, RIGHT_BYTES);
      TILE_MULTIPLY(3, 6, 7);
      left += CK_AMX_ROWS * CK_AMX_STEPS;
      pairs += CK_AMX_STEPS / 2 * CK_TILE_COLUMNS;
    }
    TILE_STORE(0, y, SUM_BYTES);
    TILE_STORE(1, y + SIDE, SUM_BYTES);
    TILE_STORE(2, y + 2 * SIDE, SUM_BYTES);
    TILE_STORE(3, lower, SUM_BYTES);
    TILE_STORE(4, lower + SIDE, SUM_BYTES);
    TILE_STORE(5, lower + 2 * SIDE, SUM_BYTES);
    y += CK_AMX_ROWS * CK_TILE_COLUMNS;
  }
  __asm__ volatile("" ::: "memory");
}

#undef TILE_TARGET
#undef TILE_KERNEL
#undef TILE_STRIP
#undef TILE_STATE
#undef TILE_ZERO
#undef TILE_LOAD
#undef TILE_LOAD_PASSING
#undef TILE_MULTIPLY
#undef TILE_STORE
