// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What this machine offers for turning it off and on, from its ACPI tables.
#pragma once

#include "drivers/power/acpi.h"
#include <tessera/error.h>

struct machine {
    struct acpi_fadt fadt;
    bool has_fadt, has_s5;
    u8 type_a, type_b; // sleep types of S5
};

// Reads the tables through sessions of "io_mem", which are closed again. Prints what is missing.
// Errors: EPERM (no such session), EFEATURE (no ACPI); *machine is usable all the same.
MUST_CHECK error_t tables_read(struct machine *machine);
