#ifndef COPENBLAS_H
#define COPENBLAS_H

#include <stddef.h>

// OpenBLAS and the LAPACK in it, which a program opens when it first needs them: neither the library nor
// its headers are there when it is built, and it starts without them. Nothing but ob_open may be called
// where that answers 0.
//
// Source: OpenMathLib/OpenBLAS 0.3.21, cblas.h (its interface with integers of 32 bits, Debian's
// libopenblas.so.0); Reference-LAPACK/lapack 3.11, SRC/dgeqrf.f, dorgqr.f, dgesdd.f, as gfortran compiles
// them: everything by address, the lengths of texts last.

/// The integers of the library.
typedef int ob_int;

/// How matrices lie, by the library's own numbers.
typedef enum { OB_ROW_MAJOR = 101, OB_COLUMN_MAJOR = 102 } ob_order;
/// Whether an operand is transposed, likewise.
typedef enum { OB_PLAIN = 111, OB_TRANSPOSED = 112 } ob_transpose;

/// Opens the library, the first time that it is called, by any thread. 0 where there is none, or one that
/// lacks a function.
int ob_open(void);

/// OpenBLAS's name of the processors that its kernels were chosen for.
const char *_Nonnull ob_core_name(void);
/// Its version and how it was built.
const char *_Nonnull ob_configuration(void);
/// How many threads of its own it may use.
void ob_set_thread_count(int count);

/// c `[m, n]` = alpha · op(a) · op(b) + beta · c; cblas_sgemm.
void ob_sgemm(ob_order order, ob_transpose of_a, ob_transpose of_b, ob_int m, ob_int n, ob_int k,
              float alpha, const float *_Nullable a, ob_int stride_a, const float *_Nullable b,
              ob_int stride_b, float beta, float *_Nullable c, ob_int stride_c);

/// The same in double precision; cblas_dgemm.
void ob_dgemm(ob_order order, ob_transpose of_a, ob_transpose of_b, ob_int m, ob_int n, ob_int k,
              double alpha, const double *_Nullable a, ob_int stride_a, const double *_Nullable b,
              ob_int stride_b, double beta, double *_Nullable c, ob_int stride_c);

/// a `[m, n]`, column-major, becomes R and the reflectors of its QR factorisation; dgeqrf.
void ob_dgeqrf(const ob_int *_Nonnull m, const ob_int *_Nonnull n, double *_Nonnull a,
               const ob_int *_Nonnull lda, double *_Nonnull tau, double *_Nonnull work,
               const ob_int *_Nonnull lwork, ob_int *_Nonnull info);

/// The first n columns of the orthogonal factor that k reflectors make, in place; dorgqr.
void ob_dorgqr(const ob_int *_Nonnull m, const ob_int *_Nonnull n, const ob_int *_Nonnull k,
               double *_Nonnull a, const ob_int *_Nonnull lda, const double *_Nonnull tau,
               double *_Nonnull work, const ob_int *_Nonnull lwork, ob_int *_Nonnull info);

/// Singular values and, by jobz, vectors of a `[m, n]`, column-major; a is destroyed; dgesdd.
void ob_dgesdd(const char *_Nonnull jobz, const ob_int *_Nonnull m, const ob_int *_Nonnull n,
               double *_Nonnull a, const ob_int *_Nonnull lda, double *_Nonnull s,
               double *_Nonnull u, const ob_int *_Nonnull ldu, double *_Nonnull vt,
               const ob_int *_Nonnull ldvt, double *_Nonnull work, const ob_int *_Nonnull lwork,
               ob_int *_Nonnull iwork, ob_int *_Nonnull info);

#endif
