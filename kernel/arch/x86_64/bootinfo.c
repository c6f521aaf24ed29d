// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Reads the loader's structures (PVH: Xen's hvm_start_info; Multiboot 2: a list of tags) into the
// one struct boot_info. The memory map is made in two steps: ranges are collected as the loader and
// this kernel claim them, in any order and overlapping; then every address gets the strongest claim
// on it.

#include "kernel/arch/x86_64/bootinfo.h"
#include "kernel/arch/x86_64/layout.h"
#include "kernel/arch/x86_64/serial.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/panic.h"

enum { PVH_MAGIC = 0x336ec578, MULTIBOOT2_MAGIC = 0x36d76289 };
enum { CLAIMS_MAX = 128, REAL_MODE_PAGES_END = 0x1000, LOW_MEMORY_END = 0xa0000 };

struct pvh_start_info {
    u32 magic, version, flags, module_count;
    u64 modules, cmdline, rsdp, memory_map;
    u32 memory_map_count, reserved;
};
struct pvh_module {
    u64 base, size, cmdline, reserved;
};
struct memory_entry {
    u64 base, size;
    u32 type, reserved;
}; // the same in both protocols

struct multiboot_tag {
    u32 type, size;
};
enum {
    TAG_END = 0,
    TAG_CMDLINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_RSDP_OLD = 14,
    TAG_RSDP = 15,
};
struct multiboot_module {
    struct multiboot_tag tag;
    u32 start, end;
};
struct multiboot_memory {
    struct multiboot_tag tag;
    u32 entry_size, version;
};
struct multiboot_framebuffer {
    struct multiboot_tag tag;
    u64 base;
    u32 pitch, width, height;
    u8 bpp, type;
};
enum { FRAMEBUFFER_RGB = 1, RSDP_SIZE_OLD = 20, RSDP_SIZE = 36 };

enum e820_type { E820_FREE = 1, E820_ACPI = 3, E820_NVS = 4 };

struct claim {
    u64 base, end;
    u32 kind;
};

static struct boot_info boot_info;
static struct claim claims[CLAIMS_MAX];
static u32 claim_count;

// Adds a range. Free memory loses the pages that it covers only in part, all else gains them.
static void claim(u64 base, u64 size, enum hip_memory_kind kind)
{
    u64 end = base + size < base ? ~0ul : base + size;

    if (kind == HIP_MEM_FREE) {
        base = base > ~0ul - PAGE_SIZE ? base : ALIGN_UP(base, PAGE_SIZE);
        end = ALIGN_DOWN(end, PAGE_SIZE);
    } else {
        base = ALIGN_DOWN(base, PAGE_SIZE);
        end = end > ~0ul - PAGE_SIZE ? ALIGN_DOWN(end, PAGE_SIZE) : ALIGN_UP(end, PAGE_SIZE);
    }
    if (base < end && claim_count < CLAIMS_MAX)
        claims[claim_count++] = (struct claim){base, end, kind};
}

static unsigned claim_strength(u32 kind)
{
    switch (kind) {
    case HIP_MEM_KERNEL: return 5;
    case HIP_MEM_ARCHIVE: return 4;
    case HIP_MEM_ACPI: return 3;
    case HIP_MEM_RESERVED: return 2;
    default: return 1;
    }
}

// Appends a range to the map, or extends the last one. A range that no longer fits is left out:
// memory that is not listed is memory that nobody uses.
static void memory_append(u64 base, u64 end, u32 kind)
{
    struct hip_memory *last = &boot_info.memory[boot_info.memory_count];

    if (boot_info.memory_count && last[-1].kind == kind && last[-1].base + last[-1].size == base)
        last[-1].size += end - base;
    else if (boot_info.memory_count < BOOT_MEMORY_MAX) {
        *last = (struct hip_memory){base, end - base, kind, 0};
        boot_info.memory_count++;
    }
}

// Walks upwards from border to border; between two borders every claim holds fully or not at all.
static void memory_resolve(void)
{
    u64 at = 0;

    boot_info.memory_count = 0;
    for (;;) {
        u64 next = ~0ul;
        u32 kind = 0;
        for (u32 i = 0; i < claim_count; i++) {
            const struct claim *c = &claims[i];
            if (c->base > at && c->base < next)
                next = c->base;
            if (c->end > at && c->end < next)
                next = c->end;
            if (c->base <= at && at < c->end &&
                (!kind || claim_strength(c->kind) > claim_strength(kind)))
                kind = c->kind;
        }
        if (next == ~0ul)
            return;
        if (kind)
            memory_append(at, next, kind);
        at = next;
    }
}

// Takes the highest free page that a CPU in real mode can reach. Only now is it known where the
// loader has put everything.
static void trampoline_place(void)
{
    for (u32 i = 0; i < boot_info.memory_count; i++) {
        const struct hip_memory *m = &boot_info.memory[i];
        if (m->kind == HIP_MEM_FREE && m->base + PAGE_SIZE <= LOW_MEMORY_END) {
            u64 end = m->base + m->size;
            boot_info.trampoline = (end < LOW_MEMORY_END ? end : LOW_MEMORY_END) - PAGE_SIZE;
        }
    }
    if (boot_info.trampoline) {
        claim(boot_info.trampoline, PAGE_SIZE, HIP_MEM_KERNEL);
        memory_resolve();
    }
}

static void claim_e820(const struct memory_entry *entry)
{
    claim(entry->base, entry->size,
          entry->type == E820_FREE                              ? HIP_MEM_FREE
          : entry->type == E820_ACPI || entry->type == E820_NVS ? HIP_MEM_ACPI
                                                                : HIP_MEM_RESERVED);
}

static void copy_cmdline(const char *from)
{
    u32 i = 0;

    for (; i < sizeof(boot_info.cmdline) - 1 && from[i]; i++)
        boot_info.cmdline[i] = from[i];
    boot_info.cmdline[i] = 0;
}

static void read_pvh(const struct pvh_start_info *info)
{
    boot_info.protocol = BOOT_PVH;
    boot_info.rsdp = info->rsdp;
    if (info->cmdline)
        copy_cmdline(phys_to_virt(info->cmdline));
    if (info->module_count) {
        const struct pvh_module *module = phys_to_virt(info->modules);
        boot_info.archive_base = module->base;
        boot_info.archive_size = module->size;
    }
    if (info->version >= 1 && info->memory_map) {
        const struct memory_entry *entry = phys_to_virt(info->memory_map);
        for (u32 i = 0; i < info->memory_map_count; i++)
            claim_e820(entry + i);
    }
}

static void read_multiboot_memory(const struct multiboot_memory *map)
{
    if (map->entry_size < sizeof(struct memory_entry))
        return;
    for (u64 at = sizeof(*map); at + map->entry_size <= map->tag.size; at += map->entry_size)
        claim_e820((const struct memory_entry *)((const char *)map + at));
}

static void read_multiboot_framebuffer(const struct multiboot_framebuffer *fb)
{
    if (fb->type != FRAMEBUFFER_RGB)
        return;
    boot_info.framebuffer = (struct boot_framebuffer){
        .base = fb->base,
        .size = (u64)fb->pitch * fb->height,
        .width = fb->width,
        .height = fb->height,
        .pitch = fb->pitch,
        .bpp = fb->bpp,
    };
}

// The loader's copy of the root pointer is the only one under UEFI, so its page is kept.
static void read_multiboot_rsdp(const struct multiboot_tag *tag, u32 size)
{
    if (tag->size < sizeof(*tag) + size)
        return;
    boot_info.rsdp = virt_to_phys(tag + 1);
    claim(boot_info.rsdp, size, HIP_MEM_ACPI);
}

static void read_multiboot_tag(const struct multiboot_tag *tag)
{
    switch (tag->type) {
    case TAG_CMDLINE: copy_cmdline((const char *)(tag + 1)); break;
    case TAG_MODULE:
        if (!boot_info.archive_size) {
            const struct multiboot_module *module = (const void *)tag;
            boot_info.archive_base = module->start;
            boot_info.archive_size = module->end - module->start;
        }
        break;
    case TAG_MEMORY: read_multiboot_memory((const void *)tag); break;
    case TAG_FRAMEBUFFER: read_multiboot_framebuffer((const void *)tag); break;
    case TAG_RSDP_OLD:
        if (!boot_info.rsdp)
            read_multiboot_rsdp(tag, RSDP_SIZE_OLD);
        break;
    case TAG_RSDP: read_multiboot_rsdp(tag, RSDP_SIZE); break;
    default: break;
    }
}

static void read_multiboot(const char *info)
{
    u32 total = *(const u32 *)info;

    boot_info.protocol = BOOT_MULTIBOOT2;
    for (u32 at = 8; at + sizeof(struct multiboot_tag) <= total;) {
        const struct multiboot_tag *tag = (const void *)(info + at);
        if (tag->type == TAG_END || tag->size < sizeof(*tag) || tag->size > total - at)
            break;
        read_multiboot_tag(tag);
        at += ALIGN_UP(tag->size, 8u);
    }
}

void boot_start(u32 magic, u64 info, u64 tsc)
{
    serial_init();
    boot_info.boot_tsc = tsc;
    if (magic == PVH_MAGIC && *(u32 *)phys_to_virt(info) == PVH_MAGIC)
        read_pvh(phys_to_virt(info));
    else if (magic == MULTIBOOT2_MAGIC)
        read_multiboot(phys_to_virt(info));
    else
        panic("boot: started by neither PVH nor Multiboot 2 (magic 0x%x)", magic);
    if (!claim_count)
        panic("boot: the boot loader passed no memory map");

    claim(0, REAL_MODE_PAGES_END, HIP_MEM_RESERVED);
    claim(virt_to_phys(__text_start), (u64)(__bss_end - __text_start), HIP_MEM_KERNEL);
    u64 archive_end = boot_info.archive_base + boot_info.archive_size;
    if (boot_info.archive_base < (u64)kernel_phys_end && archive_end > virt_to_phys(__text_start))
        panic(
            "boot: the boot loader put the archive at 0x%lx, into the kernel, which ends at 0x%lx",
            boot_info.archive_base, (u64)kernel_phys_end);
    claim(boot_info.archive_base, boot_info.archive_size, HIP_MEM_ARCHIVE);
    memory_resolve();
    trampoline_place();
    smp_trampoline = boot_info.trampoline;
    kernel_main(&boot_info);
}
