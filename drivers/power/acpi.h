// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What turning off and on needs from the ACPI tables (ACPI specification 6.5, chapters 5 and 16).
// Pure functions over bytes that nobody vouches for: each reads inside [bytes, bytes + length)
// only.
#pragma once

#include <tessera/types.h>

enum {
    ACPI_HEADER_BYTES = 36, // of every table but the RSDP
    ACPI_RSDP_BYTES = 36,   // revision 2; revision 0 has 20
    ACPI_SLEEP_TYPE_MAX = 7,
};

// Where the RSDP says the root table is.
struct acpi_root {
    u64 physical;
    unsigned entry_bytes; // 8: XSDT, 4: RSDT
};

enum acpi_space { ACPI_MEMORY = 0, ACPI_IO = 1 };

// A generic address structure, cut to what is needed.
struct acpi_register {
    u8 space, bits;
    u64 address; // 0: there is none
};

struct acpi_fadt {
    u64 dsdt;
    u16 pm1a, pm1b;  // I/O ports of the control registers; 0: there is none
    u16 smi_command; // 0: the machine is in ACPI mode always
    u8 acpi_enable;
    bool reset_supported;
    struct acpi_register reset;
    u8 reset_value;
};

// Reads the RSDP. False if signature or checksum are wrong.
MUST_CHECK bool acpi_rsdp(const u8 *bytes, size_t length, struct acpi_root *root);
// Looks for an RSDP at 16-byte steps; its offset, or `length` if there is none.
size_t acpi_rsdp_find(const u8 *bytes, size_t length);
// The length that a table's header gives; 0 if the header is not whole or gives less than itself.
size_t acpi_table_length(const u8 *bytes, size_t length);
// Whether this is a whole table with that signature and a right checksum.
MUST_CHECK bool acpi_table(const u8 *bytes, size_t length, const char signature[4]);
// Entry `index` of a root table that acpi_table has checked; 0 if there are no more.
u64 acpi_entry(const u8 *bytes, size_t length, unsigned entry_bytes, size_t index);
// Reads the FADT (checked by acpi_table). False if it has no PM1a control port.
MUST_CHECK bool acpi_fadt(const u8 *bytes, size_t length, struct acpi_fadt *fadt);
// The sleep types of S5 from the DSDT or an SSDT. False if it has no \_S5 of a kind that we read.
MUST_CHECK bool acpi_s5(const u8 *bytes, size_t length, u8 *type_a, u8 *type_b);
