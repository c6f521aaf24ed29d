// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// ipc_scaling: round trips per second of 1, 2 and 4 pairs of client and handler, a pair a CPU.
// map_scaling: a page delegated within a domain and revoked, as often, a domain a CPU.
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

// Runs in a domain of its own, which holds a page at HOME.
enum { HOME = 0x300000 };
static struct thread mappers[PAIRS_MAX];
static void mapper(word_t me)
{
    struct utcb *utcb = (void *)mappers[me].utcb;
    u64 done = 0;
    while (!go)
        __builtin_ia32_pause();
    *utcb_item(utcb, 0) = item_delegate(crd(CRD_MEM, HOME, 0, RIGHT_ALL), HOME + 1, 0);
    for (; !stop; done++) {
        if (hc_plain(HC_delegate, SEL_PD, 1, 0, 0, 0, 0) ||
            revoke_children(crd(CRD_MEM, HOME, 0, RIGHT_ALL)))
            machine_exit(1);
    }
    count[me] = done;
}

static void report(const char *key, unsigned number, u64 total, const char *unit)
{
    total = total * 1000000 / SPAN_US;
    print("bench: ");
    print(key);
    print_number(number);
    print(" ");
    print_number(total);
    print(" ");
    print_number(total);
    print(unit);
}

static void measure_mapping(unsigned cpus)
{
    sel_t pd[PAIRS_MAX];
    u64 total = 0;
    go = stop = false;
    for (unsigned i = 0; i < cpus; i++) {
        u64 page = page_new(1);
        pd[i] = twin_new(1 << 18, 1000);
        if (take_kernel(crd(CRD_MEM, frame_new(1), 0, RIGHT_ALL), page, 0) ||
            delegate_to(pd[i], crd(CRD_MEM, page, 0, RIGHT_ALL), HOME) ||
            delegate_to(pd[i], crd(CRD_OBJ, pd[i], 0, PD_GRANT), SEL_PD) ||
            thread_start(&mappers[i], pd[i], i, 10, mapper, i))
            machine_exit(1);
    }
    go = true;
    sm_down(mappers[0].finished, tsc() + tsc_us(SPAN_US)); // nobody has finished: a pause
    stop = true;
    for (unsigned i = 0; i < cpus; i++) {
        if (thread_join(&mappers[i], 20000000))
            machine_exit(1);
        total += count[i];
        thread_free(&mappers[i]);
        drop(pd[i]);
    }
    report("map_scaling_", cpus, total, " pairs/s\n");
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
    report("ipc_scaling_", pairs, total, " trips/s\n");
}

NORETURN void root_main(void);
void root_main(void)
{
    support_init();
    for (unsigned pairs = 1; pairs <= PAIRS_MAX && pairs <= HIP->cpu_count; pairs *= 2)
        measure(pairs);
    for (unsigned cpus = 1; cpus <= PAIRS_MAX && cpus <= HIP->cpu_count; cpus *= 2)
        measure_mapping(cpus);
    print("bench: DONE\n");
    machine_exit(0);
}
