// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The two 8259 interrupt controllers of the first PCs, which are only ever turned off.
#pragma once

// Masks all their inputs. Called by lapic_init: it has to come before LINT0 is masked, for an
// interrupt that a controller has raised by then could be taken back by it no more, and would be
// taken with no vector.
void pic_disable(void);
