// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What libfdt's headers want of libc: ours (lib/rt/string.h).
#pragma once
#include "lib/rt/string.h"
