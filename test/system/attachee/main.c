// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A child of init that works and does not know that it is looked at: two threads. What they are to
// do beside their work gdb writes into `order`, or `bad`.
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "lib/service/control.h"
#include "test/system/attachee/orders.h"

enum { PAUSE_US = 2000 };

volatile u64 rounds, ticks, told, secret = 1;
volatile u64 order, tell_at; // the latter: to be told when so many rounds are done
volatile u64 *volatile bad;
char *volatile box;
volatile struct attachee_map map; // for who reads our memory without our symbols

__attribute__((noinline)) u64 work(u64 round)
{
    rounds++;
    if (bad)
        *bad = round;
    return round + secret;
}

static void obey(u64 what)
{
    const struct service_quota none = {0, 0};
    struct service_client init;
    const char *name = what == ORDER_KILL_DEBUGGER ? "gdbstub" : "worker";
    order = ORDER_NONE;
    if (what == ORDER_DONE) {
        print("test: DONE\n");
        return;
    }
    error_t error = service_init(&init, "init", "", "", none);
    if (!error)
        error = control_kill(&init, name);
    service_close(&init);
    if (error)
        print("attachee: \"%s\" is not killed: %s\n", name, error_name(error));
}

__attribute__((noinline)) void tick(void)
{
    ticks++;
    if (order > ORDER_LEAVE)
        obey(order);
    if (rounds >= tell_at && tell_at != told) {
        told = tell_at;
        print("attachee: %lu rounds are done\n", told);
    }
}

static void ticker(void *argument)
{
    sel_t never = *(sel_t *)argument;
    while (!rounds)
        (void)!hc_sm_down(never, deadline_in_us(PAUSE_US));
    print("attachee: begins\n"); // both threads
    while (order != ORDER_LEAVE) {
        (void)!hc_sm_down(never, deadline_in_us(PAUSE_US));
        tick();
    }
}

int main(void)
{
    struct thread other;
    sel_t never;
    u64 sum = 0;
    box = heap_zalloc(64);
    if (!box || semaphore_create(0, &never))
        return 1;
    strlcpy(box, "made by the program", 64);
    map.rounds = (word_t)&rounds;
    map.ticks = (word_t)&ticks;
    map.order = (word_t)&order;
    map.bad = (word_t)&bad;
    if (thread_create(&other, hip()->cpu_count - 1, 70, "ticker", ticker, &never))
        return 1;
    map.magic[0] = ATTACHEE_MAGIC;
    map.magic[1] = ~ATTACHEE_MAGIC;
    while (order != ORDER_LEAVE)
        sum += work(rounds);
    thread_join(&other);
    print("attachee: leaves\n");
    return sum == ~0ul ? 1 : ATTACHEE_EXIT_CODE;
}
