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
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
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
        CHECK_EQ(sm_down(pong, tsc() + tsc_us(WAIT_US)), SUCCESS);
    }
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
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
        for (u64 end = tsc() + tsc_us(WAIT_US); !touches && tsc() < end;)
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
            CHECK_EQ(thread_join(&t[i], LONG_US), SUCCESS);
            CHECK_EQ(results[i] >> 32, 1);
            thread_free(&t[i]);
        }
        settle();
        if (!round)
            before = read_kmem(SEL_PD); // waits until it stands still
    }
    CHECK(kmem_falls_to(before + 4 * PAGE_SIZE / 64));
}

static void spin_until_stop(word_t argument)
{
    (void)argument;
    while (!stop)
        __asm__ volatile("pause");
}

// rdi is the UTCB's address, rdx the window of the next call; replies with what came.
__attribute__((naked)) static void entry_window(void)
{
    __asm__ volatile("mov %c0(%%rdi), %%r8\n\tmov %%rdx, %c1(%%rdi)\n\tmov %%r8, %%rdx\n\t"
                     "mov $1, %%esi\n\tmov $1, %%eax\n\tsyscall"
                     :
                     : "i"(sizeof(struct utcb) - sizeof(struct typed_item)),
                       "i"(__builtin_offsetof(struct utcb, window)));
}

static u64 pass(const struct handler *h, sel_t window)
{
    head_t m = head(1, 1);
    word_t w[4] = {crd(CRD_OBJ, window, 0, RIGHT_ALL)};
    *utcb_item(ROOT_UTCB, 0) = item_delegate(crd(CRD_OBJ, SEL_EC, 0, 0), 0, 0);
    return hc_call(h->pt, &m, w) ? 0 : w[0];
}

// An account whose memory is all in use gets back what a capability took only after a grace period.
// Who delegates into it at once waits for that, while the other CPUs compute.
static void delegations_wait_for_memory(void)
{
    struct thread t[MAX_CPUS];
    sel_t pd = twin_new(1 << 19, 100000), first = 0x100, last = first;
    struct handler h = handler_new(pd, 0, entry_window, 0);
    CHECK_EQ(hc_plain(HC_pt_ctrl, h.pt, (word_t)h.utcb, 0, 0, 0, 0), SUCCESS);
    for (unsigned i = 1; i < HIP->cpu_count; i++)
        CHECK_EQ(thread_start(&t[i], SEL_PD, i, 10, spin_until_stop, 0), SUCCESS);
    while (delegate_to(pd, crd(CRD_OBJ, SEL_EC, 0, 0), last) == SUCCESS)
        last++;
    CHECK(last > first + 100);
    for (unsigned i = 0; i < 50; i++) {
        CHECK_EQ(hc_revoke(pd, crd(CRD_OBJ, first + i, 0, RIGHT_ALL), REVOKE_SELF), SUCCESS);
        CHECK_EQ(delegate_to(pd, crd(CRD_OBJ, SEL_EC, 0, 0), first + i), SUCCESS);
    }
    pass(&h, first);
    for (unsigned i = 0; i < 50; i++) {
        CHECK_EQ(hc_revoke(pd, crd(CRD_OBJ, first + i, 0, RIGHT_ALL), REVOKE_SELF), SUCCESS);
        CHECK_EQ(pass(&h, first + i + 1), crd(CRD_OBJ, first + i, 0, 0));
    }
    CHECK_EQ(pass(&h, first), 0); // nothing comes back: nobody waits for ever
    stop = true;
    for (unsigned i = 1; i < HIP->cpu_count; i++)
        thread_free(&t[i]);
    drop(pd);
}

const struct test smp_tests[] = {{"portals_belong_to_a_cpu", portals_belong_to_a_cpu, 2},
                                 {"semaphores_cross_cpus", semaphores_cross_cpus, 2},
                                 {"revoke_under_use_on_another_cpu", revoke_under_use, 2},
                                 {"churn_on_all_cpus", churn_on_all_cpus, 2},
                                 {"delegations_wait_for_memory", delegations_wait_for_memory, 1},
                                 {0}};
