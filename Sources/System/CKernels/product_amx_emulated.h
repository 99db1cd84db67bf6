// The operations of product_amx_tile.h in plain C, with the bits that the instructions of AMX give.

#define TILE_TARGET
#define TILE_KERNEL product_of_emulation
#define TILE_STRIP strip_of_emulation
#define TILE_STATE emulated_tile tiles[8]
#define TILE_ZERO(t) tiles[t] = (emulated_tile){0}
#define TILE_LOAD(t, start, stride) emulated_load(&tiles[t], start, stride)
#define TILE_LOAD_PASSING TILE_LOAD
#define TILE_MULTIPLY(sums, a, b) emulated_multiply(&tiles[sums], &tiles[a], &tiles[b])
#define TILE_STORE(t, start, stride) emulated_store(&tiles[t], start, stride)

enum { EMULATED_ROWS = 16 };
typedef uint32_t emulated_items __attribute__((vector_size(64)));
typedef float emulated_floats __attribute__((vector_size(64)));
typedef struct {
  emulated_items row[EMULATED_ROWS];
} emulated_tile;

// Whether the calling thread has begun: what uses tiles otherwise is stopped by the processor too.
static _Thread_local int emulation_has_begun;

CK_INLINE void emulated_load(emulated_tile *tile, const void *start, size_t stride) {
  for (size_t i = 0; i < EMULATED_ROWS; i++)
    memcpy(&tile->row[i], (const char *)start + i * stride, sizeof tile->row[i]);
}

CK_INLINE void emulated_store(const emulated_tile *tile, void *start, size_t stride) {
  for (size_t i = 0; i < EMULATED_ROWS; i++)
    memcpy((char *)start + i * stride, &tile->row[i], sizeof tile->row[i]);
}

// Numbers below 2^-126 count as 0, before and after every operation.
CK_INLINE void flush(emulated_items *numbers) {
  const emulated_items is_small = (emulated_items)((*numbers & 0x7F800000) == 0);
  *numbers &= ~is_small | 0x80000000;
}

// sum += a · b, rounded once. Whether that is below 2^-126 is asked of the same number times 2^64,
// which is rounded as if exponents had no end; where one of its parts is too large to be so, it
// isn't small.
CK_INLINE void emulated_fma(const emulated_items *a, const emulated_items *b,
                            emulated_items *sum) {
  const emulated_floats x = (emulated_floats)*a, y = (emulated_floats)*b;
  const emulated_floats c = (emulated_floats)*sum;
  emulated_items larger = (emulated_items)__builtin_elementwise_fma(x * 0x1p32f, y * 0x1p32f,
                                                                   c * 0x1p64f);
  const emulated_items is_small = (emulated_items)((larger & 0x7FFFFFFF) < (127 - 62) << 23);
  *sum = (emulated_items)__builtin_elementwise_fma(x, y, c) & (~is_small | 0x80000000);
}

CK_INLINE void emulated_add(emulated_items *sum, const emulated_items *other) {
  *sum = (emulated_items)((emulated_floats)*sum + (emulated_floats)*other);
  flush(sum);
}

// The earlier numbers of all pairs make one sum and the later ones another, from 0 on and one after
// the other; these two are added, and what that gives to the sums so far.
CK_INLINE void emulated_multiply(emulated_tile *sums, const emulated_tile *a,
                                 const emulated_tile *b) {
  for (size_t i = 0; i < EMULATED_ROWS; i++) {
    emulated_items earlier = {0}, later = {0};
    for (size_t p = 0; p < EMULATED_ROWS; p++) {
      const emulated_items pair = a->row[i][p] - (emulated_items){0};
      emulated_items a0 = pair << 16, a1 = pair & 0xFFFF0000;
      emulated_items b0 = b->row[p] << 16, b1 = b->row[p] & 0xFFFF0000;
      flush(&a0), flush(&a1), flush(&b0), flush(&b1);
      emulated_fma(&a0, &b0, &earlier);
      emulated_fma(&a1, &b1, &later);
    }
    emulated_add(&earlier, &later);
    flush(&sums->row[i]);
    emulated_add(&sums->row[i], &earlier);
  }
}
