// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Exceptions as calls: page faults, faults in handlers, what a reply may write.
#include "test/system/kernel/support.h"

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
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
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
        AWAIT(*(volatile u64 *)&fault_seen != 1);
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
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    CHECK_EQ(inner_seen, fault_page * PAGE_SIZE);
    CHECK_EQ(fault_seen, address);
    thread_free(&t);
    handler_free(&pager);
    handler_free(&inner);
}

// A handler that answers when the gate is opened, once a time.
static struct handler gatekeeper;
static sel_t gate, ready;
static volatile u64 gone_on[2];
static void gate_body(void)
{
    sm_down(gate, 0);
    utcb_exc(gatekeeper.utcb)->rip += 2;
    __asm__ volatile("syscall" ::"a"(1), "S"(head(EXC_WORDS, 0)), "d"(MTD_RIP));
    __builtin_unreachable();
}
__attribute__((naked)) static void entry_gate(void)
{
    __asm__ volatile("jmp %P0" ::"i"(gate_body));
}

static void raise(word_t number)
{
    sm_down(ready, 0);
    for (;;) {
        __asm__ volatile("ud2");
        gone_on[number]++;
    }
}

static error_t control(const struct thread *t, enum ec_op operation)
{
    return hc_plain(HC_ec_ctrl, t->ec, operation, 0, 0, 0, 0);
}

// What a thread that was paused tells once it has come to rest; ~0: nothing.
static u64 vector_of(const struct thread *t)
{
    settle();
    return hc_plain(HC_ec_ctrl, t->ec, EC_READ_STATE, MTD_RIP, 0, 0, 0)
               ? ~0ul
               : utcb_exc(ROOT_UTCB)->vector;
}

static error_t raiser_new(struct thread *t, unsigned cpu, word_t number)
{
    error_t error = thread_start(t, SEL_PD, cpu, 5, raise, number);
    if (!error)
        error = delegate_to(SEL_PD, crd(CRD_OBJ, gatekeeper.pt, 0, PT_EVENT),
                            t->exc_base + EXC_INVALID_OPCODE);
    sm_up(ready);
    settle();
    return error;
}

// One that is being handled, one that waits for the busy handler; and none, before and after.
static void paused_threads_tell_their_exception(void)
{
    struct thread first, second;
    unsigned cpu = HIP->cpu_count - 1;
    gone_on[0] = gone_on[1] = 0;
    gate = sel_new(1);
    ready = sel_new(1);
    gatekeeper = handler_new(SEL_PD, cpu, entry_gate, 0);
    CHECK_EQ(hc_create_sm(gate, 0, SEL_PD), SUCCESS);
    CHECK_EQ(hc_create_sm(ready, 0, SEL_PD), SUCCESS);
    CHECK_EQ(raiser_new(&first, cpu, 0), SUCCESS);
    CHECK_EQ(raiser_new(&second, cpu, 1), SUCCESS);
    CHECK_EQ(control(&first, EC_PAUSE), SUCCESS);
    CHECK_EQ(control(&second, EC_PAUSE), SUCCESS);
    CHECK_EQ(vector_of(&first), EXC_INVALID_OPCODE | EXC_HANDLED);
    CHECK_EQ(vector_of(&second), EXC_INVALID_OPCODE);
    CHECK_EQ(sm_up(gate), SUCCESS);
    CHECK_EQ(vector_of(&first), EXC_NONE); // answered, but it does not go on
    CHECK_EQ(vector_of(&second), EXC_INVALID_OPCODE);
    CHECK_EQ(gone_on[0], 0);
    CHECK_EQ(control(&second, EC_RESUME), SUCCESS);
    CHECK_EQ(vector_of(&second), ~0ul); // it is handled, but not paused
    CHECK_EQ(control(&second, EC_PAUSE), SUCCESS);
    CHECK_EQ(vector_of(&second), EXC_INVALID_OPCODE | EXC_HANDLED);
    CHECK_EQ(control(&first, EC_RESUME), SUCCESS);
    CHECK_EQ(vector_of(&first), ~0ul);
    CHECK_EQ(gone_on[0], 1);
    CHECK_EQ(control(&first, EC_PAUSE), SUCCESS);
    CHECK_EQ(vector_of(&first), EXC_INVALID_OPCODE);
    handler_free(&gatekeeper); // in the middle of the second one's: it is raised again
    CHECK_EQ(vector_of(&first), EXC_INVALID_OPCODE);
    CHECK_EQ(vector_of(&second), EXC_INVALID_OPCODE);
    CHECK_EQ(gone_on[1], 0);
    thread_free(&first);
    thread_free(&second);
    drop(gate);
    drop(ready);
}

const struct test exceptions_tests[] = {
    {"wild_instruction_pointers_become_zero", wild_instruction_pointers_become_zero, 1},
    {"page_fault_is_resolved_by_the_reply", page_fault_is_resolved, 1},
    {"fault_without_handler_kills_the_thread", fault_without_handler_kills, 1},
    {"faults_nest", faults_nest, 1},
    {"paused_threads_tell_their_exception", paused_threads_tell_their_exception, 1},
    {0}};
