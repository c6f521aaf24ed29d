// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// See dry.h.
#include "lib/rt/dry.h"
#include <stddef.h>

void (*rt_dry)(void);

error_t rt_refused(error_t error)
{
    if (error == EMEM && rt_dry)
        rt_dry();
    return error;
}
