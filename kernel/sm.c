// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Semaphores and portals (sm.h). A semaphore's queue holds ECs of any CPU in order of arrival;
// whoever takes an EC out, under the lock, sets how its waiting ended and tells the EC's CPU.
#include "kernel/signal.h"
#include "kernel/exit.h"
#include "kernel/mapping.h"

static struct cache sm_cache = CACHE(sizeof(struct sm), "semaphore");
static struct cache pt_cache = CACHE(sizeof(struct pt), "portal");

static void *object_alloc(struct cache *cache, struct pd *payer, u32 *error)
{
    void *memory = cache_take(cache, &payer->account);
    *error = memory ? SUCCESS : EMEM;
    if (memory)
        pd_get(payer);
    return memory;
}

static void object_init(struct object *object, struct pd *payer, enum object_type type)
{
    object->type = (u8)type;
    object->dying = false;
    object->payer = payer;
}

static void object_release(struct cache *cache, struct object *object, void *memory)
{
    struct pd *payer = object->payer;
    cache_give(cache, &payer->account, memory);
    pd_put(payer);
}

struct sm *sm_create(struct pd *payer, u64 initial, u32 *error)
{
    struct sm *sm = object_alloc(&sm_cache, payer, error);
    if (!sm)
        return NULL;
    object_init(&sm->object, payer, OBJ_SM);
    sm->lock.held = 0;
    sm->closed = 0;
    sm->counter = initial;
    sm->head = NULL;
    sm->tail = &sm->head;
    sm->gsi = ~0u;
    sm->refs = 1;
    sm->pending = sm->receiver = NULL;
    return sm;
}

static void sm_release(struct rcu_head *head)
{
    struct sm *sm = CONTAINER_OF(head, struct sm, object.rcu);
    object_release(&sm_cache, &sm->object, sm);
}

// Under sm->lock: takes the EC out.
static void dequeue(struct sm *sm, struct ec *ec)
{
    *ec->wait_link = ec->wait_next;
    if (ec->wait_next)
        ec->wait_next->wait_link = ec->wait_link;
    else
        sm->tail = ec->wait_link;
    ec->wait_sm = NULL;
}

struct ec *sm_dequeue_first(struct sm *sm)
{
    struct ec *ec = sm->head;
    if (ec)
        dequeue(sm, ec);
    return ec;
}

__attribute__((noinline)) void sm_wake(struct ec *ec, u64 error, u64 value)
{
    ec->wake_error = error;
    ec->wake_value = value;
    if (ec->cpu == this_cpu()->index)
        ec_wake(ec);
    else
        ec_remote(ec, REMOTE_WAKE);
}

void sm_up(struct sm *sm)
{
    u64 value = 1;
    spin_lock(&sm->lock);
    struct ec *ec = sm->head;
    if (UNLIKELY(ec == &signal_mark))
        ec = signal_up(sm, &value);
    else if (ec)
        dequeue(sm, ec);
    else if (sm->counter != ~0ul)
        sm->counter++;
    spin_unlock(&sm->lock);
    if (ec)
        sm_wake(ec, SUCCESS, value);
}

static __attribute__((noinline)) void arm(struct ec *ec, u64 deadline)
{
    struct cpu *cpu = this_cpu();
    timeout_arm(&cpu->timeouts, &ec->timeout, deadline);
    timer_update(cpu);
}

void sm_enqueue(struct sm *sm, struct ec *ec, u64 deadline)
{
    ec->state = EC_BLOCKED;
    ec->wait_sm = sm;
    ec->wait_next = NULL;
    ec->wait_link = sm->tail;
    *sm->tail = ec;
    sm->tail = &ec->wait_next;
    spin_unlock(&sm->lock);
    if (deadline)
        arm(ec, deadline);
}

// What is rare in sm_wake_locked, out of line.
static __attribute__((noinline)) u64 wake_elsewhere(struct ec *ec, u64 value)
{
    sm_wake(ec, SUCCESS, value);
    return this_cpu()->work;
}

static __attribute__((noinline)) u64 preempt(struct cpu *cpu, struct sc *sc)
{
    sc_preempt(cpu, sc);
    return 1;
}

// An up of a signal context.
static __attribute__((noinline)) u64 signal_locked(struct sm *sm)
{
    u64 value;
    struct ec *ec = signal_up(sm, &value);
    spin_unlock(&sm->lock);
    return ec ? wake_elsewhere(ec, value) : 0;
}

u64 sm_wake_locked(struct sm *sm)
{
    struct cpu *cpu = this_cpu();
    struct ec *ec = sm->head;
    if (UNLIKELY(ec == &signal_mark))
        return signal_locked(sm);
    dequeue(sm, ec);
    spin_unlock(&sm->lock);
    struct sc *sc = ec->parked;
    if (UNLIKELY(ec->cpu != cpu->index || !sc || sc->next || ec->timeout.armed || cpu->work))
        return wake_elsewhere(ec, 1);
    ec->state = EC_RUN;
    ec->regs.rax = SUCCESS;
    ec->regs.rdx = 1;
    ec->parked = NULL;
    if (sc->priority > cpu->sc->priority)
        return preempt(cpu, sc);
    sc->state = SC_READY;
    ready_insert(&cpu->ready, sc, false);
    return 0;
}

struct ec *sm_wait_locked(struct sm *sm, struct ec *current, u64 deadline)
{
    if (UNLIKELY(sm->closed)) {
        current->regs.rax = sm_closed_error(sm);
        spin_unlock(&sm->lock);
        current->regs.rdx = 0;
        return current;
    }
    sm_enqueue(sm, current, deadline);
    return exit_block(current);
}

bool sm_cancel(struct ec *ec)
{
    struct sm *sm = __atomic_load_n(&ec->wait_sm, __ATOMIC_ACQUIRE);
    if (!sm)
        return false;
    spin_lock(&sm->lock);
    bool waits = ec->wait_sm == sm;
    if (waits)
        dequeue(sm, ec);
    spin_unlock(&sm->lock);
    return waits;
}

void sm_destroy(struct sm *sm)
{
    spin_lock(&sm->lock);
    sm->closed |= SM_DEAD;
    if (sm->receiver)
        signal_unbind(sm);
    for (struct ec *ec; (ec = sm_dequeue_first(sm));)
        sm_wake(ec, EABORT, 0);
    spin_unlock(&sm->lock);
    sm_put(sm);
}

void sm_put(struct sm *sm)
{
    if (__atomic_sub_fetch(&sm->refs, 1, __ATOMIC_ACQ_REL) == 0)
        rcu_defer(&sm->object.rcu, sm_release);
}

struct pt *pt_create(struct pd *payer, struct ec *ec, u64 ip, u32 mtd, u32 *error)
{
    struct pt *pt = object_alloc(&pt_cache, payer, error);
    if (!pt)
        return NULL;
    object_init(&pt->object, payer, OBJ_PT);
    pt->ec = ec;
    pt->ip = ip;
    pt->mtd = mtd;
    pt->id = 0;
    return pt;
}

static void pt_release(struct rcu_head *head)
{
    struct pt *pt = CONTAINER_OF(head, struct pt, object.rcu);
    object_release(&pt_cache, &pt->object, pt);
}

void pt_destroy(struct pt *pt)
{
    if (pt->link) {
        *pt->link = pt->next;
        if (pt->next)
            pt->next->link = pt->link;
    }
    rcu_defer(&pt->object.rcu, pt_release);
}
