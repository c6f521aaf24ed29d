// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What lib/rt needs of an environment, straight from the kernel: memory, scheduling contexts, a
// serial line.
#pragma once

#include <tessera/types.h>

// Kernel memory in use by this program, in bytes, once deferred releases are done.
u64 root_kmem(void);
// Pages that are grown at the moment.
u64 root_pages(void);
NORETURN void root_leave(int code);
