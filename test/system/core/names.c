// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Names of objects of sigma0's that are gone. The semaphore that was one names the next object, of
// whatever type and whoever's: no copy of the old name reaches that, however it was passed on.
#include "lib/core/dataspace.h"
#include "lib/core/message.h"
#include "lib/rt/range.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"
#include "test/system/wait.h"

enum { COPIES = 4, ROUNDS = 100, MEBI = 1 << 20 };

static struct service_client pd;
static struct space space;
static sel_t copies;

static bool empty(sel_t sel)
{
    crd_t found;
    return hc_lookup(crd(CRD_OBJ, sel, 0, RIGHT_ALL), &found) == ECAP;
}

static error_t copy(sel_t from, sel_t to)
{
    return range_delegate(SEL_PD, CRD_OBJ, from, to, 1, RIGHT_ALL);
}

// Whether a name shows anything, as what it was or as what has come after it.
static bool reaches(sel_t name)
{
    struct rm_window w = {0, PAGE_SIZE, RM_ANYWHERE, 0};
    u64 physical, bytes;
    struct thread_exception e;
    return ds_phys(&pd, name, &physical, &bytes) != ENOTFOUND ||
           rm_attach(&pd, space.domain.space, name, &w, NULL) != ENOTFOUND ||
           rm_attach(&pd, name, space.shared_ds, &w, NULL) != ENOTFOUND ||
           cpu_thread_pause(&space.cpu, name) != ENOTFOUND ||
           domain_assign_parent(&pd, &(struct domain_client){.domain = name}, 0, SEL_PARENT) !=
               ENOTFOUND ||
           cpu_next_exception(&space.cpu, name, &e) != ENOTFOUND;
}

// Copies in a row, each of the one before, and one in another domain.
static bool pass_on(sel_t name)
{
    for (unsigned i = 0; i < COPIES; i++)
        if (copy(i ? copies + i - 1 : name, copies + i))
            return false;
    return !range_delegate(space.domain.pd, CRD_OBJ, copies, SEL_FIRST_FREE, 1, RIGHT_ALL);
}

static bool nothing_is_left(sel_t name)
{
    for (unsigned i = 0; i < COPIES; i++)
        if (!empty(copies + i) || reaches(copies + i))
            return false;
    return empty(name) && !reaches(name);
}

// Ends an object as its owner does, but keeps the capability.
static error_t end(struct service_client *session, word_t operation, sel_t name)
{
    struct msg m;
    service_begin(session, &m, operation);
    core_name(&m, name);
    return core_call(session, &m, SEL_NONE, 0);
}

static void names_of_the_dead_reach_nothing(void)
{
    enum { KINDS = 3 };
    CHECK(space_open(&space));
    CHECK_EQ(open_args(&pd, "pd", "", 2 * MEBI), SUCCESS);
    copies = selector_alloc_range(selector_order(COPIES));
    for (unsigned i = 0; i < ROUNDS; i++) {
        sel_t name[KINDS], next[KINDS + 1], managed;
        CHECK_EQ(ds_alloc(&pd, PAGE_SIZE, &name[0]), SUCCESS);
        CHECK_EQ(rm_create(&pd, PAGE_SIZE, &name[1], &managed), SUCCESS);
        CHECK_EQ(cpu_thread_create(&space.cpu, space.domain.domain, 0, 10, UTCBS, "n", &name[2]),
                 SUCCESS);
        const sel_t ends = name[i % KINDS];
        CHECK(pass_on(ends));
        CHECK(reaches(copies + COPIES - 1)); // else the rest shows nothing
        CHECK_EQ(i % KINDS == 0   ? end(&pd, PD_SERVICE_FREE, ends)
                 : i % KINDS == 1 ? end(&pd, RM_DESTROY, ends)
                                  : end(&space.cpu, CPU_KILL, ends),
                 SUCCESS);
        // More of a kind than end: one of them has the semaphore.
        for (unsigned k = 0; k <= KINDS; k++)
            CHECK_EQ(ds_alloc(&pd, PAGE_SIZE, &next[k]), SUCCESS);
        CHECK(nothing_is_left(ends));
        for (unsigned k = 0; k <= KINDS; k++) {
            CHECK(pass_on(next[k])); // its holder may well pass it on
            ds_free(&pd, next[k]);
        }
        ds_free(&pd, name[0]);
        rm_destroy(&pd, name[1], managed);
        cpu_thread_kill(&space.cpu, name[2]);
    }
    service_close(&pd);
    space_close(&space);
    selector_free_range(copies, selector_order(COPIES));
}

// What comes with an answer names the life of its semaphore: were the object gone before the answer
// is, it would bring nothing.
static void names_are_given_for_one_life(void)
{
    CHECK_EQ(open_args(&pd, "pd", "", MEBI), SUCCESS);
    sel_t name = selector_alloc();
    u64 last = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct msg m;
        service_begin(&pd, &m, PD_SERVICE_ALLOC);
        msg_put_word(&m, PAGE_SIZE);
        msg_put_word(&m, 0);
        CHECK_EQ(core_call(&pd, &m, name, 0), SUCCESS);
        struct typed_item item = msg_get_item(&m);
        CHECK_EQ(crd_base(item.crd), name);
        u64 life = item.how >> ITEM_LIFE_SHIFT;
        CHECK(life != 0 && life != last);
        last = life;
        CHECK_EQ(end(&pd, PD_SERVICE_FREE, name), SUCCESS);
    }
    selector_free(name);
    service_close(&pd);
}

enum { RING = 8 };
static sel_t ring;
static volatile bool stop;
static volatile u64 caught;

// Carries a name round a ring of selectors as long as it has it.
static void run(void *unused)
{
    (void)unused;
    for (unsigned at = 0; !stop; at++) {
        caught += !copy(ring + at % RING, ring + (at + 1) % RING);
        hc_drop(ring + (at + RING / 2) % RING);
    }
}

static void end_names_that_run(void)
{
    const u64 latest = deadline_in_us(PATIENCE_US); // a CPU may stand still, the runner with it
    const bool alone = hip()->cpu_count == 1;       // there the runner comes to run by chance only
    for (unsigned i = 0; i < 20 * ROUNDS || (!alone && !caught && rdtsc() < latest); i++) {
        sel_t memory, next;
        CHECK_EQ(ds_alloc(&pd, PAGE_SIZE, &memory), SUCCESS);
        (void)!copy(memory, ring + i % RING);
        CHECK_EQ(end(&pd, PD_SERVICE_FREE, memory), SUCCESS);
        CHECK_EQ(ds_alloc(&pd, PAGE_SIZE, &next), SUCCESS);
        CHECK(empty(memory));
        for (unsigned k = 0; k < RING; k++)
            CHECK(empty(ring + k));
        ds_free(&pd, next);
        selector_free(memory);
    }
}

// While a thread of another CPU copies it from place to place, a name goes, and its semaphore is
// the next object's: then no copy is left.
static void names_do_not_run_from_their_end(void)
{
    struct thread runner;
    CHECK(space_open(&space));
    CHECK_EQ(open_args(&pd, "pd", "", 2 * MEBI), SUCCESS);
    ring = selector_alloc_range(selector_order(RING));
    stop = false;
    caught = 0;
    CHECK_EQ(thread_create(&runner, hip()->cpu_count - 1, 20, "runs", run, NULL), SUCCESS);
    end_names_that_run();
    stop = true;
    thread_join(&runner);
    CHECK(!test_failed);
    CHECK(hip()->cpu_count == 1 || caught > 0);
    service_close(&pd);
    space_close(&space);
    selector_free_range(ring, selector_order(RING));
}

void name_tests(void)
{
    RUN(names_of_the_dead_reach_nothing);
    RUN(names_are_given_for_one_life);
    RUN(names_do_not_run_from_their_end);
}
