// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What sigma0 does to be quick must not be seen: clients of all CPUs at once find zeroed pages and
// exact accounts. And windows with an offset are shown in superpages.
#include "lib/core/dataspace.h"
#include "lib/rt/address.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/load.h"
#include "test/system/core/space.h"

enum { MEBI = 1 << 20, SUPERPAGE = 2 * MEBI };

// Whether touching a hundred pages around what one thread touched takes no more of the domain's
// kernel memory: they came with it.
static bool came_at_once(struct space *s, word_t address)
{
    u64 before = s->shared->counter[0];
    sel_t first = space_thread(s, 0, PIECE_TOUCH, address), second;
    if (!becomes_other(&s->shared->counter[0], before) || !space_halt(s, first) ||
        cpu_thread_create(&s->cpu, s->domain.domain, 0, 20, UTCBS + PAGE_SIZE * s->threads++,
                          "second", &second))
        return false;
    u64 used = space_kmem(s);
    s->shared->counter[1] = 100;
    if (cpu_thread_start(&s->cpu, second, piece(PIECE_TIME), 0, address + PAGE_SIZE))
        return false;
    bool same = becomes(&s->shared->counter[1], 0) && space_kmem(s) == used;
    return space_halt(s, second) && same;
}

static void windows_are_shown_in_superpages(void)
{
    static struct space s;
    sel_t ds;
    CHECK(space_open(&s));
    CHECK_EQ(ds_alloc(&s.pd, 4 * MEBI, &ds), SUCCESS);
    static const u64 offsets[] = {0, PAGE_SIZE, 300 * PAGE_SIZE};
    for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
        struct rm_window w = {offsets[i], 0, RM_ANYWHERE, RM_WRITE};
        word_t address = 0;
        CHECK_EQ(rm_attach(&s.pd, s.domain.space, ds, &w, &address), SUCCESS);
        CHECK_EQ(address % SUPERPAGE, offsets[i]);
        CHECK(came_at_once(&s, address - offsets[i] + SUPERPAGE));
        CHECK_EQ(rm_detach(&s.pd, s.domain.space, address), SUCCESS);
    }
    // One page off there is no way.
    struct rm_window w = {PAGE_SIZE, 0, 0x20000000, RM_WRITE};
    CHECK_EQ(rm_attach(&s.pd, s.domain.space, ds, &w, NULL), SUCCESS);
    CHECK(!came_at_once(&s, 0x20000000 + SUPERPAGE));
    space_close(&s);
    selector_drop(ds);
}

static bool zeroed(volatile u64 *page)
{
    bool zero = true;
    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*page); i++) {
        zero = zero && !page[i];
        page[i] = ~0ul;
    }
    return zero;
}

static volatile u64 dirty;

static void busy(void *argument)
{
    struct load *load = argument;
    word_t address = address_alloc(PAGE_SIZE);
    for (unsigned i = 0; i < 600 && load_cycle(load); i++) {
        sel_t ds = selector_alloc();
        if (dataspace_alloc_at(&load->pd, PAGE_SIZE, PD_ATTACH, ds, address, 0) ||
            !zeroed((volatile u64 *)address))
            __atomic_fetch_add(&dirty, 1, __ATOMIC_RELAXED);
        ds_free(&load->pd, ds);
    }
    address_free(address, PAGE_SIZE);
}

static void clients_of_all_cpus_are_served_at_once(void)
{
    static struct load loads[MAX_CPUS];
    struct thread t[MAX_CPUS];
    unsigned cpus = hip()->cpu_count;
    u64 before, after, caps;
    dirty = 0;
    CHECK_EQ(env_quota(&before, &caps), SUCCESS);
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        CHECK_EQ(load_open(&loads[cpu]), SUCCESS);
        CHECK_EQ(thread_create(&t[cpu], cpu, 20, "busy", busy, &loads[cpu]), SUCCESS);
    }
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        thread_join(&t[cpu]);
        CHECK_EQ(loads[cpu].cycles, 600);
        CHECK_EQ(load_close(&loads[cpu]), SUCCESS);
    }
    CHECK_EQ(dirty, 0);
    CHECK_EQ(env_quota(&after, &caps), SUCCESS);
    CHECK_EQ(after, before);
}

void pages_tests(void)
{
    RUN(windows_are_shown_in_superpages);
    RUN(clients_of_all_cpus_are_served_at_once);
}
