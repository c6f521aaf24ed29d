// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Life of execution contexts (ec.h). Links between ECs change only on their own CPU; ec_remote
// carries requests there: bits in remote_ops, and the EC once in the CPU's list.
#include "kernel/ec.h"
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/exit.h"
#include "kernel/ipc.h"
#include "kernel/layout.h"
#include "kernel/mapping.h"
#include "kernel/sm.h"

struct ec dead_ec = {.state = EC_DEAD, .cpu = 0xffff};

static struct cache ec_cache =
    CACHE(sizeof(struct ec) + sizeof(struct mapping), "execution context");

// The pinned mapping of the UTCB lies behind the EC.
static struct mapping *utcb_mapping(struct ec *ec)
{
    return (struct mapping *)(void *)(ec + 1);
}

static void deadline_passed(struct timeout *timeout)
{
    struct ec *ec = CONTAINER_OF(timeout, struct ec, timeout);
    if (sm_cancel(ec)) {
        ec->wake_error = ETIMEOUT;
        ec->wake_value = 0;
        ec_wake(ec);
    }
}

static u64 ec_bytes(void)
{
    return ec_cache.size + PAGE_SIZE;
}

struct ec *ec_create(struct pd *pd, u64 utcb, u64 sp, unsigned cpu, bool global, u32 exc_base,
                     u32 *error)
{
    *error = EMEM;
    if (!account_charge(&pd->account.kmem, ec_bytes()))
        return NULL;
    struct ec *ec = cache_alloc(&ec_cache);
    if (!ec)
        goto refund;
    __builtin_memset(ec, 0, sizeof(*ec) + sizeof(struct mapping));
    ec->utcb = page_alloc();
    if (!ec->utcb)
        goto free_ec;
    ec->cr3 = pd->cr3;
    ec->caps = pd->caps;
    ec->message = &ec->utcb->words[UTCB_REGISTER_WORDS];
    ec->object.type = OBJ_EC;
    ec->object.payer = pd;
    ec->global = global;
    ec->cpu = (u16)cpu;
    ec->exc_base = exc_base;
    ec->pd = pd;
    ec->utcb_user = utcb;
    ec->regs.rsp = sp;
    ec->regs.rflags = 0x202;
    ec->timeout.fire = deadline_passed;
    if (global) {
        ec->state = EC_EVENT;
        ec->event = EXC_STARTUP;
    } else {
        ec_set_idle(ec);
    }
    mapping_lock();
    *error = mapping_pin(utcb_mapping(ec), pd, utcb / PAGE_SIZE, ec->utcb, true);
    if (!*error) {
        pd->cpu_mask |= 1u << cpu;
        ec->pd_next = pd->ecs;
        ec->pd_link = &pd->ecs;
        if (ec->pd_next)
            ec->pd_next->pd_link = &ec->pd_next;
        pd->ecs = ec;
        pd_get(pd);
    }
    mapping_unlock();
    if (!*error)
        return ec;
    page_free(ec->utcb);
free_ec:
    cache_free(&ec_cache, ec);
refund:
    account_refund(&pd->account.kmem, ec_bytes());
    return NULL;
}

static void ec_release(struct rcu_head *head)
{
    struct ec *ec = CONTAINER_OF(head, struct ec, object.rcu);
    struct pd *pd = ec->pd;
    page_free(ec->utcb);
    fpu_free(ec);
    account_refund(&pd->account.kmem, ec_bytes());
    cache_free(&ec_cache, ec);
    pd_put(pd);
}

// Under mapping_lock: the EC leaves every list; what touches its links happens on its CPU
// (ec_kill).
void ec_destroy(struct ec *ec)
{
    ec->object.dying = true;
    if (ec->pd_link) {
        *ec->pd_link = ec->pd_next;
        if (ec->pd_next)
            ec->pd_next->pd_link = ec->pd_link;
        ec->pd_link = NULL;
    }
    while (ec->portals) {
        struct pt *pt = ec->portals;
        ec->portals = pt->next;
        if (ec->portals)
            ec->portals->link = &ec->portals;
        pt->link = NULL;
        __atomic_store_n(&pt->ec, &dead_ec, __ATOMIC_RELEASE);
    }
    ec_remote(ec, REMOTE_KILL | REMOTE_FREE);
}

void ec_abort_caller(struct ec *caller)
{
    caller->callee = NULL;
    __atomic_fetch_and(&caller->hazard, ~(u32)HAZARD_SPLICED, __ATOMIC_RELAXED);
    if (caller->hazard & HAZARD_EXCEPTION) {
        // Its handler died with the exception unresolved: it is raised again, and finds the next
        // handler or none. Whoever looks (state_control) sees it under way in between too.
        caller->state = EC_EVENT;
        __atomic_fetch_and(&caller->hazard, ~(u32)HAZARD_EXCEPTION, __ATOMIC_RELEASE);
    } else {
        caller->regs.rax = EABORT;
        if (UNLIKELY(ec_traced(caller)))
            trace_write(caller, TRACE_RETURN, 0, EABORT);
    }
}

// A dying EC's call goes on without it, since the handler may hold what others wait for: on the
// time of whoever called the dying one, who gets EABORT when the handler replies; or else on its
// own SC, until then.
static void splice(struct ec *ec)
{
    struct ec *caller = ec->caller, *callee = ec->callee;
    callee->caller = caller;
    if (caller) {
        caller->callee = callee;
        __atomic_fetch_or(&caller->hazard, HAZARD_SPLICED, __ATOMIC_RELAXED);
    } else if (ec->sc && !callee->sc) {
        sc_inherit(ec, callee);
    }
}

void ec_kill(struct ec *ec)
{
    struct cpu *cpu = this_cpu();
    if (ec->state == EC_DEAD)
        return;
    __atomic_fetch_or(&ec->hazard, HAZARD_DEAD, __ATOMIC_RELAXED);
    if (ec->state == EC_BLOCKED) {
        sm_cancel(ec);
        timeout_cancel(&cpu->timeouts, &ec->timeout);
    }
    bool linked = ec->caller || ec->callee || ec->sc || ec->parked || cpu->current == ec;
    if (ec->callee)
        splice(ec);
    else if (ec->caller)
        ec_abort_caller(ec->caller);
    ec->caller = ec->callee = NULL;
    ec->wait_tag = 0;
    ec->state = EC_DEAD;
    fpu_drop(cpu, ec, false);
    if (ec->sc && ec->sc->retired)
        sc_detach(ec);
    else if (ec->sc)
        sc_stop(ec->sc);
    sc_unpark(ec);
    if (cpu->current == ec)
        lazy_leave(cpu);
    if (linked)
        cpu_work(cpu, WORK_SCHEDULE); // the current chain may have changed: walk it anew
}

void ec_wake(struct ec *ec)
{
    timeout_cancel(&this_cpu()->timeouts, &ec->timeout);
    ec->state = EC_RUN;
    ec->regs.rax = ec->wake_error;
    ec->regs.rdx = ec->wake_value;
    sc_unpark(ec);
}

// Hazards changed: a handler that waits must not, or may again, be called; a thread that was paused
// may go on. One that is traced from now on, maybe in the middle of its waiting, gets its marks.
static void check_hazards(struct ec *ec)
{
    u32 hazard = __atomic_load_n(&ec->hazard, __ATOMIC_ACQUIRE);
    if (hazard & HAZARD_PAUSE) {
        fpu_drop(this_cpu(), ec, true);
        __atomic_fetch_or(&ec->hazard, HAZARD_HALTED, __ATOMIC_SEQ_CST);
        if (UNLIKELY(!(ec->hazard & HAZARD_PAUSE))) // resumed meanwhile, and maybe paused anew soon
            __atomic_fetch_and(&ec->hazard, ~(u32)HAZARD_HALTED, __ATOMIC_RELAXED);
    }
    if (ec_idle(ec))
        ec_set_idle(ec);
    if (ec->state == EC_BLOCKED)
        ec->trace.waits |= (hazard & HAZARD_TRACED) != 0;
    else if (!(hazard & HAZARD_PAUSE) && ec->state != EC_DEAD)
        sc_unpark(ec);
}

static void ec_free(struct ec *ec)
{
    struct tlb_batch batch = {0};
    trace_end(ec);
    mapping_lock();
    struct sc *sc = ec->sc;
    if (sc) {
        sc->ec = &dead_ec;
        ec->sc = NULL;
    }
    if (sc && sc->retired)
        sc_free(sc);
    mapping_unpin(utcb_mapping(ec), &batch);
    mapping_unlock();
    tlb_flush(&batch);
    rcu_defer(&ec->object.rcu, ec_release);
}

static void apply(struct ec *ec, u32 ops)
{
    if (ops & REMOTE_KILL)
        ec_kill(ec);
    if (ops & REMOTE_CHECK) // before it is woken: its WAKE is to be recorded
        check_hazards(ec);
    if ((ops & REMOTE_WAKE) && ec->state == EC_BLOCKED)
        ec_wake(ec);
    if ((ops & REMOTE_SC) && ec->sc && ec->sc->state == SC_STOPPED && ec->state != EC_DEAD)
        sc_ready(ec->sc);
    if ((ops & REMOTE_SC_PRIORITY) && ec->sc)
        sc_take_priority(ec->sc);
    if (ops & REMOTE_SC_STOP)
        sc_retire(ec);
    if (ops & REMOTE_FREE)
        ec_free(ec);
}

void ec_remote(struct ec *ec, u32 ops)
{
    struct cpu *cpu = this_cpu();
    u32 before = __atomic_fetch_or(&ec->remote_ops, ops, __ATOMIC_ACQ_REL);
    if (before)
        return; // already listed, and its CPU interrupted
    struct cpu *target = cpus[ec->cpu];
    ec->remote_next = __atomic_load_n(&target->remote, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&target->remote, &ec->remote_next, ec, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
    if (target == cpu)
        cpu_work(cpu, WORK_REMOTE);
    else
        cpu_poke(ec->cpu);
}

void ec_remote_drain(struct cpu *cpu)
{
    struct ec *ec = __atomic_exchange_n(&cpu->remote, NULL, __ATOMIC_ACQUIRE);
    cpu->work &= ~(u32)WORK_REMOTE;
    while (ec) {
        struct ec *next = ec->remote_next;
        apply(ec, __atomic_exchange_n(&ec->remote_ops, 0, __ATOMIC_ACQ_REL));
        ec = next;
    }
}
