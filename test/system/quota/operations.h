// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The judge's service "gate", by which the leaves of scenarios/quota begin together and tell what
// they saw.
#pragma once

#include "lib/service/protocol.h"

enum gate_operation {
    GATE_ENTER = SERVICE_FIRST, // 2 enum leaf_kind; obj: semaphore (SM_DOWN), upped when it may go
    GATE_EVENT,                 // what makes a bad one bad has happened once more
    GATE_FIGURE,                // 2 enum figure, 3 min | median << 32, of a good one
    GATE_ADD,                   // 2 and 3: numbers; 1: their sum: what the good ones call
};

enum leaf_kind { LEAF_GOOD, LEAF_EXHAUSTS, LEAF_LEAKS, LEAF_CRASHES, LEAF_KINDS };
enum figure { FIGURE_CALL, FIGURE_MEMORY, FIGURES };
