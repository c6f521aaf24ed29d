// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Every hypercall with every kind of wrong argument: the code that comes back is the documented
// one, and nothing was created.
#include "test/system/kernel/support.h"

static sel_t sm, pt, ec, pd, weak, empty;

static void make(void)
{
    struct handler h = handler_new(SEL_PD, 0, entry_null, 0);
    ec = h.ec;
    pt = h.pt;
    sm = sel_new(1);
    pd = sel_new(1);
    weak = sel_new(8);
    empty = sel_new(1);
    CHECK_EQ(hc_create_sm(sm, 0, SEL_PD), SUCCESS);
    CHECK_EQ(hc_create_pd(pd, SEL_PD, 1 << 16, 100), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, pd, 0, 0), weak), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, ec, 0, 0), weak + 1), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, pt, 0, 0), weak + 2), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, sm, 0, 0), weak + 3), SUCCESS);
}

static void unknown_hypercall(void)
{
    for (u64 n = HC_COUNT; n < 300; n += 7)
        CHECK_EQ(hc_plain((enum hypercall)n, 0, 0, 0, 0, 0, 0), ESYS);
    CHECK_EQ(hc_plain((enum hypercall)(1u << 31), 0, 0, 0, 0, 0, 0), ESYS);
}

static void call_wrong(void)
{
    head_t h = 0;
    word_t w[4] = {0};
    make();
    const sel_t wrong[] = {empty, sm, ec, pd, weak + 2, SEL_LIMIT, SEL_LIMIT - 1, SEL_NONE};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        h = 0;
        CHECK_EQ(hc_call(wrong[i], &h, w), ECAP);
    }
    CHECK_EQ(hc_plain(HC_call, 1ul << 40 | pt, 0, 0, 0, 0, 0), ECAP);
    const head_t heads[] = {UTCB_WORDS + 1,      0xffff,    head(0, UTCB_ITEMS_MAX + 1),
                            head(UTCB_WORDS, 1), 1ul << 32, ~0ul};
    for (unsigned i = 0; i < ARRAY_SIZE(heads); i++) {
        h = heads[i];
        CHECK_EQ(hc_call(pt, &h, w), EPARAM);
    }
    h = head(UTCB_WORDS, 0);
    CHECK_EQ(hc_call(pt, &h, w), SUCCESS);
}

// A global thread has nobody to reply to.
static void reply_by_global_thread(void)
{
    CHECK_EQ(hc_plain(HC_reply, 0, 0, 0, 0, 0, 0), EPARAM);
}

static void create_wrong(void)
{
    make();
    sel_t s = sel_new(1);
    const sel_t bad_pd[] = {empty, sm, ec, pt, weak, SEL_LIMIT};
    for (unsigned i = 0; i < ARRAY_SIZE(bad_pd); i++) {
        CHECK_EQ(hc_create_pd(s, bad_pd[i], 0, 0), ECAP);
        CHECK_EQ(hc_create_ec(s, 0x10000000, 0, 0, 0, 0, bad_pd[i]), ECAP);
        CHECK_EQ(hc_create_sc(s, SEL_EC, bad_pd[i], 1, 0, 0, 0), ECAP);
        CHECK_EQ(hc_create_pt(s, ec, 0, 0, bad_pd[i]), ECAP);
        CHECK_EQ(hc_create_sm(s, 0, bad_pd[i]), ECAP);
    }
    // Who may make objects in a PD may not thereby take its quota out of it.
    const unsigned half[] = {PD_CREATE | PD_GRANT, PD_ACCOUNT};
    sel_t part = sel_new(1);
    for (unsigned i = 0; i < ARRAY_SIZE(half); i++) {
        CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, SEL_PD, 0, half[i]), part), SUCCESS);
        CHECK_EQ(hc_create_pd(s, part, 8192, 0), ECAP);
        drop(part);
    }
    const u64 occupied[] = {sm, SEL_PD};
    for (unsigned i = 0; i < ARRAY_SIZE(occupied); i++) {
        CHECK_EQ(hc_create_pd((sel_t)occupied[i], SEL_PD, 8192, 0), EBUSY);
        CHECK_EQ(hc_create_ec((sel_t)occupied[i], 0x10000000, 0, 0, 0, 0, SEL_PD), EBUSY);
        CHECK_EQ(hc_create_pt((sel_t)occupied[i], ec, 0, 0, SEL_PD), EBUSY);
        CHECK_EQ(hc_create_sm((sel_t)occupied[i], 0, SEL_PD), EBUSY);
    }
    const sel_t beyond[] = {SEL_LIMIT, SEL_NONE};
    for (unsigned i = 0; i < ARRAY_SIZE(beyond); i++) {
        CHECK_EQ(hc_create_pd(beyond[i], SEL_PD, 8192, 0), EPARAM);
        CHECK_EQ(hc_create_ec(beyond[i], 0x10000000, 0, 0, 0, 0, SEL_PD), EPARAM);
        CHECK_EQ(hc_create_pt(beyond[i], ec, 0, 0, SEL_PD), EPARAM);
        CHECK_EQ(hc_create_sm(beyond[i], 0, SEL_PD), EPARAM);
    }
    CHECK_EQ(hc_plain(HC_lookup, crd(CRD_OBJ, s, 0, 0), 0, 0, 0, 0, 0), ECAP);
}

static void create_ec_wrong(void)
{
    make();
    sel_t s = sel_new(1);
    CHECK_EQ(hc_create_ec(s, 0x10000001, 0, 0, 0, 0, SEL_PD), EPARAM);
    CHECK_EQ(hc_create_ec(s, 0, 0, 0, 0, 0, SEL_PD), EPARAM);
    CHECK_EQ(hc_create_ec(s, USER_END, 0, 0, 0, 0, SEL_PD), EPARAM);
    CHECK_EQ(hc_create_ec(s, 0xffff800000000000, 0, 0, 0, 0, SEL_PD), EPARAM);
    CHECK_EQ(hc_create_ec(s, 0x10000000, USER_END + 1, 0, 0, 0, SEL_PD), EPARAM);
    CHECK_EQ(hc_create_ec(s, 0x10000000, 0, 0, 0, SEL_LIMIT, SEL_PD), EPARAM);
    CHECK_EQ(hc_create_ec(s, 0x10000000, 0, HIP->cpu_count, 0, 0, SEL_PD), ECPU);
    CHECK_EQ(hc_create_ec(s, 0x10000000, 0, 0, 1u << 17, 0, SEL_PD), EPARAM);
    CHECK_EQ(hc_create_ec(s, UTCB_ADDR, 0, 0, 0, 0, SEL_PD), EBUSY);
    CHECK_EQ(hc_create_ec(s, IMAGE_BASE, 0, 0, 0, 0, SEL_PD), EBUSY);
}

static void create_sc_wrong(void)
{
    make();
    sel_t s = sel_new(1);
    CHECK_EQ(hc_create_sc(s, ec, SEL_PD, 1, 0, 0, 0), ECAP); // a local EC
    CHECK_EQ(hc_create_sc(s, weak + 1, SEL_PD, 1, 0, 0, 0), ECAP);
    CHECK_EQ(hc_create_sc(s, sm, SEL_PD, 1, 0, 0, 0), ECAP);
    CHECK_EQ(hc_create_sc(s, SEL_EC, SEL_PD, 1, 0, 0, 0), EBUSY); // has one
    CHECK_EQ(hc_plain(HC_create_sc, s, SEL_EC, SEL_PD, 0, 0, 0), EPARAM);
    CHECK_EQ(hc_plain(HC_create_sc, s, SEL_EC, SEL_PD, 256, 0, 0), EPARAM);
    CHECK_EQ(hc_plain(HC_create_sc, s, SEL_EC, SEL_PD, ~0ul, 0, 0), EPARAM);
    CHECK_EQ(hc_plain(HC_create_sc, s, SEL_EC, SEL_PD, 1, 2 | 1ul << 32, 0), EPARAM);
    // A global EC without one, but a capability that says nothing of SCs.
    sel_t global = sel_new(2);
    CHECK_EQ(hc_create_ec(global, page_new(1) * PAGE_SIZE, 0, 0, EC_GLOBAL, 0, SEL_PD), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, global, 0, RIGHT_ALL & ~EC_SC), global + 1), SUCCESS);
    CHECK_EQ(hc_create_sc(s, global + 1, SEL_PD, 1, 0, 0, 0), ECAP);
    drop(global);
}

// Who made a domain can tell which of its own a thread is in; that others cannot is core-test's.
static void domain_of_a_thread(void)
{
    make();
    u64 found = 0;
    sel_t pd = sel_new(4);
    CHECK_EQ(hc_create_pd(pd, SEL_PD, 1 << 16, 10), SUCCESS);
    CHECK_EQ(hc_create_ec(pd + 1, 0x10000000, 0, 0, 0, 0, pd), SUCCESS);
    CHECK_EQ(hc_ec_pd(pd + 1, &found), SUCCESS);
    CHECK_EQ(found, pd);
    CHECK_EQ(hc_ec_pd(ec, &found), SUCCESS);
    CHECK_EQ(found, SEL_PD);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, pd + 1, 0, EC_SC), pd + 2), SUCCESS);
    CHECK_EQ(hc_ec_pd(pd + 2, &found), SUCCESS);
    CHECK_EQ(found, pd);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, pd + 1, 0, EC_CTRL), pd + 3), SUCCESS);
    CHECK_EQ(hc_ec_pd(pd + 3, &found), ECAP);
    CHECK_EQ(hc_ec_pd(sm, &found), ECAP);
    drop(pd);
    CHECK_EQ(hc_ec_pd(pd + 1, &found), ECAP); // its domain is no more
    drop(pd + 1);
}

static void create_pt_wrong(void)
{
    make();
    sel_t s = sel_new(1);
    CHECK_EQ(hc_create_pt(s, SEL_EC, 0, 0, SEL_PD), ECAP); // a global EC
    CHECK_EQ(hc_create_pt(s, weak + 1, 0, 0, SEL_PD), ECAP);
    CHECK_EQ(hc_create_pt(s, sm, 0, 0, SEL_PD), ECAP);
    CHECK_EQ(hc_create_pt(s, ec, USER_END, 0, SEL_PD), EPARAM);
    CHECK_EQ(hc_create_pt(s, ec, ~0ul, 0, SEL_PD), EPARAM);
    CHECK_EQ(hc_create_pt(s, ec, 0, MTD_ALL + 1, SEL_PD), EPARAM);
}

static void revoke_wrong(void)
{
    make();
    CHECK_EQ(hc_revoke(empty, crd(CRD_OBJ, sm, 0, 31), REVOKE_SELF), ECAP);
    CHECK_EQ(hc_revoke(weak, crd(CRD_OBJ, sm, 0, 31), REVOKE_SELF), ECAP);
    CHECK_EQ(hc_revoke(SEL_PD, 0, REVOKE_SELF), EPARAM);
    CHECK_EQ(hc_revoke(SEL_PD, crd(CRD_OBJ, sm, 0, 31), 2), EPARAM);
    CHECK_EQ(hc_revoke(SEL_PD, crd(CRD_OBJ, 1, 3, 31), 0), EPARAM);
    CHECK_EQ(hc_revoke(SEL_PD, crd(CRD_OBJ, SEL_LIMIT, 0, 31), REVOKE_SELF), EPARAM);
    CHECK_EQ(hc_revoke(SEL_PD, crd(CRD_OBJ, empty, 0, 31), REVOKE_SELF), SUCCESS);
    CHECK_EQ(hc_revoke(SEL_PD, crd(CRD_MEM, 0x700000, 4, 31), REVOKE_SELF), SUCCESS);
    CHECK_EQ(sm_up(sm), SUCCESS);
}

// A range that goes on beyond the last selector ends with it.
static void revoke_beyond_the_last_selector(void)
{
    sel_t target = sel_new(1);
    u64 found;
    make();
    CHECK_EQ(hc_create_pd(target, SEL_PD, 1 << 18, 10), SUCCESS);
    CHECK_EQ(delegate_to(target, crd(CRD_OBJ, sm, 0, RIGHT_ALL), 0), SUCCESS);
    CHECK_EQ(delegate_to(target, crd(CRD_OBJ, sm, 0, RIGHT_ALL), SEL_LIMIT - 1), SUCCESS);
    CHECK_EQ(hc_revoke(target, crd(CRD_OBJ, 0, CRD_ORDER_MAX, RIGHT_ALL), REVOKE_SELF), SUCCESS);
    CHECK_EQ(hc_raw(HC_pd_ctrl, target, PD_READ_CAPS, 0, 0, 0, 0, &found), SUCCESS);
    CHECK_EQ(found & 0xffffffff, 0);
    CHECK_EQ(sm_up(sm), SUCCESS);
    drop(target);
}

static void delegate_wrong(void)
{
    make();
    *utcb_item(ROOT_UTCB, 0) = item_delegate(crd(CRD_OBJ, sm, 0, 31), sel_new(1), 0);
    CHECK_EQ(hc_plain(HC_delegate, empty, 1, 0, 0, 0, 0), ECAP);
    CHECK_EQ(hc_plain(HC_delegate, weak, 1, 0, 0, 0, 0), ECAP);
    CHECK_EQ(hc_plain(HC_delegate, SEL_PD, UTCB_ITEMS_MAX + 1, 0, 0, 0, 0), EPARAM);
    CHECK_EQ(hc_plain(HC_delegate, SEL_PD, ~0ul, 0, 0, 0, 0), EPARAM);
    CHECK_EQ(hc_plain(HC_delegate, SEL_PD, 1 | 2ul << DELEGATE_DONE_SHIFT, 0, 0, 0, 0), EPARAM);
    CHECK_EQ(hc_plain(HC_delegate, SEL_PD, 1 | 1ul << DELEGATE_DONE_SHIFT, 0, 0, 0, 0), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, 0, 0), EPARAM);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, empty, 0, 31), sel_new(1)), ECAP);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, sm, 0, 31), pt), EBUSY);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, sm, 0, 31), SEL_LIMIT), EPARAM);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, IMAGE_BASE / PAGE_SIZE, 0, 31), 0), EPARAM);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, IMAGE_BASE / PAGE_SIZE, 0, 31), USER_END / PAGE_SIZE),
             EPARAM);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, 0x600000, 0, 31), 0x600001), ECAP);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, UTCB_ADDR / PAGE_SIZE, 0, 31), 0x600001),
             EPARAM);       // a UTCB
    u64 page = page_new(2); // the same where there are page tables, on the short way
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, IMAGE_BASE / PAGE_SIZE, 0, 31), page), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, UTCB_ADDR / PAGE_SIZE, 0, 31), page + 1), EPARAM);
}

static void control_wrong(void)
{
    make();
    const sel_t wrong[] = {empty, weak + 1, SEL_LIMIT, SEL_NONE};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        CHECK_EQ(hc_plain(HC_ec_ctrl, wrong[i], EC_RESUME, 0, 0, 0, 0), ECAP);
        CHECK_EQ(hc_plain(HC_sc_ctrl, wrong[i], 0, 0, 0, 0, 0), ECAP);
        CHECK_EQ(hc_plain(HC_pt_ctrl, wrong[i], 0, 0, 0, 0, 0), ECAP);
        CHECK_EQ(hc_plain(HC_sm_ctrl, wrong[i], SM_OP_UP, 0, 0, 0, 0), ECAP);
        CHECK_EQ(hc_plain(HC_gsi_ctrl, wrong[i], GSI_BIND, 0, 0, 0, 0), ECAP);
        CHECK_EQ(hc_plain(HC_pd_ctrl, wrong[i], PD_READ_KMEM, 0, 0, 0, 0), ECAP);
    }
    CHECK_EQ(hc_plain(HC_pt_ctrl, weak + 2, 0, 0, 0, 0, 0), ECAP);
    CHECK_EQ(hc_plain(HC_sm_ctrl, weak + 3, SM_OP_UP, 0, 0, 0, 0), ECAP);
    CHECK_EQ(hc_plain(HC_sm_ctrl, weak + 3, SM_OP_DOWN, 0, 0, 0, 0), ECAP);
    CHECK_EQ(hc_plain(HC_ec_ctrl, ec, EC_MARK + 1, 0, 0, 0, 0), EPARAM);
    CHECK_EQ(hc_plain(HC_sm_ctrl, sm, SM_OP_BIND + 1, 0, 0, 0, 0), EPARAM);
    CHECK_EQ(hc_plain(HC_gsi_ctrl, sm, GSI_BIND, 0, 0, 0, 0), ECAP); // no interrupt's semaphore
    CHECK_EQ(hc_plain(HC_pd_ctrl, pd, PD_PEAK_CAPS + 1, 0, 0, 0, 0), EPARAM);
    CHECK_EQ(hc_plain(HC_pd_ctrl, pd, PD_GIVE_KMEM, empty, 1, 0, 0), ECAP);
    CHECK_EQ(hc_plain(HC_pd_ctrl, pd, PD_GIVE_KMEM, SEL_PD, ~0ul, 0, 0), EMEM);
    CHECK_EQ(hc_plain(HC_pd_ctrl, SEL_PD, PD_GIVE_CAPS, pd, 101, 0, 0), EMEM);
    CHECK_EQ(hc_plain(HC_lookup, 0, 0, 0, 0, 0, 0), EPARAM);
}

static void gsi_wrong(void)
{
    sel_t gsi = sel_new(1);
    CHECK_EQ(take_kernel(crd(CRD_OBJ, HIP->gsi_count, 0, 31), gsi, 0), ECAP);
    CHECK_EQ(take_kernel(crd(CRD_OBJ, 4, 0, 31), gsi, 0), SUCCESS);
    CHECK_EQ(hc_plain(HC_gsi_ctrl, gsi, GSI_RESET + 1, 0, 0, 0, 0), EPARAM);
    CHECK_EQ(hc_plain(HC_gsi_ctrl, gsi, GSI_BIND, HIP->cpu_count, 0, 0, 0), ECPU);
    CHECK_EQ(hc_plain(HC_gsi_ctrl, gsi, GSI_MASK, 0, 0, 0, 0), SUCCESS);
    drop(gsi);
}

static void kernel_memory_is_refused(void)
{
    for (unsigned i = 0; i < HIP->memory_count; i++) {
        if (HIP->memory[i].kind != HIP_MEM_KERNEL)
            continue;
        CHECK_EQ(take_kernel(crd(CRD_MEM, HIP->memory[i].base / PAGE_SIZE, 0, 31), page_new(1), 0),
                 ECAP);
    }
    CHECK_EQ(take_kernel(crd(CRD_MEM, 0x200, 0, 31), page_new(1), 0),
             ECAP);                                                    // the image's first page
    CHECK_EQ(take_kernel(crd(CRD_MEM, 0, 15, 31), 0x200000, 0), ECAP); // a range that contains it
}

const struct test arguments_tests[] = {
    {"unknown_hypercall_is_refused", unknown_hypercall, 1},
    {"call_wrong_arguments", call_wrong, 1},
    {"reply_by_global_thread_is_refused", reply_by_global_thread, 1},
    {"create_wrong_arguments", create_wrong, 1},
    {"create_ec_wrong_arguments", create_ec_wrong, 1},
    {"create_sc_wrong_arguments", create_sc_wrong, 1},
    {"threads_tell_their_domain", domain_of_a_thread, 1},
    {"create_pt_wrong_arguments", create_pt_wrong, 1},
    {"revoke_wrong_arguments", revoke_wrong, 1},
    {"revoke_ends_at_the_last_selector", revoke_beyond_the_last_selector, 1},
    {"delegate_wrong_arguments", delegate_wrong, 1},
    {"control_wrong_arguments", control_wrong, 1},
    {"gsi_wrong_arguments", gsi_wrong, 1},
    {"kernel_memory_is_refused", kernel_memory_is_refused, 1},
    {0}};
