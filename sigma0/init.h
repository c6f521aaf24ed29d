// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// init, sigma0's only child (init.c).
#pragma once

#include <tessera/types.h>

// The address at which its main thread begins.
u64 init_entry(void);
