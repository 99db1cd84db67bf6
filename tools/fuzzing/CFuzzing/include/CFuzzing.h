// What fuzzing needs of C: libFuzzer's entry, and files that are nowhere but in memory.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// libFuzzer, for programs that have a main function of their own.
int LLVMFuzzerRunDriver(int *argc, char ***argv,
                        int (*callback)(const uint8_t *data, size_t size));

// Creates an empty file in memory; answers its descriptor, or -1.
int memory_file_create(void);

// Makes these bytes the file's content; whether that succeeded.
bool memory_file_replace(int descriptor, const void *bytes, size_t count);
