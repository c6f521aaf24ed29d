// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The time-stamp counter, which deadlines are given in.
#pragma once

#include "lib/rt/start.h"

static inline u64 rdtsc(void)
{
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (u64)high << 32;
}

// Ticks in `us` microseconds, and back, without overflow for more than a century.
static inline u64 tsc_from_us(u64 us) { return (u64)((unsigned __int128)us * hip()->tsc_khz / 1000); }
static inline u64 tsc_to_us(u64 ticks)
{
    u64 khz = hip()->tsc_khz;
    return ticks / khz * 1000 + ticks % khz * 1000 / khz;
}
// The deadline `us` microseconds from now.
static inline u64 deadline_in_us(u64 us) { return rdtsc() + tsc_from_us(us); }
