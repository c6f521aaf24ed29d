// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The operations of compose-server's two services.
#pragma once

#include "lib/service/protocol.h"

enum compose_operation {
    COMPOSE_ADD = SERVICE_FIRST, // 2 and 3: numbers; 1: their sum, 2: calls of this session
    COMPOSE_INFO,    // 1 calls, 2 open sessions, 3 limit in bytes, 4 in slots, string label, args
    COMPOSE_TAKE,    // takes item over
    COMPOSE_CHARGE,  // 2 bytes
    COMPOSE_CRASH,   // 2 address to write to
    COMPOSE_STEAL,   // the server tries to close its client's pseudonym; 1: what its parent said
    COMPOSE_KILL_ME, // the server asks its parent to end this client
    COMPOSE_CHARGE_CAPS, // 2 slots
    COMPOSE_HOARD,       // fills its own domain's capability slots; 1: how many that were
    COMPOSE_LET_GO,      // empties them
    COMPOSE_SHARE,       // delegate dataspace: maps it; writes the inverse of its word 0 to word 1
    COMPOSE_SEEN,        // 1 whether it is mapped still, 2 its word 0
    COMPOSE_KILLS,       // 1: how many clients' ends it has asked for, and was not refused
};
