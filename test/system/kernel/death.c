// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What dies in the middle of a call: handlers, callers, domains, semaphores.
#include "test/system/kernel/support.h"

static void call_of_a_dead_handler(void)
{
    struct handler h = handler_new(SEL_PD, 0, entry_null, 0);
    CHECK_EQ(hc_call0(h.pt), SUCCESS);
    drop(h.ec);
    CHECK_EQ(hc_call0(h.pt), EABORT);
    // Nor does it reach whoever has the dead one's memory now.
    struct handler later[4];
    read_kmem(SEL_PD);
    for (unsigned i = 0; i < ARRAY_SIZE(later); i++)
        later[i] = handler_new(SEL_PD, 0, entry_null, 0);
    CHECK_EQ(hc_call0(h.pt), EABORT);
    for (unsigned i = 0; i < ARRAY_SIZE(later); i++)
        handler_free(&later[i]);
    drop(h.pt);
    CHECK_EQ(hc_call0(h.pt), ECAP);
}

static sel_t blocker;
static struct handler victim;

__attribute__((naked)) static void entry_block(void)
{
    __asm__ volatile("mov $14, %%eax\n\tmov blocker(%%rip), %%edi\n\tmov $1, %%esi\n\txor %%edx, "
                     "%%edx\n\tsyscall\n\t"
                     "xor %%esi, %%esi\n\tmov $1, %%eax\n\tsyscall" ::
                         : "memory");
}

static volatile error_t call_error;
static void call_victim(word_t unused)
{
    (void)unused;
    call_error = hc_call0(victim.pt);
}

// A thread calls `victim`, which waits at `blocker`.
static bool call_waits(struct thread *t)
{
    blocker = sel_new(1);
    if (hc_create_sm(blocker, 0, SEL_PD))
        return false;
    victim = handler_new(SEL_PD, 0, entry_block, 0);
    call_error = 99;
    if (thread_start(t, SEL_PD, 0, 100, call_victim, 0))
        return false;
    settle();
    return call_error == 99;
}

static void caller_of_a_dying_handler_is_aborted(void)
{
    struct thread t;
    CHECK(call_waits(&t));
    drop(victim.ec);
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    CHECK_EQ(call_error, EABORT);
    thread_free(&t);
}

static void handler_survives_its_caller(void)
{
    struct thread t;
    CHECK(call_waits(&t));
    thread_free(&t); // in the midst of its call
    settle();
    sm_up(blocker);
    sm_up(blocker);
    CHECK_EQ(hc_call0(victim.pt), SUCCESS); // helps it out of the first call
    handler_free(&victim);
}

// Downs `blocker`, ups blocker + 2, replies.
__attribute__((naked)) static void entry_finish(void)
{
    __asm__ volatile("mov $14, %%eax\n\tmov blocker(%%rip), %%edi\n\tmov $1, %%esi\n\txor %%edx, "
                     "%%edx\n\tsyscall\n\t"
                     "mov $14, %%eax\n\tmov blocker(%%rip), %%edi\n\tadd $2, %%edi\n\txor %%esi, "
                     "%%esi\n\tsyscall\n\t"
                     "xor %%esi, %%esi\n\tmov $1, %%eax\n\tsyscall" ::
                         : "memory");
}

// Calls `victim` and replies.
__attribute__((naked)) static void entry_pass_on(void)
{
    __asm__ volatile(
        "xor %%eax, %%eax\n\tmov victim_pt(%%rip), %%edi\n\txor %%esi, %%esi\n\tsyscall\n\t"
        "xor %%esi, %%esi\n\tmov $1, %%eax\n\tsyscall" ::
            : "memory");
}

static volatile sel_t victim_pt;
static struct handler middle;
static void call_middle(word_t unused)
{
    (void)unused;
    call_error = hc_call0(middle.pt);
}

// What a dead thread had asked for is finished, with nobody else calling, since a handler may hold
// what others wait for: in whatever order its scheduling context and it itself go, and when a
// handler between the two dies.
static void request_of_a_dead_caller_is_finished(void)
{
    for (unsigned way = 0; way < 4; way++) {
        struct thread t;
        blocker = sel_new(3);
        for (unsigned i = 0; i < 3; i++)
            CHECK_EQ(hc_create_sm(blocker + i, 0, SEL_PD), SUCCESS);
        victim = handler_new(SEL_PD, 0, entry_finish, 0);
        middle = handler_new(SEL_PD, 0, entry_pass_on, 0);
        victim_pt = victim.pt;
        call_error = 99;
        CHECK_EQ(thread_start(&t, SEL_PD, 0, 100, call_middle, 0), SUCCESS);
        settle();
        if (way == 0 || way == 2)
            drop(t.sc);
        if (way == 1 || way == 2)
            drop(t.ec);
        if (way == 3)
            drop(middle.ec);
        settle();
        CHECK_EQ(sm_down(blocker + 2, tsc() + tsc_us(1000)), ETIMEOUT);
        sm_up(blocker);
        CHECK_EQ(sm_down(blocker + 2, tsc() + tsc_us(WAIT_US)), SUCCESS);
        settle();
        if (way == 3) {
            CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
            CHECK_EQ(call_error, EABORT);
        } else {
            sm_up(blocker); // it is free for others
            CHECK_EQ(hc_call0(victim.pt), SUCCESS);
            CHECK_EQ(call_error, 99); // the dead one never heard of it, or had no time to
        }
        thread_free(&t);
        handler_free(&middle);
        handler_free(&victim);
    }
}

static volatile u64 started;
__attribute__((naked)) static void entry_count(void)
{
    __asm__ volatile(
        "incq started(%%rip)\n\txor %%esi, %%esi\n\txor %%edx, %%edx\n\tmov $1, %%eax\n\tsyscall" ::
            : "memory");
}

// The reply to a caller that is gone reaches nobody: threads made since, maybe in its memory, still
// begin with their start-up.
static void late_reply_reaches_nobody(void)
{
    enum { THREADS = 6 };
    struct thread t;
    struct handler counter = handler_new(SEL_PD, 0, entry_count, 0);
    sel_t base = sel_new(EXC_COUNT), ec = sel_new(THREADS), sc = sel_new(THREADS);
    blocker = sel_new(1);
    started = 0;
    CHECK_EQ(hc_create_sm(blocker, 0, SEL_PD), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, counter.pt, 0, RIGHT_ALL), base + EXC_STARTUP),
             SUCCESS);
    victim = handler_new(SEL_PD, 0, entry_block, 0);
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 100, call_victim, 0), SUCCESS);
    settle();
    thread_free(&t);
    read_kmem(SEL_PD);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQ(hc_create_ec(ec + i, page_new(1) * PAGE_SIZE, 0, 0, EC_GLOBAL, base, SEL_PD),
                 SUCCESS);
    sm_up(blocker);
    sm_up(blocker);
    CHECK_EQ(hc_call0(victim.pt), SUCCESS);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQ(hc_create_sc(sc + i, ec + i, SEL_PD, 100, 0, 0, 0), SUCCESS);
    for (unsigned i = 0; i < 1000 && started < THREADS; i++)
        settle();
    settle();
    CHECK_EQ(started, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        drop(sc + i);
        drop(ec + i);
    }
    handler_free(&victim);
    handler_free(&counter);
}

static void ending_a_domain_aborts_calls_into_it(void)
{
    struct thread t;
    sel_t pd = twin_new(1 << 20, 1000);
    blocker = sel_new(1);
    CHECK_EQ(hc_create_sm(blocker, 0, SEL_PD), SUCCESS);
    CHECK_EQ(delegate_to(pd, crd(CRD_OBJ, blocker, 0, RIGHT_ALL), blocker), SUCCESS);
    victim = handler_new(pd, 0, entry_block, 0);
    call_error = 99;
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 100, call_victim, 0), SUCCESS);
    settle();
    CHECK_EQ(call_error, 99);
    drop(pd);
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    CHECK_EQ(call_error, EABORT);
    thread_free(&t);
    handler_free(&victim);
}

static void semaphore_wait_is_aborted(void)
{
    struct thread t;
    CHECK(call_waits(&t));
    drop(blocker); // the handler's wait ends, it replies
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    CHECK_EQ(call_error, SUCCESS);
    thread_free(&t);
    handler_free(&victim);
}

const struct test death_tests[] = {
    {"call_of_a_dead_handler", call_of_a_dead_handler, 1},
    {"caller_of_a_dying_handler_is_aborted", caller_of_a_dying_handler_is_aborted, 1},
    {"handler_survives_its_caller", handler_survives_its_caller, 1},
    {"request_of_a_dead_caller_is_finished", request_of_a_dead_caller_is_finished, 1},
    {"late_reply_reaches_nobody", late_reply_reaches_nobody, 1},
    {"ending_a_domain_aborts_calls_into_it", ending_a_domain_aborts_calls_into_it, 1},
    {"dying_semaphore_ends_waits", semaphore_wait_is_aborted, 1},
    {0}};
