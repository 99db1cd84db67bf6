#ifndef CK_MULTIVERSION_H
#define CK_MULTIVERSION_H

// One body, compiled for three x86-64 levels; the dynamic linker picks at load.
#if defined(__x86_64__) && defined(__ELF__)
#define CK_MULTIVERSION \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CK_MULTIVERSION
#endif

// A part of such a body, compiled for the same level as what it is in.
#define CK_INLINE static inline __attribute__((always_inline))

#endif
