// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Region maps (002_8bbc1eeec7f51661.txt, Region maps; Region-map management): which dataspace shows
// at which address. A map is the address space of a domain, or stands by itself and is then the
// content of a managed dataspace, which other maps show in turn. Page tables are filled from them
// when a thread touches a page (region_map_fault), or at once if asked for.
//
// Locks: nest_lock (region_map.c), which guards all maps that are no address space and every
// dataspace that shows one; then a domain's map->lock; then dataspace->lock. Address spaces that
// show memory alone need only their own: they never meet.
#pragma once

#include "lib/service/server.h"
#include "sigma0/dataspace.h"
#include <tessera/tree.h>

enum { REGION_MAP_DEPTH = 8 };

// A thread that waits for a page; part of what knows the thread (domain.h).
struct fault_wait {
    struct list link; // in map->waiting, or alone
    struct region_map *map;
    u64 page;        // of that map
    unsigned access; // MEM_R, MEM_W or MEM_X
    sel_t ec;
    bool told; // its owner has heard of it
    bool held; // its supervisor has paused it
};

struct region_map {
    struct named named;
    struct server_session *payer; // of its regions
    u64 first, pages;             // addresses [first, first + pages), in pages
    u64 area_first, area_last;    // where attaching anywhere looks
    u64 hint;
    sel_t pd;             // of the domain whose address space it is, or SEL_NONE
    struct dataspace *ds; // managed: what shows it
    struct mutex lock;    // of an address space
    struct tree regions;
    struct list waiting;
    struct list in_owner; // for who made it
    sel_t signal;         // upped when a fault needs the owner; SEL_NONE: nobody
    bool gone;
    u64 walk;       // the last walk through maps that came here, and
    unsigned depth; // what it found (region_map.c); under nest_lock
};

// A map of `pages` pages: with `pd` the address space of that domain, else with a managed dataspace
// that shows it. Paid for by `payer`: ERESOURCE, EMEM.
MUST_CHECK error_t region_map_create(struct server_session *payer, u64 pages, sel_t pd,
                                     struct region_map **out);
// Everything in it and all that shows it goes; threads that wait try again. By its owner, once.
void region_map_destroy(struct region_map *map);
struct region_map *region_map_find(struct typed_item name);
static inline void region_map_put(struct region_map *map)
{
    named_put(&map->named);
}

#define REGION_ANYWHERE (~0ul)
struct region_request {
    u64 offset, pages; // of the dataspace; 0 pages: all from the offset on
    u64 at;            // page, or REGION_ANYWHERE
    unsigned rights;   // MEM_R and more; cut to the dataspace's
    bool populate;     // of an address space: fill the page table now with what there is to show
                       // (what cannot be filled is left to faults)
};
// Shows a dataspace. *at is the page where. EPARAM a range beyond the dataspace's or the map's end;
// EINUSE something is there; ERESOURCE the account of the map, or no addresses are left; EDEADLOCK
// the map would show itself, or too deep; ENOTFOUND one of the two is going.
MUST_CHECK error_t region_map_attach(struct region_map *map, struct dataspace *ds,
                                     const struct region_request *request, u64 *at);
// Takes out the region that covers `page`, from everybody at once. ENOTFOUND.
MUST_CHECK error_t region_map_detach(struct region_map *map, u64 page);
// A dataspace goes: takes it out of every map.
void region_maps_forget(struct dataspace *ds);

enum fault_outcome {
    FAULT_RESOLVED,
    FAULT_WAITS,
    FAULT_NESTED,
    FAULT_NO_REGION,
    FAULT_DENIED,
    FAULT_NO_MEMORY
};
// A thread touched a page of an address space: fills the page table. FAULT_NESTED: a managed
// dataspace shows there, call the other one.
enum fault_outcome region_map_fault(struct region_map *map, u64 page, unsigned access);
// The same where a managed dataspace shows: also has the thread wait and tells the owner of one
// that has nothing there. `wait` may be NULL: then it cannot wait.
enum fault_outcome region_map_fault_nested(struct region_map *map, u64 page, unsigned access,
                                           struct fault_wait *wait);
// Copies to or from what an address space shows at `address`, with the rights that its threads have
// there: up to *bytes, as far as one region goes; *bytes is what was done. ENOTFOUND nothing is
// there, EPERM it is read-only, EFEATURE device memory, which reading may change.
MUST_CHECK error_t region_map_copy(struct region_map *space, u64 address, void *data, u64 *bytes,
                                   bool write);
// A waiting thread goes away: wait->ec is SEL_NONE from then on.
void fault_wait_cancel(struct fault_wait *wait);
// Reads or writes the registers that `mtd` names of a thread that is paused, in utcb_exc(utcb()).
// EBUSY while it runs, ECAP once it is gone.
MUST_CHECK error_t fault_wait_state(struct fault_wait *wait, bool write, unsigned mtd);
// The thread's supervisor pauses it, or lets it go on as soon as it waits for no page.
void fault_wait_hold(struct fault_wait *wait, bool hold);
// Sets the semaphore, which the map owns from then on. ERESOURCE, ENOTFOUND: it is dropped.
MUST_CHECK error_t region_map_signal(struct region_map *map, sel_t signal);
// The next fault that the owner was not told of; false if there is none.
bool region_map_next_fault(struct region_map *map, u64 *page, unsigned *access, u64 *waiting);
