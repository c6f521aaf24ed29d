// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A scheduling context's priority changes in place, wherever it is: running, in a queue, waiting,
// in somebody's call, without time left, on another CPU. What shows it is who runs before whom.
#include "test/system/kernel/support.h"

static volatile u64 counter[3];

static void spin(word_t me)
{
    while (!stop)
        counter[me]++;
}

static bool set(const struct thread *t, unsigned priority)
{
    return hc_sc_priority(t->sc, priority) == SUCCESS;
}

// Whether, soon and from then on, `first` runs and `second` does not.
static bool only_first_runs(volatile u64 *first, volatile u64 *second)
{
    for (unsigned i = 0; i < 1000; i++) {
        u64 before = *first, still = *second;
        for (unsigned k = 0; k < 1000 && *first == before; k++)
            rest(1000);
        if (*first != before && *second == still)
            return true;
    }
    return false;
}

static void order_of(unsigned cpu)
{
    struct thread a, b;
    counter[0] = counter[1] = 0;
    CHECK_EQ(thread_start(&a, SEL_PD, cpu, 10, spin, 0), SUCCESS);
    CHECK_EQ(thread_start(&b, SEL_PD, cpu, 20, spin, 1), SUCCESS);
    CHECK(only_first_runs(&counter[1], &counter[0]));
    CHECK(set(&a, 30)); // from its queue
    CHECK(only_first_runs(&counter[0], &counter[1]));
    CHECK(set(&a, 19)); // while it runs
    CHECK(only_first_runs(&counter[1], &counter[0]));
    CHECK(set(&b, 18));
    CHECK(only_first_runs(&counter[0], &counter[1]));
    CHECK(set(&b, 19)); // equals take turns
    u64 first = counter[0], second = counter[1];
    AWAIT(counter[0] != first && counter[1] != second);
    CHECK(counter[0] != first && counter[1] != second);
    stop = true;
    CHECK_EQ(thread_join(&a, WAIT_US), SUCCESS);
    CHECK_EQ(thread_join(&b, WAIT_US), SUCCESS);
    thread_free(&a);
    thread_free(&b);
}

static void order_follows_priority(void)
{
    order_of(0);
}

static void order_follows_priority_elsewhere(void)
{
    order_of(HIP->cpu_count - 1);
}

static struct thread a, b;
static sel_t alarm;
static volatile unsigned step, b_ran_at, a_saw;

static void wait_for_alarm(word_t unused)
{
    (void)unused;
    sm_down(alarm, 0);
    b_ran_at = step;
}

static void lower_oneself(word_t unused)
{
    (void)unused;
    sm_up(alarm); // the other has less priority, and waits for its turn now
    a_saw = b_ran_at;
    step = 2;
    (void)set(&a, 10);
    step = 3;
}

static void raise_the_other(word_t unused)
{
    (void)unused;
    sm_up(alarm);
    a_saw = b_ran_at;
    step = 2;
    (void)set(&b, 40);
    step = 3;
}

static void wake_the_other(word_t unused)
{
    (void)unused;
    a_saw = b_ran_at;
    step = 2;
    sm_up(alarm);
    step = 3;
}

// `act`, at priority 30, does something to the other, at 20, that lets that run first.
static void at_once(void (*act)(word_t), unsigned while_waiting)
{
    step = 1;
    b_ran_at = a_saw = 0;
    alarm = sel_new(1);
    CHECK_EQ(hc_create_sm(alarm, 0, SEL_PD), SUCCESS);
    CHECK_EQ(thread_start(&b, SEL_PD, 0, 20, wait_for_alarm, 0), SUCCESS);
    settle();
    if (while_waiting)
        CHECK(set(&b, while_waiting));
    CHECK_EQ(thread_start(&a, SEL_PD, 0, 30, act, 0), SUCCESS);
    CHECK_EQ(thread_join(&a, WAIT_US), SUCCESS);
    CHECK_EQ(thread_join(&b, WAIT_US), SUCCESS);
    CHECK_EQ(a_saw, 0);
    CHECK_EQ(b_ran_at, 2); // before the next instruction
    thread_free(&a);
    thread_free(&b);
    drop(alarm);
}

static void change_holds_before_the_next_instruction(void)
{
    at_once(lower_oneself, 0);
    at_once(raise_the_other, 0);
    at_once(wake_the_other, 40);
}

// A caller's priority is that of the handler, which goes on when it rises.
static struct handler handler;
static volatile bool entered, may_leave, left;
static void handle(void)
{
    entered = true;
    while (!may_leave && !stop)
        ;
    left = true;
    __asm__ volatile("syscall" ::"a"(1), "S"(0ul));
    __builtin_unreachable();
}
__attribute__((naked)) static void entry_handle(void)
{
    __asm__ volatile("jmp %P0" ::"i"(handle));
}
static void call(word_t me)
{
    (void)!hc_call0(handler.pt);
    counter[me]++;
}

static void calls_go_on_at_the_new_priority(void)
{
    unsigned cpu = HIP->cpu_count - 1;
    struct thread medium;
    entered = may_leave = false;
    counter[0] = counter[1] = counter[2] = 0;
    handler = handler_new(SEL_PD, cpu, entry_handle, 0);
    CHECK_EQ(thread_start(&a, SEL_PD, cpu, 10, call, 0), SUCCESS);
    AWAIT(entered);
    CHECK(entered);
    CHECK_EQ(thread_start(&medium, SEL_PD, cpu, 20, spin, 1), SUCCESS);
    CHECK_EQ(thread_start(&b, SEL_PD, cpu, 9, call, 2), SUCCESS); // waits for its turn, then helps
    CHECK(only_first_runs(&counter[1], &counter[0]));
    may_leave = true;
    CHECK(only_first_runs(&counter[1], &counter[0]));
    CHECK_EQ(counter[0] + counter[2], 0);
    CHECK(set(&b, 30)); // helps, and is served next
    CHECK_EQ(thread_join(&b, WAIT_US), SUCCESS);
    CHECK_EQ(counter[0], 0); // its answer is there, but no time
    CHECK(set(&a, 30));
    CHECK_EQ(thread_join(&a, WAIT_US), SUCCESS);
    stop = true;
    CHECK_EQ(thread_join(&medium, WAIT_US), SUCCESS);
    thread_free(&a);
    thread_free(&b);
    thread_free(&medium);
    handler_free(&handler);
}

// Who dies in a call leaves its scheduling context to the request, with the priority that it got in
// the moment before.
static void requests_of_the_dead_have_the_last_priority(void)
{
    enum { ROUNDS = 40 };
    unsigned cpu = HIP->cpu_count - 1, stacks = stacks_mark();
    struct thread medium;
    counter[0] = counter[1] = 0;
    CHECK_EQ(thread_start(&medium, SEL_PD, cpu, 20, spin, 1), SUCCESS);
    for (unsigned round = 0; round < ROUNDS; round++) {
        entered = may_leave = left = false;
        handler = handler_new(SEL_PD, cpu, entry_handle, 0);
        CHECK_EQ(thread_start(&a, SEL_PD, cpu, 30, call, 0), SUCCESS);
        AWAIT(entered);
        CHECK(entered && set(&a, 10));
        CHECK(only_first_runs(&counter[1], &counter[0]));
        CHECK(set(&a, 30));
        drop(a.ec);
        may_leave = true;
        AWAIT(left);
        CHECK(left);
        thread_free(&a);
        handler_free(&handler);
        stacks_release(stacks + 2); // medium's
    }
    stop = true;
    CHECK_EQ(thread_join(&medium, WAIT_US), SUCCESS);
    thread_free(&medium);
}

// Whose period's time is used up has the new priority in its next one, and its budget yet.
static void change_reaches_who_has_no_time_left(void)
{
    u64 used, before;
    counter[0] = counter[1] = 0;
    CHECK_EQ(thread_start(&a, SEL_PD, 0, 10, spin, 0), SUCCESS);
    CHECK_EQ(hc_sc_budget(a.sc, 1000, 50000), SUCCESS);
    AWAIT(counter[0]);
    CHECK_EQ(thread_start(&b, SEL_PD, 0, 20, spin, 1), SUCCESS);
    CHECK(only_first_runs(&counter[1], &counter[0]));
    before = counter[0];
    CHECK(set(&a, 30));
    AWAIT(counter[0] != before);
    CHECK(counter[0] != before);
    CHECK(only_first_runs(&counter[1], &counter[0])); // in between
    CHECK_EQ(hc_sc_time(a.sc, &used), SUCCESS);
    stop = true;
    CHECK_EQ(thread_join(&a, WAIT_US), SUCCESS);
    CHECK_EQ(thread_join(&b, WAIT_US), SUCCESS);
    thread_free(&a);
    thread_free(&b);
}

static void change_needs_the_right(void)
{
    sel_t weak = sel_new(1);
    counter[0] = 0;
    CHECK_EQ(thread_start(&a, SEL_PD, HIP->cpu_count - 1, 10, spin, 0), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, a.sc, 0, SC_CTRL), weak), SUCCESS);
    CHECK_EQ(hc_sc_priority(weak, 11), ECAP);
    CHECK_EQ(hc_sc_priority(a.ec, 11), ECAP);
    CHECK_EQ(hc_sc_priority(a.sc, 0), EPARAM);
    CHECK_EQ(hc_sc_priority(a.sc, PRIORITY_MAX + 1), EPARAM);
    CHECK_EQ(hc_plain(HC_sc_ctrl, a.sc, SC_SET_PRIORITY, 1ul << 32 | 9, 0, 0, 0), EPARAM);
    CHECK_EQ(hc_plain(HC_sc_ctrl, a.sc, SC_SET_PRIORITY + 1, 9, 0, 0, 0), EPARAM);
    drop(a.ec); // a thread that is gone has left it
    settle();
    CHECK_EQ(hc_sc_priority(a.sc, 12), SUCCESS);
    thread_free(&a);
}

// Callers whose priorities change all the time, on all CPUs, and who die in their calls.
static void come_and_go(word_t me)
{
    while (!stop) {
        (void)!hc_call0(handler.pt);
        counter[me]++;
    }
}

static void changes_harm_nobody_who_calls_and_dies(void)
{
    enum { LIVES = 100, CHANGES = 200 };
    unsigned cpu = HIP->cpu_count - 1, stacks = stacks_mark();
    u64 seed = 1;
    for (unsigned life = 0; life < LIVES; life++) {
        entered = false;
        may_leave = life % 2;
        handler = handler_new(SEL_PD, cpu, entry_handle, 0);
        CHECK_EQ(thread_start(&a, SEL_PD, cpu, 10, come_and_go, 0), SUCCESS);
        CHECK_EQ(thread_start(&b, SEL_PD, cpu, 11, come_and_go, 1), SUCCESS);
        for (unsigned i = 0; i < CHANGES; i++) {
            seed = seed * 6364136223846793005ul + 1442695040888963407ul;
            CHECK(set(seed >> 40 & 1 ? &a : &b, 2 + (seed >> 33) % 60));
            if (i == CHANGES / 2)
                drop(life % 3 ? a.ec : handler.ec);
        }
        may_leave = true;
        stop = true;
        thread_free(&a);
        thread_free(&b);
        handler_free(&handler);
        settle();
        stop = false;
        stacks_release(stacks);
    }
    // And who is new has its priority.
    order_of(cpu);
}

const struct test priority_tests[] = {
    {"order_follows_priority", order_follows_priority, 1},
    {"order_follows_priority_on_another_cpu", order_follows_priority_elsewhere, 2},
    {"change_of_priority_holds_at_once", change_holds_before_the_next_instruction, 1},
    {"calls_go_on_at_the_new_priority", calls_go_on_at_the_new_priority, 1},
    {"requests_of_the_dead_have_the_last_priority", requests_of_the_dead_have_the_last_priority, 1},
    {"change_of_priority_reaches_who_has_no_time_left", change_reaches_who_has_no_time_left, 1},
    {"change_of_priority_needs_the_right", change_needs_the_right, 1},
    {"changes_of_priority_harm_nobody_who_dies", changes_harm_nobody_who_calls_and_dies, 1},
    {0}};
