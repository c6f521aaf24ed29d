// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Interrupts as semaphores, against a model of the interrupt controller: an input is unmasked only
// while somebody waits for it (002_8bbc1eeec7f51661.txt, Reception of device interrupts). No
// program can look there, and QEMU makes a pause in a storm, so no system test sees it.
#include "kernel/gsi.c"
#include "test/host/check.h"

enum { INPUTS = 24, EDGE = 5, LEVEL = 20, MESSAGE = INPUTS + 3, APIC_ID = 6, STORM = 100 };

// What the controller is set to, and whether the device holds its line.
static struct {
    bool masked, level, held;
    u8 vector;
    u32 apic_id;
} input[INPUTS];
static unsigned arrivals, ups, resets;
static struct sm *upped;

struct cpu *cpus[MAX_CPUS];
u32 cpu_online_count = 2;

void panic_at(const char *file, unsigned line, const struct exc_state *state, const void *ec,
              const char *format, ...)
{
    (void)state, (void)ec;
    printf("FAIL panic at %s:%u: %s\n", file, line, format);
    exit(1);
}
u32 ioapic_gsi_count(void)
{
    return INPUTS;
}
static void deliver(u32 gsi)
{
    arrivals++;
    gsi_arrived(input[gsi].vector);
}
// A level comes as long as it is held and nobody masks it.
static void look(u32 gsi)
{
    for (unsigned i = 0; i < STORM && input[gsi].level && input[gsi].held; i++) {
        if (input[gsi].masked)
            return;
        deliver(gsi);
    }
}
void ioapic_mask(u32 gsi)
{
    input[gsi].masked = true;
}
void ioapic_unmask(u32 gsi)
{
    input[gsi].masked = false;
    look(gsi);
}
bool ioapic_route(u32 gsi, u8 vector, u32 apic_id, bool level, bool active_low)
{
    CHECK(active_low == level);
    input[gsi].masked = true;
    input[gsi].level = level;
    input[gsi].vector = vector;
    input[gsi].apic_id = apic_id;
    return level;
}
void sm_up(struct sm *sm)
{
    upped = sm;
    ups++;
}
void signal_reset(struct sm *sm)
{
    upped = sm;
    resets++;
}

static void edge(u32 gsi)
{
    if (!input[gsi].masked)
        deliver(gsi);
}
static void hold(u32 gsi, bool held)
{
    input[gsi].held = held;
    look(gsi);
}
static void message(u32 data)
{
    arrivals++;
    gsi_arrived(data);
}

static u32 control(u32 gsi, unsigned operation)
{
    u64 msi;
    return gsi_control(&gsi_sm[gsi], operation, 1, &msi);
}
static void begin(u32 gsi, unsigned operation)
{
    CHECK(control(gsi, operation) == SUCCESS);
    arrivals = ups = 0;
}
// Whether so many have arrived at this CPU, and so many have been told, since `begin`.
static bool were(unsigned here, unsigned told)
{
    if (arrivals != here || ups != told)
        printf("  %u arrived and %u were told, expected %u and %u\n", arrivals, ups, here, told);
    return arrivals == here && ups == told;
}

static void an_edge_comes_once_and_only_when_waited_for(void)
{
    begin(EDGE, GSI_BIND);
    CHECK(input[EDGE].apic_id == APIC_ID && input[EDGE].vector == GSI_VECTOR_BASE + EDGE);
    edge(EDGE);
    CHECK(were(0, 0) && input[EDGE].masked);
    CHECK(control(EDGE, GSI_UNMASK) == SUCCESS);
    CHECK(were(0, 0) && !input[EDGE].masked); // what came before is lost
    edge(EDGE);
    CHECK(were(1, 1) && input[EDGE].masked && upped == &gsi_sm[EDGE]);
    edge(EDGE);
    edge(EDGE);
    CHECK(were(1, 1));
    CHECK(control(EDGE, GSI_UNMASK) == SUCCESS);
    edge(EDGE);
    CHECK(were(2, 2) && input[EDGE].masked);
}

static void a_level_comes_once_a_wait_as_long_as_it_is_held(void)
{
    begin(LEVEL, GSI_BIND_LEVEL);
    hold(LEVEL, true);
    CHECK(were(0, 0));
    for (unsigned i = 1; i <= 3; i++) {
        CHECK(control(LEVEL, GSI_UNMASK) == SUCCESS);
        CHECK(were(i, i) && input[LEVEL].masked);
    }
    hold(LEVEL, false);
    CHECK(control(LEVEL, GSI_UNMASK) == SUCCESS);
    CHECK(were(3, 3) && !input[LEVEL].masked);
    hold(LEVEL, true);
    CHECK(were(4, 4) && input[LEVEL].masked);
    hold(LEVEL, false);
}

static void a_wait_that_is_over_is_masked(void)
{
    begin(EDGE, GSI_BIND);
    CHECK(control(EDGE, GSI_UNMASK) == SUCCESS);
    CHECK(control(EDGE, GSI_MASK) == SUCCESS);
    edge(EDGE);
    CHECK(were(0, 0) && input[EDGE].masked);
    begin(MESSAGE, GSI_BIND);
    CHECK(control(MESSAGE, GSI_UNMASK) == SUCCESS);
    CHECK(control(MESSAGE, GSI_MASK) == SUCCESS);
    message(GSI_VECTOR_BASE + MESSAGE);
    CHECK(were(1, 0));
}

// The mask comes too late for one that is on its way to this CPU: of a level that is nothing, the
// device asks again; an edge is kept.
static void what_the_mask_came_too_late_for_is_kept(void)
{
    begin(EDGE, GSI_BIND);
    deliver(EDGE);
    deliver(EDGE);
    CHECK(were(2, 0));
    CHECK(control(EDGE, GSI_UNMASK) == SUCCESS);
    CHECK(were(2, 1) && input[EDGE].masked); // told, and so it is not waited for any more
    CHECK(control(EDGE, GSI_UNMASK) == SUCCESS);
    CHECK(were(2, 1));
    begin(LEVEL, GSI_BIND_LEVEL);
    deliver(LEVEL);
    CHECK(control(LEVEL, GSI_UNMASK) == SUCCESS);
    CHECK(were(1, 0));
}

// Only its device could mask it.
static void a_message_is_kept_once(void)
{
    u64 msi = 0;
    CHECK(gsi_control(&gsi_sm[MESSAGE], GSI_BIND, 1, &msi) == SUCCESS);
    CHECK(msi == (MSI_ADDRESS | APIC_ID << 12 | (u64)(GSI_VECTOR_BASE + MESSAGE) << 32));
    begin(MESSAGE, GSI_MASK);
    for (unsigned i = 0; i < 3; i++)
        message((u32)(msi >> 32));
    CHECK(were(3, 0));
    CHECK(control(MESSAGE, GSI_UNMASK) == SUCCESS);
    CHECK(were(3, 1) && upped == &gsi_sm[MESSAGE]);
    CHECK(control(MESSAGE, GSI_UNMASK) == SUCCESS);
    CHECK(were(3, 1));
    message((u32)(msi >> 32));
    message((u32)(msi >> 32));
    CHECK(were(5, 2));
}

// What came in the time of one owner is not told to the next.
static void the_next_owner_begins_anew(void)
{
    begin(MESSAGE, GSI_BIND);
    message(GSI_VECTOR_BASE + MESSAGE);
    resets = 0;
    CHECK(control(MESSAGE, GSI_RESET) == SUCCESS);
    CHECK(resets == 1 && upped == &gsi_sm[MESSAGE]);
    begin(MESSAGE, GSI_BIND);
    CHECK(control(MESSAGE, GSI_UNMASK) == SUCCESS);
    CHECK(were(0, 0));
    begin(EDGE, GSI_BIND);
    CHECK(control(EDGE, GSI_UNMASK) == SUCCESS);
    CHECK(control(EDGE, GSI_RESET) == SUCCESS);
    edge(EDGE);
    CHECK(were(0, 0) && input[EDGE].masked);
    CHECK(control(EDGE, GSI_UNMASK) == SUCCESS);
    CHECK(control(EDGE, GSI_BIND) == SUCCESS); // without an end of its own
    edge(EDGE);
    CHECK(were(0, 0) && input[EDGE].masked);
}

static void nonsense_is_refused(void)
{
    u64 msi;
    CHECK(gsi_control(&gsi_sm[EDGE], GSI_BIND, 2, &msi) == ECPU);
    CHECK(control(EDGE, 77) == EPARAM);
    begin(EDGE, GSI_BIND);
    gsi_arrived(VECTOR_SPURIOUS);
    gsi_arrived(0);
    CHECK(were(0, 0));
}

int main(void)
{
    static struct hip hip;
    static struct cpu second = {.apic_id = APIC_ID};
    cpus[1] = &second;
    gsi_init(&hip);
    CHECK(hip.msi_first == INPUTS && hip.gsi_count == GSI_MAX);
    RUN(an_edge_comes_once_and_only_when_waited_for);
    RUN(a_level_comes_once_a_wait_as_long_as_it_is_held);
    RUN(a_wait_that_is_over_is_masked);
    RUN(what_the_mask_came_too_late_for_is_kept);
    RUN(a_message_is_kept_once);
    RUN(the_next_owner_begins_anew);
    RUN(nonsense_is_refused);
    return check_failures != 0;
}
