// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Off and on again. Both return only if the machine is still on after all that it offers was tried.
#pragma once

#include "drivers/power/tables.h"

// S5 by the PM1 control registers. EFEATURE if the tables told no way or it had no effect, and the
// errors of an io_port session that was refused.
error_t machine_off(const struct machine *machine);
// The FADT's reset register if there is one, port 0xcf9, the keyboard controller. Errors likewise.
error_t machine_reset(const struct machine *machine);
