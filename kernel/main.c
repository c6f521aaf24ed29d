// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Start of the kernel: from the boot loader's CPU and memory map to the first user instruction on
// every CPU.
#include "kernel/arch/x86_64/bootinfo.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/ioapic.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/arch/x86_64/segments.h"
#include "kernel/arch/x86_64/serial.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/exit.h"
#include "kernel/gsi.h"
#include "kernel/layout.h"
#include "kernel/panic.h"
#include "kernel/paging.h"
#include "kernel/print.h"
#include "kernel/root.h"
#include "kernel/time.h"

enum { POOL_MIN = 4 << 20, POOL_FRACTION = 16 };

struct cpu *cpus[MAX_CPUS];
u32 cpu_online_count = 1;
static struct cpu cpu_area[MAX_CPUS];
static char cpu_stack[MAX_CPUS][8192] __attribute__((aligned(4096)));
static struct hip hip_page __attribute__((aligned(4096)));
static struct acpi_info acpi;
static u32 cpus_ready;

void cpu_poke(unsigned cpu)
{
    lapic_ipi(cpus[cpu]->apic_id, VECTOR_POKE);
}

static const void *current_ec(void)
{
    return this_cpu()->current;
}

static void cpu_prepare(unsigned index)
{
    struct cpu *cpu = &cpu_area[index];
    cpu->self = cpu;
    cpu->index = index;
    cpu->tag = index + 1;
    cpu->apic_id = acpi.cpu_apic_id[index];
    cpu->stack_top = cpu_stack[index] + sizeof(cpu_stack[index]);
    cpu->timer_armed = ~0ul;
    cpu->idle_ec.state = EC_DEAD;
    cpu->idle_ec.cpu = (u16)index;
    cpu->current = &cpu->idle_ec;
    cpus[index] = cpu;
}

static void cpu_start(unsigned index)
{
    segments_init(cpus[index]);
    fpu_init();
    lapic_init_cpu(VECTOR_TIMER, VECTOR_SPURIOUS);
    cpus[index]->online = true;
}

// Takes the kernel's pool from the end of the largest free range and returns its base.
static u64 pool_take(struct boot_info *boot, u64 *size)
{
    u64 total = 0;
    struct hip_memory *best = NULL;
    for (unsigned i = 0; i < boot->memory_count; i++) {
        struct hip_memory *m = &boot->memory[i];
        if (m->kind != HIP_MEM_FREE)
            continue;
        total += m->size;
        if (m->base + m->size <= BOOT_MAP_SIZE && (!best || m->size > best->size))
            best = m;
    }
    *size = ALIGN_DOWN(total / POOL_FRACTION, PAGE_2M);
    if (*size < POOL_MIN)
        *size = POOL_MIN;
    if (!best || best->size < 2 * *size)
        panic("not enough memory: found %lu KiB, need at least %u KiB", total / 1024,
              2 * POOL_MIN / 1024);
    best->size -= *size;
    return best->base + best->size;
}

static void hip_fill(const struct boot_info *boot, u64 pool, u64 pool_size)
{
    struct hip *hip = &hip_page;
    hip->magic = HIP_MAGIC;
    hip->sel_count = SEL_LIMIT;
    hip->tsc_khz = tsc_khz;
    hip->features = cpu_features;
    hip->archive_base = boot->archive_base;
    hip->archive_size = boot->archive_size;
    hip->rsdp = boot->rsdp ? boot->rsdp : acpi.rsdp;
    hip->fb_base = boot->framebuffer.base;
    hip->fb_size = boot->framebuffer.size;
    hip->fb_width = boot->framebuffer.width;
    hip->fb_height = boot->framebuffer.height;
    hip->fb_pitch = boot->framebuffer.pitch;
    hip->fb_bpp = boot->framebuffer.bpp;
    hip->boot_tsc = boot->boot_tsc;
    for (unsigned i = 0; i < boot->memory_count; i++)
        hip->memory[hip->memory_count++] = boot->memory[i];
    if (hip->memory_count < ARRAY_SIZE(hip->memory))
        hip->memory[hip->memory_count++] = (struct hip_memory){pool, pool_size, HIP_MEM_KERNEL, 0};
    __builtin_memcpy(hip->cmdline, boot->cmdline, sizeof(hip->cmdline) - 1);
}

static void memory_start(struct boot_info *boot)
{
    u64 pool_size, pool = pool_take(boot, &pool_size);
    pool_init(pool, pool_size);
    memory_mark_kernels(pool, pool_size);
    memory_mark_kernels(boot->trampoline, PAGE_SIZE);
    memory_mark_kernels(KERNEL_PHYS, (u64)kernel_phys_end - KERNEL_PHYS);
    for (unsigned i = 0; i < CAP_PAGE_SLOTS; i++)
        null_cap_page[i] = &null_mapping;
    hip_fill(boot, pool, pool_size);
}

void *ap_stack(unsigned cpu)
{
    return cpu < MAX_CPUS ? cpu_stack[cpu] + sizeof(cpu_stack[cpu]) : NULL;
}

void ap_main(unsigned index)
{
    cpu_features_init();
    cpu_start(index);
    while (!__atomic_load_n(&cpus_ready, __ATOMIC_ACQUIRE))
        cpu_pause();
    if (index >= cpu_online_count)
        for (;;)
            hlt();
    space_leave();
    kernel_exit();
}

// CPUs are numbered without gaps: those behind one that did not come are left out.
static void smp_prepare(void)
{
    if (acpi.cpu_count > MAX_CPUS)
        acpi.cpu_count = MAX_CPUS;
    for (unsigned i = 1; i < acpi.cpu_count; i++)
        cpu_prepare(i);
    if (acpi.cpu_count > 1)
        smp_start(&acpi);
    while (cpu_online_count < acpi.cpu_count && smp_online(cpu_online_count))
        cpu_online_count++;
    hip_page.cpu_count = cpu_online_count;
    for (unsigned i = 0; i < cpu_online_count; i++)
        hip_page.cpu[i] = (struct hip_cpu){.online = 1, .apic_id = (u8)cpus[i]->apic_id};
}

void kernel_main(struct boot_info *boot)
{
    serial_init();
    cpu_features_init();
    acpi_read(&acpi, boot->rsdp);
    lapic_init(&acpi);
    tsc_calibrate(&acpi);
    cpu_prepare(0);
    cpu_start(0);
    panic_current_ec = current_ec;
    ioapic_init(&acpi);
    memory_start(boot);
    gsi_init(&hip_page);
    trace_init(&hip_page);
    smp_prepare();
    kprintf("tessera: %u CPU%s, TSC %lu MHz, %lu KiB kernel memory\n", cpu_online_count,
            cpu_online_count == 1 ? "" : "s", tsc_khz / 1000, pool_bytes() / 1024);
    paging_init();
    root_create(&hip_page);
    __atomic_store_n(&cpus_ready, 1, __ATOMIC_RELEASE);
    kernel_exit();
}
