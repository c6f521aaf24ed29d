// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The service "greeter" of the tour.
#pragma once

#include "lib/service/protocol.h"

enum greeter_operation {
    GREETER_GREET = SERVICE_FIRST, // string name -> string answer
};
