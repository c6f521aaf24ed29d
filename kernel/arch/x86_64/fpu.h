// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// FPU, SSE and AVX state. It belongs to an EC, is saved only when another EC uses the FPU, and a
// portal call whose handler does not touch it moves nothing: CR0.TS is set while the state in the
// registers is not the current EC's. CPUs that let instructions run ahead past CR0.TS are given a
// clean state at every switch instead.
#pragma once

#include "kernel/cpu.h"

void fpu_init(void);
// On #NM: gives the FPU to the current EC. False: no memory for its state.
bool fpu_take(struct cpu *cpu);
// The current EC, which has the FPU, is about to be switched away from.
void fpu_leave(struct cpu *cpu);
// The EC dies, or halts (`keep`): none of its state stays in the registers.
void fpu_drop(struct cpu *cpu, struct ec *ec, bool keep);
// A halted EC's struct fpu_state. False of writing: it has not used the FPU yet.
bool fpu_copy(struct ec *ec, struct fpu_state *user, bool write);
void fpu_free(struct ec *ec);
