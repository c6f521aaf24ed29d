// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The scheduler of one CPU (sc.h). Choosing costs the same whatever the number of threads: one
// ready list a priority, a bitmap over them.
#include "kernel/sc.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/cpu.h"
#include "kernel/exit.h"

void ready_remove(struct ready_queue *queue, struct sc *sc)
{
    struct sc **first = &queue->head[sc->priority];
    if (sc->next == sc) {
        *first = NULL;
        queue->bitmap[sc->priority / 64] &= ~(1ul << sc->priority % 64);
        return;
    }
    sc->prev->next = sc->next;
    sc->next->prev = sc->prev;
    if (*first == sc)
        *first = sc->next;
}

struct sc *ready_take(struct ready_queue *queue)
{
    for (int word = 3; word >= 0; word--) {
        u64 bits = queue->bitmap[word];
        if (!bits)
            continue;
        int bit = 63 - __builtin_clzl(bits);
        struct sc **first = &queue->head[word * 64 + bit], *sc = *first;
        if (sc->next == sc) {
            *first = NULL;
            queue->bitmap[word] = bits & ~(1ul << bit);
        } else {
            sc->prev->next = sc->next;
            sc->next->prev = sc->prev;
            *first = sc->next;
        }
        return sc;
    }
    return NULL;
}

void sc_ready(struct sc *sc)
{
    struct cpu *cpu = this_cpu();
    sc->state = SC_READY;
    ready_insert(&cpu->ready, sc, false);
    if (!cpu->sc || sc->priority > cpu->sc->priority)
        cpu_work(cpu, WORK_SCHEDULE);
}

void sc_take_priority(struct sc *sc)
{
    struct cpu *cpu = this_cpu();
    u8 wanted = __atomic_load_n(&sc->wanted, __ATOMIC_RELAXED);
    if (sc->priority == wanted)
        return;
    if (sc->state == SC_READY)
        ready_remove(&cpu->ready, sc);
    sc->priority = wanted;
    if (sc->state == SC_READY)
        sc_ready(sc);
    else if (sc->state == SC_RUNNING)
        cpu_work(cpu, WORK_SCHEDULE); // others may be due
}

static void unlink_parked(struct sc *sc)
{
    struct sc **link = &sc->parked_at->parked;
    while (*link != sc)
        link = &(*link)->next;
    *link = sc->next;
}

static inline void account(struct cpu *cpu, u64 now)
{
    struct sc *sc = cpu->sc;
    u64 ran = now - cpu->sc_start;
    cpu->sc_start = now;
    sc->used += ran;
    sc->left = sc->left > ran ? sc->left - ran : 0;
    if (sc->budget) {
        if (now - sc->period_start >= sc->period) {
            sc->period_start = now - (now - sc->period_start) % sc->period;
            sc->spent = 0;
        }
        sc->spent += ran;
    }
}

void sc_account(struct cpu *cpu, u64 now)
{
    account(cpu, now);
}

void sc_stop(struct sc *sc)
{
    struct cpu *cpu = this_cpu();
    if (sc->state == SC_READY)
        ready_remove(&cpu->ready, sc);
    else if (sc->state == SC_PARKED)
        unlink_parked(sc);
    else if (sc->state == SC_THROTTLED)
        timeout_cancel(&cpu->timeouts, &sc->timeout);
    else if (sc->state == SC_RUNNING) {
        sc_account(cpu, rdtsc());
        cpu->sc = NULL;
        cpu_work(cpu, WORK_SCHEDULE);
    }
    sc->state = SC_STOPPED;
}

static inline void park(struct cpu *cpu, struct ec *ec, u64 now)
{
    struct sc *sc = cpu->sc;
    account(cpu, now);
    sc->state = SC_PARKED;
    sc->parked_at = ec;
    sc->next = ec->parked;
    ec->parked = sc;
    cpu->sc = NULL;
}

void sc_park(struct ec *ec)
{
    park(this_cpu(), ec, rdtsc());
}

void sc_unpark(struct ec *ec)
{
    while (ec->parked) {
        struct sc *sc = ec->parked;
        ec->parked = sc->next;
        sc_ready(sc);
    }
}

static void replenish(struct timeout *timeout)
{
    struct sc *sc = CONTAINER_OF(timeout, struct sc, timeout);
    sc->period_start = timeout->node.key;
    sc->spent = 0;
    sc_ready(sc);
}

// Puts the running SC back: throttled if its budget is spent, else to its queue.
static void put_back(struct cpu *cpu, u64 now)
{
    struct sc *sc = cpu->sc;
    sc_account(cpu, now);
    cpu->sc = NULL;
    if (sc->budget && sc->spent >= sc->budget) {
        sc->state = SC_THROTTLED;
        sc->timeout.fire = replenish;
        timeout_arm(&cpu->timeouts, &sc->timeout, sc->period_start + sc->period);
        return;
    }
    bool over = sc->left == 0;
    if (over)
        sc->left = sc->quantum;
    sc->state = SC_READY;
    ready_insert(&cpu->ready, sc, !over);
}

static inline void start(struct cpu *cpu, struct sc *sc, u64 now)
{
    sc->state = SC_RUNNING;
    cpu->sc = sc;
    cpu->sc_start = now;
    u64 left = sc->left;
    // Less than nothing if it has shrunk: the quantum has ended then.
    if (sc->budget && (long)(sc->budget - sc->spent) < (long)left)
        left = sc->budget - sc->spent;
    cpu->quantum_end = now + left;
}

// Takes the best of those that are ready, once nothing runs.
static inline bool start_top(struct cpu *cpu, u64 now)
{
    struct sc *sc = ready_take(&cpu->ready);
    if (!sc)
        return false;
    start(cpu, sc, now);
    return true;
}

bool sc_choose(struct cpu *cpu)
{
    u64 now = rdtsc();
    timeout_run(&cpu->timeouts, now);
    if (cpu->sc)
        put_back(cpu, now);
    cpu->work &= ~(u32)WORK_SCHEDULE;
    return start_top(cpu, now);
}

void sc_preempt(struct cpu *cpu, struct sc *sc)
{
    u64 now = rdtsc();
    put_back(cpu, now);
    start(cpu, sc, now);
}

bool sc_block(struct cpu *cpu, struct ec *ec)
{
    u64 now = rdtsc();
    park(cpu, ec, now);
    return start_top(cpu, now);
}
