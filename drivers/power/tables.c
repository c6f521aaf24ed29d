// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// From the RSDP, which the HIP names, by the root table and the FADT to \_S5 in the DSDT or an
// SSDT. Each table is copied, and its session closed before the next opens: several tables may lie
// in one page, and a page has one owner. A table's pages may turn out to be no device memory in the
// eyes of sigma0 (EPERM); then the machine has that table not for us.
#include "drivers/power/tables.h"
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/start.h"
#include "lib/service/env.h"

enum {
    TABLE_MAX = 1 << 20, // a longer one is not believed
    BIOS_BASE = 0xe0000, // where PC firmware has the RSDP if the boot loader names none
    BIOS_BYTES = 0x20000,
};

// A copy of physical memory; NULL if it cannot be had. heap_free it.
static u8 *copy_physical(u64 physical, size_t size, error_t *error)
{
    static struct io_mem memory;
    u8 *copy = heap_alloc(size);
    *error = copy ? io_mem_open(&memory, physical, size, false) : EMEM;
    if (*error) {
        heap_free(copy);
        return NULL;
    }
    const volatile u8 *from = memory.data;
    for (size_t i = 0; i < size; i++)
        copy[i] = from[i];
    io_mem_close(&memory);
    return copy;
}

// The whole table at `physical` with its length. NULL if there is none with that signature.
static u8 *copy_table(u64 physical, const char signature[4], size_t *length)
{
    error_t error;
    u8 *table = copy_physical(physical, ACPI_HEADER_BYTES, &error);
    if (!table)
        return NULL;
    *length = acpi_table_length(table, ACPI_HEADER_BYTES);
    bool right = true;
    for (unsigned i = 0; i < 4; i++)
        right &= table[i] == (u8)signature[i];
    heap_free(table);
    if (!right || *length == 0 || *length > TABLE_MAX)
        return NULL;
    table = copy_physical(physical, *length, &error);
    if (table && !acpi_table(table, *length, signature)) {
        heap_free(table);
        table = NULL;
    }
    return table;
}

static error_t find_root(struct acpi_root *root)
{
    error_t error;
    u64 physical = hip()->rsdp;
    size_t size = physical ? ACPI_RSDP_BYTES : BIOS_BYTES;
    u8 *bytes = copy_physical(physical ? physical : BIOS_BASE, size, &error);
    if (!bytes)
        return error;
    size_t at = acpi_rsdp_find(bytes, size);
    bool found = at < size && acpi_rsdp(bytes + at, size - at, root);
    heap_free(bytes);
    return found ? SUCCESS : EFEATURE;
}

// The next table with that signature among the root's entries from *index on, which moves behind
// it.
static u8 *next_table(const u8 *root, size_t root_length, unsigned entry_bytes, size_t *index,
                      const char signature[4], size_t *length)
{
    u64 physical;
    while ((physical = acpi_entry(root, root_length, entry_bytes, (*index)++))) {
        u8 *table = copy_table(physical, signature, length);
        if (table)
            return table;
    }
    return NULL;
}

static void find_s5(struct machine *machine, const u8 *root, size_t root_length,
                    unsigned entry_bytes)
{
    size_t length, index = 0;
    u8 *table = machine->fadt.dsdt ? copy_table(machine->fadt.dsdt, "DSDT", &length) : NULL;
    if (!table)
        table = next_table(root, root_length, entry_bytes, &index, "SSDT", &length);
    while (table && !machine->has_s5) {
        machine->has_s5 = acpi_s5(table, length, &machine->type_a, &machine->type_b);
        heap_free(table);
        table = NULL;
        if (!machine->has_s5)
            table = next_table(root, root_length, entry_bytes, &index, "SSDT", &length);
    }
}

error_t tables_read(struct machine *machine)
{
    struct acpi_root where;
    size_t root_length, length, index = 0;
    *machine = (struct machine){0};
    error_t error = find_root(&where);
    if (error) {
        print("power: no ACPI root pointer: %s; a route for io_mem is needed\n", error_name(error));
        return error;
    }
    u8 *root = copy_table(where.physical, where.entry_bytes == 8 ? "XSDT" : "RSDT", &root_length);
    if (!root) {
        print("power: no ACPI root table at 0x%lx\n", where.physical);
        return EFEATURE;
    }
    u8 *fadt = next_table(root, root_length, where.entry_bytes, &index, "FACP", &length);
    if (fadt) {
        machine->has_fadt = acpi_fadt(fadt, length, &machine->fadt);
        find_s5(machine, root, root_length, where.entry_bytes);
    }
    heap_free(fadt);
    heap_free(root);
    if (!machine->has_fadt || !machine->has_s5)
        print("power: the ACPI tables tell no way to turn the machine off: %s\n",
              machine->has_fadt ? "no \\_S5 that could be read" : "no FADT with a PM1a port");
    return machine->has_fadt && machine->has_s5 ? SUCCESS : EFEATURE;
}
