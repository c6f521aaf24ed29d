// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Hypercalls but call and reply (entry.S, ipc.c): each sys_* checks what the user passed and calls
// the plain function. Arguments and results as in include/tessera/hypercall.h.
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/delegate.h"
#include "kernel/exit.h"
#include "kernel/gsi.h"
#include "kernel/ipc.h"
#include "kernel/revoke.h"
#include "kernel/signal.h"
#include <tessera/hypercall.h>

struct result {
    u64 error, value;
};

static struct result result(u64 error)
{
    return (struct result){error, 0};
}

static struct ec *current(void)
{
    return this_cpu()->current;
}

static struct pd *self(void)
{
    return current()->pd;
}

// ECs begin with what the fast path touches, not with the object's header.
static struct ec *cap_ec(const struct pd *me, u64 sel, unsigned rights)
{
    struct object *object = cap_object(me, sel, OBJ_EC, rights);
    return object ? CONTAINER_OF(object, struct ec, object) : NULL;
}

// Puts a new object's root capability at `sel` of `me`. On failure the object is the caller's to
// free.
static u32 root_insert(struct pd *me, struct object *object, u64 sel)
{
    struct mapping *m = object_root(object);
    m->parent = NULL;
    m->pd = me;
    m->base = sel;
    m->count = 1;
    m->object = object;
    m->kind = CRD_OBJ;
    m->rights = RIGHT_ALL;
    m->attr = 0;
    m->root = 1;
    m->fast = mapping_fast(m);
    m->child = NULL;
    return cap_insert(m);
}

static struct pd *payer_of(const struct pd *me, u64 sel, unsigned rights)
{
    struct pd *pd = cap_object(me, sel, OBJ_PD, rights);
    return pd && !pd->object.dying ? pd : NULL;
}

// The hypercall is executed again when its thread is chosen the next time: what it did stays done.
static struct result restart(u64 number, u64 a0, u64 a1, u64 a2)
{
    struct regs *r = &current()->regs;
    r->rdi = a0;
    r->rsi = a1;
    r->rip -= 2;
    cpu_work(this_cpu(), WORK_LEAVE);
    return (struct result){number, a2}; // rax and rdx again
}

// How a hypercall that creates ends. It may find the account empty only because memory waits for
// its grace period (delegate and IPC too: rcu_settle). Then it is done again once some has come
// back.
static struct result created(u32 error, u64 number, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
    struct ec *ec = current();
    if (UNLIKELY(error == EMEM) && rcu_settle(&ec->settle_goal)) {
        ec->regs.r10 = a3;
        ec->regs.r8 = a4;
        ec->regs.r9 = a5;
        return restart(number, a0, a1, a2);
    }
    ec->settle_goal = 0;
    return result(error);
}

static STRAIGHT struct result sys_create_pd(u64 sel, u64 pd_sel, u64 kmem, u64 caps)
{
    struct pd *me = self(), *payer = payer_of(me, pd_sel, PD_CREATE | PD_ACCOUNT);
    u32 error = ECAP;
    struct pd *pd = payer ? pd_create(payer, kmem, caps, &error) : NULL;
    if (LIKELY(pd)) {
        mapping_enter(me);
        error = root_insert(me, &pd->object, sel);
        mapping_leave(me);
        if (error)
            pd_put(pd);
    }
    return created(error, HC_create_pd, sel, pd_sel, kmem, caps, 0, 0);
}

static struct result sys_create_ec(u64 sel, u64 utcb, u64 sp, u64 cpu_flags, u64 exc_base,
                                   u64 pd_sel)
{
    struct pd *me = self(), *pd = payer_of(me, pd_sel, PD_CREATE);
    u64 cpu = cpu_flags & 0xffff;
    u32 error;
    if (!pd)
        return result(ECAP);
    if (cpu >= cpu_online_count)
        return result(ECPU);
    if ((cpu_flags & ~(u64)(EC_GLOBAL | 0xffff)) || (utcb & (PAGE_SIZE - 1)) || utcb >= USER_END ||
        sp > USER_END || exc_base >= SEL_LIMIT)
        return result(EPARAM);
    struct ec *ec =
        ec_create(pd, utcb, sp, (unsigned)cpu, cpu_flags & EC_GLOBAL, (u32)exc_base, &error);
    if (LIKELY(ec)) {
        mapping_lock();
        error = root_insert(me, &ec->object, sel);
        if (error)
            ec_destroy(ec);
        mapping_unlock();
    }
    return created(error, HC_create_ec, sel, utcb, sp, cpu_flags, exc_base, pd_sel);
}

static struct result sys_create_sc(u64 sel, u64 ec_sel, u64 pd_sel, u64 priority_quantum,
                                   u64 budget_period)
{
    struct pd *me = self(), *payer = payer_of(me, pd_sel, PD_SC);
    struct ec *ec = cap_ec(me, ec_sel, EC_SC);
    u32 error;
    if (!payer || !ec || !ec->global || ec->object.dying)
        return result(ECAP);
    struct sc *sc = sc_create(payer, ec, priority_quantum, budget_period, &error);
    if (LIKELY(sc)) {
        mapping_lock();
        error = ec->sc ? EBUSY : ec->object.dying ? ECAP : root_insert(me, &sc->object, sel);
        if (!error)
            ec->sc = sc;
        mapping_unlock();
        if (error)
            sc_free(sc);
        else
            ec_remote(ec, REMOTE_SC);
    }
    return created(error, HC_create_sc, sel, ec_sel, pd_sel, priority_quantum, budget_period, 0);
}

static STRAIGHT struct result sys_create_pt(u64 sel, u64 ec_sel, u64 ip, u64 mtd, u64 pd_sel)
{
    struct pd *me = self(), *payer = payer_of(me, pd_sel, PD_CREATE);
    struct ec *ec = cap_ec(me, ec_sel, EC_PT);
    u32 error;
    if (!payer || !ec || ec->global)
        return result(ECAP);
    if (ip >= USER_END || (mtd & ~(u64)MTD_ALL))
        return result(EPARAM);
    struct pt *pt = pt_create(payer, ec, ip, (u32)mtd, &error);
    if (LIKELY(pt)) {
        mapping_lock();
        pt->link = NULL;
        error = ec->object.dying ? ECAP : root_insert(me, &pt->object, sel);
        if (error) {
            pt_destroy(pt);
        } else {
            pt->next = ec->portals;
            pt->link = &ec->portals;
            if (pt->next)
                pt->next->link = &pt->next;
            ec->portals = pt;
        }
        mapping_unlock();
    }
    return created(error, HC_create_pt, sel, ec_sel, ip, mtd, pd_sel, 0);
}

static STRAIGHT struct result sys_create_sm(u64 sel, u64 initial, u64 pd_sel)
{
    struct pd *me = self(), *payer = payer_of(me, pd_sel, PD_CREATE);
    u32 error = ECAP;
    struct sm *sm = LIKELY(payer) ? sm_create(payer, initial, &error) : NULL;
    if (LIKELY(sm)) {
        mapping_enter(me);
        error = root_insert(me, &sm->object, sel);
        mapping_leave(me);
        if (error)
            sm_destroy(sm);
    }
    return created(error, HC_create_sm, sel, initial, pd_sel, 0, 0, 0);
}

// Steps of a revocation, together with others as far as that goes; true when nothing is left.
static bool revoke_steps(struct revocation *r, struct tlb_batch *batch, u32 *error)
{
    enum { STEPS = 8 };
    enum revoke_result step = REVOKE_MORE;
    mapping_enter(r->pd);
    for (unsigned i = 0; i < STEPS && step == REVOKE_MORE; i++)
        step = revoke_together(r, batch);
    mapping_leave(r->pd);
    if (step != REVOKE_ALONE)
        return step == REVOKE_DONE;
    bool more = true;
    mapping_lock();
    for (unsigned i = 0; i < STEPS && more; i++)
        more = revoke_step(r, batch, error);
    mapping_unlock();
    return !more;
}

static __attribute__((noinline)) struct result revoke_any(struct pd *pd, u64 pd_sel, u64 c,
                                                          u64 flags)
{
    u64 base = crd_base(c), beyond = (1ul << crd_order(c)) - 1;
    struct revocation r = {pd, crd_kind(c), flags == REVOKE_SELF, base, base + beyond, base};
    struct tlb_batch batch = {0};
    u32 error = SUCCESS;
    if ((flags & ~(u64)REVOKE_SELF) || (base & beyond) || r.kind == CRD_NULL ||
        (r.kind == CRD_OBJ && base >= SEL_LIMIT))
        return result(EPARAM);
    if (r.kind == CRD_OBJ && r.last >= SEL_LIMIT)
        r.last = SEL_LIMIT - 1;
    for (bool held = false;; held = true) {
        bool done = revoke_steps(&r, &batch, &error);
        tlb_flush(&batch);
        if (!done && !held)
            pd_get(pd); // once others are let in, it could be freed
        bool leave = !done && preemption_point();
        if ((done && held) || leave)
            pd_put(pd);
        if (done)
            return result(error);
        if (leave)
            return restart(HC_revoke, pd_sel, c, flags);
    }
}

static STRAIGHT struct result sys_revoke(u64 pd_sel, u64 c, u64 flags)
{
    struct pd *pd = cap_object(self(), pd_sel, OBJ_PD, PD_GRANT);
    if (UNLIKELY(!pd))
        return result(ECAP);
    if (crd_single(c, CRD_MEM) && LIKELY(flags <= REVOKE_SELF) &&
        LIKELY(revoke_page(pd, crd_base(c), flags)))
        return result(SUCCESS);
    if (crd_single(c, CRD_OBJ) && LIKELY(flags <= REVOKE_SELF) &&
        LIKELY(revoke_capability(pd, crd_base(c), flags)))
        return result(SUCCESS);
    return revoke_any(pd, pd_sel, c, flags);
}

static struct result sys_lookup(u64 c)
{
    u64 base = crd_base(c);
    crd_t found = 0;
    if (crd_kind(c) == CRD_OBJ) {
        const struct mapping *m = cap_lookup(self(), base);
        if (m->object)
            found = crd(CRD_OBJ, base, 0, m->rights);
    } else if (crd_kind(c) == CRD_MEM || crd_kind(c) == CRD_IO) {
        struct pd *me = self();
        mapping_enter(me);
        const struct mapping *m = mapping_find(me, crd_kind(c), base);
        if (m) {
            // The largest aligned range around `base` that lies inside the mapping.
            unsigned order = 0;
            while (order < CRD_ORDER_MAX) {
                u64 size = 2ul << order, low = ALIGN_DOWN(base, size);
                if (low < m->base || low + size > m->base + m->count)
                    break;
                order++;
            }
            found = crd(crd_kind(c), ALIGN_DOWN(base, 1ul << order), order, m->rights);
        }
        mapping_leave(me);
    } else {
        return result(EPARAM);
    }
    return (struct result){found ? SUCCESS : ECAP, found};
}

static __attribute__((noinline)) struct result delegate_many(u64 pd_sel, struct pd *pd, u64 items)
{
    u64 count = items & DELEGATE_COUNT, done = items >> DELEGATE_DONE_SHIFT;
    bool partly = false;
    if (count > UTCB_ITEMS_MAX || done > count)
        return result(EPARAM);
    u32 error = delegate_bulk(current(), pd, (unsigned)count, &done, &partly);
    if (UNLIKELY(error == EMEM) && !partly && rcu_settle(&current()->settle_goal))
        return restart(HC_delegate, pd_sel, count | done << DELEGATE_DONE_SHIFT, 0);
    current()->settle_goal = 0;
    return (struct result){error, done};
}

static STRAIGHT struct result sys_delegate(u64 pd_sel, u64 items)
{
    struct ec *me = current();
    struct pd *pd = cap_object(me->pd, pd_sel, OBJ_PD, PD_GRANT);
    if (UNLIKELY(!pd))
        return result(ECAP);
    if (LIKELY(items == 1) && LIKELY(delegate_page(me, pd))) {
        me->settle_goal = 0;
        return (struct result){SUCCESS, 1};
    }
    return delegate_many(pd_sel, pd, items);
}

static inline struct result give(struct pd *to, u64 from_sel, u64 slots, u64 bytes)
{
    struct pd *from = cap_object(self(), from_sel, OBJ_PD, PD_ACCOUNT);
    if (!from || from->object.dying || to->object.dying)
        return result(ECAP);
    return result(account_trade(&from->account, &to->account, slots, bytes) ? SUCCESS : EMEM);
}

static struct result sys_pd_ctrl(u64 pd_sel, u64 operation, u64 other_sel, u64 amount)
{
    bool reads = (operation | 1) == PD_READ_CAPS; // as may who charges it
    struct pd *pd = cap_object(self(), pd_sel, OBJ_PD, reads ? PD_CREATE : PD_ACCOUNT);
    if (!pd)
        return result(ECAP);
    if (LIKELY(operation == PD_GIVE))
        return give(pd, other_sel, amount & 0xffffffff, (amount >> 32) * 64);
    struct units *u = operation & 1 ? &pd->account.caps : &pd->account.kmem;
    unsigned unit = operation & 1 ? 0 : 6; // as a power of two
    switch (operation) {
    case PD_GIVE_KMEM: return give(pd, other_sel, 0, amount);
    case PD_GIVE_CAPS: return give(pd, other_sel, amount, 0);
    case PD_READ_KMEM:
    case PD_READ_CAPS: return (struct result){SUCCESS, u->used >> unit | u->limit >> unit << 32};
    case PD_TRACE_STOP:
        return result(pd != root_pd || self() != root_pd ? ECAP : trace_stop(amount));
    }
    if ((operation != PD_PEAK_KMEM && operation != PD_PEAK_CAPS) || pd == self())
        return result(EPARAM); // nobody hides his own peaks
    return (struct result){SUCCESS, account_peak(u, 1ul << unit)};
}

// The state of an EC that cannot run now (EC_READ_STATE, EC_WRITE_STATE).
static struct result state_control(struct ec *ec, bool write, u64 mtd)
{
    struct ec *me = current();
    if (mtd & ~(u64)(MTD_ALL | MTD_FPU))
        return result(EPARAM);
    u32 hazard = __atomic_load_n(&ec->hazard, __ATOMIC_ACQUIRE);
    bool handled = hazard & HAZARD_EXCEPTION;
    if (ec == me || !(hazard & HAZARD_PAUSE) || !(hazard & HAZARD_HALTED))
        return result(EBUSY);
    // Its first registers are on their way, in the reply to its start-up.
    if (ec->event == EXC_STARTUP && handled)
        return result(EBUSY);
    if (mtd & MTD_FPU && !fpu_copy(ec, utcb_fpu(me->utcb), write))
        return result(EFEATURE);
    if (write) {
        ec->brief = false;
        ec_write_state(ec, utcb_exc(me->utcb), (unsigned)mtd);
    } else {
        ec_read_state(ec, utcb_exc(me->utcb), (unsigned)mtd);
        if (handled)
            utcb_exc(me->utcb)->vector |= EXC_HANDLED;
        else if (ec->state != EC_EVENT)
            utcb_exc(me->utcb)->vector = EXC_NONE;
    }
    return result(SUCCESS);
}

// Which of the caller's own domains an EC is in: the root capability of a domain lies where its
// creator made it, so nobody can pass one domain's thread off as another's.
static struct result home_of(const struct ec *ec)
{
    const struct mapping *root = object_root(&ec->pd->object);
    if (root->pd != self() || ec->pd->object.dying)
        return result(ECAP);
    return (struct result){SUCCESS, root->base};
}

static struct result mark(u64 first, u64 second)
{
    struct ec *ec = current();
    bool traced = ec_traced(ec);
    if (UNLIKELY(traced))
        trace_write(ec, TRACE_MARK, first, second);
    return (struct result){SUCCESS, traced};
}

static struct result trace_control(struct ec *ec, bool begin, u64 a2, u64 a3, u64 policy,
                                   u64 filter)
{
    struct result r = {0};
    if (self() != root_pd)
        return result(ECAP);
    r.error = begin ? trace_start(ec, a2, a3, policy, filter, &r.value) : trace_set(ec, a2, a3);
    return r;
}

static struct result sys_ec_ctrl(u64 ec_sel, u64 operation, u64 value, u64 a3, u64 a4, u64 a5)
{
    if (operation == EC_MARK)
        return mark(value, a3);
    bool ask = operation == EC_READ_CPU || operation == EC_READ_PD;
    struct ec *ec = cap_ec(self(), ec_sel, ask ? EC_SC : EC_CTRL);
    if (!ec || ec->object.dying)
        return result(ECAP);
    switch (operation) {
    case EC_READ_CPU: return (struct result){SUCCESS, ec->cpu};
    case EC_READ_PD: return home_of(ec);
    case EC_RECALL: __atomic_fetch_or(&ec->hazard, HAZARD_RECALL, __ATOMIC_RELEASE); break;
    case EC_PAUSE: __atomic_fetch_or(&ec->hazard, HAZARD_PAUSE, __ATOMIC_RELEASE); break;
    case EC_SET_TAG: ec->tag = value; return result(SUCCESS);
    case EC_READ_STATE:
    case EC_WRITE_STATE: return state_control(ec, operation == EC_WRITE_STATE, value);
    case EC_TRACE:
    case EC_TRACE_POLICY: return trace_control(ec, operation == EC_TRACE, value, a3, a4, a5);
    case EC_RESUME:
        __atomic_fetch_and(&ec->hazard, ~(u32)(HAZARD_PAUSE | HAZARD_HALTED), __ATOMIC_RELEASE);
        break;
    default: return result(EPARAM);
    }
    ec_remote(ec, REMOTE_CHECK);
    return result(SUCCESS);
}

static struct result sys_sc_ctrl(u64 sc_sel, u64 operation, u64 value)
{
    bool set = operation == SC_SET_BUDGET || operation == SC_SET_PRIORITY;
    struct sc *sc = cap_object(self(), sc_sel, OBJ_SC, set ? SC_BUDGET : SC_CTRL);
    if (!sc)
        return result(ECAP);
    if (operation == SC_READ_TIME)
        return (struct result){SUCCESS, sc->used};
    bool done =
        operation == SC_SET_BUDGET ? sc_set_budget(sc, value) : set && sc_set_priority(sc, value);
    return result(done ? SUCCESS : EPARAM);
}

static struct result sys_pt_ctrl(u64 pt_sel, u64 identity)
{
    struct pt *pt = cap_object(self(), pt_sel, OBJ_PT, PT_CTRL);
    if (!pt)
        return result(ECAP);
    pt->id = identity;
    return result(SUCCESS);
}

// Takes what one of the receiver's contexts counted, or queues the current EC.
static struct result signal_wait(struct ec *ec, struct sm *receiver, u64 deadline)
{
    u64 value;
    spin_lock(&receiver->lock);
    if (signal_take(receiver, &value)) {
        spin_unlock(&receiver->lock);
        return (struct result){SUCCESS, value};
    }
    if (receiver->closed) {
        u32 error = sm_closed_error(receiver);
        spin_unlock(&receiver->lock);
        return result(error);
    }
    sm_enqueue(receiver, ec, deadline);
    cpu_work(this_cpu(), WORK_LEAVE);
    return result(SUCCESS); // overwritten by ec_wake
}

// Takes from the counter, or queues the current EC, which leaves then with what wakes it.
static struct result sm_down(struct ec *ec, struct sm *sm, bool all, u64 deadline)
{
    spin_lock(&sm->lock);
    u64 value = all ? sm->counter : 1;
    if (sm->counter) {
        sm->counter -= value;
        spin_unlock(&sm->lock);
        return (struct result){SUCCESS, value};
    }
    if (sm->closed) {
        u32 error = sm_closed_error(sm);
        spin_unlock(&sm->lock);
        return result(error);
    }
    sm_enqueue(sm, ec, deadline);
    cpu_work(this_cpu(), WORK_LEAVE);
    return result(SUCCESS); // overwritten by ec_wake
}

static struct result sm_bind(struct ec *ec, struct sm *sm, u64 receiver_sel, u64 identity)
{
    struct sm *receiver = cap_object(ec->pd, receiver_sel, OBJ_SM, SM_DOWN);
    if (!receiver)
        return result(ECAP);
    return result(identity >> 32 ? EPARAM : signal_bind(sm, receiver, (u32)identity));
}

static struct result sm_control(struct ec *ec, u64 sm_sel, u64 operation, u64 deadline,
                                u64 identity)
{
    struct sm *sm = cap_object(ec->pd, sm_sel, OBJ_SM, operation == SM_OP_UP ? SM_UP : SM_DOWN);
    if (UNLIKELY(!sm))
        return result(ECAP);
    if (operation == SM_OP_UP) {
        sm_up(sm);
        return result(SUCCESS);
    }
    if (operation == SM_OP_WAIT)
        return signal_wait(ec, sm, deadline);
    if (operation == SM_OP_BIND)
        return sm_bind(ec, sm, deadline, identity);
    if (UNLIKELY(operation > SM_OP_DOWN_ZERO))
        return result(EPARAM);
    return sm_down(ec, sm, operation == SM_OP_DOWN_ZERO, deadline);
}

// What an up is about: of a signal context its identity, else the counter.
static u64 sm_value(const struct ec *ec, u64 sm_sel)
{
    const struct sm *sm = cap_object(ec->pd, sm_sel, OBJ_SM, SM_UP);
    return !sm ? 0 : sm->receiver ? sm->identity : __atomic_load_n(&sm->counter, __ATOMIC_RELAXED);
}

static __attribute__((noinline)) struct result sm_traced(struct ec *ec, u64 sm_sel, u64 operation,
                                                         u64 deadline, u64 identity)
{
    if (operation == SM_OP_UP) {
        struct result r = sm_control(ec, sm_sel, operation, deadline, identity);
        trace_write(ec, TRACE_SIGNAL, sm_sel, sm_value(ec, sm_sel));
        return r;
    }
    if (operation != SM_OP_BIND)
        trace_write(ec, TRACE_WAIT, sm_sel, operation);
    struct result r = sm_control(ec, sm_sel, operation, deadline, identity);
    if (ec->state == EC_BLOCKED)
        ec->trace.waits = true;
    else if (operation != SM_OP_BIND)
        trace_write(ec, TRACE_WAKE, r.error, r.value);
    return r;
}

static struct result sys_sm_ctrl(u64 sm_sel, u64 operation, u64 deadline, u64 identity)
{
    struct ec *ec = current();
    return UNLIKELY(ec_traced(ec)) ? sm_traced(ec, sm_sel, operation, deadline, identity)
                                   : sm_control(ec, sm_sel, operation, deadline, identity);
}

static struct result sys_gsi_ctrl(u64 sm_sel, u64 operation, u64 cpu)
{
    struct sm *sm = cap_object(self(), sm_sel, OBJ_SM, SM_DOWN);
    u64 msi;
    if (!sm || sm->gsi == ~0u)
        return result(ECAP);
    u32 error = gsi_control(sm, (unsigned)operation, (unsigned)cpu, &msi);
    return (struct result){error, msi};
}

#define sys_call NULL
#define sys_reply NULL
void *const hypercall_table[HC_COUNT] = {
#define X(number, name, arguments) [number] = (void *)sys_##name,
    TESSERA_HYPERCALLS(X)
#undef X
};
