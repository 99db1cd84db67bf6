// Calls that Swift's Glibc module leaves out.
#define _GNU_SOURCE

#include "CFileGuard.h"

#include <fcntl.h>
#include <stdio.h>

int file_guard_reserve(int descriptor, int64_t byte_count) {
  return fallocate(descriptor, 0, 0, byte_count);
}

int file_guard_rename_new(int folder, const char *from, const char *to) {
  return renameat2(folder, from, folder, to, RENAME_NOREPLACE);
}
