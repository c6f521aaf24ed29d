// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Boot options: words NAME=VALUE of the kernel's command line (HIP), of which sigma0 knows only
// those that help to see what it does: trace=objects.
#pragma once

#include <tessera/types.h>

// Whether the command line has the word NAME=VALUE, or NAME=A,B,… with VALUE among them.
bool option_is(const char *name, const char *value);
