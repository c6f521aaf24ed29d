// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Waiting without an event, for programs that test.
#pragma once

#include "lib/rt/selector.h"
#include "lib/rt/sync.h"
#include "lib/rt/tsc.h"

// One in a program, however many files it has. Nobody ups it.
__attribute__((weak)) sel_t pause_never = SEL_NONE;

static inline void pause_us(u64 us)
{
    if (pause_never == SEL_NONE && semaphore_create(0, &pause_never))
        return;
    (void)!hc_sm_down(pause_never, deadline_in_us(us));
}
