// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0's services as an enemy uses them: accounts that run dry at every step, random requests
// from all CPUs, memory in pieces; and the sums still add up.
#include "lib/core/dataspace.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"

enum { MEBI = 1 << 20, STEP = 64 };

static u64 used_of(struct service_client *pd)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_INFO);
    return service_call(pd, &m) ? ~0ul : msg_get_word(&m);
}

static struct service_client dry, cpu;
static struct domain_client made;
static sel_t map, ds, thread, rich_ds;

static error_t step(unsigned kind)
{
    struct rm_window w = {0, 0, RM_ANYWHERE, RM_WRITE};
    switch (kind) {
    case 0: return domain_open(&dry, 65536, 64, &made);
    case 1: return rm_create(&dry, PAGE_SIZE, &map, &ds);
    case 2: return rm_attach(&dry, made.space, rich_ds, &w, NULL);
    case 3: return cpu_thread_create(&cpu, made.domain, 0, 10, UTCBS, "dry", &thread);
    default: return ds_alloc(&dry, PAGE_SIZE, &thread);
    }
}

// An account that grows by a few bytes until the operation succeeds: each failure is ERESOURCE and
// leaves it as it was.
static void accounts_run_dry_at_every_step(void)
{
    struct service_client rich;
    CHECK_EQ(open_args(&rich, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(open_args(&dry, "pd", "", 0), SUCCESS);
    CHECK_EQ(open_args(&cpu, "cpu", "10", 0), SUCCESS);
    CHECK_EQ(pd_reference(&dry, &rich), SUCCESS);
    CHECK_EQ(ds_alloc(&rich, PAGE_SIZE, &rich_ds), SUCCESS);
    u64 all = used_of(&rich);
    for (unsigned kind = 0; kind < 5; kind++) {
        error_t error;
        u64 before = used_of(&dry);
        for (unsigned i = 0; (error = step(kind)) && i < 2000; i++) {
            CHECK_EQ(error, ERESOURCE);
            CHECK_EQ(used_of(&dry), before);
            CHECK_EQ(pd_transfer(&dry, STEP, false), SUCCESS);
        }
        CHECK_EQ(error, SUCCESS);
        CHECK(used_of(&dry) > before);
    }
    service_close(&dry);
    CHECK_EQ(used_of(&rich), all);
    u64 ram, after, caps;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    service_close(&rich);
    CHECK_EQ(env_quota(&after, &caps), SUCCESS);
    CHECK_EQ(after, ram + MEBI);
    service_close(&cpu);
    sel_t names[] = {made.domain, made.pd, made.space, made.stack_area, made.linker_area};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        hc_drop(names[i]);
    selector_free_range(made.domain, 3);
    hc_drop(map);
    hc_drop(ds);
    selector_free_range(map, 1);
    selector_drop(thread);
    selector_drop(rich_ds);
}

static struct service_client targets[3];
static struct space space;
static volatile u64 requests;

static u64 random_of(u64 *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static word_t random_word(u64 *state)
{
    static const u64 borders[] = {
        0,        1,         2,    PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE * 8, CODE, SHARED,
        USER_END, 1ul << 63, ~0ul, RM_ANYWHERE,   64,        4096 * 1024,   UTCBS};
    u64 choice = random_of(state);
    if (choice % 4 == 0)
        return random_of(state);
    if (choice % 4 == 1)
        return random_of(state) % 64;
    return borders[choice / 4 % ARRAY_SIZE(borders)];
}

static sel_t random_name(u64 *state)
{
    const sel_t names[] = {space.domain.domain,
                           space.domain.space,
                           space.domain.stack_area,
                           space.code_ds,
                           space.domain.pd,
                           space.shared_ds,
                           SEL_PD,
                           SEL_IDENTITY,
                           space.domain.linker_area,
                           space.signal,
                           targets[0].base + 2u,
                           targets[1].base + 2u};
    return names[random_of(state) % ARRAY_SIZE(names)];
}

static void bombard(void *argument)
{
    u64 state = (u64)argument * 0x9e3779b97f4a7c15 + 1;
    for (unsigned i = 0; i < 5000; i++) {
        struct msg m;
        unsigned which = (unsigned)(random_of(&state) % ARRAY_SIZE(targets));
        service_begin(&targets[which], &m, SERVICE_FIRST + random_of(&state) % 24);
        unsigned words = (unsigned)(random_of(&state) % 7), items = random_of(&state) % 4;
        for (unsigned k = 0; k < words; k++)
            msg_put_word(&m, random_word(&state));
        for (unsigned k = 0; k < items; k++) {
            crd_t c = crd(CRD_OBJ, random_name(&state), 0, RIGHT_ALL);
            msg_put_item(&m, random_of(&state) % 4 ? item_translate(c) : item_delegate(c, 0, 0));
        }
        utcb()->window = utcb()->window2 = 0;
        (void)!service_call(&targets[which], &m);
        __atomic_fetch_add(&requests, 1, __ATOMIC_RELAXED);
    }
}

// Random requests that look valid, from all CPUs, to the services with most state. Nothing else is
// harmed, and when the sessions are closed all is as before.
static void random_requests_harm_nobody(void)
{
    static const char *const names[] = {"pd", "rm", "cpu"};
    struct thread t[MAX_CPUS];
    u64 ram, after, caps;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    for (unsigned round = 0; round < 2; round++) {
        CHECK(space_open(&space));
        for (unsigned i = 0; i < ARRAY_SIZE(targets); i++)
            CHECK_EQ(open_args(&targets[i], names[i], i == 2 ? "10" : "", i == 2 ? 0 : MEBI),
                     SUCCESS);
        requests = 0;
        for (unsigned cpu_index = 0; cpu_index < hip()->cpu_count; cpu_index++)
            CHECK_EQ(thread_create(&t[cpu_index], cpu_index, 20, "bombard", bombard,
                                   (void *)(word_t)(cpu_index + 1 + 16 * round)),
                     SUCCESS);
        for (unsigned cpu_index = 0; cpu_index < hip()->cpu_count; cpu_index++)
            thread_join(&t[cpu_index]);
        CHECK_EQ(requests, 5000 * hip()->cpu_count);
        for (unsigned i = 0; i < ARRAY_SIZE(targets); i++)
            service_close(&targets[i]);
        space_close(&space);
        CHECK_EQ(env_quota(&after, &caps), SUCCESS);
        CHECK_EQ(after, ram);
    }
    // And the services serve.
    CHECK(space_open(&space));
    CHECK(space_thread(&space, 0, PIECE_COUNT, SHARED) != SEL_NONE);
    CHECK(moves(&space.shared->counter[0]));
    space_close(&space);
}

static u64 largest(struct service_client *pd)
{
    u64 low = 0, high = 128 * MEBI;
    while (high - low > PAGE_SIZE) {
        u64 middle = ALIGN_DOWN(low + (high - low) / 2, PAGE_SIZE);
        sel_t one;
        if (ds_alloc(pd, middle, &one)) {
            high = middle;
        } else {
            low = middle;
            ds_free(pd, one);
        }
    }
    return low;
}

// Dataspaces of all sizes come and go in random order: then as long a one is had as before.
static void memory_does_not_go_to_pieces(void)
{
    enum { KEPT = 64, ROUNDS = 20000 };
    struct service_client pd;
    sel_t kept[KEPT];
    u64 state = 4711, ram, caps;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    CHECK_EQ(open_args(&pd, "pd", "", ram / 2), SUCCESS);
    for (unsigned i = 0; i < KEPT; i++)
        kept[i] = SEL_NONE;
    u64 before = largest(&pd);
    for (unsigned i = 0; i < ROUNDS; i++) {
        sel_t *one = &kept[random_of(&state) % KEPT];
        if (*one == SEL_NONE) {
            if (ds_alloc(&pd, PAGE_SIZE << random_of(&state) % 5, one))
                *one = SEL_NONE;
        } else {
            ds_free(&pd, *one);
            *one = SEL_NONE;
        }
    }
    for (unsigned i = 0; i < KEPT; i++)
        if (kept[i] != SEL_NONE)
            ds_free(&pd, kept[i]);
    CHECK_EQ(largest(&pd), before);
    service_close(&pd);
}

void hostile_tests(void)
{
    RUN(accounts_run_dry_at_every_step);
    RUN(random_requests_harm_nobody);
    RUN(memory_does_not_go_to_pieces);
}
