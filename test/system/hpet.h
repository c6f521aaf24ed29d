// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The HPET as a source of interrupts for tests (IA-PC HPET specification 1.0a, section 2.3): the
// one device of the emulated machine that raises edges, levels and message-signalled interrupts,
// as asked. scenarios/*/devices switches its messages on.
#pragma once

#include <tessera/types.h>

#define HPET_BASE 0xfed00000ul
enum { HPET_BYTES = 0x400, HPET_GSI = 20 }; // one of the inputs that its timers may be routed to

enum { HPET_PERIOD = 0x004, HPET_CONFIG = 0x010, HPET_STATUS = 0x020, HPET_COUNTER = 0x0f0 };
enum { HPET_TIMER = 0x100, HPET_COMPARATOR = 0x108, HPET_MESSAGE = 0x110 };
enum hpet_timer {
    HPET_LEVEL = 1 << 1,
    HPET_ENABLE = 1 << 2,
    HPET_PERIODIC = 1 << 3,
    HPET_SET = 1 << 6, // the next write to the comparator sets the period too
    HPET_ROUTE_SHIFT = 9,
    HPET_MESSAGES = 1 << 14,
};

static inline volatile u64 *hpet_register(volatile void *hpet, unsigned at)
{
    return (volatile u64 *)((volatile char *)hpet + at);
}
// Its first timer raises interrupts as `how` (enum hpet_timer) says, the first after `us` and, if
// periodic, each `us` from then on. A message goes as `msi` says (address | data << 32).
static inline void hpet_start(volatile void *hpet, unsigned how, u64 us, u64 msi)
{
    u64 ticks = us * 1000000000ul / (*hpet_register(hpet, 0) >> 32);
    *hpet_register(hpet, HPET_CONFIG) = 0;
    *hpet_register(hpet, HPET_COUNTER) = 0;
    *hpet_register(hpet, HPET_STATUS) = 1;
    *hpet_register(hpet, HPET_MESSAGE) = msi >> 32 | msi << 32;
    *hpet_register(hpet, HPET_TIMER) =
        how | HPET_ENABLE | HPET_SET | (u64)HPET_GSI << HPET_ROUTE_SHIFT;
    *hpet_register(hpet, HPET_COMPARATOR) = ticks;
    if (how & HPET_PERIODIC)
        *hpet_register(hpet, HPET_COMPARATOR) = ticks;
    *hpet_register(hpet, HPET_CONFIG) = 1;
}
// Takes back a level that it has raised.
static inline void hpet_acknowledge(volatile void *hpet)
{
    *hpet_register(hpet, HPET_STATUS) = 1;
}
static inline void hpet_stop(volatile void *hpet)
{
    *hpet_register(hpet, HPET_CONFIG) = 0;
    *hpet_register(hpet, HPET_TIMER) = 0;
    *hpet_register(hpet, HPET_STATUS) = 1;
}
