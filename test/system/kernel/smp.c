// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Several CPUs at once.
#include "test/system/kernel/support.h"

static struct handler near;
static volatile u64 results[MAX_CPUS];

static void call_other_cpu(word_t me)
{
    results[me] = 1000 + (u64)hc_call0(near.pt);
}

static void portals_belong_to_a_cpu(void)
{
    struct thread t;
    near = handler_new(SEL_PD, 0, entry_null, 0);
    CHECK_EQ(thread_start(&t, SEL_PD, 1, 10, call_other_cpu, 1), SUCCESS);
    CHECK_EQ(thread_join(&t, 1000000), SUCCESS);
    CHECK_EQ(results[1], 1000 + ECPU);
    thread_free(&t);
    handler_free(&near);
}

static sel_t ping, pong;
static void answer(word_t rounds)
{
    for (u64 i = 0; i < rounds; i++) {
        sm_down(ping, 0);
        sm_up(pong);
    }
}

static void semaphores_cross_cpus(void)
{
    struct thread t;
    ping = sel_new(1);
    pong = sel_new(1);
    CHECK_EQ(hc_create_sm(ping, 0, SEL_PD), SUCCESS);
    CHECK_EQ(hc_create_sm(pong, 0, SEL_PD), SUCCESS);
    CHECK_EQ(thread_start(&t, SEL_PD, 1, 10, answer, 1000), SUCCESS);
    for (unsigned i = 0; i < 1000; i++) {
        sm_up(ping);
        CHECK_EQ(sm_down(pong, tsc() + tsc_us(2000000)), SUCCESS);
    }
    CHECK_EQ(thread_join(&t, 1000000), SUCCESS);
    thread_free(&t);
}

static u64 shared_page;
static volatile u64 touches;
static void touch_forever(word_t address)
{
    for (;;) {
        *(volatile u64 *)address += 1;
        touches++;
    }
}

// A page is taken from a thread that uses it on another CPU: when revoke returns, no write arrives
// any more.
static void revoke_under_use(void)
{
    sel_t pd = twin_new(1 << 20, 1000);
    unsigned mark = stacks_mark();
    for (unsigned round = 0; round < 50; round++) {
        struct thread t;
        u64 there = 0x200000;
        if (!shared_page) {
            shared_page = page_new(1);
            CHECK_EQ(take_kernel(crd(CRD_MEM, frame_new(1), 0, RIGHT_ALL), shared_page, 0),
                     SUCCESS);
        }
        CHECK_EQ(delegate_to(pd, crd(CRD_MEM, shared_page, 0, MEM_R | MEM_W), there), SUCCESS);
        touches = 0;
        CHECK_EQ(thread_start(&t, pd, HIP->cpu_count - 1, 10, touch_forever, there * PAGE_SIZE),
                 SUCCESS);
        for (u64 end = tsc() + tsc_us(2000000); !touches && tsc() < end;)
            __asm__ volatile("pause");
        CHECK(touches > 0);
        CHECK_EQ(revoke_children(crd(CRD_MEM, shared_page, 0, RIGHT_ALL)), SUCCESS);
        u64 value = *(volatile u64 *)(shared_page * PAGE_SIZE);
        for (u64 end = tsc() + tsc_us(200); tsc() < end;)
            __asm__ volatile("pause");
        CHECK_EQ(*(volatile u64 *)(shared_page * PAGE_SIZE), value);
        thread_free(&t);
        stacks_release(mark); // it died in its fault: nobody handles it
    }
    drop(pd);
}

// All CPUs create, delegate and revoke in one space and in each other's.
static sel_t gate; // passed when all threads are made: then they may use up what memory there is
static void churn(word_t me)
{
    sm_down(gate, 0);
    sel_t base = (sel_t)(0x20000 + me * 0x1000);
    for (unsigned i = 0; i < 2000 && !stop; i++) {
        if (hc_create_sm(base, 0, SEL_PD) || hc_create_pd(base + 1, SEL_PD, 1 << 15, 20))
            results[me]++;
        sm_up(base);
        hc_plain(HC_pd_ctrl, base + 1, PD_READ_KMEM, 0, 0, 0, 0);
        hc_plain(HC_revoke, SEL_PD, crd(CRD_OBJ, base, 1, 31), REVOKE_SELF, 0, 0, 0);
    }
    results[me] += 1ul << 32;
}

static void churn_on_all_cpus(void)
{
    struct thread t[MAX_CPUS];
    u64 before = 0;
    gate = sel_new(1);
    CHECK_EQ(hc_create_sm(gate, 0, SEL_PD), SUCCESS);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < HIP->cpu_count; i++) {
            results[i] = 0;
            CHECK_EQ(thread_start(&t[i], SEL_PD, i, 10, churn, i), SUCCESS);
        }
        for (unsigned i = 0; i < HIP->cpu_count; i++)
            sm_up(gate);
        for (unsigned i = 0; i < HIP->cpu_count; i++) {
            CHECK_EQ(thread_join(&t[i], 60000000), SUCCESS);
            CHECK_EQ(results[i] >> 32, 1);
            thread_free(&t[i]);
        }
        settle();
        if (!round)
            before = read_kmem(SEL_PD); // waits until it stands still
    }
    CHECK(kmem_falls_to(before + 4 * PAGE_SIZE / 64));
}

const struct test smp_tests[] = {{"portals_belong_to_a_cpu", portals_belong_to_a_cpu, 2},
                                 {"semaphores_cross_cpus", semaphores_cross_cpus, 2},
                                 {"revoke_under_use_on_another_cpu", revoke_under_use, 2},
                                 {"churn_on_all_cpus", churn_on_all_cpus, 2},
                                 {0}};
