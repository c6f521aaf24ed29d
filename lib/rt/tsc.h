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

// Ticks in `us` microseconds; what exceeds 63 bits is cut, so that adding it to now does not wrap
// around.
static inline u64 tsc_from_us(u64 us)
{
    u64 khz = hip()->tsc_khz, ticks;
    if (__builtin_mul_overflow(us / 1000, khz, &ticks) || ticks > INT64_MAX)
        return INT64_MAX;
    return ticks + us % 1000 * khz / 1000;
}
// Microseconds in `ticks`.
static inline u64 tsc_to_us(u64 ticks)
{
    u64 khz = hip()->tsc_khz;
    return ticks / khz * 1000 + ticks % khz * 1000 / khz;
}
// The deadline `us` microseconds from now.
static inline u64 deadline_in_us(u64 us)
{
    return rdtsc() + tsc_from_us(us);
}
