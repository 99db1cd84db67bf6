// Calls that Swift's Glibc module leaves out.
#define _GNU_SOURCE

#include "CFileGuard.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int file_guard_reserve(int descriptor, int64_t byte_count) {
  return fallocate(descriptor, 0, 0, byte_count);
}

void file_guard_start_writing(int descriptor) { sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE); }

int file_guard_open_unnamed(const char *folder) {
  return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

int file_guard_rename_new(int folder, const char *from, const char *to) {
  return renameat2(folder, from, folder, to, RENAME_NOREPLACE);
}

int file_guard_exchange(int folder, const char *first, const char *second) {
  return renameat2(folder, first, folder, second, RENAME_EXCHANGE);
}

enum { deepest = 4 };

static void remove_entry(int folder, const char *name, int depth);

// Removes what is in an open folder; whether anything was there to try.
static int remove_entries(int descriptor, int depth) {
  char buffer[2048] __attribute__((aligned(8)));
  int count = 0;
  long size;
  while ((size = syscall(SYS_getdents64, descriptor, buffer, sizeof buffer)) > 0) {
    for (long offset = 0; offset < size;) {
      struct dirent64 *entry = (struct dirent64 *)(buffer + offset);
      offset += entry->d_reclen;
      if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
      remove_entry(descriptor, entry->d_name, depth + 1);
      count++;
    }
  }
  return count;
}

static void remove_entry(int folder, const char *name, int depth) {
  if (unlinkat(folder, name, 0) == 0 || depth > deepest) return;
  int descriptor = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return;
  // Removing while reading may make the reading skip names: read again, a few times at most.
  for (int round = 0; round < 8 && remove_entries(descriptor, depth) > 0; round++)
    lseek(descriptor, 0, SEEK_SET);
  close(descriptor);
  unlinkat(folder, name, AT_REMOVEDIR);
}

void file_guard_remove_tree(int folder, const char *name) { remove_entry(folder, name, 0); }
