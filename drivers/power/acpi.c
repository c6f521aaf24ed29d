// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The tables' fields (acpi.h).
//
// \_S5 stands in AML, a byte code. Until ACPICA is ported, which interprets it, it is looked for as
// the bytes of its usual definition: NameOp, "_S5_" (with or without the root's backslash), a
// package of constants. A machine that computes it by a method is not understood, and acpi_s5 says
// so.
#include "drivers/power/acpi.h"

enum fadt_offset {
    FADT_DSDT = 40,
    FADT_SMI_COMMAND = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_PM1A_CONTROL = 64,
    FADT_PM1B_CONTROL = 68,
    FADT_FLAGS = 112,
    FADT_RESET_REGISTER = 116,
    FADT_RESET_VALUE = 128,
    FADT_X_DSDT = 140,
    FADT_X_PM1A_CONTROL = 172,
    FADT_X_PM1B_CONTROL = 184,
    FADT_RESET_SUPPORTED = 1 << 10,
    GENERIC_ADDRESS_BYTES = 12,
};

enum aml {
    AML_ZERO = 0x00,
    AML_ONE = 0x01,
    AML_NAME = 0x08,
    AML_BYTE = 0x0a,
    AML_WORD = 0x0b,
    AML_DWORD = 0x0c,
    AML_PACKAGE = 0x12,
    AML_ROOT = '\\',
};

// A little-endian number; 0 where the table ends before it, as older revisions do.
static u64 number(const u8 *bytes, size_t length, size_t at, unsigned size)
{
    u64 value = 0;
    if (at > length || length - at < size)
        return 0;
    for (unsigned i = size; i-- > 0;)
        value = value << 8 | bytes[at + i];
    return value;
}

static bool sums_to_zero(const u8 *bytes, size_t length)
{
    u8 sum = 0;
    for (size_t i = 0; i < length; i++)
        sum = (u8)(sum + bytes[i]);
    return sum == 0;
}

static bool equal(const u8 *bytes, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != (u8)text[i])
            return false;
    }
    return true;
}

bool acpi_rsdp(const u8 *bytes, size_t length, struct acpi_root *root)
{
    enum { OLD_BYTES = 20, REVISION = 15, RSDT = 16, XSDT = 24 };
    if (length < OLD_BYTES || !equal(bytes, "RSD PTR ", 8) || !sums_to_zero(bytes, OLD_BYTES))
        return false;
    *root = (struct acpi_root){number(bytes, length, RSDT, 4), 4};
    if (bytes[REVISION] >= 2 && length >= ACPI_RSDP_BYTES && number(bytes, length, XSDT, 8) &&
        sums_to_zero(bytes, ACPI_RSDP_BYTES))
        *root = (struct acpi_root){number(bytes, length, XSDT, 8), 8};
    return root->physical != 0;
}

size_t acpi_rsdp_find(const u8 *bytes, size_t length)
{
    struct acpi_root root;
    for (size_t at = 0; at < length; at += 16) {
        if (acpi_rsdp(bytes + at, length - at, &root))
            return at;
    }
    return length;
}

size_t acpi_table_length(const u8 *bytes, size_t length)
{
    if (length < ACPI_HEADER_BYTES)
        return 0;
    size_t told = number(bytes, length, 4, 4);
    return told < ACPI_HEADER_BYTES ? 0 : told;
}

bool acpi_table(const u8 *bytes, size_t length, const char signature[4])
{
    size_t told = acpi_table_length(bytes, length);
    return told != 0 && told <= length && equal(bytes, signature, 4) && sums_to_zero(bytes, told);
}

u64 acpi_entry(const u8 *bytes, size_t length, unsigned entry_bytes, size_t index)
{
    size_t told = acpi_table_length(bytes, length);
    if (told > length)
        told = length;
    if (told < ACPI_HEADER_BYTES || index >= (told - ACPI_HEADER_BYTES) / entry_bytes)
        return 0;
    return number(bytes, told, ACPI_HEADER_BYTES + index * entry_bytes, entry_bytes);
}

static struct acpi_register generic(const u8 *bytes, size_t length, size_t at)
{
    struct acpi_register none = {0};
    if (at > length || length - at < GENERIC_ADDRESS_BYTES)
        return none;
    return (struct acpi_register){bytes[at], bytes[at + 1], number(bytes, length, at + 4, 8)};
}

// The port of a control register, from its extended description if that is good, else the old one.
static u16 control_port(const u8 *bytes, size_t length, size_t extended, size_t old)
{
    struct acpi_register r = generic(bytes, length, extended);
    u64 port = r.address && r.space == ACPI_IO ? r.address : number(bytes, length, old, 4);
    return port < UINT16_MAX ? (u16)port : 0; // two bytes wide
}

bool acpi_fadt(const u8 *bytes, size_t length, struct acpi_fadt *fadt)
{
    size_t told = acpi_table_length(bytes, length);
    if (told < length)
        length = told;
    u64 dsdt = number(bytes, length, FADT_X_DSDT, 8),
        smi = number(bytes, length, FADT_SMI_COMMAND, 4);
    *fadt = (struct acpi_fadt){
        .dsdt = dsdt ? dsdt : number(bytes, length, FADT_DSDT, 4),
        .pm1a = control_port(bytes, length, FADT_X_PM1A_CONTROL, FADT_PM1A_CONTROL),
        .pm1b = control_port(bytes, length, FADT_X_PM1B_CONTROL, FADT_PM1B_CONTROL),
        .smi_command = smi <= UINT16_MAX ? (u16)smi : 0,
        .acpi_enable = (u8)number(bytes, length, FADT_ACPI_ENABLE, 1),
        .reset = generic(bytes, length, FADT_RESET_REGISTER),
        .reset_value = (u8)number(bytes, length, FADT_RESET_VALUE, 1)};
    fadt->reset_supported =
        number(bytes, length, FADT_FLAGS, 4) & FADT_RESET_SUPPORTED && fadt->reset.address != 0;
    return fadt->pm1a != 0;
}

// The constant at *at, which moves behind it. False if there is none.
static bool constant(const u8 *bytes, size_t end, size_t *at, u64 *value)
{
    unsigned size;
    if (*at >= end)
        return false;
    switch (bytes[(*at)++]) {
    case AML_ZERO: *value = 0; return true;
    case AML_ONE: *value = 1; return true;
    case AML_BYTE: size = 1; break;
    case AML_WORD: size = 2; break;
    case AML_DWORD: size = 4; break;
    default: return false;
    }
    if (end - *at < size)
        return false;
    *value = number(bytes, end, *at, size);
    *at += size;
    return true;
}

// What follows PackageOp: its length in one to four bytes (20.2.4), the number of elements, these.
static bool package(const u8 *bytes, size_t length, size_t at, u8 *type_a, u8 *type_b)
{
    size_t start = at, more, size;
    u64 a, b = 0;
    if (at >= length)
        return false;
    more = bytes[at] >> 6;
    size = bytes[at++] & (more ? 0x0f : 0x3f);
    if (length - at < more)
        return false;
    for (size_t i = 0; i < more; i++)
        size |= (size_t)bytes[at++] << (4 + 8 * i);
    if (size > length - start)
        return false;
    size_t end = start + size;
    if (at >= end)
        return false;
    unsigned elements = bytes[at++];
    if (elements < 1 || !constant(bytes, end, &at, &a))
        return false;
    if (elements > 1 && !constant(bytes, end, &at, &b))
        return false;
    if (a > ACPI_SLEEP_TYPE_MAX || b > ACPI_SLEEP_TYPE_MAX)
        return false;
    *type_a = (u8)a;
    *type_b = (u8)b;
    return true;
}

bool acpi_s5(const u8 *bytes, size_t length, u8 *type_a, u8 *type_b)
{
    size_t told = acpi_table_length(bytes, length);
    if (told < length)
        length = told;
    for (size_t i = ACPI_HEADER_BYTES; i + 6 <= length; i++) {
        if (bytes[i] != AML_NAME)
            continue;
        size_t at = i + 1 + (bytes[i + 1] == AML_ROOT);
        if (length - at < 5 || !equal(bytes + at, "_S5_", 4) || bytes[at + 4] != AML_PACKAGE)
            continue;
        if (package(bytes, length, at + 5, type_a, type_b))
            return true;
    }
    return false;
}
