#define _GNU_SOURCE

#include "CFuzzing.h"

#include <sys/mman.h>
#include <unistd.h>

int memory_file_create(void) { return memfd_create("input", MFD_CLOEXEC); }

bool memory_file_replace(int descriptor, const void *bytes, size_t count) {
  if (ftruncate(descriptor, 0) != 0) return false;
  return count == 0 || pwrite(descriptor, bytes, count, 0) == (ssize_t)count;
}
