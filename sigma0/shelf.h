// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Shelves: things of one kind that were given back a moment ago and will be wanted again, a few for
// each CPU. Taking one and putting one back waits for nobody: where a shelf is in use, empty or
// full, the caller goes the long way, to the one place that all CPUs share. What lies here belongs
// to nobody's account.
#pragma once

#include "lib/rt/sync.h"
#include "lib/rt/thread.h"

enum { SHELF_ITEMS = 32 };

struct shelf {
    struct {
        struct mutex lock; // only tried, except by shelf_empty
        unsigned count;
        void *item[SHELF_ITEMS];
    } __attribute__((aligned(64))) cpu[MAX_CPUS];
};
#define SHELF_INIT                                                                                 \
    {                                                                                              \
        .cpu = { [0 ... MAX_CPUS - 1] = {.lock = MUTEX_INIT} }                                     \
    }

// What was put back last on this CPU, or NULL.
void *shelf_take(struct shelf *shelf);
// Puts an item on this CPU's shelf; false: no room.
MUST_CHECK bool shelf_put(struct shelf *shelf, void *item);
// Hands everything on all shelves to `take`, under the shelf's lock, one after the other. Returns
// how many items there were.
unsigned shelf_empty(struct shelf *shelf, void (*take)(void *item));

// The same for objects from the heap, all of one size: a zeroed one, or NULL; and giving it back.
void *shelf_object(struct shelf *shelf, size_t bytes);
void shelf_object_free(struct shelf *shelf, void *object);
