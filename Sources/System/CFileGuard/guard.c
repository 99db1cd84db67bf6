// The C standard of the package leaves POSIX out; this is the version with all used here.
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE 700

#include "CFileGuard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { slot_count = 256, name_capacity = 1024, prefix_capacity = 64, io_error_status = 74 };
enum { slot_free, slot_changing, slot_used };

// Untouched slots cost no memory: the tables are zero pages until used.
static struct {
  _Atomic int state;
  char path[PATH_MAX];
} temporaries[slot_count];

static struct {
  _Atomic int state;
  uintptr_t start, end;
  char name[name_capacity];
} mappings[slot_count];

// Either a creation sees that the process ends, or the one who ends it sees the creation.
static _Atomic int creation_count;
static _Atomic int is_ending;

static char message_prefix[prefix_capacity];

static int is_claimed(_Atomic int *state) {
  int expected = slot_free;
  return atomic_compare_exchange_strong(state, &expected, slot_changing);
}

void file_guard_begin_creation(void) {
  atomic_fetch_add(&creation_count, 1);
  if (!atomic_load(&is_ending)) return;
  atomic_fetch_sub(&creation_count, 1);
  for (;;) pause();
}

void file_guard_end_creation(void) { atomic_fetch_sub(&creation_count, 1); }

int file_guard_add_temporary(const char *path) {
  size_t size = strlen(path) + 1;
  if (size > sizeof temporaries[0].path) return -1;
  for (int slot = 0; slot < slot_count; slot++) {
    if (!is_claimed(&temporaries[slot].state)) continue;
    memcpy(temporaries[slot].path, path, size);
    atomic_store(&temporaries[slot].state, slot_used);
    return slot;
  }
  return -1;
}

void file_guard_drop_temporary(int slot) {
  if (slot >= 0) atomic_store(&temporaries[slot].state, slot_free);
}

void file_guard_unlink_temporaries(void) {
  int saved = errno;
  atomic_store(&is_ending, 1);
  const struct timespec millisecond = {.tv_nsec = 1000000};
  for (int waited = 0; waited < 1000 && atomic_load(&creation_count) > 0; waited++)
    nanosleep(&millisecond, NULL);
  for (int slot = 0; slot < slot_count; slot++)
    if (atomic_load(&temporaries[slot].state) == slot_used)
      file_guard_remove_tree(AT_FDCWD, temporaries[slot].path);
  errno = saved;
}

int file_guard_add_mapping(const void *start, size_t count, const char *name) {
  for (int slot = 0; slot < slot_count; slot++) {
    if (!is_claimed(&mappings[slot].state)) continue;
    mappings[slot].start = (uintptr_t)start;
    mappings[slot].end = (uintptr_t)start + count;
    strncpy(mappings[slot].name, name, name_capacity - 1);
    atomic_store(&mappings[slot].state, slot_used);
    return slot;
  }
  return -1;
}

void file_guard_drop_mapping(int slot) {
  if (slot >= 0) atomic_store(&mappings[slot].state, slot_free);
}

static void print(const char *text) {
  size_t left = strlen(text);
  while (left > 0) {
    ssize_t count = write(STDERR_FILENO, text, left);
    if (count <= 0) return;
    text += count;
    left -= (size_t)count;
  }
}

void file_guard_fail(const char *message) {
  print(message_prefix);
  print(message);
  print("\n");
  file_guard_unlink_temporaries();
  _exit(io_error_status);
}

static void handle_bus_error(int signal_number, siginfo_t *info, void *context) {
  (void)context;
  uintptr_t address = (uintptr_t)info->si_addr;
  for (int slot = 0; slot < slot_count; slot++) {
    if (atomic_load(&mappings[slot].state) != slot_used) continue;
    if (address < mappings[slot].start || address >= mappings[slot].end) continue;
    print(message_prefix);
    print(mappings[slot].name);
    print(": another program truncated the file, or the disk failed, while it was being read\n");
    file_guard_unlink_temporaries();
    _exit(io_error_status);
  }
  // Not ours: with the default action back, the same access ends the process as it would have.
  signal(signal_number, SIG_DFL);
}

void file_guard_install_truncation_handler(const char *prefix) {
  strncpy(message_prefix, prefix, prefix_capacity - 1);
  struct sigaction action = {.sa_sigaction = handle_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, NULL);
}

void file_guard_ignore_size_signal(void) {
  struct sigaction current;
  if (sigaction(SIGXFSZ, NULL, &current) == 0 && !(current.sa_flags & SA_SIGINFO) &&
      current.sa_handler == SIG_DFL)
    signal(SIGXFSZ, SIG_IGN);
}
