// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The services "adder" and "single": the same, but that a client has one session with "single".
#pragma once

#include "lib/service/protocol.h"

enum adder_operation {
    ADDER_ADD = SERVICE_FIRST, // 2 a, 3 b; answer 1 a + b, 2 twice a by SSE, 3 half of b by x87
    ADDER_END_ME,              // the service asks for its client's end; answer when that is queued
};
