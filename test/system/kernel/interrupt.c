// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Interrupts of the HPET, edge, level and message-signalled: each arrives once an unmasking, and
// none when the interrupt has changed hands.
#include "test/system/hpet.h"
#include "test/system/kernel/support.h"

enum { PERIOD_US = 100, SOON_US = WAIT_US, QUIET_US = 5000 };

static volatile void *hpet;
static sel_t gsi;
static u64 page;

static bool take(u64 number)
{
    gsi = sel_new(3);
    page = page_new(1);
    hpet = (volatile void *)(page * PAGE_SIZE);
    return !take_kernel(crd(CRD_OBJ, number, 0, RIGHT_ALL), gsi, 0) &&
           !take_kernel(crd(CRD_MEM, HPET_BASE / PAGE_SIZE, 0, MEM_R | MEM_W), page, ITEM_UNCACHED);
}

static void leave(void)
{
    hpet_stop(hpet);
    (void)!hc_plain(HC_gsi_ctrl, gsi, GSI_RESET, 0, 0, 0, 0);
    drop(gsi);
    (void)!hc_plain(HC_revoke, SEL_PD, crd(CRD_MEM, page, 0, RIGHT_ALL), REVOKE_SELF, 0, 0, 0);
}

static error_t control(enum gsi_op operation)
{
    return hc_plain(HC_gsi_ctrl, gsi, operation, HIP->cpu_count - 1, 0, 0, 0);
}

static error_t arrives(u64 us)
{
    return sm_down(gsi, tsc() + tsc_us(us));
}

// While the device goes on all the time, each unmasking lets one interrupt through.
static void one_each_time(void)
{
    CHECK_EQ(arrives(QUIET_US), ETIMEOUT);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQ(control(GSI_UNMASK), SUCCESS);
        CHECK_EQ(arrives(SOON_US), SUCCESS);
        if (i < 3)
            CHECK_EQ(arrives(QUIET_US), ETIMEOUT);
    }
}

static void edges(void)
{
    CHECK(take(HPET_GSI));
    CHECK_EQ(control(GSI_BIND), SUCCESS);
    hpet_start(hpet, HPET_PERIODIC, PERIOD_US, 0);
    one_each_time();
    CHECK_EQ(control(GSI_UNMASK), SUCCESS);
    CHECK_EQ(control(GSI_MASK), SUCCESS);
    settle();         // its CPU has taken what was under way
    (void)arrives(1); // one may have come before
    CHECK_EQ(arrives(QUIET_US), ETIMEOUT);
    leave();
}

static void levels(void)
{
    CHECK(take(HPET_GSI));
    CHECK_EQ(control(GSI_BIND_LEVEL), SUCCESS);
    hpet_start(hpet, HPET_LEVEL, PERIOD_US, 0);
    one_each_time(); // it stays up until the device is told
    hpet_acknowledge(hpet);
    CHECK_EQ(control(GSI_UNMASK), SUCCESS);
    CHECK_EQ(arrives(QUIET_US), ETIMEOUT);
    leave();
}

static void messages(void)
{
    u64 msi, none;
    CHECK(HIP->msi_first < HIP->gsi_count);
    CHECK(take(HIP->gsi_count - 1));
    CHECK_EQ(hc_gsi_ctrl(gsi, GSI_BIND, HIP->cpu_count - 1, &msi), SUCCESS);
    CHECK_EQ((u32)msi & 0xfff00000u, HPET_BASE + 0x100000); // the local APICs
    hpet_start(hpet, HPET_PERIODIC | HPET_MESSAGES, PERIOD_US, msi);
    one_each_time();
    CHECK_EQ(arrives(QUIET_US), ETIMEOUT);
    // What comes while it is masked is kept, once. On a busy host nothing may come for a while.
    unsigned kept = 0;
    for (unsigned tries = 0; tries < 100 && !kept; tries++) {
        hpet_stop(hpet);
        settle(); // its CPU has taken what was under way
        while (kept < 5 && !control(GSI_UNMASK) && !arrives(QUIET_US))
            kept++;
        CHECK_EQ(control(GSI_MASK), SUCCESS);
        hpet_start(hpet, HPET_PERIODIC | HPET_MESSAGES, PERIOD_US, msi);
        rest(QUIET_US);
    }
    hpet_stop(hpet);
    CHECK_EQ(kept, 1);
    CHECK_EQ(hc_gsi_ctrl(gsi, GSI_MASK, 0, &none), SUCCESS);
    CHECK_EQ(none, 0);
    leave();
}

static volatile u64 ended;
static void wait_for_it(word_t unused)
{
    (void)unused;
    ended = 1000 + sm_down(gsi, 0);
}

// The next owner's interrupt is nobody else's.
static void reset(void)
{
    struct thread t;
    u64 value;
    CHECK(take(HPET_GSI));
    ended = 0;
    CHECK_EQ(control(GSI_BIND), SUCCESS);
    CHECK_EQ(thread_start(&t, SEL_PD, HIP->cpu_count - 1, 100, wait_for_it, 0), SUCCESS);
    settle();
    CHECK_EQ(control(GSI_RESET), SUCCESS);
    CHECK_EQ(thread_join(&t, SOON_US), SUCCESS);
    CHECK_EQ(ended, 1000 + EABORT);
    thread_free(&t);
    // Bound to a receiver, it signals; reset, it does so no more, and is a semaphore again.
    CHECK_EQ(hc_create_sm(gsi + 1, 0, SEL_PD), SUCCESS);
    CHECK_EQ(hc_sm_bind(gsi, gsi + 1, 77), SUCCESS);
    hpet_start(hpet, HPET_PERIODIC, PERIOD_US, 0);
    CHECK_EQ(control(GSI_UNMASK), SUCCESS);
    CHECK_EQ(hc_sm_wait(gsi + 1, tsc() + tsc_us(SOON_US), &value), SUCCESS);
    CHECK_EQ(value, 77 | 1ul << 32);
    CHECK_EQ(hc_sm_wait(gsi + 1, tsc() + tsc_us(QUIET_US), &value), ETIMEOUT);
    CHECK_EQ(arrives(0), EPARAM);
    CHECK_EQ(control(GSI_UNMASK), SUCCESS);
    rest(QUIET_US); // counted at the receiver
    CHECK_EQ(control(GSI_RESET), SUCCESS);
    CHECK_EQ(control(GSI_BIND), SUCCESS);
    CHECK_EQ(arrives(QUIET_US), ETIMEOUT);
    CHECK_EQ(control(GSI_UNMASK), SUCCESS);
    CHECK_EQ(arrives(SOON_US), SUCCESS);
    CHECK_EQ(hc_sm_wait(gsi + 1, tsc() + tsc_us(QUIET_US), &value), ETIMEOUT);
    drop(gsi + 1);
    leave();
}

static void controllers_are_the_kernels(void)
{
    enum { IO_APIC = 0xfec00, LOCAL_APIC = 0xfee00 };
    CHECK_EQ(take_kernel(crd(CRD_MEM, IO_APIC, 0, MEM_R), page_new(1), ITEM_UNCACHED), ECAP);
    CHECK_EQ(take_kernel(crd(CRD_MEM, LOCAL_APIC, 0, MEM_R), page_new(1), ITEM_UNCACHED), ECAP);
}

const struct test interrupt_tests[] = {
    {"edges_arrive_once_an_unmasking", edges, 1},
    {"levels_arrive_once_an_unmasking", levels, 1},
    {"messages_arrive_once_an_unmasking", messages, 1},
    {"interrupts_change_hands", reset, 1},
    {"interrupt_controllers_are_refused", controllers_are_the_kernels, 1},
    {0}};
