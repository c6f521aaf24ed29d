// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The table of lower-case letters that libucl's caseless hash uses.
#include "libutil/str_util.h"

#define ROW(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define BLOCK(n) ROW(n), ROW(n + 8), ROW(n + 16), ROW(n + 24)
const unsigned char lc_map[256] = {
    BLOCK(0), BLOCK(32), '@', ROW('a'), ROW('i'),  ROW('q'),   'y',        'z',        '[',
    '\\',     ']',       '^', '_',      BLOCK(96), BLOCK(128), BLOCK(160), BLOCK(192), BLOCK(224)};
