// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Our own domain's kernel memory or slots run dry after k units, for every k until it succeeds, in
// what the clients of devices, modules, log and signals do: opening, receiving what the session
// gives, using it. A refusal leaves nothing behind.
#include "lib/core/log.h"
#include "lib/core/signal.h"
#include "lib/rt/selector.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/hpet.h"
#include "test/system/wait.h"

enum { KMEM_STEP = 64, KMEM_MAX = 64 * 1024, SLOTS_MAX = 64, LINE = 8 };
#define PORT 0xe0

static error_t use_io_mem(void)
{
    struct io_mem memory;
    error_t error = io_mem_open(&memory, HPET_BASE, 0x100, false);
    if (!error)
        io_mem_close(&memory);
    return error;
}

static error_t use_io_port(void)
{
    struct io_port port;
    error_t error = io_port_open(&port, PORT, 1);
    if (!error)
        io_port_close(&port);
    return error;
}

static error_t use_irq(void)
{
    struct irq irq;
    error_t error = irq_open(&irq, LINE, false, 0);
    if (!error)
        irq_close(&irq);
    return error;
}

static error_t use_rom(void)
{
    struct rom rom;
    error_t error = rom_open(&rom, "init");
    if (!error)
        rom_close(&rom);
    return error;
}

static error_t use_log(void)
{
    struct service_client log;
    sel_t watch = SEL_NONE;
    error_t error = open_args(&log, "log", "read", 0);
    if (error)
        return error;
    error = log_watch(&log, &watch);
    service_close(&log);
    if (!error)
        selector_drop(watch);
    return error;
}

static void ignore(struct signal_context *context, u64 count)
{
    (void)context;
    (void)count;
}

static error_t use_signals(void)
{
    struct signal_receiver receiver;
    struct signal_context context;
    error_t error = signal_receiver_create(&receiver);
    if (error)
        return error;
    error = signal_context_create(&receiver, &context, ignore, NULL);
    if (!error)
        signal_context_destroy(&receiver, &context);
    signal_receiver_destroy(&receiver);
    return error;
}

static const struct use {
    error_t (*run)(void);
    const char *name;
} uses[] = {
    {use_io_mem, "io_mem"}, {use_io_port, "io_port"}, {use_irq, "irq"},
    {use_rom, "rom"},       {use_log, "log"},         {use_signals, "signals"},
};

static u64 left(bool kmem)
{
    u64 used, limit;
    if (hc_pd_read(SEL_PD, kmem ? PD_READ_KMEM : PD_READ_CAPS, &used, &limit))
        return 0;
    return limit - used;
}

// Runs it with k units, the rest of them lent to `keeper`. `kept` is what is left afterwards.
static error_t run_with(const struct use *use, sel_t keeper, bool kmem, u64 k, u64 *kept)
{
    enum pd_op give = kmem ? PD_GIVE_KMEM : PD_GIVE_CAPS;
    u64 lent = left(kmem) - k;
    error_t error = hc_pd_give(keeper, give, SEL_PD, lent);
    if (error)
        return EPARAM; // which no use gives
    error = use->run();
    // The kernel frees when all CPUs have passed by.
    for (u64 end = deadline_in_us(PATIENCE_US); (*kept = left(kmem)) < k && rdtsc() < end;)
        pause_us(100);
    return hc_pd_give(SEL_PD, give, keeper, lent) ? EPARAM : error;
}

static void runs_dry(const struct use *use, sel_t keeper, bool kmem)
{
    u64 ram, caps, kept = 0, k = 0, lost = 0;
    unsigned refused = 0, other = 0;
    error_t error;
    CHECK_EQ(use->run(), SUCCESS); // what is made once is there
    // What that gave back must not come in the middle of the first run.
    CHECK_EQ(settle_released(), SUCCESS);
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    for (; k < (kmem ? KMEM_MAX : SLOTS_MAX); k += kmem ? KMEM_STEP : 1) {
        error = run_with(use, keeper, kmem, k, &kept);
        if (error == EPARAM)
            continue; // other CPUs hold so much that it cannot be lent
        lost += kept < k;
        if (!error)
            break;
        if (error != EMEM && error != ERESOURCE) {
            print("  %s with %lu: %s\n", use->name, k, error_name(error));
            other++;
        }
        refused++;
    }
    print("  %s: %lu %s; refused %u times\n", use->name, k, kmem ? "bytes" : "slots", refused);
    CHECK_EQ(error, SUCCESS);
    CHECK(refused > 0);
    CHECK_EQ(other, 0);
    CHECK_EQ(lost, 0);
    CHECK(quota_is_back(ram, caps));
}

static void our_own_domain_runs_dry_at_every_step(void)
{
    sel_t keeper = selector_alloc();
    CHECK_EQ(hc_create_pd(keeper, SEL_PD, 4 * PAGE_SIZE, 16), SUCCESS);
    for (unsigned i = 0; i < ARRAY_SIZE(uses); i++) {
        runs_dry(&uses[i], keeper, true);
        runs_dry(&uses[i], keeper, false);
    }
    selector_drop(keeper);
}

void exhaust_own_tests(void)
{
    RUN(our_own_domain_runs_dry_at_every_step);
}
