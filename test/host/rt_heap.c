// needs:
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The heap and the address allocator: random operations against what each object should contain,
// exhaustion, and several threads. The environment's memory is mmap at the addresses that lib/rt
// asks for.
#define _GNU_SOURCE
#include "test/host/host_kernel.h"
#include <sys/mman.h>

#undef HEAP_BASE // the sanitizer has its own use for that region
#undef HEAP_END
#define HEAP_BASE 0x200000000000ul
#define HEAP_END 0x205000000000ul

#include "lib/rt/address.c"
#include "lib/rt/heap.c"
#include "lib/rt/locks.c"
#include "lib/rt/memory.c"
#include "lib/rt/selector.c"
#include "lib/rt/span.c"
#include "lib/rt/dry.c"
#include "lib/rt/sync.c"
#include "test/host/rt_ends.h"

struct mutex rt_thread_lock = MUTEX_INIT;

static size_t grown, grown_limit = 64 << 20;

static error_t grow(void *address, size_t bytes)
{
    if (__atomic_add_fetch(&grown, bytes, __ATOMIC_RELAXED) > grown_limit) {
        __atomic_fetch_sub(&grown, bytes, __ATOMIC_RELAXED);
        return ERESOURCE;
    }
    void *got = mmap(address, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got != address)
        abort();
    return SUCCESS;
}

static void release(void *address, size_t bytes)
{
    __atomic_fetch_sub(&grown, bytes, __ATOMIC_RELAXED);
    if (munmap(address, bytes))
        abort();
}

enum { OBJECTS = 700, STEPS = 60000, THREADS = 4 };

struct object {
    u8 *at;
    size_t bytes;
    u8 pattern;
};

static bool intact(const struct object *o)
{
    for (size_t i = 0; i<o->bytes; i += o->bytes> 4096 ? 509 : 1) {
        if (o->at[i] != o->pattern)
            return false;
    }
    return o->bytes == 0 || o->at[o->bytes - 1] == o->pattern;
}

static size_t random_size(u64 r)
{
    switch (r >> 8 & 15) {
    case 0: return (r >> 16) % 200000;
    case 1:
    case 2: return (r >> 16) % 20000;
    default: return (r >> 16) % 1200;
    }
}

static void fill(struct object *o, size_t bytes, u8 pattern)
{
    o->bytes = bytes;
    o->pattern = pattern;
    memset(o->at, pattern, bytes);
}

static bool step(struct object *o, u64 r)
{
    size_t bytes = random_size(r);
    if (!o->at) {
        o->at = heap_alloc(bytes);
        if (o->at)
            fill(o, bytes, (u8)(r >> 40));
        return ((word_t)o->at & 15) == 0;
    }
    if (!intact(o))
        return false;
    if (r & 1) {
        u8 *moved = heap_resize(o->at, bytes);
        if (moved) {
            struct object kept = {moved, bytes < o->bytes ? bytes : o->bytes, o->pattern};
            if (!intact(&kept))
                return false;
            o->at = moved;
            fill(o, bytes, (u8)(r >> 40));
        }
        return true;
    }
    heap_free(o->at);
    o->at = NULL;
    return true;
}

static void *worker(void *seed)
{
    static _Thread_local struct object objects[OBJECTS];
    u64 state = (u64)(uintptr_t)seed * 0x9e3779b97f4a7c15 + 1;
    for (unsigned i = 0; i < STEPS; i++) {
        state = state * 6364136223846793005 + 1442695040888963407;
        u64 r = state ^ state >> 29;
        if (!step(&objects[(r >> 33) % OBJECTS], r))
            return (void *)1;
    }
    for (unsigned i = 0; i < OBJECTS; i++)
        heap_free(objects[i].at);
    return NULL;
}

static void without_environment_the_static_heap_serves(void)
{
    void *all = heap_alloc(STATIC_BYTES - sizeof(struct span));
    CHECK(all && !heap_alloc(1));
    heap_free(all);
    void *a = heap_alloc(100), *b = heap_zalloc(100);
    CHECK(a && b && a != b);
    CHECK(!heap_alloc(100000));
    void *empty = heap_alloc(0);
    CHECK(empty);
    heap_free(empty);
    heap_free(a);
    heap_free(b);
    heap_free(NULL);
}

static void objects_keep_their_contents(void)
{
    CHECK(worker((void *)1) == NULL);
}

// The address allocator's nodes.
static void only_the_rest_is_used(void)
{
    unsigned nodes = 0;
    for (unsigned order = 0; order < ORDERS; order++) {
        for (struct node *n = returned[order]; n; n = n->next)
            nodes++;
    }
    for (struct node *n = spare; n; n = n->next)
        nodes++;
    CHECK(heap_usage().used == 16 * nodes);
}

static void memory_comes_back(void)
{
    CHECK(grown <= (IDLE_MAX + 3) *
                       SPAN_ARENA_BYTES); // one arena is kept, and what idle slabs and nodes keep
    only_the_rest_is_used();
}

static void exhaustion_is_an_error_and_passes(void)
{
    enum { COUNT = 20000 };
    static void *objects[COUNT];
    unsigned count = 0;
    grown_limit = grown + (1 << 20);
    while (count < COUNT && (objects[count] = heap_alloc(256)))
        count++;
    CHECK(count > 3000 && count < COUNT);
    CHECK(!heap_alloc(1 << 20));
    heap_free(objects[--count]);
    CHECK((objects[count++] = heap_alloc(256)));
    while (count)
        heap_free(objects[--count]);
    grown_limit = 256 << 20;
    for (volatile size_t bytes = ~(size_t)0; bytes > HEAP_END; bytes >>= 1)
        CHECK(!heap_alloc(bytes));
}

static void threads_share_it(void)
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, worker, (void *)(i + 2));
    for (unsigned i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        CHECK(!failed);
    }
    only_the_rest_is_used();
}

static void addresses_are_aligned_and_return(void)
{
    word_t a = address_alloc(3 * PAGE_SIZE), b = address_alloc(3 << 20);
    CHECK(a && a % (4 * PAGE_SIZE) == 0 && b && b % (4 << 20) == 0);
    address_free(a, 3 * PAGE_SIZE);
    CHECK(address_alloc(4 * PAGE_SIZE) == a);
    CHECK(address_alloc(~(size_t)0) == 0);
    CHECK(address_order(1) == 0 && address_order(PAGE_SIZE) == 0 &&
          address_order(PAGE_SIZE + 1) == 1);
    CHECK(address_order(5 * PAGE_SIZE) == 3);
}

int main(void)
{
    RUN(without_environment_the_static_heap_serves);
    rt_memory_grow = grow;
    rt_memory_release = release;
    RUN(objects_keep_their_contents);
    RUN(memory_comes_back);
    RUN(exhaustion_is_an_error_and_passes);
    RUN(threads_share_it);
    RUN(memory_comes_back);
    RUN(addresses_are_aligned_and_return);
    return check_failures != 0;
}
