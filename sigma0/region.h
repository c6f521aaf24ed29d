// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What region_map.c (attaching) and region_fault.c (faults) share.
#pragma once

#include "sigma0/region_map.h"

struct region {
    struct tree_node node; // [first page, last page] of its map
    struct list in_ds;
    struct region_map *map;
    struct dataspace *ds;
    u64 offset; // pages
    u64 view;   // in our own space, of the dataspace's first page; of a managed one 0
    u8 rights;
    bool touched; // something of it may stand in a page table (of an address space)
};

extern struct mutex nest_lock;
void region_map_lock(struct region_map *map, bool nested);
void region_map_unlock(struct region_map *map, bool nested);
// The region that covers a page, or NULL. With the map's locks.
struct region *region_at(struct region_map *map, u64 page);
// Fills the page table for a region of an address space, with all that it shows now, by way of
// however many maps, until kernel memory is gone or the region has shown itself to be of very many
// parts. With the map's locks.
void region_populate(struct region *r);
// Has the threads that wait for pages in [first, last] go on. With the map's locks.
void region_map_wake(struct region_map *map, u64 first, u64 last);
