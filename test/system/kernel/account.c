// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Kernel memory: every account that runs dry gives an error and loses nothing.
#include "test/system/kernel/support.h"

static void quota_moves(void)
{
    sel_t pd = sel_new(1);
    u64 value, root = read_kmem(SEL_PD);
    CHECK_EQ(hc_create_pd(pd, SEL_PD, 65536, 10), SUCCESS);
    CHECK_EQ(hc_raw(HC_pd_ctrl, pd, PD_READ_KMEM, 0, 0, 0, 0, &value), SUCCESS);
    CHECK_EQ(value >> 32, 65536 / 64);
    CHECK_EQ(hc_plain(HC_pd_ctrl, pd, PD_GIVE_KMEM, SEL_PD, 4096, 0, 0), SUCCESS);
    CHECK_EQ(hc_plain(HC_pd_ctrl, SEL_PD, PD_GIVE_KMEM, pd, 65536 + 64, 0, 0),
             EMEM); // its page table is in use
    CHECK_EQ(hc_plain(HC_pd_ctrl, SEL_PD, PD_GIVE_KMEM, pd, 32768, 0, 0), SUCCESS);
    CHECK_EQ(hc_raw(HC_pd_ctrl, pd, PD_READ_KMEM, 0, 0, 0, 0, &value), SUCCESS);
    CHECK_EQ(value >> 32, (65536 + 4096 - 32768) / 64);
    drop(pd);
    CHECK(kmem_falls_to(root));
}

// Slots move with their kernel memory, both or neither.
static void slots_are_traded_with_their_memory(void)
{
    sel_t pd = sel_new(1);
    u64 used, kmem, caps, kmem_after, caps_after;
    CHECK_EQ(hc_create_pd(pd, SEL_PD, 65536, 100), SUCCESS);
    CHECK_EQ(hc_pd_read(SEL_PD, PD_READ_KMEM, &used, &kmem), SUCCESS);
    CHECK_EQ(hc_pd_read(SEL_PD, PD_READ_CAPS, &used, &caps), SUCCESS);
    CHECK_EQ(hc_pd_trade(SEL_PD, pd, 101), EMEM);
    CHECK_EQ(hc_pd_trade(SEL_PD, pd, ~0ul), EMEM);
    CHECK_EQ(hc_pd_trade(SEL_PD, pd, 100), SUCCESS);
    CHECK_EQ(hc_pd_read(SEL_PD, PD_READ_KMEM, &used, &kmem_after), SUCCESS);
    CHECK_EQ(hc_pd_read(SEL_PD, PD_READ_CAPS, &used, &caps_after), SUCCESS);
    CHECK_EQ(kmem_after, kmem + 100 * CAP_KMEM);
    CHECK_EQ(caps_after, caps + 100);
    CHECK_EQ(hc_pd_trade(pd, SEL_PD, 60), SUCCESS);
    CHECK_EQ(hc_pd_read(pd, PD_READ_KMEM, &used, &kmem), SUCCESS);
    CHECK_EQ(hc_pd_give(SEL_PD, PD_GIVE_KMEM, pd, kmem - used - 59 * CAP_KMEM), SUCCESS);
    CHECK_EQ(hc_pd_trade(SEL_PD, pd, 60), EMEM); // the slots are there, their memory is not
    CHECK_EQ(hc_pd_read(pd, PD_READ_CAPS, &used, &caps_after), SUCCESS);
    CHECK_EQ(caps_after, 60);
    CHECK_EQ(used, 0);
    drop(pd);
}

static void capability_slots_run_out(void)
{
    sel_t pd = sel_new(1);
    CHECK_EQ(hc_create_pd(pd, SEL_PD, 1 << 18, 10), SUCCESS);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(delegate_to(pd, crd(CRD_OBJ, SEL_EC, 0, RIGHT_ALL), i), SUCCESS);
    u64 used = read_kmem(pd);
    CHECK_EQ(delegate_to(pd, crd(CRD_OBJ, SEL_EC, 0, RIGHT_ALL), 10), EMEM);
    CHECK_EQ(read_kmem(pd), used);
    CHECK_EQ(hc_revoke(pd, crd(CRD_OBJ, 3, 0, RIGHT_ALL), REVOKE_SELF), SUCCESS);
    CHECK_EQ(delegate_to(pd, crd(CRD_OBJ, SEL_EC, 0, RIGHT_ALL), 10), SUCCESS);
    drop(pd);
}

// What was left at least and lacked at most, once it is long over; what moves away counts as used,
// what moves back does not. The first 32 slots are not told apart.
static void peaks_are_kept(void)
{
    sel_t pd = sel_new(1), many = ALIGN_UP(sel_new(128), 64);
    u64 left, lacked, kmem_left, used, kmem;
    CHECK_EQ(hc_create_pd(pd, SEL_PD, 1 << 16, 100), SUCCESS);
    CHECK_EQ(hc_pd_peak(pd, PD_PEAK_CAPS, &left, &lacked), SUCCESS);
    CHECK(left == 68 && !lacked);
    for (unsigned i = 0; i < 50; i++)
        CHECK_EQ(delegate_to(pd, crd(CRD_OBJ, SEL_EC, 0, RIGHT_ALL), many + i), SUCCESS);
    CHECK_EQ(hc_pd_read(pd, PD_READ_KMEM, &used, &kmem), SUCCESS);
    hc_revoke(pd, crd(CRD_OBJ, many, 6, RIGHT_ALL), REVOKE_SELF);
    CHECK_EQ(hc_pd_peak(pd, PD_PEAK_KMEM, &kmem_left, &lacked), SUCCESS);
    CHECK(kmem_left <= kmem - used && kmem - used <= kmem_left + 1024 && !lacked);
    CHECK_EQ(hc_pd_peak(pd, PD_PEAK_CAPS, &left, &lacked), SUCCESS);
    CHECK(left == 50 && !lacked);
    CHECK_EQ(hc_pd_trade(SEL_PD, pd, 60), SUCCESS);
    CHECK_EQ(delegate_to(pd, crd(CRD_OBJ, SEL_EC, 0, RIGHT_ALL), many), SUCCESS);
    CHECK_EQ(hc_pd_trade(SEL_PD, pd, 45), EMEM); // 39 are left
    CHECK_EQ(hc_pd_trade(pd, SEL_PD, 60), SUCCESS);
    CHECK_EQ(hc_pd_peak(pd, PD_PEAK_CAPS, &left, &lacked), SUCCESS);
    CHECK(left == 39 && lacked == 6);
    CHECK_EQ(hc_pd_peak(pd, PD_PEAK_CAPS, &left, &lacked), SUCCESS);
    CHECK(left == 99 && !lacked);
    CHECK_EQ(hc_pd_peak(SEL_PD, PD_PEAK_CAPS, &left, &lacked), EPARAM); // nobody hides his own
    drop(pd);
}

static error_t step(unsigned kind, sel_t pd, sel_t sel, sel_t ec, u64 page)
{
    switch (kind) {
    case 0: return hc_create_pd(sel, pd, 4096, 0);
    case 1: return hc_create_ec(sel, page * PAGE_SIZE, 0, 0, 0, 0, pd);
    case 2: return hc_create_pt(sel, ec, 0, 0, pd);
    case 3: return hc_create_sm(sel, 0, pd);
    case 4: return delegate_to(pd, crd(CRD_MEM, IMAGE_BASE / PAGE_SIZE, 0, MEM_R), page);
    case 5: return delegate_to(pd, crd(CRD_OBJ, SEL_EC, 0, 0), sel);
    case 6: return delegate_to(pd, crd(CRD_IO, 0x3f8, 0, IO_RW), 0x3f8);
    default: return hc_create_sc(sel, ec, pd, 1, 0, 0, 0);
    }
}

// Every creation with an account of k × 64 bytes, for every k until it succeeds: each failure is
// EMEM and leaves the account as it was; each success gives everything back when the PD goes.
static void exhaustion_at_every_step(void)
{
    struct handler h = handler_new(SEL_PD, 0, entry_null, 0);
    sel_t global = sel_new(1);
    CHECK_EQ(hc_create_ec(global, page_new(1) * PAGE_SIZE, 0, 0, EC_GLOBAL, 0, SEL_PD), SUCCESS);
    // The pages of slots that the selectors below are in stay with the space: they are there before
    // the count begins.
    CHECK_EQ(hc_create_pd(global + 50000, SEL_PD, 4096, 0), SUCCESS);
    drop(global + 50000);
    u64 before = read_kmem(SEL_PD), caps = read_caps(SEL_PD);
    for (unsigned kind = 0; kind < 8; kind++) {
        bool done = false;
        for (u64 kmem = 4096; !done && kmem < 4096 * 12; kmem += 64) {
            sel_t pd = global + 50000, sel = pd + 1;
            CHECK_EQ(hc_create_pd(pd, SEL_PD, kmem, 100), SUCCESS);
            u64 used, after;
            hc_raw(HC_pd_ctrl, pd, PD_READ_KMEM, 0, 0, 0, 0, &used);
            error_t error = step(kind, pd, sel, kind == 7 ? global : h.ec, 0x123456);
            done = error == SUCCESS;
            if (!done)
                CHECK_EQ(error, EMEM);
            hc_raw(HC_pd_ctrl, pd, PD_READ_KMEM, 0, 0, 0, 0, &after);
            if (!done)
                CHECK_EQ(after, used);
            if (done)
                drop(sel);
            drop(pd);
        }
        CHECK(done);
    }
    CHECK(kmem_falls_to(before));
    CHECK(caps_fall_to(caps));
    drop(global);
    handler_free(&h);
}

static void repeat(word_t me)
{
    (void)me;
    for (;;)
        (void)!hc_call0(77);
}

// A PD full of threads, portals, semaphores, memory and a PD of its own, killed a hundred times.
static void killing_leaks_nothing(void)
{
    u64 before = 0, caps = 0;
    unsigned mark = stacks_mark();
    for (unsigned round = 0; round < 101; round++) {
        sel_t base = 0x30000;
        struct thread t;
        CHECK_EQ(hc_create_pd(base, SEL_PD, 1 << 19, 1000), SUCCESS);
        for (u64 page = IMAGE_BASE / PAGE_SIZE; page < IMAGE_BASE / PAGE_SIZE + 80; page++)
            delegate_to(base, crd(CRD_MEM, page, 0, RIGHT_ALL), page);
        CHECK_EQ(thread_start(&t, base, round % HIP->cpu_count, 5, repeat, 0), SUCCESS);
        CHECK_EQ(hc_create_sm(base + 1, 0, base), SUCCESS);
        CHECK_EQ(hc_create_pd(base + 2, base, 1 << 16, 10), SUCCESS);
        CHECK_EQ(delegate_to(base, crd(CRD_OBJ, base + 1, 0, RIGHT_ALL), 5), SUCCESS);
        CHECK_EQ(delegate_to(base, crd(CRD_OBJ, base + 2, 0, RIGHT_ALL), 6), SUCCESS);
        drop(base); // the whole domain, its thread running
        for (unsigned i = 1; i < 3; i++)
            drop(base + i);
        thread_free(&t);
        if (round % 16 == 0)
            read_kmem(SEL_PD); // lets other CPUs finish
        stacks_release(mark);
        if (round == 0) {
            before = read_kmem(SEL_PD);
            caps = read_caps(SEL_PD);
        }
    }
    // Slot pages stay with a space: a hundred rounds of fresh selectors take a few, which are
    // counted here.
    CHECK(kmem_falls_to(before + 10 * PAGE_SIZE / 64));
    CHECK(caps_fall_to(caps));
}

const struct test account_tests[] = {
    {"quota_moves", quota_moves, 1},
    {"slots_are_traded_with_their_memory", slots_are_traded_with_their_memory, 1},
    {"peaks_are_kept", peaks_are_kept, 1},
    {"capability_slots_run_out", capability_slots_run_out, 1},
    {"exhaustion_at_every_step", exhaustion_at_every_step, 1},
    {"killing_a_domain_leaks_nothing", killing_leaks_nothing, 1},
    {0}};
