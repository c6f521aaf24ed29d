// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The heap (heap.h). Three kinds of objects, told apart by the header of the span that they lie in
// (span.h):
//
//   slab  up to SMALL_MAX bytes: a page of objects of one size class, with a list of its free ones
//   run   up to RUN_MAX bytes: 2^order pages for itself
//   huge  above: a range of its own from the environment
//
// Slabs with room are in their class's list, full ones in none. An empty slab goes back to the
// spans, unless it is the only one of its class with room, so that alloc and free in turn do not
// cut and merge spans; of such idle slabs there are at most IDLE_MAX, for each may keep an arena. A
// failed allocation fetches an arena and tries again; no lock is held while the environment is
// asked.
#include "lib/rt/heap.h"
#include "lib/rt/assert.h"
#include "lib/rt/locks.h"
#include "lib/rt/memory.h"
#include "lib/rt/span.h"
#include "lib/rt/string.h"
#include <tessera/selector.h>

enum {
    UNIT = 16, // sizes are rounded to it
    CLASSES = 19,
    SMALL_MAX = 2016, // two to a page
    RUN_MAX = SPAN_ARENA_BYTES - sizeof(struct span),
    STATIC_BYTES = 2 * PAGE_SIZE,
    IDLE_MAX = 4,
};

static const u16 class_bytes[CLASSES] = {16,  32,  48,  64,  80,  96,  112, 128,  160,      192,
                                         224, 256, 320, 400, 496, 576, 800, 1344, SMALL_MAX};
// Class by (bytes + 15) / 16.
static u8 class_of_unit[SMALL_MAX / UNIT + 1];
static struct list slabs[CLASSES];
static size_t used;   // by objects in arenas; under the lock
static size_t huge;   // bytes of huge spans; atomic
static unsigned idle; // empty slabs that are kept
static bool ready;

struct mutex rt_heap_lock = MUTEX_INIT;
static char static_arena[STATIC_BYTES] __attribute__((aligned(PAGE_SIZE)));

static void heap_init(void)
{
    unsigned class = 0;
    for (unsigned unit = 0; unit < ARRAY_SIZE(class_of_unit); unit++) {
        class += unit * UNIT > class_bytes[class];
        class_of_unit[unit] = (u8) class;
    }
    for (unsigned i = 0; i < CLASSES; i++)
        list_init(&slabs[i]);
    span_arena_add(static_arena, sizeof(static_arena));
    ready = true;
}

static struct span *slab_create(unsigned class)
{
    struct span *slab = span_alloc(0);
    if (!slab)
        return NULL;
    slab->kind = SPAN_SLAB;
    slab->size_class = (u16) class;
    slab->used = 0;
    slab->free = NULL;
    size_t step = class_bytes[class];
    char *first = (char *)(slab + 1), *at = first + (PAGE_SIZE - sizeof(*slab)) / step * step;
    while (at > first) {
        at -= step;
        *(void **)(void *)at = slab->free;
        slab->free = at;
    }
    list_push_front(&slabs[class], &slab->links);
    idle++; // until the first object is taken
    return slab;
}

static void *small_alloc(size_t bytes)
{
    unsigned class = class_of_unit[(bytes + UNIT - 1) / UNIT];
    struct list *list = &slabs[class];
    struct span *slab = LIST_ENTRY(list->next, struct span, links);
    if (UNLIKELY(list_empty(list))) {
        slab = slab_create(class);
        if (!slab)
            return NULL;
    }
    void *object = slab->free;
    slab->free = *(void **)object;
    if (UNLIKELY(slab->used++ == 0))
        idle--;
    if (UNLIKELY(!slab->free))
        list_remove(&slab->links);
    used += class_bytes[class];
    return object;
}

static void trim(void)
{
    for (unsigned class = 0; class < CLASSES; class ++) {
        LIST_FOREACH (node, &slabs[class]) {
            struct span *slab = LIST_ENTRY(node, struct span, links);
            if (slab->used == 0) {
                list_remove(node);
                span_free(slab);
            }
        }
    }
    idle = 0;
}

static void slab_emptied(struct span *slab, const struct list *list)
{
    if (list->next != list->prev) { // there is another one with room
        list_remove(&slab->links);
        span_free(slab);
    } else if (++idle > IDLE_MAX) {
        trim();
    }
}

static void small_free(struct span *slab, void *object)
{
    struct list *list = &slabs[slab->size_class];
    used -= class_bytes[slab->size_class];
    if (UNLIKELY(!slab->free))
        list_push_front(list, &slab->links);
    *(void **)object = slab->free;
    slab->free = object;
    if (UNLIKELY(--slab->used == 0))
        slab_emptied(slab, list);
}

static unsigned run_order(size_t bytes)
{
    size_t pages = (bytes + sizeof(struct span) + PAGE_SIZE - 1) / PAGE_SIZE;
    return pages <= 1 ? 0 : 64 - (unsigned)__builtin_clzl(pages - 1);
}

static void *run_alloc(size_t bytes)
{
    struct span *run = span_alloc(run_order(bytes));
    if (!run)
        return NULL;
    run->kind = SPAN_RUN;
    used += PAGE_SIZE << run->order;
    return run + 1;
}

static void *huge_alloc(size_t bytes)
{
    if (bytes > HEAP_END - HEAP_BASE)
        return NULL;
    size_t whole = ALIGN_UP(bytes + sizeof(struct span), PAGE_SIZE);
    struct span *span = memory_alloc(whole);
    if (!span)
        return NULL;
    span->kind = SPAN_HUGE;
    span->bytes = whole;
    __atomic_fetch_add(&huge, whole, __ATOMIC_RELAXED);
    return span + 1;
}

static void *try_alloc(size_t bytes)
{
    mutex_lock(&rt_heap_lock);
    if (UNLIKELY(!ready))
        heap_init();
    void *object = bytes <= SMALL_MAX ? small_alloc(bytes) : run_alloc(bytes);
    mutex_unlock(&rt_heap_lock);
    return object;
}

void *heap_alloc(size_t bytes)
{
    if (bytes > RUN_MAX)
        return huge_alloc(bytes);
    void *object = try_alloc(bytes);
    if (LIKELY(object))
        return object;
    void *arena = span_arena_map();
    if (!arena)
        return NULL;
    mutex_lock(&rt_heap_lock);
    span_arena_add(arena, SPAN_ARENA_BYTES);
    mutex_unlock(&rt_heap_lock);
    return try_alloc(bytes);
}

void *heap_zalloc(size_t bytes)
{
    void *object = heap_alloc(bytes);
    if (object)
        memset(object, 0, bytes);
    return object;
}

static struct span *span_of(const void *object)
{
    return (struct span *)ALIGN_DOWN((word_t)object, PAGE_SIZE);
}

static void huge_free(struct span *span)
{
    __atomic_fetch_sub(&huge, span->bytes, __ATOMIC_RELAXED);
    span->kind = 0;
    memory_free(span, span->bytes);
}

// Gives arenas back that are free beyond the one that is kept.
static void return_arenas(void)
{
    void *arena;
    do {
        mutex_lock(&rt_heap_lock);
        arena = span_arena_take();
        mutex_unlock(&rt_heap_lock);
        if (arena)
            span_arena_unmap(arena);
    } while (arena);
}

void heap_free(void *object)
{
    if (!object)
        return;
    struct span *span = span_of(object);
    if (UNLIKELY(span->kind == SPAN_HUGE)) {
        huge_free(span);
        return;
    }
    ASSERT(span->kind == SPAN_SLAB || span->kind == SPAN_RUN); // else: freed twice, or no object
    mutex_lock(&rt_heap_lock);
    if (LIKELY(span->kind == SPAN_SLAB)) {
        small_free(span, object);
    } else {
        used -= PAGE_SIZE << span->order;
        span_free(span);
    }
    bool surplus = span_arenas_free > 1;
    mutex_unlock(&rt_heap_lock);
    if (UNLIKELY(surplus))
        return_arenas();
}

static size_t object_bytes(const void *object)
{
    const struct span *span = span_of(object);
    switch (span->kind) {
    case SPAN_SLAB: return class_bytes[span->size_class];
    case SPAN_RUN: return (PAGE_SIZE << span->order) - sizeof(*span);
    default: ASSERT(span->kind == SPAN_HUGE); return span->bytes - sizeof(*span);
    }
}

void *heap_resize(void *object, size_t bytes)
{
    if (!object)
        return heap_alloc(bytes);
    size_t old = object_bytes(object);
    if (bytes <= old && bytes >= old / 4)
        return object;
    void *moved = heap_alloc(bytes);
    if (moved) {
        memcpy(moved, object, old < bytes ? old : bytes);
        heap_free(object);
    }
    return moved;
}

struct heap_usage heap_usage(void)
{
    mutex_lock(&rt_heap_lock);
    size_t in_huge = __atomic_load_n(&huge, __ATOMIC_RELAXED);
    struct heap_usage usage = {span_taken() + in_huge, used + in_huge};
    mutex_unlock(&rt_heap_lock);
    return usage;
}
