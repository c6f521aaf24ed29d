// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Calls and replies: words, items, death of either side, exceptions.
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

static void caller_of_a_dying_handler_is_aborted(void)
{
    struct thread t;
    blocker = sel_new(1);
    CHECK_EQ(hc_create_sm(blocker, 0, SEL_PD), SUCCESS);
    victim = handler_new(SEL_PD, 0, entry_block, 0);
    call_error = 99;
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 100, call_victim, 0), SUCCESS);
    settle();
    CHECK_EQ(call_error, 99);
    drop(victim.ec);
    CHECK_EQ(thread_join(&t, 5000000), SUCCESS);
    CHECK_EQ(call_error, EABORT);
    thread_free(&t);
}

static void handler_survives_its_caller(void)
{
    struct thread t;
    blocker = sel_new(1);
    CHECK_EQ(hc_create_sm(blocker, 0, SEL_PD), SUCCESS);
    victim = handler_new(SEL_PD, 0, entry_block, 0);
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 100, call_victim, 0), SUCCESS);
    settle();
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
        CHECK_EQ(sm_down(blocker + 2, tsc() + tsc_us(5000000)), SUCCESS);
        settle();
        if (way == 3) {
            CHECK_EQ(thread_join(&t, 5000000), SUCCESS);
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
    CHECK_EQ(thread_join(&t, 5000000), SUCCESS);
    CHECK_EQ(call_error, EABORT);
    thread_free(&t);
    handler_free(&victim);
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

static void semaphore_wait_is_aborted(void)
{
    struct thread t;
    blocker = sel_new(1);
    CHECK_EQ(hc_create_sm(blocker, 0, SEL_PD), SUCCESS);
    victim = handler_new(SEL_PD, 0, entry_block, 0);
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 100, call_victim, 0), SUCCESS);
    settle();
    drop(blocker); // the handler's wait ends, it replies
    CHECK_EQ(thread_join(&t, 5000000), SUCCESS);
    CHECK_EQ(call_error, SUCCESS);
    thread_free(&t);
    handler_free(&victim);
}

// Exceptions: the handler is a page-fault portal that maps the page while it replies.
static struct handler pager;
static u64 fault_page, fault_seen, fault_from;

static void pager_body(word_t vector, word_t address)
{
    fault_seen = address;
    fault_from = vector;
    *utcb_item(pager.utcb, 0) =
        item_delegate(crd(CRD_MEM, fault_page, 0, MEM_R | MEM_W), address / PAGE_SIZE, 0);
    __asm__ volatile("syscall" ::"a"(1), "S"(head(EXC_WORDS, 1)), "d"(0));
    __builtin_unreachable();
}

__attribute__((naked)) static void entry_pager(void)
{
    __asm__ volatile("mov %%rdx, %%rdi\n\tmov %%r8, %%rsi\n\tjmp %P0" ::"i"(pager_body));
}

static void touch(word_t address)
{
    *(volatile u64 *)address = 4711;
}

static void page_fault_is_resolved(void)
{
    struct thread t;
    u64 frame = frame_new(1), address = page_new(2) * PAGE_SIZE;
    fault_page = page_new(1);
    pager = handler_new(SEL_PD, 0, entry_pager, 0);
    CHECK_EQ(take_kernel(crd(CRD_MEM, frame, 0, RIGHT_ALL), fault_page, 0), SUCCESS);
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 100, touch, address + 8), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, pager.pt, 0, RIGHT_ALL), t.exc_base + EXC_PAGE_FAULT),
             SUCCESS);
    CHECK_EQ(thread_join(&t, 5000000), SUCCESS);
    CHECK_EQ(fault_seen, address + 8);
    CHECK_EQ(fault_from, EXC_PAGE_FAULT);
    CHECK_EQ(*(volatile u64 *)(fault_page * PAGE_SIZE + 8), 4711);
    thread_free(&t);
    handler_free(&pager);
}

// A reply to an exception may set any instruction pointer: one that is no user address becomes 0.
static struct handler misleader;
static u64 misleading_rip;
static void mislead_body(void)
{
    utcb_exc(misleader.utcb)->rip = misleading_rip;
    __asm__ volatile("syscall" ::"a"(1), "S"(head(EXC_WORDS, 0)), "d"(MTD_RIP));
    __builtin_unreachable();
}
__attribute__((naked)) static void entry_mislead(void)
{
    __asm__ volatile("jmp %P0" ::"i"(mislead_body));
}
static void witness_body(word_t address)
{
    fault_seen = address;
    __asm__ volatile("syscall" ::"a"(1), "S"(head(EXC_WORDS, 0)),
                     "d"(0)); // it faults again: once seen is enough
    __builtin_unreachable();
}
__attribute__((naked)) static void entry_witness(void)
{
    __asm__ volatile("mov %%r8, %%rdi\n\tjmp %P0" ::"i"(witness_body));
}

static void wild_instruction_pointers_become_zero(void)
{
    const u64 wild[] = {USER_END, 1ul << 63, 0xffffffff80200000, 0xffff800000000000, ~0ul};
    for (unsigned i = 0; i < ARRAY_SIZE(wild); i++) {
        sel_t base = sel_new(EXC_COUNT), ec = sel_new(1), sc = sel_new(1);
        struct handler witness = handler_new(SEL_PD, 0, entry_witness, 0);
        misleader = handler_new(SEL_PD, 0, entry_mislead, 0);
        misleading_rip = wild[i];
        fault_seen = 1;
        CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, misleader.pt, 0, RIGHT_ALL), base + EXC_STARTUP),
                 SUCCESS);
        CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, witness.pt, 0, RIGHT_ALL), base + EXC_PAGE_FAULT),
                 SUCCESS);
        CHECK_EQ(hc_create_ec(ec, page_new(1) * PAGE_SIZE, 0, 0, EC_GLOBAL, base, SEL_PD), SUCCESS);
        CHECK_EQ(hc_create_sc(sc, ec, SEL_PD, 5, 0, 0, 0), SUCCESS);
        for (unsigned k = 0; k < 1000 && *(volatile u64 *)&fault_seen == 1; k++)
            rest(3000);
        drop(sc);
        drop(ec);
        CHECK_EQ(fault_seen, 0);
        handler_free(&misleader);
        handler_free(&witness);
    }
}

static void fault_without_handler_kills(void)
{
    struct thread t;
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 100, touch, 8), SUCCESS);
    CHECK_EQ(thread_join(&t, 5000), ETIMEOUT);
    thread_free(&t);
}

// The pager itself faults, and has a pager: faults nest.
static struct handler inner;
static u64 inner_seen;
static void nested_body(word_t vector, word_t address)
{
    *(volatile u64 *)(fault_page * PAGE_SIZE) = 1; // not mapped yet: a fault in the handler
    pager_body(vector, address);
}
__attribute__((naked)) static void entry_nested(void)
{
    __asm__ volatile("mov %%rdx, %%rdi\n\tmov %%r8, %%rsi\n\tjmp %P0" ::"i"(nested_body));
}
static void inner_body(word_t address)
{
    inner_seen = address;
    *utcb_item(inner.utcb, 0) =
        item_delegate(crd(CRD_MEM, fault_page + 1, 0, MEM_R | MEM_W), address / PAGE_SIZE, 0);
    __asm__ volatile("syscall" ::"a"(1), "S"(head(EXC_WORDS, 1)), "d"(0));
    __builtin_unreachable();
}
__attribute__((naked)) static void entry_inner(void)
{
    __asm__ volatile("mov %%r8, %%rdi\n\tjmp %P0" ::"i"(inner_body));
}

static void faults_nest(void)
{
    struct thread t;
    u64 address = page_new(2) * PAGE_SIZE;
    sel_t base = sel_new(EXC_COUNT);
    fault_page = page_new(2);
    CHECK_EQ(take_kernel(crd(CRD_MEM, frame_new(1), 0, RIGHT_ALL), fault_page + 1, 0), SUCCESS);
    inner = handler_new(SEL_PD, 0, entry_inner, 0);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, inner.pt, 0, RIGHT_ALL), base + EXC_PAGE_FAULT),
             SUCCESS);
    pager = (struct handler){sel_new(1), sel_new(1), (void *)(page_new(1) * PAGE_SIZE)};
    static char stack[8192];
    CHECK_EQ(hc_create_ec(pager.ec, (word_t)pager.utcb, (word_t)stack + sizeof(stack) - 8, 0, 0,
                          base, SEL_PD),
             SUCCESS);
    CHECK_EQ(hc_create_pt(pager.pt, pager.ec, (word_t)entry_nested, MTD_QUAL, SEL_PD), SUCCESS);
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 100, touch, address), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, pager.pt, 0, RIGHT_ALL), t.exc_base + EXC_PAGE_FAULT),
             SUCCESS);
    CHECK_EQ(thread_join(&t, 5000000), SUCCESS);
    CHECK_EQ(inner_seen, fault_page * PAGE_SIZE);
    CHECK_EQ(fault_seen, address);
    thread_free(&t);
    handler_free(&pager);
    handler_free(&inner);
}

const struct test ipc_tests[] = {
    {"words_travel_both_ways", words_travel, 1},
    {"portal_identity_word", identity_word, 1},
    {"call_keeps_registers", kept_registers, 1},
    {"handler_sees_no_foreign_registers", handler_sees_no_registers, 1},
    {"rights_only_shrink", delegated_capability_has_fewer_rights, 1},
    {"translate_names_the_origin", translate_names_what_was_given, 1},
    {"call_of_a_dead_handler", call_of_a_dead_handler, 1},
    {"caller_of_a_dying_handler_is_aborted", caller_of_a_dying_handler_is_aborted, 1},
    {"handler_survives_its_caller", handler_survives_its_caller, 1},
    {"request_of_a_dead_caller_is_finished", request_of_a_dead_caller_is_finished, 1},
    {"late_reply_reaches_nobody", late_reply_reaches_nobody, 1},
    {"ending_a_domain_aborts_calls_into_it", ending_a_domain_aborts_calls_into_it, 1},
    {"kernel_items_are_the_roots_alone", kernel_items_are_the_roots_alone, 1},
    {"wild_instruction_pointers_become_zero", wild_instruction_pointers_become_zero, 1},
    {"dying_semaphore_ends_waits", semaphore_wait_is_aborted, 1},
    {"page_fault_is_resolved_by_the_reply", page_fault_is_resolved, 1},
    {"fault_without_handler_kills_the_thread", fault_without_handler_kills, 1},
    {"faults_nest", faults_nest, 1},
    {0}};
