// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Region maps and managed dataspaces (002_8bbc1eeec7f51661.txt, Region maps, Region-map management;
// doc/region-maps.md). `session` is any open session of "rm" or "pd"; a region map and a dataspace
// are named by their capabilities. These functions use the calling thread's UTCB and its windows.
#pragma once

#include "lib/service/client.h"

// A region map that stands by itself, `bytes` long (page multiple, > 0), and the managed dataspace
// that shows what is attached in it. Both selectors are new and the caller's; rm_destroy drops
// them. EPARAM bytes, ERESOURCE the session's account or no selectors, EMEM.
MUST_CHECK error_t rm_create(struct service_client *session, u64 bytes, sel_t *map, sel_t *ds);
// By the session that made it: what it shows vanishes everywhere; threads that wait for it fault.
void rm_destroy(struct service_client *session, sel_t map, sel_t ds);

struct rm_window {
    u64 offset, bytes; // of the dataspace, page multiples; bytes 0: all from the offset on
    word_t address;    // page multiple, or RM_ANYWHERE
    unsigned flags;    // enum rm_flag
};
// Shows a window of a dataspace in a map. *address is where (may be NULL). Errors: EPARAM
// alignment, or beyond the end of dataspace or map; EINUSE something is there; ERESOURCE the
// account of who made the map, or no addresses are left; EDEADLOCK the map would show itself or is
// nested too deep; ENOTFOUND no such map or dataspace (any more).
MUST_CHECK error_t rm_attach(struct service_client *session, sel_t map, sel_t ds,
                             const struct rm_window *window, word_t *address);
// Takes out the region that covers `address`, from everybody at once. ENOTFOUND.
MUST_CHECK error_t rm_detach(struct service_client *session, sel_t map, word_t address);

// Has `semaphore` upped whenever a thread waits for a page of the map's managed dataspace.
MUST_CHECK error_t rm_signal(struct service_client *session, sel_t map, sel_t semaphore);
struct rm_fault {
    word_t address;  // in the map, page multiple
    unsigned access; // MEM_R, MEM_W or MEM_X
    u64 waiting;     // threads that wait for pages of the map
};
// The next fault not yet told; ENOTFOUND if there is none.
MUST_CHECK error_t rm_next_fault(struct service_client *session, sel_t map, struct rm_fault *fault);
