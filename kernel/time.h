// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Time is the processor's time-stamp counter.
#pragma once

#include "kernel/arch/x86_64/tsc.h"

static inline u64 tsc_from_us(u64 us)
{
    return us * tsc_khz / 1000;
}
