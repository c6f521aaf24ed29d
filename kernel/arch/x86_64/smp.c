// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// INIT and start-up IPIs (SDM 3A, 9.4.4). All CPUs run the same page of trampoline code at once;
// each finds its number and stack by its APIC identifier, so that there is nothing to take turns
// for. Who is late is decided by one atomic exchange on its state, on which both sides agree.

#include "kernel/arch/x86_64/smp.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/arch/x86_64/layout.h"
#include "kernel/arch/x86_64/tsc.h"
#include "kernel/arch/x86_64/x86.h"

enum { APIC_IDS = 256, CPU_NONE = 0xff };
enum ap_state { AP_ABSENT = 0, AP_STARTING, AP_ONLINE, AP_GIVEN_UP, AP_BARRED };

// Processors since the mid-2000s need no pause after INIT: a quick round first, then the manual's
// times.
enum { INIT_QUICK_US = 10, WAIT_QUICK_US = 100000 };
enum { INIT_SLOW_US = 10000, STARTUP_AGAIN_US = 200, WAIT_SLOW_US = 2000000 };

// trampoline.S: the code, and the places in it that hold addresses relative to its start.
extern char trampoline_start[], trampoline_end[];
extern char trampoline_fixup_gdt[], trampoline_fixup_32[], trampoline_fixup_64[];

u64 smp_trampoline;

// For trampoline.S.
u64 smp_cr3;
u64 smp_stacks[MAX_CPUS];
u8 smp_cpu_of_apic[APIC_IDS];

static u8 states[MAX_CPUS] = {AP_ONLINE};
static bool started;

static void trampoline_copy(void)
{
    const char *const fixups[] = {trampoline_fixup_gdt, trampoline_fixup_32, trampoline_fixup_64};
    volatile char *to = phys_to_virt(smp_trampoline);

    for (u64 i = 0; i < (u64)(trampoline_end - trampoline_start); i++)
        to[i] = trampoline_start[i];
    for (unsigned i = 0; i < ARRAY_SIZE(fixups); i++)
        *(volatile u32 *)(to + (fixups[i] - trampoline_start)) += (u32)smp_trampoline;
}

static bool starting(unsigned cpu)
{
    return __atomic_load_n(&states[cpu], __ATOMIC_ACQUIRE) == AP_STARTING;
}

static void wait_for_all(unsigned count, u64 us)
{
    u64 start = rdtsc(), ticks = us * tsc_khz / 1000;

    for (unsigned cpu = 1; cpu < count; cpu++)
        while (starting(cpu) && rdtsc() - start < ticks)
            cpu_pause();
}

static void startup_missing(const struct acpi_info *info)
{
    for (unsigned cpu = 1; cpu < info->cpu_count; cpu++)
        if (starting(cpu))
            lapic_send_startup(info->cpu_apic_id[cpu], (u8)(smp_trampoline >> PAGE_SHIFT));
}

static bool change(unsigned cpu, u8 from, u8 to)
{
    return __atomic_compare_exchange_n(&states[cpu], &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

// A CPU that has not come is barred before it is initialised: if it comes at this very moment it
// must not count as online, since the INIT stops it. allow_missing lets it come again.
static bool init_missing(const struct acpi_info *info)
{
    bool any = false;

    for (unsigned cpu = 1; cpu < info->cpu_count; cpu++) {
        if (change(cpu, AP_STARTING, AP_BARRED)) {
            lapic_send_init(info->cpu_apic_id[cpu]);
            any = true;
        }
    }
    return any;
}

static void allow_missing(const struct acpi_info *info)
{
    for (unsigned cpu = 1; cpu < info->cpu_count; cpu++)
        (void)change(cpu, AP_BARRED, AP_STARTING);
}

static void prepare(const struct acpi_info *info)
{
    for (unsigned i = 0; i < APIC_IDS; i++)
        smp_cpu_of_apic[i] = CPU_NONE;
    for (unsigned cpu = 0; cpu < info->cpu_count; cpu++) {
        smp_cpu_of_apic[info->cpu_apic_id[cpu]] = (u8)cpu;
        if (cpu && (smp_stacks[cpu] = (u64)ap_stack(cpu)))
            states[cpu] = AP_STARTING;
    }
    smp_cr3 = ALIGN_DOWN(read_cr3(), PAGE_SIZE); // CR4.PCIDE is still clear on the starting CPU
    trampoline_copy();
    started = true;
}

void smp_start(const struct acpi_info *info)
{
    if (info->cpu_count < 2 || !smp_trampoline)
        return;
    prepare(info);
    init_missing(info);
    tsc_delay_us(INIT_QUICK_US);
    allow_missing(info);
    startup_missing(info);
    wait_for_all(info->cpu_count, WAIT_QUICK_US);
    if (init_missing(info)) {
        tsc_delay_us(INIT_SLOW_US);
        allow_missing(info);
        startup_missing(info);
        tsc_delay_us(STARTUP_AGAIN_US);
        startup_missing(info);
        wait_for_all(info->cpu_count, WAIT_SLOW_US);
    }
    for (unsigned cpu = 1; cpu < info->cpu_count; cpu++)
        (void)change(cpu, AP_STARTING, AP_GIVEN_UP);
}

// Called by trampoline.S on the CPU's own stack.
NORETURN void ap_start(unsigned cpu);
void ap_start(unsigned cpu)
{
    // Barred: QEMU keeps a start-up IPI across an INIT that comes before it is taken, and ignores
    // the next one then. Where the INIT is still to come, it ends this.
    while (__atomic_load_n(&states[cpu], __ATOMIC_ACQUIRE) == AP_BARRED)
        cpu_pause();
    if (change(cpu, AP_STARTING, AP_ONLINE))
        ap_main(cpu);
    for (;;)
        hlt();
}

bool smp_online(unsigned cpu)
{
    return cpu < MAX_CPUS && __atomic_load_n(&states[cpu], __ATOMIC_ACQUIRE) == AP_ONLINE;
}

unsigned smp_this_cpu(void)
{
    return started ? smp_cpu_of_apic[cpuid(1, 0).ebx >> 24] : 0;
}
