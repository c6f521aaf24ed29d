// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The scheduler's queues and its choice, and the queue of deadlines, against plain arrays.
// needs: kernel/sc.c kernel/timeout.c kernel/tree.c
#include "kernel/cpu.h"
#include "test/host/check.h"
#include <string.h>

enum { SCS = 60, ROUNDS = 100000, TIMEOUTS = 100 };

static struct sc scs[SCS];
static unsigned line[256][SCS], length[256]; // by priority, who comes first

static void line_remove(unsigned i)
{
    unsigned *l = line[scs[i].priority], at = 0;
    while (l[at] != i)
        at++;
    memmove(l + at, l + at + 1, (--length[scs[i].priority] - at) * sizeof(*l));
}

static void line_insert(unsigned i, bool head)
{
    unsigned *l = line[scs[i].priority], n = length[scs[i].priority]++;
    if (head)
        memmove(l + 1, l, n * sizeof(*l));
    l[head ? 0 : n] = i;
}

static int line_top(void)
{
    for (int p = 255; p >= 0; p--) {
        if (length[p])
            return p;
    }
    return -1;
}

static unsigned char random_priority(void)
{
    static const unsigned char some[] = {1, 2, 63, 64, 127, 128, 191, 192, 254, 255};
    return some[random_below(sizeof(some))];
}

static void ready_queue_matches_the_model(void)
{
    static struct ready_queue queue;
    static bool in[SCS];
    for (unsigned round = 0; round < ROUNDS && !check_failures; round++) {
        unsigned i = (unsigned)random_below(SCS);
        if (in[i]) {
            ready_remove(&queue, &scs[i]);
            line_remove(i);
        } else {
            bool head = random_below(2);
            scs[i].priority = random_priority();
            ready_insert(&queue, &scs[i], head);
            line_insert(i, head);
        }
        in[i] = !in[i];
        int top = line_top();
        struct sc *first = ready_take(&queue);
        CHECK(first == (top < 0 ? NULL : &scs[line[top][0]]));
        if (first)
            ready_insert(&queue, first, true);
    }
    for (unsigned i = 0; i < SCS; i++) {
        if (in[i]) {
            ready_remove(&queue, &scs[i]);
            line_remove(i);
        }
    }
    CHECK(!ready_take(&queue));
}

// The highest priority; among equals whoever has used his quantum goes to the end, whoever was
// interrupted stays first.
static void choice_matches_the_model(void)
{
    static struct cpu cpu;
    int running = -1;
    for (unsigned round = 0; round < ROUNDS && !check_failures; round++) {
        unsigned i = (unsigned)random_below(SCS);
        if (scs[i].state == SC_STOPPED) {
            scs[i].priority = random_priority();
            scs[i].quantum = scs[i].left = 1ul << 62;
            scs[i].state = SC_READY;
            ready_insert(&cpu.ready, &scs[i], false);
            line_insert(i, false);
        } else if (scs[i].state == SC_READY && random_below(2)) {
            ready_remove(&cpu.ready, &scs[i]);
            line_remove(i);
            scs[i].state = SC_STOPPED;
        }
        bool over = random_below(2);
        if (running >= 0) {
            scs[running].left = over ? 0 : 1ul << 62;
            line_insert((unsigned)running, !over);
        }
        int top = line_top(), before = running;
        CHECK(sc_choose(&cpu) == (top >= 0));
        if (top < 0)
            continue;
        running = (int)line[top][0];
        line_remove((unsigned)running);
        CHECK(cpu.sc == &scs[running] && cpu.sc->state == SC_RUNNING);
        CHECK(before < 0 ||
              scs[before].left > 1ul << 61); // a new quantum, or what was left of the old one
    }
}

static struct {
    struct timeout timeout;
    bool armed;
    u64 deadline;
} timeouts[TIMEOUTS];
static u64 clock_now, clock_last;

static void fire(struct timeout *timeout)
{
    unsigned i = (unsigned)((char *)timeout - (char *)timeouts) / sizeof(timeouts[0]);
    CHECK(timeouts[i].armed && timeouts[i].deadline <= clock_now &&
          timeouts[i].deadline >= clock_last);
    CHECK(!timeout->armed); // it may be armed again from here
    clock_last = timeouts[i].deadline;
    timeouts[i].armed = false;
}

static void deadlines_match_the_model(void)
{
    static struct timeout_queue queue;
    for (unsigned round = 0; round < ROUNDS && !check_failures; round++) {
        unsigned i = (unsigned)random_below(TIMEOUTS);
        u64 first = ~0ul;
        if (random_below(10) == 0) {
            clock_now += random_below(300);
            clock_last = 0;
            timeout_run(&queue, clock_now);
        } else if (timeouts[i].armed) {
            timeout_cancel(&queue, &timeouts[i].timeout);
            timeout_cancel(&queue, &timeouts[i].timeout); // of no consequence
            timeouts[i].armed = false;
        } else {
            timeouts[i].timeout.fire = fire;
            timeouts[i].deadline = clock_now + 1 + random_below(500);
            timeouts[i].armed = true;
            timeout_arm(&queue, &timeouts[i].timeout, timeouts[i].deadline);
        }
        for (unsigned k = 0; k < TIMEOUTS; k++) {
            CHECK(timeouts[k].timeout.armed == timeouts[k].armed);
            if (timeouts[k].armed && timeouts[k].deadline < first)
                first = timeouts[k].deadline;
        }
        CHECK(timeout_next(&queue) == first);
        CHECK(first > clock_now);
    }
}

int main(void)
{
    RUN(ready_queue_matches_the_model);
    RUN(choice_matches_the_model);
    RUN(deadlines_match_the_model);
    return check_failures != 0;
}
