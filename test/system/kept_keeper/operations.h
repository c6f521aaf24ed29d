// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The operations of kept-keeper's service "keeper".
#pragma once

#include "lib/service/protocol.h"

enum keeper_operation {
    KEEPER_ADD =
        SERVICE_FIRST, // 2 number; 1: the sum of this session's, 2: of which life's session
    KEEPER_INFO,  // 1 whether its table was there, 2 failures, 3 open sessions, 4 records, 5 torn
    KEEPER_DIE,   // 2 enum keeper_death
    KEEPER_KEEP,  // 2 bytes, string name; 1 error, 2 bytes, 3 whether it was there
    KEEPER_DROP,  // string name; 1 error
    KEEPER_POKE,  // 2 offset, 3 word, string name
    KEEPER_PEEK,  // 2 offset, string name; 1 word
    KEEPER_GIVE,  // string name; obj: dataspace
    KEEPER_READY, // says so to its parent
    KEEPER_BURN,  // string name; a thread on the last CPU writes to it from now on
};

enum keeper_death { KEEPER_FAULTS, KEEPER_LEAVES, KEEPER_FAILS, KEEPER_FALLS_SILENT };

enum { KEEPER_WORDS = 64, KEEPER_RECORDS = 32 }; // of a session's state, which all are the sum
