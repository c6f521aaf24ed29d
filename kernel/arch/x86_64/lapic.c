// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// SDM 3A, chapter 11 (APIC). Registers are in memory (xAPIC), or MSRs if the firmware left the CPU
// in x2APIC mode; all CPUs are put into the mode of the one that booted.

#include "kernel/arch/x86_64/lapic.h"
#include "kernel/arch/x86_64/layout.h"
#include "kernel/arch/x86_64/mmio.h"
#include "kernel/arch/x86_64/pic.h"
#include "kernel/arch/x86_64/x86.h"

enum {
    REG_ID = 0x20,
    REG_TPR = 0x80,
    REG_EOI = 0xb0,
    REG_SVR = 0xf0,
    REG_ICR = 0x300,
    REG_ICR_HIGH = 0x310,
    REG_LVT_TIMER = 0x320,
    REG_LVT_LINT0 = 0x350,
    REG_LVT_LINT1 = 0x360,
    REG_TIMER_INITIAL = 0x380,
    REG_TIMER_CURRENT = 0x390,
    REG_TIMER_DIVIDE = 0x3e0,
};
enum { SVR_ENABLE = 1 << 8, DIVIDE_BY_1 = 0xb };
enum { LVT_NMI = 4 << 8, LVT_MASKED = 1 << 16, LVT_TSC_DEADLINE = 2 << 17 };
enum {
    ICR_FIXED = 0,
    ICR_NMI = 4 << 8,
    ICR_INIT = 5 << 8,
    ICR_STARTUP = 6 << 8,
    ICR_PENDING = 1 << 12,
    ICR_ASSERT = 1 << 14,
    ICR_ALL_OTHERS = 3 << 18,
};
enum { ICR_SPINS_MAX = 100000, LEAF1_ECX_TSC_DEADLINE = 1 << 24 };
#define APIC_BASE_ENABLE (1ul << 11)
#define APIC_BASE_X2APIC (1ul << 10)
#define APIC_BASE_ADDRESS 0x000ffffffffff000ul
#define REGISTERS_SIZE 0x1000

static char *registers;
static bool x2apic, ready, tsc_deadline;
static u64 timer_ratio; // timer ticks per TSC tick, 32.32 fixed point

static u32 reg_read(u32 reg)
{
    return x2apic ? (u32)rdmsr(MSR_X2APIC + reg / 16) : mmio_read(registers + reg);
}

static void reg_write(u32 reg, u32 value)
{
    if (x2apic)
        wrmsr(MSR_X2APIC + reg / 16, value);
    else
        mmio_write(registers + reg, value);
}

static void icr_send(u32 apic_id, u32 command)
{
    if (x2apic) {
        // Unlike a store to the registers, the MSR write does not wait for earlier stores.
        __asm__ volatile("mfence; lfence" ::: "memory");
        wrmsr(MSR_X2APIC + REG_ICR / 16, (u64)apic_id << 32 | command);
        return;
    }
    for (unsigned spins = 0; spins < ICR_SPINS_MAX; spins++) {
        if (!(mmio_read(registers + REG_ICR) & ICR_PENDING))
            break;
        cpu_pause();
    }
    mmio_write(registers + REG_ICR_HIGH, apic_id << 24);
    mmio_write(registers + REG_ICR, command);
}

void lapic_init(const struct acpi_info *info)
{
    u64 base = rdmsr(MSR_APIC_BASE);

    pic_disable();
    x2apic = (base & APIC_BASE_ENABLE) && (base & APIC_BASE_X2APIC);
    if (!x2apic) {
        u64 phys = base & APIC_BASE_ADDRESS;
        registers = map_device(phys ? phys : info->lapic_phys, REGISTERS_SIZE);
    }
    tsc_deadline = cpuid(1, 0).ecx & LEAF1_ECX_TSC_DEADLINE;
    ready = x2apic || registers;
}

void lapic_init_cpu(u8 timer_vector, u8 spurious_vector)
{
    u64 base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

    if (!ready)
        return;
    if (x2apic && !(base & APIC_BASE_X2APIC)) {
        wrmsr(MSR_APIC_BASE, base);
        base |= APIC_BASE_X2APIC;
    }
    wrmsr(MSR_APIC_BASE, base);
    reg_write(REG_SVR, SVR_ENABLE | spurious_vector);
    reg_write(REG_TPR, 0);
    reg_write(REG_LVT_LINT0, LVT_MASKED);
    reg_write(REG_LVT_LINT1, LVT_NMI); // how chipsets report hardware errors
    reg_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    reg_write(REG_LVT_TIMER, timer_vector | (tsc_deadline ? LVT_TSC_DEADLINE : 0));
    // Before the first deadline is written (SDM 3A, 11.5.4.1).
    __asm__ volatile("mfence" ::: "memory");
    reg_write(REG_EOI, 0);
}

void lapic_eoi(void)
{
    reg_write(REG_EOI, 0);
}

void lapic_ipi(u32 apic_id, u8 vector)
{
    icr_send(apic_id, ICR_FIXED | ICR_ASSERT | vector);
}

void lapic_nmi_all_others(void)
{
    if (ready)
        icr_send(0, ICR_NMI | ICR_ASSERT | ICR_ALL_OTHERS);
}

void lapic_send_init(u32 apic_id)
{
    icr_send(apic_id, ICR_INIT | ICR_ASSERT);
}

void lapic_send_startup(u32 apic_id, u8 page)
{
    icr_send(apic_id, ICR_STARTUP | ICR_ASSERT | page);
}

void lapic_timer_arm(u64 tsc_delta)
{
    if (tsc_deadline) {
        wrmsr(MSR_TSC_DEADLINE, rdtsc() + (tsc_delta ? tsc_delta : 1));
        return;
    }
    // Rounded up, so that the handler does not find itself a moment before its deadline.
    u64 count = (u64)(((unsigned __int128)tsc_delta * timer_ratio) >> 32) + 1;
    reg_write(REG_TIMER_INITIAL, count > 0xffffffffu ? 0xffffffffu : (u32)count);
}

void lapic_timer_stop(void)
{
    if (tsc_deadline)
        wrmsr(MSR_TSC_DEADLINE, 0);
    else
        reg_write(REG_TIMER_INITIAL, 0);
}

bool lapic_timer_has_tsc_deadline(void)
{
    return tsc_deadline;
}

void lapic_count_start(void)
{
    reg_write(REG_LVT_TIMER, LVT_MASKED);
    reg_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    reg_write(REG_TIMER_INITIAL, 0xffffffffu);
}

u32 lapic_count_passed(void)
{
    return 0xffffffffu - reg_read(REG_TIMER_CURRENT);
}

void lapic_timer_set_ratio(u64 lapic_ticks, u64 tsc_ticks)
{
    if (lapic_ticks && tsc_ticks && lapic_ticks <= 0xffffffffu)
        timer_ratio = (lapic_ticks << 32) / tsc_ticks;
    if (!timer_ratio)
        timer_ratio = 1ul << 32;
}
