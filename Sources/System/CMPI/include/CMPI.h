#ifndef CMPI_H
#define CMPI_H

#include <stdbool.h>
#include <stddef.h>

// Open MPI, which a program opens where a launcher started several processes of it: neither the library nor
// its headers are there when it is built. Nothing but cm_open and cm_text may be called where that does not
// answer CM_OPEN, and everything from one thread at a time.
//
// Source: open-mpi/ompi 4.1.4, ompi/include/mpi.h.in: handles are addresses of objects that the library
// exports, MPI_STATUS_IGNORE is 0, MPI_SUCCESS is 0, MPI_THREAD_FUNNELED is 1, MPI_MAX_ERROR_STRING and
// MPI_MAX_LIBRARY_VERSION_STRING are 256. Libraries by MPICH have other handles: numbers.

/// What became of a library that was to be opened.
typedef enum {
  /// It is Open MPI, and open.
  CM_OPEN,
  /// It isn't there, or can't be loaded.
  CM_MISSING,
  /// It is there, and isn't Open MPI, or lacks a function.
  CM_OTHER,
} cm_found;

/// A message on its way.
typedef void *cm_request;

/// Opens a library by its name or path. May be called again where it did not answer CM_OPEN.
cm_found cm_open(const char *_Nonnull name);

/// What the last call has to say: of cm_open the library's own name and version, or why it can't be loaded;
/// of others the library's text for what went wrong.
const char *_Nonnull cm_text(void);

/// Joins the other processes; which of how many this one is. The library ends the process where it can't.
/// Errors that come later are answered by functions, and end nothing.
bool cm_join(int *_Nonnull rank, int *_Nonnull count);

/// Begins to send bytes, which must stay as they are until cm_test says that it is done.
bool cm_send(const void *_Nullable bytes, int count, int rank, cm_request _Nullable *_Nonnull request);

/// Begins to receive so many bytes.
bool cm_receive(void *_Nullable bytes, int count, int rank, cm_request _Nullable *_Nonnull request);

/// Whether a message is through: 1; 0: not yet; -1: it failed.
int cm_test(cm_request _Nullable *_Nonnull request);

/// Leaves the other processes, which do so too; waits for them.
bool cm_leave(void);

/// Ends all processes.
void cm_abort(int status);

#endif
