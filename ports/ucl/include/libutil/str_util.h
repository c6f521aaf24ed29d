// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What this copy of libucl takes from the program it comes with: caseless comparison.
#pragma once

#include <strings.h>

#define rspamd_lc_cmp(a, b, length) strncasecmp((a), (b), (length))
typedef unsigned char guchar;
extern const unsigned char lc_map[256];
