// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Memory and port delegation, and its recursive undoing.
#include "test/system/kernel/support.h"

static bool mapped(u64 page)
{
    return hc_plain(HC_lookup, crd(CRD_MEM, page, 0, 0), 0, 0, 0, 0, 0) == SUCCESS;
}

static void mapping_is_the_same_memory(void)
{
    u64 frame = ALIGN_UP(frame_new(8), 4), a = ALIGN_UP(page_new(8), 4),
        b = ALIGN_UP(page_new(8), 4);
    CHECK_EQ(take_kernel(crd(CRD_MEM, frame, 2, RIGHT_ALL), a, 0), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, a, 2, MEM_R | MEM_W), b), SUCCESS);
    for (unsigned i = 0; i < 4; i++) {
        *(volatile u64 *)((a + i) * PAGE_SIZE) = 100 + i;
        CHECK_EQ(*(volatile u64 *)((b + i) * PAGE_SIZE), 100 + i);
    }
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, a, 0, MEM_R), b), EBUSY);
    CHECK_EQ(revoke_children(crd(CRD_MEM, a, 2, RIGHT_ALL)), SUCCESS);
    CHECK(!mapped(b) && !mapped(b + 3) && mapped(a));
}

static void revoke_reaches_grandchildren(void)
{
    u64 frame = frame_new(1), a = page_new(1), b = page_new(1), c = page_new(1), d = page_new(1);
    CHECK_EQ(take_kernel(crd(CRD_MEM, frame, 0, RIGHT_ALL), a, 0), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, a, 0, RIGHT_ALL), b), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, b, 0, RIGHT_ALL), c), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, c, 0, RIGHT_ALL), d), SUCCESS);
    CHECK_EQ(hc_revoke(SEL_PD, crd(CRD_MEM, b, 0, RIGHT_ALL), REVOKE_SELF), SUCCESS);
    CHECK(mapped(a) && !mapped(b) && !mapped(c) && !mapped(d));
    CHECK_EQ(hc_revoke(SEL_PD, crd(CRD_MEM, a, 0, RIGHT_ALL), REVOKE_SELF), SUCCESS);
    CHECK(!mapped(a));
}

// A range taken out of the middle leaves what is beside it, in the source and in what was derived
// from it.
static void revoke_cuts_ranges(void)
{
    u64 frame = ALIGN_UP(frame_new(32), 16), a = ALIGN_UP(page_new(32), 16),
        b = ALIGN_UP(page_new(32), 16);
    CHECK_EQ(take_kernel(crd(CRD_MEM, frame, 4, RIGHT_ALL), a, 0), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, a, 4, RIGHT_ALL), b), SUCCESS);
    for (unsigned i = 0; i < 16; i++)
        *(volatile u64 *)((a + i) * PAGE_SIZE) = i;
    CHECK_EQ(revoke_children(crd(CRD_MEM, a + 4, 2, RIGHT_ALL)), SUCCESS);
    for (unsigned i = 0; i < 16; i++) {
        CHECK_EQ(mapped(b + i), i < 4 || i >= 8);
        CHECK(mapped(a + i));
        if (i < 4 || i >= 8)
            CHECK_EQ(*(volatile u64 *)((b + i) * PAGE_SIZE), i);
    }
    CHECK_EQ(hc_revoke(SEL_PD, crd(CRD_MEM, a + 8, 3, RIGHT_ALL), REVOKE_SELF), SUCCESS);
    for (unsigned i = 0; i < 16; i++) {
        CHECK_EQ(mapped(a + i), i < 8);
        CHECK_EQ(mapped(b + i), i < 4);
    }
    CHECK_EQ(hc_revoke(SEL_PD, crd(CRD_MEM, a, 4, RIGHT_ALL), REVOKE_SELF), SUCCESS);
    CHECK(!mapped(b));
}

// What is mapped where something else was before is seen at once.
static void remapped_page_shows_its_new_frame(void)
{
    u64 first = frame_new(1), second = frame_new(1), a = page_new(1), b = page_new(1),
        there = page_new(2) + 1;
    CHECK_EQ(take_kernel(crd(CRD_MEM, first, 0, RIGHT_ALL), a, 0), SUCCESS);
    CHECK_EQ(take_kernel(crd(CRD_MEM, second, 0, RIGHT_ALL), b, 0), SUCCESS);
    *(volatile u64 *)(a * PAGE_SIZE) = 1;
    *(volatile u64 *)(b * PAGE_SIZE) = 2;
    for (unsigned i = 0; i < 10; i++) {
        CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, i % 2 ? a : b, 0, RIGHT_ALL), there), SUCCESS);
        CHECK_EQ(*(volatile u64 *)(there * PAGE_SIZE), i % 2 ? 1 : 2);
        CHECK_EQ(hc_revoke(SEL_PD, crd(CRD_MEM, there, 0, RIGHT_ALL), REVOKE_SELF), SUCCESS);
    }
}

static void superpages_split(void)
{
    u64 frame = ALIGN_UP(frame_new(1024), 512), a = ALIGN_UP(page_new(1024), 512);
    u64 before = read_kmem(SEL_PD);
    CHECK_EQ(take_kernel(crd(CRD_MEM, frame, 9, RIGHT_ALL), a, 0), SUCCESS);
    for (unsigned i = 0; i < 512; i += 37)
        *(volatile u64 *)((a + i) * PAGE_SIZE) = i;
    CHECK_EQ(hc_revoke(SEL_PD, crd(CRD_MEM, a + 256, 0, RIGHT_ALL), REVOKE_SELF), SUCCESS);
    for (unsigned i = 0; i < 512; i += 37)
        CHECK_EQ(*(volatile u64 *)((a + i) * PAGE_SIZE), i);
    CHECK(!mapped(a + 256) && mapped(a + 255) && mapped(a + 257));
    CHECK_EQ(hc_revoke(SEL_PD, crd(CRD_MEM, a, 9, RIGHT_ALL), REVOKE_SELF), SUCCESS);
    CHECK(kmem_falls_to(before));
}

static volatile u64 faulted;
static struct handler watcher;
static void watcher_body(word_t address, word_t error)
{
    faulted = address | (error & 31) << 60;
    utcb_exc(watcher.utcb)->rip += 3; // mov %rsi,(%rdi), or mov (%rdi),%rsi: three bytes
    __asm__ volatile("syscall" ::"a"(1), "S"(head(EXC_WORDS, 0)), "d"(MTD_RIP));
    __builtin_unreachable();
}
__attribute__((naked)) static void entry_watcher(void)
{
    __asm__ volatile("mov %%r8, %%rdi\n\tmov %%r9, %%rsi\n\tjmp %P0" ::"i"(watcher_body));
}
static void store(word_t address)
{
    __asm__ volatile("mov %%rsi, (%%rdi)" ::"D"(address), "S"(1ul) : "memory");
}
static void load(word_t address)
{
    word_t v = 0;
    __asm__ volatile("mov (%%rdi), %%rsi" : "+S"(v) : "D"(address) : "memory");
}
static void jump(word_t address)
{
    ((void (*)(void))address)();
}

static u64 try_access(void (*how)(word_t), u64 address)
{
    struct thread t;
    faulted = 0;
    watcher = handler_new(SEL_PD, 0, entry_watcher, 0);
    thread_start(&t, SEL_PD, 0, 100, how, address);
    delegate_to(SEL_PD, crd(CRD_OBJ, watcher.pt, 0, RIGHT_ALL), t.exc_base + EXC_PAGE_FAULT);
    // A jump never comes back: it faults on and on.
    for (unsigned i = 0; i < 10000 && thread_join(&t, 3000) && !faulted; i++)
        ;
    thread_free(&t);
    handler_free(&watcher);
    return faulted & ~(15ul << 60);
}

static void rights_are_enforced(void)
{
    u64 frame = frame_new(1), a = page_new(1), ro = page_new(1), again = page_new(1), found;
    CHECK_EQ(take_kernel(crd(CRD_MEM, frame, 0, RIGHT_ALL), a, 0), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, a, 0, MEM_R), ro), SUCCESS);
    *(volatile u8 *)(a * PAGE_SIZE) = 0xc3; // ret
    CHECK_EQ(try_access(store, a * PAGE_SIZE + 8), 0);
    CHECK_EQ(try_access(load, ro * PAGE_SIZE), 0);
    CHECK_EQ(try_access(store, ro * PAGE_SIZE), ro * PAGE_SIZE);
    // What a mapping does not have, no further delegation brings back.
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_MEM, ro, 0, RIGHT_ALL), again), SUCCESS);
    CHECK_EQ(try_access(load, again * PAGE_SIZE), 0);
    CHECK_EQ(try_access(store, again * PAGE_SIZE), again * PAGE_SIZE);
    CHECK_EQ(hc_raw(HC_lookup, crd(CRD_MEM, again, 0, 0), 0, 0, 0, 0, 0, &found), SUCCESS);
    CHECK_EQ(crd_rights(found), MEM_R);
    if (HIP->features & HIP_NX)
        CHECK(try_access(jump, ro * PAGE_SIZE) != 0);
    CHECK(try_access(load, 0xffffffff80200000) != 0);
    CHECK(try_access(load, 0xffff800000200000) != 0);
}

static volatile u64 in_value;
static void port_in(word_t port)
{
    u8 v;
    __asm__ volatile("inb %w1, %b0" : "=a"(v) : "d"(port));
    in_value = 0x100u | v;
}

static void ports_are_delegated(void)
{
    sel_t pd = twin_new(1 << 20, 1000);
    struct thread t;
    in_value = 0;
    CHECK_EQ(thread_start(&t, pd, 0, 100, port_in, 0x3fd), SUCCESS);
    CHECK_EQ(thread_join(&t, 3000), ETIMEOUT); // #GP without a handler
    thread_free(&t);
    CHECK_EQ(in_value, 0);
    CHECK_EQ(delegate_to(pd, crd(CRD_IO, 0x3f8, 3, IO_RW), 0x3f8), SUCCESS);
    CHECK_EQ(thread_start(&t, pd, 0, 100, port_in, 0x3fd), SUCCESS);
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    CHECK(in_value & 0x100);
    thread_free(&t);
    in_value = 0;
    CHECK_EQ(hc_revoke(pd, crd(CRD_IO, 0x3f8, 3, IO_RW), REVOKE_SELF), SUCCESS);
    CHECK_EQ(thread_start(&t, pd, 0, 100, port_in, 0x3fd), SUCCESS);
    CHECK_EQ(thread_join(&t, 3000), ETIMEOUT);
    CHECK_EQ(in_value, 0);
    thread_free(&t);
    drop(pd);
}

// However the capabilities of an object were passed on, they go with it: in a chain, to many, or to
// many and further.
static void revoke_reaches_all_capabilities(void)
{
    enum { COPIES = 8 };
    for (unsigned children = 0; children < COPIES; children++) {
        for (unsigned depth = 1; depth < 3; depth++) {
            sel_t sm = sel_new(1), copy = sel_new(COPIES * 2);
            CHECK_EQ(hc_create_sm(sm, 0, SEL_PD), SUCCESS);
            for (unsigned i = 0; i < children; i++) {
                CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, sm, 0, RIGHT_ALL), copy + i), SUCCESS);
                if (depth > 1)
                    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, copy + i, 0, RIGHT_ALL),
                                         copy + COPIES + i),
                             SUCCESS);
            }
            CHECK_EQ(hc_plain(HC_revoke, SEL_PD, crd(CRD_OBJ, sm, 0, 31), REVOKE_SELF, 0, 0, 0),
                     SUCCESS);
            CHECK_EQ(sm_up(sm), ECAP);
            for (unsigned i = 0; i < COPIES * 2; i++)
                CHECK_EQ(sm_up(copy + i), ECAP);
        }
    }
}

static error_t give_life(sel_t from, sel_t to, u64 life)
{
    *utcb_item(ROOT_UTCB, 0) = item_delegate_life(crd(CRD_OBJ, from, 0, 0), to, (u32)life);
    return (error_t)hc_plain(HC_delegate, SEL_PD, 1, 0, 0, 0, 0);
}

static bool is_there(sel_t sel)
{
    u64 found;
    return !hc_raw(HC_lookup, crd(CRD_OBJ, sel, 0, 0), 0, 0, 0, 0, 0, &found);
}

// What means one life of a semaphore or a portal is given in that life only; what had been given in
// it is taken back without the object itself.
static void delegations_mean_one_life(void)
{
    struct handler h = handler_new(SEL_PD, 0, entry_null, 77);
    sel_t sm = sel_new(1), copy = sel_new(4);
    u64 life = 5ul << 32 | 7;
    CHECK_EQ(hc_create_sm(sm, life, SEL_PD), SUCCESS);
    CHECK_EQ(give_life(sm, copy, 6), ECAP);
    CHECK_EQ(give_life(sm, copy, 7), SUCCESS);
    CHECK_EQ(give_life(copy, copy + 1, 7), SUCCESS);
    CHECK_EQ(sm_up(sm), SUCCESS);
    CHECK_EQ(revoke_children(crd(CRD_OBJ, sm, 0, RIGHT_ALL)), SUCCESS);
    CHECK(!is_there(copy) && !is_there(copy + 1) && is_there(sm));
    CHECK_EQ(give_life(sm, copy, 7), ECAP);
    CHECK(!is_there(copy));
    CHECK_EQ(give_life(sm, copy, 8), SUCCESS);
    CHECK_EQ(give_life(copy, copy + 1, 7), ECAP);
    CHECK_EQ(give_life(sm, copy + 1, 0), SUCCESS); // any
    CHECK_EQ(give_life(h.pt, copy + 2, 1), ECAP);
    CHECK_EQ(hc_pt_ctrl(h.pt, 3ul << 32 | 77), SUCCESS);
    CHECK_EQ(give_life(h.pt, copy + 2, 77), ECAP);
    CHECK_EQ(give_life(h.pt, copy + 2, 3), SUCCESS);
    CHECK_EQ(give_life(h.ec, copy + 3, 3), ECAP); // has none
    CHECK_EQ(give_life(h.ec, copy + 3, 0), SUCCESS);
    drop(sm);
    CHECK(!is_there(copy) && !is_there(copy + 1));
    handler_free(&h);
}

static void lookup_tells_ranges(void)
{
    u64 frame = ALIGN_UP(frame_new(16), 8), a = ALIGN_UP(page_new(16), 8), found;
    CHECK_EQ(take_kernel(crd(CRD_MEM, frame, 3, RIGHT_ALL), a, 0), SUCCESS);
    CHECK_EQ(hc_raw(HC_lookup, crd(CRD_MEM, a + 5, 0, 0), 0, 0, 0, 0, 0, &found), SUCCESS);
    CHECK_EQ(crd_base(found), a);
    CHECK_EQ(crd_order(found), 3);
    CHECK_EQ(hc_raw(HC_lookup, crd(CRD_OBJ, SEL_PD, 0, 0), 0, 0, 0, 0, 0, &found), SUCCESS);
    CHECK_EQ(found, crd(CRD_OBJ, SEL_PD, 0, RIGHT_ALL));
}

const struct test memory_tests[] = {
    {"mapping_is_the_same_memory", mapping_is_the_same_memory, 1},
    {"revoke_reaches_grandchildren", revoke_reaches_grandchildren, 1},
    {"revoke_cuts_ranges", revoke_cuts_ranges, 1},
    {"remapped_page_shows_its_new_frame", remapped_page_shows_its_new_frame, 1},
    {"superpages_split_and_come_back", superpages_split, 1},
    {"memory_rights_are_enforced", rights_are_enforced, 1},
    {"ports_are_delegated_and_revoked", ports_are_delegated, 1},
    {"revoke_reaches_all_capabilities", revoke_reaches_all_capabilities, 1},
    {"delegations_mean_one_life", delegations_mean_one_life, 1},
    {"lookup_tells_ranges", lookup_tells_ranges, 1},
    {0}};
