// needs: drivers/power/acpi.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The ACPI tables' reader: tables as virtual machines have them, then the same with bytes cut off,
// changed and made up. Every input lies at the end of an object of its own, so that the sanitizer
// notices one byte read too many.
#include "drivers/power/acpi.h"
#include "test/host/check.h"
#include <string.h>

enum { FADT_BYTES = 244, FUZZ_ROUNDS = 200000 };

static void put(u8 *at, u64 value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        at[i] = (u8)(value >> 8 * i);
}

static void checksum(u8 *bytes, size_t length, size_t at)
{
    u8 sum = 0;
    bytes[at] = 0;
    for (size_t i = 0; i < length; i++)
        sum = (u8)(sum + bytes[i]);
    bytes[at] = (u8)-sum;
}

static void table_finish(u8 *bytes, const char *signature, size_t length)
{
    memcpy(bytes, signature, 4);
    put(bytes + 4, length, 4);
    checksum(bytes, length, 9);
}

static void rsdp_make(u8 *r, unsigned revision)
{
    memset(r, 0, 36);
    memcpy(r, "RSD PTR ", 8);
    r[15] = (u8)revision;
    put(r + 16, 0x7fe1000, 4);
    checksum(r, 20, 8);
    if (revision >= 2) {
        put(r + 20, 36, 4);
        put(r + 24, 0x1237fe2000, 8);
        checksum(r, 36, 32);
    }
}

static void fadt_make(u8 *f)
{
    memset(f, 0, FADT_BYTES);
    put(f + 40, 0x7fe0040, 4);
    put(f + 48, 0xb2, 4);
    f[52] = 2;
    put(f + 64, 0x604, 4);
    put(f + 112, 1 << 10, 4);
    f[116] = 1, f[117] = 8;
    put(f + 120, 0xcf9, 8);
    f[128] = 0x0f;
    table_finish(f, "FACP", FADT_BYTES);
}

static void rsdp_of_both_revisions(void)
{
    u8 r[36];
    struct acpi_root root;
    rsdp_make(r, 0);
    CHECK(acpi_rsdp(r, 20, &root) && root.physical == 0x7fe1000 && root.entry_bytes == 4);
    CHECK(!acpi_rsdp(r, 19, &root));
    rsdp_make(r, 2);
    CHECK(acpi_rsdp(r, 36, &root) && root.physical == 0x1237fe2000 && root.entry_bytes == 8);
    CHECK(acpi_rsdp(r, 35, &root) && root.entry_bytes == 4);
    r[25] ^= 1; // the extended checksum is wrong: the old part is still good
    CHECK(acpi_rsdp(r, 36, &root) && root.entry_bytes == 4);
    r[17] ^= 1;
    CHECK(!acpi_rsdp(r, 36, &root));
}

static void rsdp_is_found_at_steps_of_sixteen(void)
{
    static u8 area[4096];
    memset(area, 0, sizeof(area));
    CHECK(acpi_rsdp_find(area, sizeof(area)) == sizeof(area));
    rsdp_make(area + 1000, 2); // 1000 is none
    CHECK(acpi_rsdp_find(area, sizeof(area)) == sizeof(area));
    rsdp_make(area + 4096 - 48, 2);
    CHECK(acpi_rsdp_find(area, sizeof(area)) == 4096 - 48);
}

static void root_entries_end_with_the_table(void)
{
    u8 t[36 + 3 * 8];
    memset(t, 0, sizeof(t));
    for (unsigned i = 0; i < 3; i++)
        put(t + 36 + 8 * i, 0x100000000 + i, 8);
    table_finish(t, "XSDT", sizeof(t));
    CHECK(acpi_table(t, sizeof(t), "XSDT") && !acpi_table(t, sizeof(t), "RSDT"));
    CHECK(!acpi_table(t, sizeof(t) - 1, "XSDT"));
    CHECK(acpi_entry(t, sizeof(t), 8, 0) == 0x100000000);
    CHECK(acpi_entry(t, sizeof(t), 8, 2) == 0x100000002);
    CHECK(acpi_entry(t, sizeof(t), 8, 3) == 0 && acpi_entry(t, sizeof(t), 8, SIZE_MAX) == 0);
    CHECK(acpi_entry(t, sizeof(t) - 1, 8, 2) == 0);
    CHECK(acpi_entry(t, sizeof(t), 4, 4) == 2);
    t[40] ^= 1;
    CHECK(!acpi_table(t, sizeof(t), "XSDT"));
}

static void fadt_gives_its_registers(void)
{
    u8 f[FADT_BYTES];
    struct acpi_fadt fadt;
    fadt_make(f);
    CHECK(acpi_fadt(f, sizeof(f), &fadt));
    CHECK(fadt.dsdt == 0x7fe0040 && fadt.pm1a == 0x604 && fadt.pm1b == 0);
    CHECK(fadt.smi_command == 0xb2 && fadt.acpi_enable == 2);
    CHECK(fadt.reset_supported && fadt.reset.space == ACPI_IO && fadt.reset.address == 0xcf9);
    CHECK(fadt.reset_value == 0x0f);
    put(f + 112, 0, 4);
    CHECK(acpi_fadt(f, sizeof(f), &fadt) && !fadt.reset_supported);
    put(f + 140, 0x200000000, 8); // the extended fields win
    f[172] = ACPI_IO;
    put(f + 176, 0xb004, 8);
    f[184] = ACPI_MEMORY; // but not with a space that is no I/O
    put(f + 188, 0xfed00000, 8);
    put(f + 68, 0x608, 4);
    CHECK(acpi_fadt(f, sizeof(f), &fadt));
    CHECK(fadt.dsdt == 0x200000000 && fadt.pm1a == 0xb004 && fadt.pm1b == 0x608);
}

static void short_fadt_has_no_reset(void)
{
    u8 f[FADT_BYTES];
    struct acpi_fadt fadt;
    fadt_make(f);
    put(f + 4, 116, 4); // ACPI 1.0
    CHECK(acpi_fadt(f, 116, &fadt) && fadt.pm1a == 0x604 && !fadt.reset_supported);
    CHECK(!acpi_fadt(f, 64, &fadt));
    put(f + 64, 0x12345, 4); // no port
    CHECK(!acpi_fadt(f, sizeof(f), &fadt));
}

// A table of a header and this AML.
static bool s5_in(const void *aml, size_t length, u8 *a, u8 *b)
{
    u8 *t = calloc(1, 36 + length);
    memcpy(t + 36, aml, length);
    table_finish(t, "DSDT", 36 + length);
    bool found = acpi_s5(t, 36 + length, a, b);
    free(t);
    return found;
}
#define S5_IN(aml) s5_in(aml, sizeof(aml) - 1, &a, &b)

static void s5_in_its_usual_forms(void)
{
    u8 a = 99, b = 99;
    CHECK(S5_IN("\x08_S5_\x12\x06\x04\x00\x00\x00\x00") && a == 0 && b == 0);
    CHECK(S5_IN("\x10\x20\x08\\_S5_\x12\x08\x04\x0a\x05\x0a\x07\x00\x00") && a == 5 && b == 7);
    CHECK(S5_IN("\x08_S5_\x12\x07\x02\x0b\x01\x00\x01\xff") && a == 1 && b == 1);
    CHECK(S5_IN("\x08_S5_\x12\x0a\x02\x0c\x03\x00\x00\x00\x0a\x04\xff") && a == 3 && b == 4);
    CHECK(S5_IN("\x08_S5_\x12\x40\x01\x02\x01\x0a\x02"
                "1234567890") &&
          a == 1 && b == 2);
    CHECK(S5_IN("\x08_S5_\x12\x04\x01\x0a\x05") && a == 5 && b == 0);
    // The first that makes sense counts.
    CHECK(S5_IN("_S5_\x08_S5_\x14\x08_S5_\x12\x06\x04\x01\x01\x00\x00") && a == 1 && b == 1);
}

static void other_s5_is_refused(void)
{
    u8 a, b;
    CHECK(!S5_IN(""));
    CHECK(!S5_IN("\x08_S4_\x12\x06\x04\x00\x00\x00\x00"));
    CHECK(!S5_IN("_S5_\x12\x06\x04\x00\x00\x00\x00"));     // no NameOp
    CHECK(!S5_IN("\x08_S5_\x12\x06\x04\x0a\x08\x00\x00")); // a type has three bits
    CHECK(!S5_IN("\x08_S5_\x12\x06\x00\x00\x00\x00\x00")); // an empty package
    CHECK(!S5_IN("\x08_S5_\x12\x06\x04SLPT"));             // a name: needs an interpreter
    CHECK(!S5_IN("\x08_S5_\x12\x07\x04\x00\x00\x00\x00")); // longer than the table
    CHECK(!S5_IN("\x08_S5_\x12\x03\x04\x0a\x05\x0a\x05")); // shorter than its elements
    CHECK(!S5_IN("\x08_S5_\x12\x03\x01\x0a\x05"));         // its one element is cut
    CHECK(!S5_IN("\x08_S5_\x12\xc6\x00"));                 // the length itself is cut
    CHECK(!S5_IN("\x08_S5_\x12"));
    CHECK(!S5_IN("\x08_S5_"));
    CHECK(!S5_IN("\x08\\_S5_"));
}

static void read_all(const u8 *bytes, size_t length)
{
    struct acpi_root root;
    struct acpi_fadt fadt;
    u8 a, b;
    (void)!acpi_rsdp(bytes, length, &root);
    (void)!acpi_table(bytes, length, "FACP");
    (void)!acpi_fadt(bytes, length, &fadt);
    for (size_t i = 0; i < 8; i++) {
        (void)acpi_entry(bytes, length, 4, i);
        (void)acpi_entry(bytes, length, 8, i);
    }
    if (acpi_rsdp_find(bytes, length) > length)
        CHECK(!"beyond the end");
    if (acpi_s5(bytes, length, &a, &b) && (a > ACPI_SLEEP_TYPE_MAX || b > ACPI_SLEEP_TYPE_MAX))
        CHECK(!"no sleep type");
}

static void cut_and_flipped_bytes_are_survived(void)
{
    static const char aml[] = "\x08_S5_\x12\x08\x04\x0a\x05\x0a\x07\x00\x00";
    u8 seed[3][FADT_BYTES] = {{0}};
    const size_t size[3] = {36, FADT_BYTES, 36 + sizeof(aml) - 1};
    rsdp_make(seed[0], 2);
    fadt_make(seed[1]);
    memcpy(seed[2] + 36, aml, sizeof(aml) - 1);
    table_finish(seed[2], "DSDT", size[2]);
    for (unsigned round = 0; round < FUZZ_ROUNDS; round++) {
        unsigned which = (unsigned)random_below(3);
        size_t length = random_below(3) ? size[which] : random_below(size[which] + 1);
        u8 *bytes = malloc(length ? length : 1);
        u8 *end = bytes + (length ? 0 : 1); // an empty table has no byte at all
        memcpy(end, seed[which], length);
        for (u64 flips = random_below(6); length && flips > 0; flips--) {
            u8 *byte = &end[random_below(length)];
            *byte = random_below(2) ? (u8)random_next() : (u8)(*byte ^ 1u << random_below(8));
        }
        read_all(end, length);
        free(bytes);
    }
}

int main(void)
{
    RUN(rsdp_of_both_revisions);
    RUN(rsdp_is_found_at_steps_of_sixteen);
    RUN(root_entries_end_with_the_table);
    RUN(fadt_gives_its_registers);
    RUN(short_fadt_has_no_reset);
    RUN(s5_in_its_usual_forms);
    RUN(other_s5_is_refused);
    RUN(cut_and_flipped_bytes_are_survived);
    return check_failures != 0;
}
