// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Spans: runs of 2^order pages, cut from arenas by halves and merged again (a buddy system). The
// heap's own; its lock is held in all of these functions but span_arena_map and span_arena_unmap.
//
// Each span, used or free, begins with its header, and everything handed out lies in the span's
// first page: so the page that an object lies in tells what it belongs to.
#pragma once

#include "lib/rt/list.h"

enum { SPAN_ORDERS = 5, SPAN_ARENA_BYTES = PAGE_SIZE << (SPAN_ORDERS - 1) };

enum span_kind {
    SPAN_FREE = 0x5ba9f4ee,
    SPAN_SLAB = 0x5ba951ab,
    SPAN_RUN = 0x5ba9014a,
    SPAN_HUGE = 0x5ba94067
};

struct span {
    u32 kind; // enum span_kind, checked wherever an object comes back
    u16 order;
    u16 size_class;    // of a slab
    struct list links; // among the free ones of an order, or the slabs of a class with room
    char *arena;
    u32 arena_bytes;
    u32 used;     // objects in use, of a slab
    void *free;   // its free objects
    size_t bytes; // of a huge span
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct span) == 64, "objects behind it are aligned to 64 bytes");

// A span of 2^order pages, or NULL.
struct span *span_alloc(unsigned order);
// Gives a span back.
void span_free(struct span *span);
// Takes a whole free arena out of use, for span_arena_unmap, if there is more than one; else NULL.
void *span_arena_take(void);
extern unsigned span_arenas_free; // whole arenas that are free
// Puts an arena's pages to use.
void span_arena_add(char *arena, size_t bytes);
// Fetches an arena from the environment, or gives one back. Not under the heap's lock.
void *span_arena_map(void);
void span_arena_unmap(void *arena);
// Bytes in all arenas.
size_t span_taken(void);
