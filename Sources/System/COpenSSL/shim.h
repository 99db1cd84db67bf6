#pragma once
// The functions of one digest, which newer versions would rather have found by name: so a program that is
// linked with the archive takes these and not all of the library.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
