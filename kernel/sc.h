// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Scheduling contexts and the scheduler of one CPU: fixed priorities, round robin by quantum among
// equals, optional budget per period. An SC is in exactly one place: running, in a ready queue,
// parked at the EC that cannot run, throttled until its period begins, or stopped.
#pragma once

#include "kernel/object.h"
#include "kernel/timeout.h"

struct ec;
struct cpu;

enum sc_state { SC_STOPPED, SC_READY, SC_RUNNING, SC_PARKED, SC_THROTTLED };

struct sc {
    struct object object;
    u8 state, priority;
    u8 wanted; // what `priority` is to become; of any CPU
    u16 cpu;
    bool retired;           // its object is destroyed: freed when its EC lets go of it
    struct ec *ec;          // whose it is
    struct sc *next, *prev; // ready queue (circular) or parked list (next)
    struct ec *parked_at;
    u64 quantum, left;       // in TSC ticks
    u64 budget, period;      // 0: unlimited
    u64 spent, period_start; // of the current period
    u64 used;                // ticks since creation
    struct timeout timeout;  // replenishment
};

struct ready_queue {
    u64 bitmap[4];
    struct sc *head[256];
};

// Puts a stopped, parked or throttled SC of this CPU at the tail of its queue and asks for a new
// choice if it should run now.
void sc_ready(struct sc *sc);
// Takes an SC of this CPU out of wherever it is.
void sc_stop(struct sc *sc);
// An EC lets go of its SC, which stops, and is freed if its root capability is gone. On the EC's
// CPU, as the next two.
void sc_detach(struct ec *ec);
// The EC's SC lost its root capability: lets go of it, at once or, in a call, when that returns.
void sc_retire(struct ec *ec);
// A caller dies in its call: the handler finishes the request on the caller's SC.
void sc_inherit(struct ec *from, struct ec *to);
// An SC for `ec`, which has none; started by REMOTE_SC. EMEM, EBUSY.
struct sc *sc_create(struct pd *payer, struct ec *ec, u64 priority_quantum, u64 budget_period,
                     u32 *error);
// Sets budget | period << 32 (µs) of an SC of any CPU, which counts from when it is next charged.
// False if the budget is longer than its period.
MUST_CHECK bool sc_set_budget(struct sc *sc, u64 budget_period);
// Sets the priority of an SC of any CPU. False if there is no such priority.
MUST_CHECK bool sc_set_priority(struct sc *sc, u64 priority);
// On its CPU: the priority is what is wanted, wherever the SC is.
void sc_take_priority(struct sc *sc);
void sc_destroy(struct sc *sc);
// Frees an SC that is in no queue and bound to nothing.
void sc_free(struct sc *sc);
// Lists the running SC at an EC that cannot run.
void sc_park(struct ec *ec);
// Makes all SCs parked at `ec` ready.
void sc_unpark(struct ec *ec);
// Charges the time since the last choice to the current SC.
void sc_account(struct cpu *cpu, u64 now);
// Puts the current SC, if any, back and makes the best one current; false if there is none.
bool sc_choose(struct cpu *cpu);
// The current SC makes way for `sc`, which is in no queue and goes first.
void sc_preempt(struct cpu *cpu, struct sc *sc);
// sc_park, and the best one becomes current; false if there is none. Deadlines are left to the
// timer.
bool sc_block(struct cpu *cpu, struct ec *ec);

static inline void ready_insert(struct ready_queue *queue, struct sc *sc, bool head)
{
    struct sc **first = &queue->head[sc->priority];
    if (!*first) {
        *first = sc->next = sc->prev = sc;
        queue->bitmap[sc->priority / 64] |= 1ul << sc->priority % 64;
        return;
    }
    sc->next = *first;
    sc->prev = (*first)->prev;
    sc->prev->next = sc;
    sc->next->prev = sc;
    if (head)
        *first = sc;
}
void ready_remove(struct ready_queue *queue, struct sc *sc);
// Takes out the first of the highest priority, or NULL.
struct sc *ready_take(struct ready_queue *queue);
