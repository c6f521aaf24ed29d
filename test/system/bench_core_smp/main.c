// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// core_scaling: pages allocated, attached, detached and freed per second by 1, 2 and 4 clients,
// each with a session and a domain of its own on a CPU of its own. Without icount, so the figures
// are the emulator's; what counts is how they relate.
#include "lib/rt/start.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "test/system/bench.h"
#include "test/system/core/load.h"
#include "test/system/exit.h"

enum { CLIENTS_MAX = 4, SPAN_US = 500000 };

static struct load loads[CLIENTS_MAX];
static volatile bool go, stop;
static sel_t never; // nobody ups it

static void client(void *argument)
{
    struct load *load = argument;
    while (!go)
        __builtin_ia32_pause();
    while (!stop && load_cycle(load)) {
    }
}

static void measure(unsigned clients)
{
    struct thread t[CLIENTS_MAX];
    u64 cycles = 0, begin;
    go = stop = false;
    for (unsigned i = 0; i < clients; i++) {
        must(load_open(&loads[i]), "client");
        must(thread_create(&t[i], i, 10, "client", client, &loads[i]), "thread");
    }
    begin = rdtsc();
    go = true;
    (void)!hc_sm_down(never, begin + SPAN_US * (hip()->tsc_khz / 1000)); // a pause
    stop = true;
    u64 us = (rdtsc() - begin) / (hip()->tsc_khz / 1000);
    for (unsigned i = 0; i < clients; i++) {
        thread_join(&t[i]);
        cycles += loads[i].cycles;
        must(load_close(&loads[i]), "account");
    }
    u64 rate = cycles * 1000000 / us;
    print("bench: core_scaling_%u %lu %lu cycles/s\n", clients, rate, rate);
}

int main(void)
{
    must(semaphore_create(0, &never), "semaphore");
    for (unsigned clients = 1; clients <= CLIENTS_MAX && clients <= hip()->cpu_count; clients *= 2)
        measure(clients);
    print("bench: DONE\n");
    machine_exit(0);
    return 0;
}
