// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The heap's buddy system (span.h).
#include "lib/rt/span.h"
#include "lib/rt/memory.h"

static struct list free_spans[SPAN_ORDERS];
static size_t taken;
unsigned span_arenas_free;

static size_t span_bytes(unsigned order)
{
    return PAGE_SIZE << order;
}

static void lists_init(void)
{
    for (unsigned i = 0; i < SPAN_ORDERS && !free_spans[i].next; i++)
        list_init(&free_spans[i]);
}

static void free_insert(struct span *span, unsigned order)
{
    span->kind = SPAN_FREE;
    span->order = (u16)order;
    list_push_front(&free_spans[order], &span->links);
    span_arenas_free += span_bytes(order) == SPAN_ARENA_BYTES;
}

static void free_remove(struct span *span)
{
    list_remove(&span->links);
    span_arenas_free -= span_bytes(span->order) == SPAN_ARENA_BYTES;
}

static void make_free(char *at, unsigned order, char *arena, size_t arena_bytes)
{
    struct span *span = (struct span *)(void *)at;
    span->arena = arena;
    span->arena_bytes = (u32)arena_bytes;
    free_insert(span, order);
}

void span_arena_add(char *arena, size_t bytes)
{
    lists_init();
    taken += bytes;
    for (size_t at = 0; at < bytes;) {
        unsigned order = SPAN_ORDERS - 1;
        while (at % span_bytes(order) || span_bytes(order) > bytes - at)
            order--;
        make_free(arena + at, order, arena, bytes);
        at += span_bytes(order);
    }
}

struct span *span_alloc(unsigned order)
{
    unsigned found = order;
    lists_init();
    while (found < SPAN_ORDERS && list_empty(&free_spans[found]))
        found++;
    if (found == SPAN_ORDERS)
        return NULL;
    struct span *span = LIST_ENTRY(free_spans[found].next, struct span, links);
    free_remove(span);
    while (found > order) {
        found--;
        make_free((char *)span + span_bytes(found), found, span->arena, span->arena_bytes);
    }
    span->order = (u16)order;
    return span;
}

// The other half of what `span` was cut from, if it is free as a whole.
static struct span *free_buddy(struct span *span, unsigned order)
{
    size_t offset = ((size_t)((char *)span - span->arena)) ^ span_bytes(order);
    if (order + 1 >= SPAN_ORDERS || offset + span_bytes(order) > span->arena_bytes)
        return NULL;
    struct span *buddy = (struct span *)(void *)(span->arena + offset);
    return buddy->kind == SPAN_FREE && buddy->order == order ? buddy : NULL;
}

void span_free(struct span *span)
{
    unsigned order = span->order;
    struct span *buddy;
    while ((buddy = free_buddy(span, order))) {
        free_remove(buddy);
        if (buddy < span) {
            span->kind = 0;
            span = buddy;
        }
        order++;
    }
    free_insert(span, order);
}

void *span_arena_take(void)
{
    if (span_arenas_free < 2 || !rt_memory_release)
        return NULL;
    struct span *span = LIST_ENTRY(free_spans[SPAN_ORDERS - 1].next, struct span, links);
    free_remove(span);
    taken -= SPAN_ARENA_BYTES;
    return span;
}

void *span_arena_map(void)
{
    return memory_alloc(SPAN_ARENA_BYTES);
}

void span_arena_unmap(void *arena)
{
    memory_free(arena, SPAN_ARENA_BYTES);
}

size_t span_taken(void)
{
    return taken;
}
