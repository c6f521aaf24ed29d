// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Waiting without an event, for programs that test: for what happens elsewhere, with a loop
//     for (u64 end = deadline_in_us(PATIENCE_US); !it_is_so() && rdtsc() < end;)
//         pause_us(1000);
// and a CHECK that it is so after that, which looks once more.
#pragma once

#include "lib/rt/selector.h"
#include "lib/rt/sync.h"
#include "lib/rt/tsc.h"

// How long that may take. A loaded host lets any CPU of the machine, or all, stand still for
// seconds.
enum { PATIENCE_US = 20000000 };

// One in a program, however many files it has. Nobody ups it.
__attribute__((weak)) sel_t pause_never = SEL_NONE;

static inline void pause_us(u64 us)
{
    if (pause_never == SEL_NONE && semaphore_create(0, &pause_never))
        return;
    (void)!hc_sm_down(pause_never, deadline_in_us(us));
}
