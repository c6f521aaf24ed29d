// needs:
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The selector allocator against a model that knows which selectors are out.
#include "test/host/host_kernel.h"

#include "lib/rt/selector.c"

enum { LIVE = 600, STEPS = 200000, TOP = DEFAULT_WORDS * 64 };

static u8 model[TOP];
static struct {
    sel_t sel;
    unsigned order;
} live[LIVE];

static void mark(sel_t sel, unsigned order, bool out)
{
    for (sel_t s = sel; s < sel + (1u << order); s++) {
        CHECK(model[s] != out);
        model[s] = out;
    }
}

static void random_allocations_are_disjoint_and_aligned(void)
{
    for (unsigned i = 0; i < LIVE; i++)
        live[i].sel = SEL_NONE;
    for (unsigned step = 0; step < STEPS && !check_failures; step++) {
        unsigned i = (unsigned)random_below(LIVE),
                 order = random_below(4) ? 0 : (unsigned)random_below(9);
        if (live[i].sel != SEL_NONE) {
            mark(live[i].sel, live[i].order, false);
            selector_free_range(live[i].sel, live[i].order);
            live[i].sel = SEL_NONE;
            continue;
        }
        live[i].sel = selector_alloc_range(order);
        live[i].order = order;
        if (live[i].sel == SEL_NONE)
            continue;
        CHECK(live[i].sel >= SEL_FIRST_FREE && live[i].sel + (1u << order) <= TOP);
        CHECK(live[i].sel % (1u << order) == 0);
        mark(live[i].sel, order, true);
    }
    for (unsigned i = 0; i < LIVE; i++) {
        if (live[i].sel != SEL_NONE)
            selector_free_range(live[i].sel, live[i].order);
    }
}

static void all_selectors_can_be_had_once(void)
{
    for (sel_t expected = SEL_FIRST_FREE; expected < TOP; expected++)
        CHECK(selector_alloc() == expected);
    CHECK(selector_alloc() == SEL_NONE);
    CHECK(selector_alloc_range(3) == SEL_NONE && selector_alloc_range(7) == SEL_NONE);
    CHECK(selector_alloc_range(19) == SEL_NONE);
    selector_free(0x1234);
    CHECK(selector_alloc() == 0x1234);
    selector_free_range(0x2000, 7);
    CHECK(selector_alloc_range(7) == 0x2000);
}

int main(void)
{
    RUN(random_allocations_are_disjoint_and_aligned);
    RUN(all_selectors_can_be_had_once);
    return check_failures != 0;
}
