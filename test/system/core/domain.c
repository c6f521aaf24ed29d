// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Region maps, domains and their threads (002_8bbc1eeec7f51661.txt): what they are for, and what a
// hostile client may try.
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/tsc.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"
#include "test/system/wait.h"

#define HERE 0x10000000ul
enum { MEBI = 1 << 20 };

static struct space s;

static void dataspaces_are_seen_where_they_are_attached(void)
{
    volatile u64 *at;
    CHECK(space_open(&s));
    sel_t ds = space_memory(&s, 4 * PAGE_SIZE, &at);
    struct rm_window window = {2 * PAGE_SIZE, PAGE_SIZE, HERE + MEBI, RM_WRITE};
    word_t second;
    CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
    CHECK_EQ(rm_attach(&s.pd, s.domain.space, ds, &window, &second), SUCCESS); // a window of it
    CHECK_EQ(second, HERE + MEBI);
    CHECK(space_thread(&s, 0, PIECE_TOUCH, HERE + 3 * PAGE_SIZE + 8) != SEL_NONE);
    CHECK(moves(&s.shared->counter[0]));
    CHECK_EQ(at[3 * PAGE_SIZE / 8 + 1], HERE + 3 * PAGE_SIZE + 8);
    CHECK(space_thread(&s, 0, PIECE_TOUCH, second + 16) != SEL_NONE);
    CHECK(becomes(&at[2 * PAGE_SIZE / 8 + 2], second + 16));
    at[0] = 0x1234;
    CHECK(space_thread(&s, hip()->cpu_count - 1, PIECE_READ, HERE) != SEL_NONE);
    CHECK(becomes(&s.shared->value[0], 0x1234));
    space_close(&s);
}

static bool exception_at(word_t address, unsigned error_bits, enum code_piece p)
{
    struct thread_exception e = {.thread = SEL_NONE};
    sel_t thread = space_thread(&s, hip()->cpu_count - 1, p, address);
    error_t error = thread == SEL_NONE ? EMEM : space_exception(&s, &e);
    bool so = !error && e.vector == EXC_PAGE_FAULT && e.address == address &&
              (e.error_code & 18) == error_bits &&
              e.ip == (error_bits == 16 ? address : piece(p)) && e.thread != SEL_NONE;
    if (!so)
        print("  %s: vector %lu, address %lx, error code %lx, ip %lx\n", error_name(error),
              e.vector, e.address, e.error_code, e.ip);
    selector_drop(e.thread);
    cpu_thread_kill(&s.cpu, thread);
    return so;
}

static void unresolved_faults_reach_the_supervisor(void)
{
    volatile u64 *at;
    struct thread_exception e;
    CHECK(space_open(&s));
    sel_t ds = space_memory(&s, PAGE_SIZE, &at);
    CHECK_EQ(space_attach(&s, ds, HERE, 0), SUCCESS);
    CHECK(exception_at(HERE, 2, PIECE_TOUCH)); // read-only
    CHECK(exception_at(HERE, 16, PIECE_JUMP)); // not executable
    CHECK(exception_at(HERE + PAGE_SIZE, 0, PIECE_READ));
    CHECK(exception_at(CODE + 8, 2, PIECE_TOUCH));
    CHECK(exception_at(STACK_AREA_BASE, 2, PIECE_TOUCH)); // an area without content
    CHECK_EQ(cpu_next_exception(&s.cpu, s.domain.domain, &e), ENOTFOUND);
    space_close(&s);
}

// What is detached while a thread on another CPU writes to it receives no write any more, and the
// thread faults.
static void detached_memory_is_gone_at_once(void)
{
    volatile u64 *at;
    struct thread_exception e;
    CHECK(space_open(&s));
    sel_t ds = space_memory(&s, PAGE_SIZE, &at);
    for (unsigned i = 0; i < 10; i++) {
        CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
        sel_t thread = space_thread(&s, hip()->cpu_count - 1, PIECE_COUNT, HERE + 64);
        CHECK(moves(&at[8]));
        CHECK_EQ(rm_detach(&s.pd, s.domain.space, HERE + 8), SUCCESS);
        CHECK(stands_still(&at[8]));
        CHECK_EQ(space_exception(&s, &e), SUCCESS);
        CHECK_EQ(e.address, HERE + 64);
        selector_drop(e.thread);
        cpu_thread_kill(&s.cpu, thread);
    }
    CHECK_EQ(rm_detach(&s.pd, s.domain.space, HERE), ENOTFOUND);
    // The same when the dataspace goes.
    CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
    CHECK_EQ(space_attach(&s, ds, HERE + MEBI, RM_WRITE), SUCCESS);
    sel_t thread = space_thread(&s, hip()->cpu_count - 1, PIECE_COUNT, HERE + 64);
    CHECK(moves(&at[8]));
    struct msg m;
    service_begin(&s.pd, &m, PD_SERVICE_FREE);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, ds, 0, RIGHT_ALL)));
    CHECK_EQ(service_call(&s.pd, &m), SUCCESS);
    CHECK_EQ(space_exception(&s, &e), SUCCESS);
    CHECK_EQ(e.address, HERE + 64);
    CHECK_EQ(rm_detach(&s.pd, s.domain.space, HERE), ENOTFOUND);
    CHECK_EQ(rm_detach(&s.pd, s.domain.space, HERE + MEBI), ENOTFOUND);
    CHECK_EQ(space_attach(&s, ds, HERE, 0), ENOTFOUND);
    selector_drop(e.thread);
    cpu_thread_kill(&s.cpu, thread);
    space_close(&s);
}

static error_t try_attach(sel_t map, sel_t ds, u64 offset, u64 bytes, word_t address)
{
    struct rm_window w = {offset, bytes, address, RM_WRITE};
    return rm_attach(&s.pd, map, ds, &w, NULL);
}

static void wrong_regions_are_refused(void)
{
    volatile u64 *at;
    struct rm_window odd = {0, 0, HERE, 64};
    CHECK(space_open(&s));
    sel_t ds = space_memory(&s, 4 * PAGE_SIZE, &at), map = s.domain.space;
    CHECK_EQ(try_attach(map, ds, 0, 0, HERE + 1), EPARAM);
    CHECK_EQ(try_attach(map, ds, 8, 0, HERE), EPARAM);
    CHECK_EQ(try_attach(map, ds, 4 * PAGE_SIZE, 0, HERE), EPARAM);
    CHECK_EQ(try_attach(map, ds, 0, 5 * PAGE_SIZE, HERE), EPARAM);
    CHECK_EQ(try_attach(map, ds, PAGE_SIZE, ~0ul - PAGE_SIZE + 1, HERE), EPARAM);
    CHECK_EQ(try_attach(map, ds, 0, 1ul << 63, HERE), EPARAM);
    CHECK_EQ(try_attach(map, ds, 1ul << 63, 0, HERE), EPARAM);
    CHECK_EQ(try_attach(map, ds, 0, 0, 0), EPARAM);
    CHECK_EQ(try_attach(map, ds, 0, 0, USER_END - PAGE_SIZE), EPARAM);
    CHECK_EQ(try_attach(map, ds, 0, 0, USER_END), EPARAM);
    CHECK_EQ(try_attach(map, ds, 0, 0, ~0ul - 2 * PAGE_SIZE + 1), EPARAM);
    CHECK_EQ(try_attach(map, ds, 0, 0, CODE - PAGE_SIZE), EINUSE);
    CHECK_EQ(try_attach(map, map, 0, 0, HERE), ENOTFOUND);
    CHECK_EQ(try_attach(ds, ds, 0, 0, HERE), ENOTFOUND);
    CHECK_EQ(try_attach(SEL_PD, ds, 0, 0, HERE), ENOTFOUND);
    CHECK_EQ(rm_attach(&s.pd, map, ds, &odd, NULL), EPROTO);
    odd.flags = RM_WRITE | RM_EXECUTE;
    CHECK_EQ(rm_attach(&s.pd, map, ds, &odd, NULL), EPARAM); // one of the two
    CHECK_EQ(try_attach(map, ds, 0, 0, HERE), SUCCESS);
    CHECK_EQ(try_attach(map, ds, 0, 0, HERE + 3 * PAGE_SIZE), EINUSE);
    CHECK_EQ(try_attach(map, ds, 0, 0, HERE - 3 * PAGE_SIZE), EINUSE);
    CHECK_EQ(rm_detach(&s.pd, map, ~0ul), ENOTFOUND);
    CHECK_EQ(rm_detach(&s.pd, ds, HERE), ENOTFOUND);
    space_close(&s);
}

// A hole in a managed dataspace: the thread waits, the owner hears where, fills it, and all go on.
static void managed_dataspaces_are_filled_on_demand(void)
{
    enum { THREADS = 4 };
    volatile u64 *at;
    struct service_client rm;
    struct rm_fault fault;
    sel_t map, ds, signal, threads[THREADS];
    CHECK(space_open(&s));
    CHECK_EQ(open_args(&rm, "rm", "", MEBI), SUCCESS);
    CHECK_EQ(rm_create(&rm, 16 * PAGE_SIZE, &map, &ds), SUCCESS);
    CHECK_EQ(semaphore_create(0, &signal), SUCCESS);
    CHECK_EQ(rm_signal(&rm, map, signal), SUCCESS);
    CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
    sel_t memory = space_memory(&s, 16 * PAGE_SIZE, &at);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] =
            space_thread(&s, i % hip()->cpu_count, PIECE_COUNT, HERE + 5 * PAGE_SIZE + i * 8);
        CHECK(threads[i] != SEL_NONE);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_EQ(hc_sm_down(signal, deadline_in_us(PATIENCE_US)), SUCCESS);
        CHECK_EQ(rm_next_fault(&rm, map, &fault), SUCCESS);
        CHECK_EQ(fault.address, 5 * PAGE_SIZE);
        CHECK(fault.access == MEM_W || fault.access == MEM_R); // an increment is both
    }
    CHECK_EQ(fault.waiting, THREADS);
    CHECK_EQ(rm_next_fault(&rm, map, &fault), ENOTFOUND);
    // One of them is paused meanwhile: that holds beyond the filling.
    CHECK_EQ(cpu_thread_pause(&s.cpu, threads[1]), SUCCESS);
    struct rm_window w = {0, PAGE_SIZE, 4 * PAGE_SIZE, RM_WRITE};
    CHECK_EQ(rm_attach(&rm, map, memory, &w, NULL), SUCCESS); // beside it
    CHECK(stands_still(&at[0]));
    w = (struct rm_window){3 * PAGE_SIZE, 2 * PAGE_SIZE, 5 * PAGE_SIZE, RM_WRITE};
    CHECK_EQ(rm_attach(&rm, map, memory, &w, NULL), SUCCESS);
    for (unsigned i = 0; i < 2 * THREADS; i++) // each of the others has had its turn, twice
        if (i % THREADS != 1)
            CHECK(moves(&at[3 * PAGE_SIZE / 8 + i % THREADS]));
    CHECK_EQ(at[3 * PAGE_SIZE / 8 + 1], 0);
    CHECK_EQ(cpu_thread_resume(&s.cpu, threads[1]), SUCCESS);
    CHECK(moves(&at[3 * PAGE_SIZE / 8 + 1]));
    // Taken out, it is gone for all, and they wait again.
    CHECK_EQ(rm_detach(&rm, map, 6 * PAGE_SIZE), SUCCESS);
    CHECK(stands_still(&at[3 * PAGE_SIZE / 8]));
    CHECK_EQ(hc_sm_down(signal, deadline_in_us(PATIENCE_US)), SUCCESS);
    CHECK_EQ(rm_next_fault(&rm, map, &fault), SUCCESS);
    CHECK_EQ(fault.address, 5 * PAGE_SIZE);
    // The owner dies: who waits for it faults for good.
    struct thread_exception e;
    service_close(&rm);
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_EQ(space_exception(&s, &e), SUCCESS);
        CHECK_EQ(e.address - (HERE + 5 * PAGE_SIZE) < THREADS * 8, 1);
        selector_drop(e.thread);
    }
    for (unsigned i = 0; i < THREADS; i++)
        cpu_thread_kill(&s.cpu, threads[i]);
    selector_drop(signal);
    selector_drop(map);
    selector_drop(ds);
    selector_drop(memory);
    space_close(&s);
}

// What is attached lets all go on who wait for a page of it; the others are not disturbed, nor told
// of again.
static void attaching_wakes_who_waits_for_it(void)
{
    enum { FIRST = 5, THREADS = 3 };
    volatile u64 *at;
    struct rm_fault fault;
    struct pd_accounts before, after;
    sel_t map, ds, signal, threads[THREADS];
    CHECK(space_open(&s));
    CHECK_EQ(pd_accounts(&s.pd, &before), SUCCESS);
    CHECK_EQ(rm_create(&s.pd, 16 * PAGE_SIZE, &map, &ds), SUCCESS);
    CHECK_EQ(semaphore_create(0, &signal), SUCCESS);
    CHECK_EQ(rm_signal(&s.pd, map, signal), SUCCESS);
    rm_destroy(&s.pd, map, ds); // with what the signal costs
    CHECK_EQ(pd_accounts(&s.pd, &after), SUCCESS);
    CHECK_EQ(after.used.caps, before.used.caps);
    CHECK_EQ(after.used.ram, before.used.ram);
    CHECK_EQ(rm_create(&s.pd, 16 * PAGE_SIZE, &map, &ds), SUCCESS);
    CHECK_EQ(rm_signal(&s.pd, map, signal), SUCCESS);
    CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
    sel_t memory = space_memory(&s, THREADS * PAGE_SIZE, &at);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] =
            space_thread(&s, i % hip()->cpu_count, PIECE_COUNT, HERE + (FIRST + i) * PAGE_SIZE);
        CHECK(threads[i] != SEL_NONE);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_EQ(hc_sm_down(signal, deadline_in_us(PATIENCE_US)), SUCCESS);
        CHECK_EQ(rm_next_fault(&s.pd, map, &fault), SUCCESS);
    }
    CHECK_EQ(fault.waiting, THREADS);
    CHECK_EQ(cpu_thread_pause(&s.cpu, threads[THREADS - 1]), SUCCESS);
    CHECK_EQ(cpu_thread_resume(&s.cpu, threads[THREADS - 1]), SUCCESS); // and it waits
    struct rm_window w = {0, (THREADS - 1) * PAGE_SIZE, FIRST * PAGE_SIZE, RM_WRITE};
    CHECK_EQ(rm_attach(&s.pd, map, memory, &w, NULL), SUCCESS);
    for (unsigned i = 0; i < 4 * (THREADS - 1); i++)
        CHECK(moves(&at[i % (THREADS - 1) * PAGE_SIZE / 8]));
    CHECK_EQ(hc_sm_down(signal, deadline_in_us(5000)), ETIMEOUT);
    CHECK_EQ(rm_next_fault(&s.pd, map, &fault), ENOTFOUND);
    w = (struct rm_window){(THREADS - 1) * PAGE_SIZE, PAGE_SIZE, (FIRST + THREADS - 1) * PAGE_SIZE,
                           RM_WRITE};
    CHECK_EQ(rm_attach(&s.pd, map, memory, &w, NULL), SUCCESS);
    CHECK(moves(&at[(THREADS - 1) * PAGE_SIZE / 8]));
    for (unsigned i = 0; i < THREADS; i++)
        cpu_thread_kill(&s.cpu, threads[i]);
    selector_drop(signal);
    selector_drop(memory);
    rm_destroy(&s.pd, map, ds);
    space_close(&s);
}

static void region_maps_nest(void)
{
    enum { DEEP = 8 };
    volatile u64 *at;
    sel_t map[DEEP + 1], ds[DEEP + 1];
    CHECK(space_open(&s));
    sel_t memory = space_memory(&s, 4 * PAGE_SIZE, &at);
    for (unsigned i = 0; i <= DEEP; i++)
        CHECK_EQ(rm_create(&s.pd, 64 * PAGE_SIZE, &map[i], &ds[i]), SUCCESS);
    CHECK_EQ(try_attach(map[0], ds[0], 0, 0, 0), EDEADLOCK); // in itself
    for (unsigned i = 0; i + 1 < DEEP; i++) // each shows the next, shifted by a page
        CHECK_EQ(try_attach(map[i], ds[i + 1], 0, 32 * PAGE_SIZE, PAGE_SIZE), SUCCESS);
    CHECK_EQ(try_attach(map[DEEP - 1], ds[0], 0, PAGE_SIZE, 40 * PAGE_SIZE), EDEADLOCK);
    CHECK_EQ(try_attach(map[3], ds[1], 0, PAGE_SIZE, 40 * PAGE_SIZE), EDEADLOCK);
    CHECK_EQ(space_attach(&s, ds[0], HERE, RM_WRITE), SUCCESS);
    CHECK_EQ(try_attach(map[DEEP - 1], ds[DEEP], 0, PAGE_SIZE, 50 * PAGE_SIZE), EDEADLOCK); // depth
    CHECK_EQ(try_attach(map[DEEP - 1], memory, 0, 0, 2 * PAGE_SIZE), SUCCESS);
    word_t there = HERE + (DEEP - 1) * PAGE_SIZE + 2 * PAGE_SIZE;
    sel_t thread = space_thread(&s, hip()->cpu_count - 1, PIECE_COUNT, there + 3 * PAGE_SIZE);
    CHECK(moves(&at[3 * PAGE_SIZE / 8]));
    CHECK_EQ(rm_detach(&s.pd, map[4], PAGE_SIZE), SUCCESS); // in the middle
    CHECK(stands_still(&at[3 * PAGE_SIZE / 8]));
    struct thread_exception e;
    CHECK_EQ(space_exception(&s, &e), SUCCESS); // no owner has a signal there
    CHECK_EQ(e.address, there + 3 * PAGE_SIZE);
    CHECK_EQ(try_attach(map[4], ds[5], 0, 32 * PAGE_SIZE, PAGE_SIZE), SUCCESS);
    CHECK_EQ(cpu_thread_resume(&s.cpu, e.thread), SUCCESS); // and its supervisor lets it try again
    CHECK(moves(&at[3 * PAGE_SIZE / 8]));
    rm_destroy(&s.pd, map[2], ds[2]);
    CHECK(stands_still(&at[3 * PAGE_SIZE / 8]));
    selector_drop(e.thread);
    selector_drop(thread);
    space_close(&s);
}

static void threads_are_controlled(void)
{
    enum thread_state what;
    struct exc_state state;
    struct thread_exception e;
    sel_t thread, never_started;
    CHECK(space_open(&s));
    volatile u64 *counter = &s.shared->counter[1];
    word_t address = SHARED + 8;
    CHECK_EQ(cpu_thread_create(&s.cpu, s.domain.domain, 64, 10, UTCBS, "no", &thread), ECPU);
    CHECK_EQ(cpu_thread_create(&s.cpu, s.domain.domain, 0, 0, UTCBS, "no", &thread), EPROTO);
    CHECK_EQ(cpu_thread_create(&s.cpu, s.domain.space, 0, 10, UTCBS, "no", &thread), ENOTFOUND);
    CHECK_EQ(cpu_thread_create(&s.cpu, s.domain.domain, 0, 10, UTCBS + 8, "no", &thread), EPARAM);
    thread = space_thread(&s, hip()->cpu_count - 1, PIECE_COUNT, address);
    CHECK(thread != SEL_NONE && moves(counter));
    CHECK_EQ(cpu_thread_start(&s.cpu, thread, CODE, 0, 0), EINUSE);
    CHECK_EQ(cpu_thread_read(&s.cpu, thread, &what, &state), EBUSY);
    CHECK_EQ(cpu_thread_step(&s.cpu, thread), EBUSY);
    CHECK_EQ(cpu_thread_pause(&s.cpu, thread), SUCCESS);
    CHECK_EQ(space_registers(&s, thread, &what, &state), SUCCESS);
    CHECK_EQ(what, THREAD_PAUSED);
    CHECK_EQ(state.rdi, address);
    CHECK(state.rip - CODE < 16);
    CHECK(stands_still(counter));
    for (unsigned i = 0; i < 4; i++) { // increment, jump, increment, jump
        word_t before = *counter, at = state.rip;
        CHECK_EQ(cpu_thread_step(&s.cpu, thread), SUCCESS);
        CHECK_EQ(space_exception(&s, &e), SUCCESS);
        CHECK_EQ(e.vector, 1);
        selector_drop(e.thread);
        CHECK_EQ(cpu_thread_read(&s.cpu, thread, &what, &state), SUCCESS);
        CHECK_EQ(what, THREAD_STOPPED);
        CHECK_EQ(state.vector, 1);
        CHECK_EQ(*counter - before, at == CODE);
        CHECK(state.rip != at);
    }
    state.rdi = SHARED + 16;
    CHECK_EQ(cpu_thread_write(&s.cpu, thread, MTD_ALL + 1, &state), EPARAM);
    CHECK_EQ(cpu_thread_write(&s.cpu, thread, MTD_GPR_BSD, &state), SUCCESS);
    CHECK_EQ(cpu_thread_resume(&s.cpu, thread), SUCCESS);
    CHECK(moves(&s.shared->counter[2]));
    CHECK(stands_still(counter));
    CHECK_EQ(cpu_thread_create(&s.cpu, s.domain.domain, 0, 10, UTCBS + 64 * PAGE_SIZE, "new",
                               &never_started),
             SUCCESS);
    CHECK_EQ(cpu_thread_start(&s.cpu, never_started, USER_END, 0, 0), EPARAM);
    cpu_thread_kill(&s.cpu, never_started);
    CHECK_EQ(cpu_thread_start(&s.cpu, never_started, CODE, 0, 0), ENOTFOUND);
    cpu_thread_kill(&s.cpu, thread);
    CHECK(comes_to_rest(&s.shared->counter[2]));
    CHECK_EQ(cpu_thread_pause(&s.cpu, thread), ENOTFOUND);
    space_close(&s);
}

static error_t read_fpu(sel_t thread, struct fpu_state *fpu)
{
    enum thread_state what;
    struct exc_state state;
    error_t error = space_registers(&s, thread, &what, &state); // when it has stopped
    return error ? error : cpu_thread_read_fpu(&s.cpu, thread, fpu);
}

static void fpu_of_threads_is_read_and_written(void)
{
    enum { XMM3 = (160 + 3 * 16) / 8 };
    struct fpu_state fpu;
    CHECK(space_open(&s));
    sel_t user = space_thread(&s, hip()->cpu_count - 1, PIECE_FPU, 4711),
          other = space_thread(&s, hip()->cpu_count - 1, PIECE_COUNT, SHARED + 8);
    CHECK(user != SEL_NONE && other != SEL_NONE);
    CHECK(moves(&s.shared->counter[0]) && moves(&s.shared->counter[1]));
    CHECK_EQ(cpu_thread_read_fpu(&s.cpu, user, &fpu), EBUSY);
    CHECK_EQ(cpu_thread_pause(&s.cpu, user), SUCCESS);
    CHECK_EQ(cpu_thread_pause(&s.cpu, other), SUCCESS);
    CHECK_EQ(read_fpu(user, &fpu), SUCCESS);
    CHECK_EQ(fpu.words[XMM3], 4711);
    fpu.words[XMM3] = 1234;
    CHECK_EQ(cpu_thread_write_fpu(&s.cpu, user, &fpu), SUCCESS);
    CHECK_EQ(read_fpu(other, &fpu), SUCCESS); // never used it
    CHECK_EQ(fpu.words[XMM3], 0);
    CHECK_EQ(fpu.words[0], 0x37f);
    CHECK_EQ(cpu_thread_write_fpu(&s.cpu, other, &fpu), EFEATURE);
    CHECK_EQ(cpu_thread_resume(&s.cpu, user), SUCCESS);
    CHECK(becomes(&s.shared->value[0], 1234)); // soon: it may have been behind the old one's store
    cpu_thread_kill(&s.cpu, user);
    CHECK_EQ(cpu_thread_read_fpu(&s.cpu, user, &fpu), ENOTFOUND);
    cpu_thread_kill(&s.cpu, other);
    space_close(&s);
}

// However a domain ends, the account has everything back, and sigma0 its kernel memory.
static void ended_domains_leave_nothing_behind(void)
{
    u64 used, limit, before = 0;
    volatile u64 *at;
    for (unsigned i = 0; i < 60; i++) {
        struct msg m;
        CHECK(space_open(&s));
        sel_t ds = space_memory(&s, PAGE_SIZE, &at);
        CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
        sel_t thread = space_thread(&s, i % hip()->cpu_count, PIECE_COUNT, HERE);
        CHECK(thread != SEL_NONE);
        if (i % 4 == 0)
            CHECK(moves(&at[0]));
        if (i % 3 == 0)
            domain_close(&s.pd, &s.domain); // its threads still run
        else if (i % 3 == 1)
            cpu_thread_kill(&s.cpu, thread);
        if (i % 3 != 2) {
            service_begin(&s.pd, &m, PD_SERVICE_INFO);
            CHECK_EQ(service_call(&s.pd, &m), SUCCESS);
            used = msg_get_word(&m);
            limit = msg_get_word(&m);
            CHECK_EQ(limit, SPACE_RAM);
            if (i % 3 == 0)
                CHECK_EQ(used, PD_PRICE + 3 * (PAGE_SIZE + PD_DATASPACE_COST));
        }
        selector_drop(ds);
        if (s.domain.domain != SEL_NONE) {
            space_close(&s);
        } else {
            service_close(&s.cpu);
            service_close(&s.pd);
            selector_drop(s.signal);
        }
        u64 ram, caps;
        CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
        if (i == 3)
            before = ram;
        if (i > 3)
            CHECK_EQ(ram, before);
    }
}

// The region maps that a session has made go with it, out of sight of who has them attached.
static void maps_end_with_their_account(void)
{
    volatile u64 *at;
    struct service_client owner;
    struct thread_exception e;
    sel_t map, ds;
    CHECK(space_open(&s));
    sel_t memory = space_memory(&s, PAGE_SIZE, &at);
    CHECK_EQ(open_args(&owner, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(rm_create(&owner, 4 * PAGE_SIZE, &map, &ds), SUCCESS);
    CHECK_EQ(try_attach(map, memory, 0, PAGE_SIZE, 2 * PAGE_SIZE), SUCCESS);
    CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
    sel_t thread = space_thread(&s, hip()->cpu_count - 1, PIECE_COUNT, HERE + 2 * PAGE_SIZE);
    CHECK(moves(at));
    service_close(&owner);
    CHECK_EQ(space_exception(&s, &e), SUCCESS);
    CHECK_EQ(e.address, HERE + 2 * PAGE_SIZE);
    CHECK_EQ(rm_detach(&s.pd, s.domain.space, HERE), ENOTFOUND);
    CHECK_EQ(try_attach(map, memory, 0, PAGE_SIZE, 0), ENOTFOUND);
    selector_drop(e.thread);
    selector_drop(thread);
    selector_drop(map);
    selector_drop(ds);
    selector_drop(memory);
    space_close(&s);
}

void domain_tests(void)
{
    RUN(dataspaces_are_seen_where_they_are_attached);
    RUN(unresolved_faults_reach_the_supervisor);
    RUN(detached_memory_is_gone_at_once);
    RUN(wrong_regions_are_refused);
    RUN(managed_dataspaces_are_filled_on_demand);
    RUN(attaching_wakes_who_waits_for_it);
    RUN(region_maps_nest);
    RUN(maps_end_with_their_account);
    RUN(threads_are_controlled);
    RUN(fpu_of_threads_is_read_and_written);
    RUN(ended_domains_leave_nothing_behind);
}
