// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Semaphores: counting, waiting, deadlines.
#include "test/system/kernel/support.h"

static sel_t sm;
static volatile u64 got;

static void counts(void)
{
    u64 value;
    sm = sel_new(1);
    CHECK_EQ(hc_create_sm(sm, 2, SEL_PD), SUCCESS);
    CHECK_EQ(sm_down(sm, 1), SUCCESS);
    CHECK_EQ(sm_down(sm, 1), SUCCESS);
    CHECK_EQ(sm_down(sm, 1), ETIMEOUT);
    for (unsigned i = 0; i < 5; i++)
        sm_up(sm);
    CHECK_EQ(hc_raw(HC_sm_ctrl, sm, SM_OP_DOWN_ZERO, 0, 0, 0, 0, &value), SUCCESS);
    CHECK_EQ(value, 5);
    CHECK_EQ(sm_down(sm, tsc() - 1), ETIMEOUT);
    drop(sm);
}

static void deadline(void)
{
    sm = sel_new(1);
    CHECK_EQ(hc_create_sm(sm, 0, SEL_PD), SUCCESS);
    for (u64 us = 100; us <= 10000; us *= 10) {
        u64 at = tsc() + tsc_us(us);
        CHECK_EQ(sm_down(sm, at), ETIMEOUT);
        CHECK(tsc() >= at);
    }
    drop(sm);
}

static void wait(word_t unused)
{
    (void)unused;
    got = 100 + sm_down(sm, 0);
}

static void up_wakes(void)
{
    struct thread t;
    sm = sel_new(2);
    got = 0;
    CHECK_EQ(hc_create_sm(sm, 0, SEL_PD), SUCCESS);
    CHECK_EQ(hc_create_sm(sm + 1, 0, SEL_PD), SUCCESS);
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 100, wait, 0), SUCCESS);
    CHECK_EQ(sm_down(sm + 1, tsc() + tsc_us(2000)), ETIMEOUT);
    CHECK_EQ(got, 0);
    sm_up(sm);
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    CHECK_EQ(got, 100);
    thread_free(&t);
}

static volatile u64 order[4], arrivals;
static void wait_in_turn(word_t me)
{
    sm_down(sm, 0);
    order[__atomic_fetch_add(&arrivals, 1, __ATOMIC_SEQ_CST)] = me;
}

static void waiters_are_woken_in_order(void)
{
    struct thread t[4];
    sm = sel_new(1);
    arrivals = 0;
    CHECK_EQ(hc_create_sm(sm, 0, SEL_PD), SUCCESS);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(thread_start(&t[i], SEL_PD, 0, 100, wait_in_turn, i), SUCCESS);
        settle();
    }
    thread_free(&t[1]); // one of the middle dies
    for (unsigned i = 0; i < 3; i++)
        sm_up(sm);
    CHECK_EQ(thread_join(&t[3], WAIT_US), SUCCESS);
    CHECK_EQ(arrivals, 3);
    CHECK(order[0] == 0 && order[1] == 2 && order[2] == 3);
    thread_free(&t[0]);
    thread_free(&t[2]);
    thread_free(&t[3]);
}

static void timer_interrupt_arrives(void)
{
    // The serial port's own interrupt: raised by switching its "transmitter empty" source on.
    sel_t gsi = sel_new(1);
    u8 modem = 0x08, source = 0x02, none = 0;
    CHECK_EQ(take_kernel(crd(CRD_OBJ, 4, 0, RIGHT_ALL), gsi, 0), SUCCESS);
    CHECK_EQ(hc_plain(HC_gsi_ctrl, gsi, GSI_BIND, HIP->cpu_count - 1, 0, 0, 0), SUCCESS);
    CHECK_EQ(hc_plain(HC_gsi_ctrl, gsi, GSI_UNMASK, 0, 0, 0, 0), SUCCESS);
    __asm__ volatile("outb %b0, %w1" ::"a"(modem), "Nd"((u16)0x3fc));
    __asm__ volatile("outb %b0, %w1" ::"a"(source), "Nd"((u16)0x3f9));
    CHECK_EQ(sm_down(gsi, tsc() + tsc_us(WAIT_US)), SUCCESS);
    __asm__ volatile("outb %b0, %w1" ::"a"(none), "Nd"((u16)0x3f9));
    CHECK_EQ(hc_plain(HC_gsi_ctrl, gsi, GSI_MASK, 0, 0, 0, 0), SUCCESS);
    drop(gsi);
}

// A thread that waits in a down and is woken finds the registers that hypercalls keep.
static sel_t keeper_sm;
static volatile u64 kept;
static void keeper(word_t unused)
{
    u64 same;
    (void)unused;
    __asm__ volatile("push %%rbp\n\t"
                     "mov $0x1b1b, %%ebx\n\tmov $0x2b2b, %%ebp\n\tmov $0x1212, %%r12d\n\t"
                     "mov $0x1313, %%r13d\n\tmov $0x1414, %%r14d\n\tmov $0x1515, %%r15d\n\t"
                     "mov $14, %%eax\n\tmov keeper_sm(%%rip), %%edi\n\tmov $1, %%esi\n\t"
                     "xor %%edx, %%edx\n\tsyscall\n\t"
                     "sub $0x1b1b, %%rbx\n\tsub $0x2b2b, %%rbp\n\tsub $0x1212, %%r12\n\t"
                     "sub $0x1313, %%r13\n\tsub $0x1414, %%r14\n\tsub $0x1515, %%r15\n\t"
                     "or %%rbp, %%rbx\n\tor %%r12, %%rbx\n\tor %%r13, %%rbx\n\t"
                     "or %%r14, %%rbx\n\tor %%r15, %%rbx\n\tpop %%rbp\n\tmov %%rbx, %0"
                     : "=a"(same)
                     :
                     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
                       "r14", "r15", "memory");
    kept = same ? 2 : 1;
}

static void waiting_keeps_registers(void)
{
    struct thread t;
    keeper_sm = sel_new(1);
    CHECK_EQ(hc_create_sm(keeper_sm, 0, SEL_PD), SUCCESS);
    for (unsigned i = 0; i < 20; i++) {
        kept = 0;
        CHECK_EQ(thread_start(&t, SEL_PD, 0, i % 2 ? 10 : 255, keeper, 0), SUCCESS);
        settle(); // it waits now
        sm_up(keeper_sm);
        CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
        CHECK_EQ(kept, 1);
        thread_free(&t);
    }
    drop(keeper_sm);
}

const struct test semaphore_tests[] = {
    {"waiting_keeps_registers", waiting_keeps_registers, 1},
    {"semaphore_counts", counts, 1},
    {"deadlines_pass_in_time", deadline, 1},
    {"up_wakes_a_waiter", up_wakes, 1},
    {"waiters_are_woken_in_order", waiters_are_woken_in_order, 1},
    {"device_interrupt_arrives", timer_interrupt_arrives, 1},
    {0}};
