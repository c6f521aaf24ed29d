// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Dataspaces (002_8bbc1eeec7f51661.txt, Dataspaces): a contiguous range of physical memory, or what
// a region map holds (a managed dataspace). All that is attached somewhere is attached by way of
// one.
#pragma once

#include "lib/rt/list.h"
#include "lib/rt/sync.h"
#include "sigma0/named.h"

struct region_map;

struct dataspace {
    struct named named;
    u64 count;              // pages
    u64 view;               // the first page in sigma0's own space, from which it is delegated
    u64 page;               // the first physical page
    u64 code_view;          // as view, executable; 0 until somebody attaches it so
    unsigned rights;        // at most
    unsigned attr;          // ITEM_UNCACHED, ITEM_WRITE_COMBINE
    struct region_map *map; // managed: what it shows; else NULL
    void (*free_pages)(struct dataspace *ds); // or NULL: the pages are somebody else's affair
    void *owner;                              // who made it, for that one's own use
    struct list in_owner;
    struct mutex lock; // the regions that show it; of a managed one: region_map.c's nest_lock
    struct list regions;
    u32 rings;     // that the kernel writes trace records to (trace.c); atomic
    bool gone;     // under the lock: no more attaching
    bool own_view; // `view` shows nothing else
    bool windowed; // pages of it went into windows, beside region maps
};

// An empty dataspace, to be filled in and then named with dataspace_publish. EMEM: NULL.
struct dataspace *dataspace_new(void);
// ERESOURCE, EMEM: `ds` is freed.
MUST_CHECK error_t dataspace_publish(struct dataspace *ds);
// The dataspace that an item names, with a reference, or NULL.
struct dataspace *dataspace_find(struct typed_item name);
static inline void dataspace_put(struct dataspace *ds)
{
    named_put(&ds->named);
}
// Makes code_view, so that it can be attached executable; under ds->lock. Our own memory is mapped
// writable and not executable otherwise. EMEM, EPARAM it is neither RAM nor mapped executable.
MUST_CHECK error_t dataspace_make_code(struct dataspace *ds);
// A reply maps its pages by way of a window. What the same handler has held before is let go:
// `held` is its own, NULL at first. So the pages stay what they are until the reply is over, which
// is known when the handler's next request arrives (then with `ds` NULL).
void dataspace_hold(struct dataspace **held, struct dataspace *ds);
// One that shows `count` pages of memory which is nobody's RAM from physical page `page` on:
// mapped at a place of its own in our space, named. ERESOURCE, EMEM, EPERM the kernel keeps some of
// it to itself.
MUST_CHECK error_t dataspace_create_physical(u64 page, u64 count, unsigned rights, unsigned attr,
                                             struct dataspace **out);
// Takes it out of every region map and every address space, then its pages away. By its owner,
// once.
void dataspace_destroy(struct dataspace *ds);
// `count` pages of RAM, zeroed, named. EMEM, ERESOURCE.
MUST_CHECK error_t dataspace_create_ram(u64 count, struct dataspace **out);
// Whether it is made of that.
bool dataspace_is_ram(const struct dataspace *ds);
