// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// ACPI specification 6.5, chapter 5.2: RSDP -> XSDT or RSDT -> MADT and FADT. Nothing in a table is
// trusted before its length and checksum were; entries are read with memcpy's semantics through
// packed structs, as tables are not aligned.

#include "kernel/arch/x86_64/acpi.h"
#include "kernel/arch/x86_64/layout.h"
#include "kernel/arch/x86_64/x86.h"

#define PACKED __attribute__((packed))
#define SIGNATURE(a, b, c, d) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)
#define RSDP_SIGNATURE 0x2052545020445352ul // "RSD PTR "

enum { RSDP_SIZE_V1 = 20, TABLE_SIZE_MAX = 1 << 20 };
enum { BIOS_AREA = 0xe0000, BIOS_AREA_END = 0x100000, EBDA_SEGMENT_AT = 0x40e, EBDA_SCAN = 1024 };

struct rsdp {
    u64 signature;
    u8 checksum, oem[6], revision;
    u32 rsdt, length;
    u64 xsdt;
    u8 extended_checksum, reserved[3];
} PACKED;

struct table {
    u32 signature, length;
    u8 revision, checksum, oem[26];
} PACKED;
_Static_assert(sizeof(struct table) == 36, "ACPI 5.2.6");

struct madt {
    struct table header;
    u32 lapic_phys, flags;
} PACKED;
enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ADDRESS = 5 };
struct madt_entry {
    u8 type, length;
} PACKED;
struct madt_lapic {
    struct madt_entry entry;
    u8 processor, apic_id;
    u32 flags;
} PACKED;
struct madt_ioapic {
    struct madt_entry entry;
    u8 id, reserved;
    u32 phys, gsi_base;
} PACKED;
struct madt_override {
    struct madt_entry entry;
    u8 bus, irq;
    u32 gsi;
    u16 flags;
} PACKED;
struct madt_lapic_address {
    struct madt_entry entry;
    u16 reserved;
    u64 phys;
} PACKED;
enum { LAPIC_ENABLED = 1, APIC_ID_BROADCAST = 255 };
enum { POLARITY_MASK = 3, POLARITY_LOW = 3, TRIGGER_MASK = 3 << 2, TRIGGER_LEVEL = 3 << 2 };

struct fadt {
    struct table header;
    u8 skipped[40];
    u32 pm_timer;
    u8 skipped2[11], pm_timer_length;
} PACKED;
_Static_assert(offsetof(struct fadt, pm_timer) == 76, "ACPI 5.2.9");
_Static_assert(offsetof(struct fadt, pm_timer_length) == 91, "ACPI 5.2.9");

static bool sum_is_zero(const void *from, u32 size)
{
    const u8 *at = from;
    u8 sum = 0;

    for (u32 i = 0; i < size; i++)
        sum += at[i];
    return sum == 0;
}

static const void *mapped(u64 phys, u64 size)
{
    return phys && phys < BOOT_MAP_SIZE && size <= BOOT_MAP_SIZE - phys ? phys_to_virt(phys) : NULL;
}

// Returns the table at `phys` if it has this signature (0: any), fits and adds up.
static const struct table *table_at(u64 phys, u32 signature, u32 size_min)
{
    const struct table *table = mapped(phys, sizeof(*table));

    if (!table || (signature && table->signature != signature) || table->length < size_min ||
        table->length < sizeof(*table) || table->length > TABLE_SIZE_MAX ||
        !mapped(phys, table->length) || !sum_is_zero(table, table->length))
        return NULL;
    return table;
}

static const struct rsdp *rsdp_at(u64 phys)
{
    const struct rsdp *rsdp = mapped(phys, sizeof(*rsdp));

    if (!rsdp || rsdp->signature != RSDP_SIGNATURE || !sum_is_zero(rsdp, RSDP_SIZE_V1))
        return NULL;
    return rsdp;
}

static u64 rsdp_scan(u64 from, u64 end)
{
    for (u64 at = from; at < end; at += 16)
        if (*(const u64 *)phys_to_virt(at) == RSDP_SIGNATURE && rsdp_at(at))
            return at;
    return 0;
}

static u64 rsdp_find(void)
{
    u64 ebda = (u64) * (const volatile u16 *)phys_to_virt(EBDA_SEGMENT_AT) << 4;
    u64 found = ebda ? rsdp_scan(ebda, ebda + EBDA_SCAN) : 0;

    return found ? found : rsdp_scan(BIOS_AREA, BIOS_AREA_END);
}

static void add_cpu(struct acpi_info *info, const struct madt_lapic *lapic)
{
    if (!(lapic->flags & LAPIC_ENABLED) || lapic->apic_id == APIC_ID_BROADCAST ||
        lapic->apic_id == info->cpu_apic_id[0] || info->cpu_count == MAX_CPUS)
        return;
    info->cpu_apic_id[info->cpu_count++] = lapic->apic_id;
}

static void add_ioapic(struct acpi_info *info, const struct madt_ioapic *entry)
{
    if (info->ioapic_count < ACPI_IOAPICS_MAX)
        info->ioapic[info->ioapic_count++] = (struct acpi_ioapic){entry->phys, entry->gsi_base};
}

static void add_override(struct acpi_info *info, const struct madt_override *entry)
{
    if (info->override_count == ACPI_OVERRIDES_MAX)
        return;
    info->override[info->override_count++] = (struct acpi_override){
        .gsi = entry->gsi,
        .irq = entry->irq,
        .level = (entry->flags & TRIGGER_MASK) == TRIGGER_LEVEL,
        .active_low = (entry->flags & POLARITY_MASK) == POLARITY_LOW,
    };
}

static void read_madt_entry(struct acpi_info *info, const struct madt_entry *entry)
{
    const void *at = entry;

    if (entry->type == MADT_LAPIC && entry->length >= sizeof(struct madt_lapic)) {
        add_cpu(info, at);
    } else if (entry->type == MADT_IOAPIC && entry->length >= sizeof(struct madt_ioapic)) {
        add_ioapic(info, at);
    } else if (entry->type == MADT_OVERRIDE && entry->length >= sizeof(struct madt_override)) {
        add_override(info, at);
    } else if (entry->type == MADT_LAPIC_ADDRESS &&
               entry->length >= sizeof(struct madt_lapic_address)) {
        info->lapic_phys = ((const struct madt_lapic_address *)at)->phys;
    }
}

static void read_madt(struct acpi_info *info, const struct madt *madt)
{
    const char *at = (const char *)(madt + 1), *end = (const char *)madt + madt->header.length;

    info->lapic_phys = madt->lapic_phys;
    while (end - at >= (long)sizeof(struct madt_entry)) {
        const struct madt_entry *entry = (const void *)at;
        if (entry->length < sizeof(*entry) || entry->length > end - at)
            return;
        read_madt_entry(info, entry);
        at += entry->length;
    }
}

static void read_fadt(struct acpi_info *info, const struct fadt *fadt)
{
    if (fadt->pm_timer_length == 4 && fadt->pm_timer <= 0xffff)
        info->pm_timer_port = (u16)fadt->pm_timer;
}

static void read_table(struct acpi_info *info, u64 phys)
{
    const struct table *table;

    if ((table = table_at(phys, SIGNATURE('A', 'P', 'I', 'C'), sizeof(struct madt))))
        read_madt(info, (const void *)table);
    else if ((table = table_at(phys, SIGNATURE('F', 'A', 'C', 'P'), sizeof(struct fadt))))
        read_fadt(info, (const void *)table);
}

static void read_root(struct acpi_info *info, const struct rsdp *rsdp)
{
    const struct table *root = NULL;
    u32 entry_size = sizeof(u64);

    if (rsdp->revision >= 2 && rsdp->length >= sizeof(*rsdp) && mapped(info->rsdp, rsdp->length) &&
        rsdp->length <= TABLE_SIZE_MAX && sum_is_zero(rsdp, rsdp->length))
        root = table_at(rsdp->xsdt, SIGNATURE('X', 'S', 'D', 'T'), sizeof(*root));
    if (!root) {
        root = table_at(rsdp->rsdt, SIGNATURE('R', 'S', 'D', 'T'), sizeof(*root));
        entry_size = sizeof(u32);
    }
    if (!root)
        return;
    const u8 *entries = (const u8 *)(root + 1);
    for (u32 i = 0; i < (root->length - sizeof(*root)) / entry_size; i++) {
        u64 phys = 0;
        for (u32 byte = 0; byte < entry_size; byte++)
            phys |= (u64)entries[i * entry_size + byte] << (8 * byte);
        read_table(info, phys);
    }
}

void acpi_read(struct acpi_info *info, u64 rsdp)
{
    *info = (struct acpi_info){.cpu_count = 1, .cpu_apic_id = {cpuid(1, 0).ebx >> 24}};
    info->rsdp = rsdp && rsdp_at(rsdp) ? rsdp : rsdp_find();
    if (info->rsdp)
        read_root(info, rsdp_at(info->rsdp));
}
