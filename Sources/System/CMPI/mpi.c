#include "CMPI.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { THREAD_FUNNELED = 1, TAG = 1, TEXT_LENGTH = 256 };

// The functions, by their names in the library; handles are pointers.
static int (*library_version)(char *, int *);
static int (*error_string)(int, char *, int *);
static int (*init_thread)(int *, char ***, int, int *);
static int (*comm_set_errhandler)(void *, void *);
static int (*comm_rank)(void *, int *);
static int (*comm_size)(void *, int *);
static int (*isend)(const void *, int, void *, int, int, void *, cm_request *);
static int (*irecv)(void *, int, void *, int, int, void *, cm_request *);
static int (*test)(cm_request *, int *, void *);
static int (*finalize)(void);
static int (*abort_all)(void *, int);
static void *world, *byte, *errors_return;

static char text[1024];

const char *cm_text(void) { return text; }

static void note(const char *what) { snprintf(text, sizeof text, "%.*s", (int)strcspn(what, "\n"), what); }

// Finds a symbol; whether it is there.
static bool find(void *library, const char *name, void **symbol) {
  *symbol = dlsym(library, name);
  return *symbol != NULL;
}

cm_found cm_open(const char *name) {
  // Open MPI's plugins find its symbols in the program.
  void *library = dlopen(name, RTLD_NOW | RTLD_GLOBAL);
  if (!library) return note(dlerror()), CM_MISSING;
  note(name);
  // Another library may write a longer version than Open MPI's 256 characters, so that it isn't asked.
  if (!find(library, "ompi_mpi_comm_world", &world)) return CM_OTHER;
  char version[4 * TEXT_LENGTH] = "";
  int length = 0;
  if (find(library, "MPI_Get_library_version", (void **)&library_version) &&
      library_version(version, &length) == 0) {
    note(version);
  }
  bool is_whole = find(library, "ompi_mpi_byte", &byte) &&
                  find(library, "ompi_mpi_errors_return", &errors_return) &&
                  find(library, "MPI_Error_string", (void **)&error_string) &&
                  find(library, "MPI_Init_thread", (void **)&init_thread) &&
                  find(library, "MPI_Comm_set_errhandler", (void **)&comm_set_errhandler) &&
                  find(library, "MPI_Comm_rank", (void **)&comm_rank) &&
                  find(library, "MPI_Comm_size", (void **)&comm_size) &&
                  find(library, "MPI_Isend", (void **)&isend) &&
                  find(library, "MPI_Irecv", (void **)&irecv) &&
                  find(library, "MPI_Test", (void **)&test) &&
                  find(library, "MPI_Finalize", (void **)&finalize) &&
                  find(library, "MPI_Abort", (void **)&abort_all);
  return is_whole ? CM_OPEN : CM_OTHER;
}

// Whether a call went well; else notes the library's text for it.
static bool is_well(int status) {
  if (status == 0) return true;
  char why[2 * TEXT_LENGTH] = "";
  int length = 0;
  if (error_string(status, why, &length) != 0) snprintf(why, sizeof why, "error %d", status);
  note(why);
  return false;
}

bool cm_join(int *rank, int *count) {
  int provided = 0;
  return is_well(init_thread(NULL, NULL, THREAD_FUNNELED, &provided)) &&
         is_well(comm_set_errhandler(world, errors_return)) && is_well(comm_rank(world, rank)) &&
         is_well(comm_size(world, count));
}

bool cm_send(const void *bytes, int count, int rank, cm_request *request) {
  return is_well(isend(bytes, count, byte, rank, TAG, world, request));
}

bool cm_receive(void *bytes, int count, int rank, cm_request *request) {
  return is_well(irecv(bytes, count, byte, rank, TAG, world, request));
}

int cm_test(cm_request *request) {
  int is_done = 0;
  if (!is_well(test(request, &is_done, NULL))) return -1;
  return is_done != 0;
}

bool cm_leave(void) { return is_well(finalize()); }

void cm_abort(int status) { abort_all(world, status); }
