// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Supervising a child of init's that runs (doc/debugging.md), by way of a session of "debug" whose
// label is the child's name: what goes beyond this is done with the domain's capability (domain.h,
// threads.h). These functions use the calling thread's UTCB and its windows.
#pragma once

#include "lib/service/client.h"

// New selectors of two semaphores: *lives is upped when a life of the child begins or ends,
// *exceptions when an exception of an attached one finds no answer. EPERM the child is not to be
// debugged, by us; EINUSE somebody else does; ERESOURCE, EMEM.
MUST_CHECK error_t debug_events(struct service_client *debug, sel_t *lives, sel_t *exceptions);

struct debug_state {
    u64 lives; // so far
    bool runs; // one is not over
    // How the last one that is over ended: EXITED, FAULTED or, by force, STOPPED.
    enum child_state ended;
    int exit_code;
    char binary[64];
};
MUST_CHECK error_t debug_state(struct service_client *debug, struct debug_state *state);

// Its exceptions come to us from now on. *domain, a new selector, is its domain's capability, until
// debug_release or the life's end; *life (may be NULL) which of its lives it is, as debug_state
// counts them, and *entry (may be NULL) where its program begins. ENOTFOUND it does not run, EINUSE
// it is attached.
MUST_CHECK error_t debug_attach(struct service_client *debug, sel_t *domain, u64 *life,
                                word_t *entry);
// It goes on, whatever was changed in its program. ENOTFOUND the child is gone.
MUST_CHECK error_t debug_release(struct service_client *debug);
// Writes what its threads cannot: read-only parts of its program. *bytes is what is asked for, and
// then what was done. EPERM nothing such is there.
MUST_CHECK error_t debug_write(struct service_client *debug, word_t address, const void *data,
                               size_t *bytes);
// Ends the child, whose restart policy applies. ENOTFOUND it does not run.
MUST_CHECK error_t debug_kill(struct service_client *debug);
