// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Runs the manual's examples and judges what came of each.
#include "test/system/check.h"
#include "test/system/exit.h"
#include "test/system/manual/manual.h"

static struct worker worker;

static void dataspaces(void)
{
    u64 physical;
    CHECK_EQ(example_share(), SUCCESS);
    CHECK_EQ(example_physical(&physical), SUCCESS);
    CHECK(physical && physical % PAGE_SIZE == 0);
}

static void region_maps(void)
{
    u64 written, filled;
    CHECK_EQ(worker_open(&worker), SUCCESS);
    CHECK_EQ(example_window(&worker, &written), SUCCESS);
    CHECK_EQ(written, HERE + 8);
    CHECK_EQ(example_on_demand(&worker, &filled), SUCCESS);
    CHECK_EQ(filled, 2 * HERE + 5 * PAGE_SIZE);
    worker_close(&worker);
}

static void domains(void)
{
    struct service_quota before, after;
    CHECK_EQ(env_quota(&before.ram, &before.caps), SUCCESS);
    CHECK_EQ(example_accounts(), SUCCESS);
    CHECK_EQ(example_upgrade(), SUCCESS);
    CHECK_EQ(env_quota(&after.ram, &after.caps), SUCCESS);
    CHECK(after.ram == before.ram && after.caps == before.caps);
}

static void quotas(void)
{
    struct service_quota session, page;
    CHECK_EQ(example_price(&session, &page), SUCCESS);
    CHECK(session.ram >= SESSION_RAM_LEAST && session.caps >= service_caps_least());
    CHECK(page.ram > PAGE_SIZE && page.caps >= PD_DATASPACE_CAPS);
    CHECK(page.ram <= 2 * PAGE_SIZE); // in whole pages
}

static void threads(void)
{
    u64 written;
    CHECK_EQ(worker_open(&worker), SUCCESS);
    CHECK_EQ(example_registers(&worker, &written), SUCCESS);
    CHECK_EQ(written, 3 * HERE + 16);
    worker_close(&worker);
}

static void rom(void)
{
    size_t bytes = 0;
    CHECK_EQ(example_rom(&bytes), SUCCESS);
    CHECK(bytes > PAGE_SIZE);
    CHECK_EQ(worker_open(&worker), SUCCESS);
    CHECK_EQ(example_rom_dataspace(&worker), SUCCESS);
    worker_close(&worker);
}

static void devices(void)
{
    unsigned seconds;
    u64 period;
    CHECK_EQ(example_clock(&seconds), SUCCESS);
    CHECK(seconds < 60);
    CHECK_EQ(example_hpet(&period), SUCCESS);
    CHECK(period > 0 && period <= 100000000); // what the HPET's specification allows
    CHECK_EQ(example_interrupts(5), SUCCESS);
}

static void log(void)
{
    unsigned found;
    CHECK_EQ(example_lines(), SUCCESS);
    CHECK_EQ(example_reading(&found), SUCCESS);
    CHECK_EQ(found, 1);
}

static void signals(void)
{
    u64 doors, bells;
    CHECK_EQ(example_signals(&doors, &bells), SUCCESS);
    CHECK_EQ(doors, 1);
    CHECK_EQ(bells, 3);
}

static void traces(void)
{
    u64 loaves, signals;
    sel_t oven;
    CHECK_EQ(semaphore_create(0, &oven), SUCCESS);
    CHECK_EQ(example_trace(oven, &loaves, &signals), SUCCESS);
    CHECK_EQ(loaves, 3);
    CHECK_EQ(signals, 3);
}

// Before and after the kill, or twice before it: the server is told later than we are.
static void keeping(void)
{
    char read[32];
    u64 sum = 0;
    CHECK_EQ(example_note("hello", read, sizeof(read)), SUCCESS);
    CHECK(!read[0]);
    CHECK_EQ(example_resumed(&sum), SUCCESS);
    CHECK(sum == 42 || sum == 44);
}

int main(void)
{
    RUN(dataspaces);
    RUN(region_maps);
    RUN(domains);
    RUN(quotas);
    RUN(threads);
    RUN(rom);
    RUN(devices);
    RUN(log);
    RUN(signals);
    RUN(traces);
    RUN(keeping);
    TESTS_DONE();
    machine_exit(tests_failed != 0);
    return 0;
}
