// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The service "adder".
#pragma once

#include "lib/service/protocol.h"

enum adder_operation {
    ADDER_ADD = SERVICE_FIRST, // 2 a, 3 b; answer 1 a + b, 2 twice a by SSE, 3 half of b by x87
};
