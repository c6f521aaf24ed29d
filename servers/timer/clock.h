// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What time it is: microseconds since the kernel started and since 1970.
#pragma once

#include <tessera/types.h>

// Reads the real-time clock once; without it the wall clock counts from 0, and one line says so.
void clock_init(void);

u64 clock_since_start(void);
u64 clock_wall(void);
// The TSC's value at `us` microseconds since start.
u64 clock_deadline(u64 us);
