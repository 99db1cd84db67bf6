#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "CKernelsProducts.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

// Whether the processor has tiles and their products of bfloat16 numbers.
static int has_tiles(void) {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1) && (d >> 24 & 1);
}

// Whether the system keeps what is in tiles when it switches threads: the shapes and the data.
static int keeps_tiles(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return 0;
  __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return (a >> 17 & 3) == 3;
}

static int may_use_tiles;

// Linux gives the memory for tiles only to those who have asked. The answer is no, too, where a
// thread has a signal stack that is too small for them.
static void ask_for_tiles(void) {
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
  may_use_tiles = has_tiles() && keeps_tiles() &&
                  syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

static int has_amx(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, ask_for_tiles);
  return may_use_tiles;
}
#else
static int has_amx(void) { return 0; }
#endif

ck_product_level ck_best_product_level(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    if (!__builtin_cpu_supports("avx512bf16")) return CK_PRODUCT_AVX512;
    return has_amx() ? CK_PRODUCT_AMX : CK_PRODUCT_AVX512_BF16;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return CK_PRODUCT_AVX2;
#endif
  return CK_PRODUCT_PLAIN;
}

int ck_pairs_are_fast(void) {
#if defined(__x86_64__)
  return __builtin_cpu_is("amd");
#else
  return 0;
#endif
}
