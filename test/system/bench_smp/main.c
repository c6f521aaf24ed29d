// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// ipc_scaling: round trips per second of 1, 2 and 4 pairs of client and handler, a pair a CPU.
// Without icount, so the figures are the emulator's; what counts is how they relate.
#include "test/system/kernel/support.h"

enum { PAIRS_MAX = 4, SPAN_US = 500000 };

static struct handler handlers[PAIRS_MAX];
static volatile u64 count[PAIRS_MAX];
static volatile bool go;

static void client(word_t me)
{
    u64 trips = 0;
    while (!go)
        __builtin_ia32_pause();
    for (; !stop; trips++)
        (void)!hc_call0(handlers[me].pt);
    count[me] = trips;
}

static void measure(unsigned pairs)
{
    struct thread t[PAIRS_MAX];
    u64 total = 0;
    go = stop = false;
    for (unsigned i = 0; i < pairs; i++) {
        handlers[i] = handler_new(SEL_PD, i, entry_null, 0);
        if (thread_start(&t[i], SEL_PD, i, 10, client, i))
            machine_exit(1);
    }
    go = true;
    sm_down(t[0].finished, tsc() + tsc_us(SPAN_US)); // nobody has finished: a pause
    stop = true;
    for (unsigned i = 0; i < pairs; i++) {
        if (thread_join(&t[i], 20000000))
            machine_exit(1);
        total += count[i];
        thread_free(&t[i]);
        handler_free(&handlers[i]);
    }
    total = total * 1000000 / SPAN_US;
    print("bench: ipc_scaling_");
    print_number(pairs);
    print(" ");
    print_number(total);
    print(" ");
    print_number(total);
    print(" trips/s\n");
}

NORETURN void root_main(void);
void root_main(void)
{
    support_init();
    for (unsigned pairs = 1; pairs <= PAIRS_MAX && pairs <= HIP->cpu_count; pairs *= 2)
        measure(pairs);
    print("bench: DONE\n");
    machine_exit(0);
}
