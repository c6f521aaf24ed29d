// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Calls and replies: words, items, identities, registers.
#include "test/system/kernel/support.h"

static void words_travel(void)
{
    struct handler h = handler_new(SEL_PD, 0, entry_echo, 0);
    const unsigned lengths[] = {0, 1, 4, 5, 8, 64, UTCB_WORDS};
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
        unsigned n = lengths[i];
        word_t w[4] = {11, 22, 33, 44};
        head_t m = head(n, 0);
        for (unsigned k = 4; k < n; k++)
            ROOT_UTCB->words[k] = k * 1000 + n;
        for (unsigned k = 4; k < UTCB_WORDS; k++)
            h.utcb->words[k] = 7;
        CHECK_EQ(hc_call(h.pt, &m, w), SUCCESS);
        CHECK_EQ(m, head(n, 0));
        CHECK(w[0] == 11 && w[1] == 22 && w[2] == 33 && w[3] == 44);
        for (unsigned k = 4; k < n; k++)
            CHECK_EQ(h.utcb->words[k], k * 1000 + n);
        if (n < UTCB_WORDS)
            CHECK_EQ(h.utcb->words[n < 4 ? 4 : n], 7);
    }
    handler_free(&h);
}

__attribute__((naked)) static void entry_identity(void)
{
    __asm__ volatile("mov %rdi, %rdx\n\tmov $1, %esi\n\tmov $1, %eax\n\tsyscall");
}

static void identity_word(void)
{
    struct handler h = handler_new(SEL_PD, 0, entry_identity, 0x123456789abcdef0);
    word_t w[4] = {0};
    head_t m = 0;
    CHECK_EQ(hc_call(h.pt, &m, w), SUCCESS);
    CHECK_EQ(w[0], 0x123456789abcdef0);
    handler_free(&h);
}

static void kept_registers(void)
{
    struct handler h = handler_new(SEL_PD, 0, entry_null, 0);
    u64 out[6];
    __asm__ volatile(
        "mov $101, %%rbx; mov $103, %%r12; mov $104, %%r13; mov $105, %%r14; mov $106, %%r15\n\t"
        "xor %%eax, %%eax; xor %%esi, %%esi; syscall\n\t"
        "mov %%rbx, (%1); mov %%r12, 8(%1); mov %%r13, 16(%1); mov %%r14, 24(%1); mov %%r15, 32(%1)"
        : "+D"((u64){h.pt})
        : "r"((u64 *)out)
        : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
          "memory");
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(out[i], i ? 102 + i : 101);
    handler_free(&h);
}

// What the caller had in the registers that are kept for it is none of the handler's business.
__attribute__((naked)) static void entry_leak(void)
{
    __asm__ volatile("or %rbx, %rbp\n\tor %r12, %rbp\n\tor %r13, %rbp\n\tor %r14, %rbp\n\tor %r15, "
                     "%rbp\n\tor %rax, %rbp\n\t"
                     "mov %rbp, %rdx\n\tmov $1, %esi\n\tmov $1, %eax\n\tsyscall");
}

static void handler_sees_no_registers(void)
{
    struct handler h = handler_new(SEL_PD, 0, entry_leak, 0);
    u64 leaked = 1;
    for (unsigned i = 0; i < 2; i++) { // the first call takes the slow way, since print has used
                                       // ports; the second the fast one
        __asm__ volatile("mov $101, %%rbx; mov $103, %%r12; mov $104, %%r13; mov $105, %%r14; mov "
                         "$106, %%r15\n\t"
                         "xor %%eax, %%eax; xor %%esi, %%esi; syscall"
                         : "+D"((u64){h.pt}), "=d"(leaked)
                         :
                         : "rax", "rbx", "rcx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13",
                           "r14", "r15", "memory");
        CHECK_EQ(leaked, 0);
    }
    handler_free(&h);
}

static void delegated_capability_has_fewer_rights(void)
{
    struct handler h = handler_new(SEL_PD, 0, entry_null, 0);
    sel_t sm = sel_new(1), got = sel_new(1);
    head_t m = head(0, 1);
    word_t w[4] = {0};
    CHECK_EQ(hc_create_sm(sm, 0, SEL_PD), SUCCESS);
    h.utcb->window = crd(CRD_OBJ, got, 0, RIGHT_ALL);
    *utcb_item(ROOT_UTCB, 0) = item_delegate(crd(CRD_OBJ, sm, 0, SM_UP), 0, 0);
    CHECK_EQ(hc_call(h.pt, &m, w), SUCCESS);
    CHECK_EQ(utcb_item(h.utcb, 0)->crd, crd(CRD_OBJ, got, 0, SM_UP));
    CHECK_EQ(sm_up(got), SUCCESS);
    CHECK_EQ(sm_down(got, 1), ECAP);
    CHECK_EQ(sm_down(sm, 1), SUCCESS);
    // Rights do not come back by another delegation.
    sel_t again = sel_new(1);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, got, 0, RIGHT_ALL), again), SUCCESS);
    CHECK_EQ(sm_down(again, 1), ECAP);
    // Without a window nothing arrives.
    h.utcb->window = 0;
    m = head(0, 1);
    CHECK_EQ(hc_call(h.pt, &m, w), SUCCESS);
    CHECK_EQ(utcb_item(h.utcb, 0)->crd, 0);
    handler_free(&h);
}

static void translate_names_what_was_given(void)
{
    sel_t pd = twin_new(1 << 20, 1000);
    sel_t sm = sel_new(1), theirs = sel_new(1), other = sel_new(1);
    struct handler h = handler_new(SEL_PD, 0, entry_null, 0);
    CHECK_EQ(hc_create_sm(sm, 0, SEL_PD), SUCCESS);
    CHECK_EQ(hc_create_sm(other, 0, SEL_PD), SUCCESS);
    CHECK_EQ(delegate_to(pd, crd(CRD_OBJ, sm, 0, SM_UP), theirs), SUCCESS);
    // The root translates its own selectors to themselves; what was derived names the origin.
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, sm, 0, SM_UP), other + 100000), SUCCESS);
    h.utcb->translate = crd(CRD_OBJ, sm, 0, 0);
    *utcb_item(ROOT_UTCB, 0) = item_translate(crd(CRD_OBJ, other + 100000, 0, 0));
    *utcb_item(ROOT_UTCB, 1) = item_translate(crd(CRD_OBJ, other, 0, 0));
    head_t m = head(0, 2);
    word_t w[4] = {0};
    CHECK_EQ(hc_call(h.pt, &m, w), SUCCESS);
    CHECK_EQ(crd_base(utcb_item(h.utcb, 0)->crd), sm);
    CHECK_EQ(utcb_item(h.utcb, 1)->crd, 0); // outside the translate window
    handler_free(&h);
    drop(pd);
}

// Only the root program may name what is the kernel's; another domain's item is refused.
static struct handler thief;
static u64 thief_frame;
static void thief_body(void)
{
    *utcb_item(thief.utcb, 0) =
        item_delegate(crd(CRD_MEM, thief_frame, 0, RIGHT_ALL), 0, ITEM_KERNEL);
    __asm__ volatile("syscall" ::"a"(1), "S"(head(0, 1)));
    __builtin_unreachable();
}
__attribute__((naked)) static void entry_thief(void)
{
    __asm__ volatile("jmp %P0" ::"i"(thief_body));
}

static void kernel_items_are_the_roots_alone(void)
{
    sel_t pd = twin_new(1 << 20, 1000);
    u64 page = page_new(1);
    head_t m = 0;
    word_t w[4] = {0};
    thief_frame = frame_new(1);
    thief = handler_new(pd, 0, entry_thief, 0);
    ROOT_UTCB->window = crd(CRD_MEM, page, 0, RIGHT_ALL);
    CHECK_EQ(hc_call(thief.pt, &m, w), SUCCESS);
    ROOT_UTCB->window = 0;
    CHECK_EQ(m, head(0, 1));
    CHECK_EQ(crd_kind(utcb_item(ROOT_UTCB, 0)->crd), CRD_NULL);
    CHECK_EQ(hc_plain(HC_lookup, crd(CRD_MEM, page, 0, 0), 0, 0, 0, 0, 0), ECAP);
    handler_free(&thief);
    drop(pd);
}

const struct test ipc_tests[] = {
    {"words_travel_both_ways", words_travel, 1},
    {"portal_identity_word", identity_word, 1},
    {"call_keeps_registers", kept_registers, 1},
    {"handler_sees_no_foreign_registers", handler_sees_no_registers, 1},
    {"rights_only_shrink", delegated_capability_has_fewer_rights, 1},
    {"translate_names_the_origin", translate_names_what_was_given, 1},
    {"kernel_items_are_the_roots_alone", kernel_items_are_the_roots_alone, 1},
    {0}};
