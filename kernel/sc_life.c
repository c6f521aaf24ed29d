// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Creation and end of scheduling contexts. An SC and its EC point at each other; both links change
// under mapping_lock, and the queues the SC is in only on its CPU.
#include "kernel/cpu.h"
#include "kernel/mapping.h"
#include "kernel/time.h"
#include <tessera/error.h>
#include <tessera/hypercall.h>

static struct cache sc_cache = CACHE(sizeof(struct sc), "scheduling context");

bool sc_set_budget(struct sc *sc, u64 budget_period)
{
    u64 budget = budget_period & 0xffffffff, period = budget_period >> 32;
    if (budget > period)
        return false;
    // Its CPU may be charging it: where there is a budget there is a period.
    if (budget)
        __atomic_store_n(&sc->period, tsc_from_us(period), __ATOMIC_RELEASE);
    __atomic_store_n(&sc->budget, tsc_from_us(budget), __ATOMIC_RELEASE);
    return true;
}

bool sc_set_priority(struct sc *sc, u64 priority)
{
    if (priority == 0 || priority > PRIORITY_MAX)
        return false;
    mapping_lock();
    __atomic_store_n(&sc->wanted, (u8)priority, __ATOMIC_RELAXED);
    if (sc->ec != &dead_ec)
        ec_remote(sc->ec, REMOTE_SC_PRIORITY);
    mapping_unlock();
    return true;
}

struct sc *sc_create(struct pd *payer, struct ec *ec, u64 priority_quantum, u64 budget_period,
                     u32 *error)
{
    u64 priority = priority_quantum & 0xffff, quantum = priority_quantum >> 16;
    *error = EPARAM;
    if (priority == 0 || priority > PRIORITY_MAX || quantum > 10000000)
        return NULL;
    *error = EMEM;
    struct sc *sc = cache_take(&sc_cache, &payer->account);
    if (!sc)
        return NULL;
    __builtin_memset(sc, 0, sizeof(*sc));
    sc->object.type = OBJ_SC;
    sc->object.payer = payer;
    sc->state = SC_STOPPED;
    sc->priority = sc->wanted = (u8)priority;
    sc->cpu = ec->cpu;
    sc->ec = ec;
    sc->quantum = sc->left = tsc_from_us(quantum ? quantum : QUANTUM_DEFAULT_US);
    if (!sc_set_budget(sc, budget_period)) {
        *error = EPARAM;
        cache_give(&sc_cache, &payer->account, sc);
        return NULL;
    }
    pd_get(payer);
    *error = SUCCESS;
    return sc;
}

static void sc_release(struct rcu_head *head)
{
    struct sc *sc = CONTAINER_OF(head, struct sc, object.rcu);
    struct pd *payer = sc->object.payer;
    cache_give(&sc_cache, &payer->account, sc);
    pd_put(payer);
}

void sc_free(struct sc *sc)
{
    rcu_defer(&sc->object.rcu, sc_release);
}

void sc_detach(struct ec *ec)
{
    struct sc *sc = ec->sc;
    sc_stop(sc);
    mapping_lock();
    ec->sc = NULL;
    sc->ec = &dead_ec;
    bool retired = sc->retired;
    mapping_unlock();
    if (retired)
        sc_free(sc);
}

void sc_inherit(struct ec *from, struct ec *to)
{
    mapping_lock();
    struct sc *sc = from->sc;
    from->sc = NULL;
    to->sc = sc;
    sc->ec = to;
    sc_take_priority(sc); // `from` may have been told, and not looked yet
    mapping_unlock();
}

void sc_retire(struct ec *ec)
{
    if (!ec->sc || !ec->sc->retired)
        return;
    if (!ec->global)
        return; // inherited: ends with the reply
    if (ec->callee)
        __atomic_fetch_or(&ec->hazard, HAZARD_RETIRED, __ATOMIC_RELAXED);
    else
        sc_detach(ec);
}

// Under mapping_lock.
void sc_destroy(struct sc *sc)
{
    sc->retired = true;
    if (sc->ec == &dead_ec)
        sc_free(sc);
    else
        ec_remote(sc->ec, REMOTE_SC_STOP);
}
