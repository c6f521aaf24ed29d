// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The slow half of IPC (ipc.h). Linking caller and handler, donation and helping follow one rule:
// the current SC's own EC, its callee, that one's callee … is a chain whose end is what runs. A
// caller that finds its handler busy runs the end of the handler's chain on its own SC ("helping")
// and repeats its call when it is chosen again.
#include "kernel/ipc.h"
#include "kernel/delegate.h"
#include "kernel/exit.h"
#include "kernel/pd.h"
#include "kernel/sm.h"

enum { SYSCALL_LENGTH = 2 };

static bool head_valid(head_t h)
{
    unsigned words = head_untyped(h), items = head_typed(h);
    return h >> 32 == 0 && items <= UTCB_ITEMS_MAX && words + 2 * items <= UTCB_WORDS;
}

static void copy_words(struct ec *from, struct ec *to, head_t h)
{
    for (unsigned i = UTCB_REGISTER_WORDS; i < head_untyped(h); i++)
        to->utcb->words[i] = from->utcb->words[i];
}

// False: the sender, which holds nothing now, is to execute its hypercall again (delegate_items).
static bool transfer(struct ec *from, struct ec *to, head_t h)
{
    copy_words(from, to, h);
    to->regs.rsi = h;
    to->regs.rdx = from->regs.rdx;
    to->regs.r10 = from->regs.r10;
    to->regs.r8 = from->regs.r8;
    to->regs.r9 = from->regs.r9;
    return !head_typed(h) || delegate_items(from, to, head_typed(h), false);
}

static void link_call(struct cpu *cpu, struct ec *caller, struct ec *handler)
{
    lazy_leave(cpu);
    cpu->links++;
    caller->callee = handler;
    handler->caller = caller;
    handler->wait_tag = 0;
    handler->state = EC_RUN;
    cpu->current = handler;
}

static void enter_portal(struct ec *handler, const struct pt *pt)
{
    struct regs *r = &handler->regs;
    r->rdi = pt->id;
    r->rip = pt->ip;
    r->rflags = 0x202;
    r->rax = r->rbx = r->rcx = r->rbp = r->r11 = r->r12 = r->r13 = r->r14 = r->r15 = 0;
}

// Runs the end of `busy`'s chain for `ec`, which will try again. False if that would be waiting for
// itself.
static bool help(struct cpu *cpu, struct ec *ec, struct ec *busy)
{
    struct ec *end = busy;
    while (end->callee)
        end = end->callee;
    if (end == ec)
        return false;
    lazy_leave(cpu);
    cpu->links = 0;
    cpu->current = end;
    return true;
}

// The traced halves of this file (ipc_call_traced, ipc_reply_traced) are the same functions with
// `traced` true, so that the others pay nothing for it.
static inline __attribute__((always_inline)) error_t call(struct cpu *cpu, struct ec *ec,
                                                          bool traced)
{
    struct mapping *m = cap_lookup(ec->pd, ec->regs.rdi);
    if (!(m->fast & FAST_CALL))
        return ECAP;
    struct pt *pt = (struct pt *)(void *)m->object;
    struct ec *handler = pt->ec;
    if (handler == &dead_ec || handler->state == EC_DEAD)
        return EABORT;
    if (handler->cpu != cpu->index)
        return ECPU;
    if (!head_valid(ec->regs.rsi))
        return EPARAM;
    if (!handler->wait_tag) {
        if (!help(cpu, ec, handler))
            return EDEADLOCK;
        ec->regs.rip -= SYSCALL_LENGTH;
        return SUCCESS;
    }
    if (UNLIKELY(!transfer(ec, handler, ec->regs.rsi))) {
        ec->regs.rip -= SYSCALL_LENGTH;
        return SUCCESS;
    }
    link_call(cpu, ec, handler);
    enter_portal(handler, pt);
    if (traced)
        trace_write(handler, TRACE_DISPATCH, pt->id, handler->regs.rdx);
    return SUCCESS;
}

void ipc_call_slow(struct ec *ec)
{
    error_t error = call(this_cpu(), ec, false);
    if (error)
        ec->regs.rax = error;
    kernel_exit();
}

void ipc_call_traced(struct ec *ec)
{
    u64 rip = ec->regs.rip;
    trace_once(ec, TRACE_CALL, ec->regs.rdi, ec->regs.rdx);
    error_t error = call(this_cpu(), ec, true);
    if (error) {
        ec->regs.rax = error;
        trace_write(ec, TRACE_RETURN, 0, error);
    }
    if (ec->regs.rip != rip)
        ec->trace.retry = rip;
    kernel_exit();
}

void ec_set_idle(struct ec *ec)
{
    u32 hazard = ec->hazard;
    bool barred = hazard & (HAZARD_PAUSE | HAZARD_DEAD);
    ec->state = barred ? EC_IDLE : EC_RUN;
    ec->wait_tag =
        barred ? 0 : (ec->cpu + 1u) | (hazard & HAZARD_TRACED) * (TAG_TRACED / HAZARD_TRACED);
}

static inline __attribute__((always_inline)) void
write_state(struct ec *ec, const struct exc_state *s, unsigned mtd)
{
    struct regs *r = &ec->regs;
    if (mtd & MTD_GPR_ACDB) {
        r->rax = s->rax;
        r->rcx = s->rcx;
        r->rdx = s->rdx;
        r->rbx = s->rbx;
    }
    if (mtd & MTD_GPR_BSD) {
        r->rbp = s->rbp;
        r->rsi = s->rsi;
        r->rdi = s->rdi;
    }
    if (mtd & MTD_GPR_R8) {
        r->r8 = s->r8;
        r->r9 = s->r9;
        r->r10 = s->r10;
        r->r11 = s->r11;
        r->r12 = s->r12;
        r->r13 = s->r13;
        r->r14 = s->r14;
        r->r15 = s->r15;
    }
    if (mtd & MTD_RSP)
        r->rsp = s->rsp;
    if (mtd & MTD_RIP)
        r->rip = s->rip < USER_END ? s->rip : 0;
    if (mtd & MTD_RFLAGS)
        r->rflags = (s->rflags & RFLAGS_USER) | 0x202;
    if (mtd & MTD_FSGS) {
        ec->fs_base = s->fs_base < USER_END ? s->fs_base : 0;
        ec->gs_base = s->gs_base < USER_END ? s->gs_base : 0;
    }
}

static inline __attribute__((always_inline)) void read_state(const struct ec *ec,
                                                             struct exc_state *s, unsigned mtd)
{
    const struct regs *r = &ec->regs;
    s->mtd = mtd;
    s->vector = ec->event;
    s->tag = ec->tag;
    if (mtd & MTD_GPR_ACDB) {
        s->rax = r->rax;
        s->rcx = r->rcx;
        s->rdx = r->rdx;
        s->rbx = r->rbx;
    }
    if (mtd & MTD_GPR_BSD) {
        s->rbp = r->rbp;
        s->rsi = r->rsi;
        s->rdi = r->rdi;
    }
    if (mtd & MTD_GPR_R8) {
        s->r8 = r->r8;
        s->r9 = r->r9;
        s->r10 = r->r10;
        s->r11 = r->r11;
        s->r12 = r->r12;
        s->r13 = r->r13;
        s->r14 = r->r14;
        s->r15 = r->r15;
    }
    if (mtd & MTD_RSP)
        s->rsp = r->rsp;
    if (mtd & MTD_RIP)
        s->rip = r->rip;
    if (mtd & MTD_RFLAGS)
        s->rflags = r->rflags;
    if (mtd & MTD_QUAL) {
        s->error_code = ec->error_code;
        s->fault_address = ec->fault_address;
    }
    if (mtd & MTD_FSGS) {
        s->fs_base = ec->fs_base;
        s->gs_base = ec->gs_base;
    }
}

void ec_write_state(struct ec *ec, const struct exc_state *s, unsigned mtd)
{
    write_state(ec, s, mtd);
}

void ec_read_state(const struct ec *ec, struct exc_state *s, unsigned mtd)
{
    read_state(ec, s, mtd);
}

static inline __attribute__((always_inline)) bool reply_to(struct ec *handler, struct ec *caller,
                                                           bool traced)
{
    head_t h = head_valid(handler->regs.rsi) ? handler->regs.rsi : 0;
    if (caller->hazard & HAZARD_EXCEPTION) {
        write_state(caller, utcb_exc(handler->utcb), (unsigned)handler->regs.rdx);
        if (head_typed(h) && !delegate_items(handler, caller, head_typed(h), true))
            return false;
        __atomic_fetch_and(&caller->hazard, ~(u32)HAZARD_EXCEPTION, __ATOMIC_RELEASE);
    } else {
        if (UNLIKELY(!transfer(handler, caller, h)))
            return false;
        caller->regs.rax = SUCCESS;
        caller->regs.rdi = 0;
        if (traced)
            trace_write(caller, TRACE_RETURN, caller->regs.rdx, SUCCESS);
    }
    caller->state = EC_RUN;
    caller->callee = NULL;
    handler->caller = NULL;
    return true;
}

NORETURN static inline __attribute__((always_inline)) void reply(struct ec *ec, bool traced)
{
    struct cpu *cpu = this_cpu();
    struct ec *caller = ec->caller;
    if (ec->global) {
        ec->regs.rax = EPARAM;
        kernel_exit();
    }
    lazy_leave(cpu);
    if (traced)
        trace_once(ec, TRACE_REPLY, ec->regs.rdx, ec->regs.rsi);
    if (caller && caller->hazard & HAZARD_SPLICED) {
        ec->caller = NULL;
        ec_abort_caller(caller);
    } else if (caller) {
        if (UNLIKELY(!reply_to(ec, caller, traced))) {
            if (traced)
                ec->trace.retry = ec->regs.rip;
            ec->regs.rip -= SYSCALL_LENGTH;
            kernel_exit();
        }
    } else if (ec->sc) {
        sc_detach(ec);
    }
    ec_set_idle(ec);
    if (caller && caller->hazard & HAZARD_RETIRED) {
        __atomic_fetch_and(&caller->hazard, ~(u32)HAZARD_RETIRED, __ATOMIC_RELAXED);
        sc_detach(caller);
    }
    if (caller && cpu->sc && --cpu->links >= 0)
        cpu->current = caller;
    else if (cpu->sc)
        current_from_sc(cpu);
    exit_current(cpu);
}

void ipc_reply_slow(struct ec *ec)
{
    reply(ec, false);
}

void ipc_reply_traced(struct ec *ec)
{
    reply(ec, true);
}

void ipc_event(struct ec *ec)
{
    struct cpu *cpu = this_cpu();
    struct pt *pt = cap_object(ec->pd, (u64)ec->exc_base + ec->event, OBJ_PT, PT_EVENT);
    struct ec *handler = pt ? pt->ec : &dead_ec;
    if (handler == &dead_ec || handler->cpu != cpu->index || handler->state == EC_DEAD ||
        handler == ec) {
        ec_kill(ec);
        return;
    }
    if (!handler->wait_tag) {
        if (!help(cpu, ec, handler))
            ec_kill(ec);
        return;
    }
    link_call(cpu, ec, handler);
    enter_portal(handler, pt);
    read_state(ec, utcb_exc(handler->utcb), pt->mtd);
    struct regs *r = &handler->regs;
    r->rsi = head(EXC_WORDS, 0);
    r->rdx = ec->event;
    r->r10 = pt->mtd;
    r->r8 = ec->fault_address;
    r->r9 = ec->error_code;
    if (UNLIKELY(ec_traced(handler)))
        trace_write(handler, TRACE_DISPATCH, pt->id, ec->event);
    ec->state = EC_RUN;
    ec->brief = false; // the handler may write any register
    __atomic_fetch_or(&ec->hazard, HAZARD_EXCEPTION, __ATOMIC_RELAXED);
}
