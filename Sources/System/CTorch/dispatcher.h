#ifndef CTORCH_DISPATCHER_H
#define CTORCH_DISPATCHER_H

#include <string.h>

#include "torch.h"

/// The version whose argument lists are given below; later ones convert them.
static const uint64_t abi = 2ull << 56 | 10ull << 48;

/// Arguments of an operation, then its results. It is longer than any list of arguments and zero behind them:
/// an argument that a later torch adds is absent.
typedef struct {
  word words[24];
} stack;

/// A tensor as an argument, which the operation takes: a handle of its own.
static inline word tensor(const ct_torch *torch, ct_tensor x) {
  ct_tensor own = 0;
  torch->aoti_torch_new_tensor_handle(x, &own);
  return (word)own;
}

static inline word real(double x) {
  word bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/// An argument that may be absent, and isn't; the operation takes it.
static inline word present(const ct_torch *torch, word x) {
  word *place = 0;
  if (torch->torch_new_stable_ivalue) {
    torch->torch_new_stable_ivalue(&place);
  } else {
    place = torch->operator_new(sizeof *place);
  }
  *place = x;
  return (word)place;
}

/// Calls an operation; its results stand where its arguments stood.
static inline bool call(const ct_torch *torch, const char *name, const char *overload, stack *arguments) {
  if (torch->torch_call_dispatcher(name, overload, arguments->words, abi)) {
    return ct_fail(torch, name), false;
  }
  return true;
}

#endif
