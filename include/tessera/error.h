// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The one error type. 0–31 come from the kernel (every hypercall's result), 32 and up from the
// parent and service protocols (word 0 of a response; 001_5c4c3d5892c9ef36.txt). One table, from
// which come the enum, the names and the manual.
#pragma once

#include <tessera/types.h>

// X(name, value, meaning)
#define TESSERA_ERRORS(X)                                                                          \
    X(SUCCESS, 0, "done")                                                                          \
    X(ETIMEOUT, 1, "the deadline passed first")                                                    \
    X(EABORT, 2, "the partner died, or the operation was cancelled")                               \
    X(ESYS, 3, "no such hypercall")                                                                \
    X(ECAP, 4, "selector empty, of the wrong type, or without the right needed")                   \
    X(EPARAM, 5, "an argument is out of range or unaligned")                                       \
    X(ECPU, 6, "the object belongs to another CPU, or there is no such CPU")                       \
    X(EMEM, 7, "the account that pays is empty")                                                   \
    X(EBUSY, 8, "the destination is occupied, or the object is in use")                            \
    X(EDEADLOCK, 9, "the call would wait for itself")                                              \
    X(EFEATURE, 10, "the machine or this kernel lacks the feature")                                \
    X(EEXISTS, 32, "the service knows no session by this identity: open one")                      \
    X(ERETRY, 33, "not available yet: wait on the pseudonym and ask again")                        \
    X(EPERM, 34, "denied by the parent's policy")                                                  \
    X(ERESOURCE, 35, "the session's or child's quota is exhausted")                                \
    X(EPROTO, 36, "the request is malformed or its operation unknown")                             \
    X(ENOTFOUND, 37, "no object by that name or number")                                           \
    X(EINUSE, 38, "already taken, or already open")

typedef enum error {
#define X(name, value, meaning) name = (value),
    TESSERA_ERRORS(X)
#undef X
} error_t;

// Returns the name of `error`, e.g. "ECAP", or "E?" for a value that is not in the table.
static inline const char *error_name(word_t error)
{
    switch (error) {
#define X(name, value, meaning)                                                                    \
    case value: return #name;
        TESSERA_ERRORS(X)
#undef X
    default: return "E?";
    }
}
