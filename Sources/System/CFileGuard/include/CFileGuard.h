#ifndef CFILEGUARD_H
#define CFILEGUARD_H

#include <stddef.h>
#include <stdint.h>

// What a signal handler needs to know about files: outputs that are not finished, and mapped
// inputs. Tables of fixed size in static memory, because a handler may neither allocate nor lock.

/// Brackets the creation of an output and its note, so that a signal in between doesn't leave it behind. Once the process
/// is about to end, beginning never returns.
void file_guard_begin_creation(void);
void file_guard_end_creation(void);

/// Notes an unfinished output, a file or a folder. Returns its slot, or -1 when the table is full or the path too long:
/// then a signal leaves the file behind, and the next run removes it.
int file_guard_add_temporary(const char *_Nonnull path);

/// Forgets an unfinished output; does nothing for -1.
void file_guard_drop_temporary(int slot);

/// Removes every unfinished output, for a process that is about to end: none is created any more.
/// Waits a second at most for those that are being created. Async-signal-safe; keeps errno.
void file_guard_unlink_temporaries(void);

/// Notes a mapped input and the name to print when it fails. Returns its slot or -1.
int file_guard_add_mapping(const void *_Nonnull start, size_t count, const char *_Nonnull name);

/// Forgets a mapped input, before it is unmapped; does nothing for -1.
void file_guard_drop_mapping(int slot);

/// Makes a read past the end of a truncated mapped file end the process with status 74 and one
/// line on standard error: `prefix`, the file's name, what happened. Other bus errors stay fatal.
void file_guard_install_truncation_handler(const char *_Nonnull prefix);

/// Ends the process as the truncation handler does: the prefix it was given and `message` on one
/// line, unfinished outputs removed, status 74.
[[noreturn]] void file_guard_fail(const char *_Nonnull message);

/// Lets a write past the file size limit fail with EFBIG instead of ending the process, unless the
/// program has set a handler of its own.
void file_guard_ignore_size_signal(void);

/// fallocate(2): 0, or -1 and errno. Unlike posix_fallocate it never writes every block instead.
int file_guard_reserve(int descriptor, int64_t byte_count);

/// sync_file_range(2): begins to write what is in memory of a file, without waiting. It makes nothing durable, and
/// errors are those of a later fsync(2).
void file_guard_start_writing(int descriptor);

/// open(2) with O_TMPFILE: a file of that folder without a name, gone when it is closed. A descriptor,
/// or -1 and errno.
int file_guard_open_unnamed(const char *_Nonnull folder);

/// Removes a file, or a folder with all that is in it, following no links. Async-signal-safe, so
/// without the C library's directory streams; folders deeper than it needs are left.
void file_guard_remove_tree(int folder, const char *_Nonnull name);

/// renameat2(2) of two names in a folder for each other: 0, or -1 and errno.
int file_guard_exchange(int folder, const char *_Nonnull first, const char *_Nonnull second);

/// renameat2(2) within a folder, refusing an existing name: 0, or -1 and errno.
int file_guard_rename_new(int folder, const char *_Nonnull from, const char *_Nonnull to);

#endif
