// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// I/O port spaces: a bitmap a PD, loaded into the CPU's task state when a thread of that PD first
// touches a port after it came to run (the #GP of that access), and unloaded when another thread
// runs.
#pragma once

#include "kernel/pd.h"
#include "kernel/tlb.h"

// Allows ports; false if the account cannot pay for the bitmap.
bool ports_allow(struct pd *pd, u64 first, u64 count);
void ports_deny(struct pd *pd, u64 first, u64 count, struct tlb_batch *batch);
void ports_free(struct pd *pd);
// On a #GP of the current EC: makes its PD's bitmap valid; false if it was or there is none (a real
// fault).
bool ports_load(void);
// Makes the loaded bitmap invalid; `forget`: it may be stale, do not reuse it.
void ports_unload(bool forget);
