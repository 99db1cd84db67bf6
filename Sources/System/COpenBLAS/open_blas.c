#include "COpenBLAS.h"

#include <dlfcn.h>
#include <pthread.h>

// The functions, by their names in the library.
static char *(*get_corename)(void);
static char *(*get_config)(void);
static void (*set_num_threads)(int);
static void (*sgemm)(ob_order, ob_transpose, ob_transpose, ob_int, ob_int, ob_int, float,
                     const float *, ob_int, const float *, ob_int, float, float *, ob_int);
static void (*dgemm)(ob_order, ob_transpose, ob_transpose, ob_int, ob_int, ob_int, double,
                     const double *, ob_int, const double *, ob_int, double, double *, ob_int);
static void (*dgeqrf)(const ob_int *, const ob_int *, double *, const ob_int *, double *, double *,
                      const ob_int *, ob_int *);
static void (*dorgqr)(const ob_int *, const ob_int *, const ob_int *, double *, const ob_int *,
                      const double *, double *, const ob_int *, ob_int *);
static void (*dgesdd)(const char *, const ob_int *, const ob_int *, double *, const ob_int *,
                      double *, double *, const ob_int *, double *, const ob_int *, double *,
                      const ob_int *, ob_int *, ob_int *, size_t);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int is_open;

// Finds a function; whether it is there.
static int find(void *library, const char *name, void **function) {
  *function = dlsym(library, name);
  return *function != NULL;
}

static void open_library(void) {
  void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) return;
  is_open = find(library, "openblas_get_corename", (void **)&get_corename) &&
            find(library, "openblas_get_config", (void **)&get_config) &&
            find(library, "openblas_set_num_threads", (void **)&set_num_threads) &&
            find(library, "cblas_sgemm", (void **)&sgemm) &&
            find(library, "cblas_dgemm", (void **)&dgemm) &&
            find(library, "dgeqrf_", (void **)&dgeqrf) &&
            find(library, "dorgqr_", (void **)&dorgqr) &&
            find(library, "dgesdd_", (void **)&dgesdd);
}

int ob_open(void) {
  pthread_once(&once, open_library);
  return is_open;
}

const char *ob_core_name(void) { return get_corename(); }

const char *ob_configuration(void) { return get_config(); }

void ob_set_thread_count(int count) { set_num_threads(count); }

void ob_sgemm(ob_order order, ob_transpose of_a, ob_transpose of_b, ob_int m, ob_int n, ob_int k,
              float alpha, const float *a, ob_int stride_a, const float *b, ob_int stride_b,
              float beta, float *c, ob_int stride_c) {
  sgemm(order, of_a, of_b, m, n, k, alpha, a, stride_a, b, stride_b, beta, c, stride_c);
}

void ob_dgemm(ob_order order, ob_transpose of_a, ob_transpose of_b, ob_int m, ob_int n, ob_int k,
              double alpha, const double *a, ob_int stride_a, const double *b, ob_int stride_b,
              double beta, double *c, ob_int stride_c) {
  dgemm(order, of_a, of_b, m, n, k, alpha, a, stride_a, b, stride_b, beta, c, stride_c);
}

void ob_dgeqrf(const ob_int *m, const ob_int *n, double *a, const ob_int *lda, double *tau,
               double *work, const ob_int *lwork, ob_int *info) {
  dgeqrf(m, n, a, lda, tau, work, lwork, info);
}

void ob_dorgqr(const ob_int *m, const ob_int *n, const ob_int *k, double *a, const ob_int *lda,
               const double *tau, double *work, const ob_int *lwork, ob_int *info) {
  dorgqr(m, n, k, a, lda, tau, work, lwork, info);
}

void ob_dgesdd(const char *jobz, const ob_int *m, const ob_int *n, double *a, const ob_int *lda,
               double *s, double *u, const ob_int *ldu, double *vt, const ob_int *ldvt,
               double *work, const ob_int *lwork, ob_int *iwork, ob_int *info) {
  dgesdd(jobz, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork, info, 1);
}
