// The operations of product_amx_tile.h as instructions of AMX.

#define TILE_TARGET __attribute__((target("avx512f,amx-tile,amx-bf16")))
#define TILE_KERNEL product_of_instructions
#define TILE_STRIP strip_of_instructions
#define TILE_STATE
#define TILE_ZERO(t) _tile_zero(t)
#define TILE_LOAD(t, start, stride) _tile_loadd(t, start, stride)
#define TILE_LOAD_PASSING(t, start, stride) _tile_stream_loadd(t, start, stride)
#define TILE_MULTIPLY(sums, a, b) _tile_dpbf16ps(sums, a, b)
#define TILE_STORE(t, start, stride) _tile_stored(t, start, stride)

// Bytes in a row and rows of every register, as LDTILECFG wants them. A constant is in memory as a
// whole before any code runs, also where a compiler thinks that only some of it is read.
static const struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} tile_shapes __attribute__((aligned(64), used)) = {
    .palette = 1,
    .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};

__attribute__((target("amx-tile"))) static void load_tile_shapes(void) {
  _tile_loadconfig(&tile_shapes);
}

__attribute__((target("amx-tile"))) static void release_tiles(void) { _tile_release(); }
