// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Where the kernel finds physical memory: the architecture's layout, or a stand-in in host tests.
#pragma once

#ifdef HOST_TEST
#include "test/host/kernel_layout.h"
#else
#include "kernel/arch/x86_64/layout.h"
#endif
