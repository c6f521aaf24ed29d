// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The first program.
#pragma once

#include <tessera/hip.h>

// Makes the root PD from the archive's file "sigma0", with its main thread ready to run on this
// CPU; panics, with the reason, if that cannot be. Its account gets all the kernel memory that is
// left.
void root_create(struct hip *hip);
