// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Both reference clocks tick slowly beside the TSC, so what is timed is the moment of a tick: it
// lies between two reads of the clock, and how far these are apart on the TSC bounds the error.
// Measuring ends as soon as two ticks are known well enough for their distance.

#include "kernel/arch/x86_64/tsc.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/arch/x86_64/x86.h"

enum { PM_TIMER_HZ = 3579545, PM_TIMER_MASK = 0xffffff, PIT_HZ = 1193182, PIT_MASK = 0xffff };
enum { PIT_CHANNEL2 = 0x42, PIT_COMMAND = 0x43, PIT_GATE = 0x61 };
enum { PIT_RATE_GENERATOR_2 = 0xb4, PIT_LATCH_2 = 0x80, GATE_ON = 1, SPEAKER_ON = 2 };
enum { PRECISION = 2000, PRECISION_LATE = 200 }; // accepted error: 1/2000, after WINDOW_US 1/200
enum { WINDOW_US = 500, WINDOW_END_US = 40000, READS_DEAD = 100000 }; // the PIT goes round in 55 ms
enum { LEAF_TSC = 0x15, LEAF_HYPERVISOR = 0x40000000, LEAF_HYPERVISOR_TSC = 0x40000010 };
enum { LEAF1_ECX_HYPERVISOR = 1u << 31 };
enum { TSC_KHZ_MIN = 100000, TSC_KHZ_MAX = 20000000, TSC_KHZ_GUESS = 1000000 };

struct reference {
    u16 pm_port;
    u32 hz, mask;
}; // pm_port 0: the PIT
struct edge {
    u64 before, after;
    u32 count, lapic;
}; // a tick: TSC bounds, and both counters then

u64 tsc_khz;

static u32 reference_read(const struct reference *ref)
{
    if (ref->pm_port)
        return inl(ref->pm_port);
    outb(PIT_COMMAND, PIT_LATCH_2);
    u32 low = inb(PIT_CHANNEL2);
    return ~(low | (u32)inb(PIT_CHANNEL2) << 8); // counts down
}

static void reference_start(struct reference *ref, const struct acpi_info *info)
{
    if (info->pm_timer_port) {
        *ref = (struct reference){info->pm_timer_port, PM_TIMER_HZ, PM_TIMER_MASK};
        return;
    }
    *ref = (struct reference){0, PIT_HZ, PIT_MASK};
    outb(PIT_GATE, (u8)((inb(PIT_GATE) & ~SPEAKER_ON) | GATE_ON));
    outb(PIT_COMMAND, PIT_RATE_GENERATOR_2);
    outb(PIT_CHANNEL2, 0); // 65,536 ticks
    outb(PIT_CHANNEL2, 0);
}

// Waits for the next tick. False: the clock stands still.
static bool edge_wait(const struct reference *ref, struct edge *edge)
{
    u64 before = rdtsc();
    u32 first = reference_read(ref) & ref->mask;

    for (unsigned reads = 0; reads < READS_DEAD; reads++) {
        u64 next = rdtsc();
        edge->count = reference_read(ref) & ref->mask;
        if (edge->count != first) {
            u32 lapic = lapic_count_passed(); // before the second bound, which so holds for it too
            *edge = (struct edge){before, rdtsc(), edge->count, lapic};
            return true;
        }
        before = next;
    }
    return false;
}

static u64 edge_error(const struct edge *edge)
{
    return edge->after - edge->before;
}

static u64 edge_middle(const struct edge *edge)
{
    return edge->before / 2 + edge->after / 2;
}

// Finds two ticks as far apart as precision demands. One that was disturbed, as a hypervisor that
// has other work does for long, is not used. False: the clock stands still.
static bool measure(const struct reference *ref, struct edge *first, struct edge *last)
{
    u32 begin;

    if (!edge_wait(ref, first))
        return false;
    begin = first->count;
    for (;;) {
        if (!edge_wait(ref, last))
            return false;
        u64 elapsed_us = ((last->count - begin) & ref->mask) * 1000000ul / ref->hz;
        u64 span = edge_middle(last) - edge_middle(first);
        u64 error = edge_error(first) + edge_error(last);
        u64 precision = elapsed_us < WINDOW_US ? PRECISION : PRECISION_LATE;
        if (error * precision < span || elapsed_us >= WINDOW_END_US)
            return true;
        if (edge_error(last) < edge_error(first) / 4) {
            *first = *last;
            begin = first->count;
        }
    }
}

static bool khz_is_sane(u64 khz)
{
    return khz >= TSC_KHZ_MIN && khz <= TSC_KHZ_MAX;
}

// What the processor or hypervisor says of the rates in kHz; 0: nothing.
static u64 cpuid_tsc_khz(u64 *lapic_khz)
{
    u64 khz = 0;
    u32 hypervisor_max = 0;

    *lapic_khz = 0;
    if (cpuid(1, 0).ecx & LEAF1_ECX_HYPERVISOR)
        hypervisor_max = cpuid(LEAF_HYPERVISOR, 0).eax;
    if (hypervisor_max >= LEAF_HYPERVISOR_TSC && hypervisor_max <= LEAF_HYPERVISOR + 0xff) {
        struct cpuid leaf = cpuid(LEAF_HYPERVISOR_TSC, 0);
        khz = leaf.eax;
        *lapic_khz = leaf.ebx;
    } else if (cpuid(0, 0).eax >= LEAF_TSC) {
        struct cpuid leaf = cpuid(LEAF_TSC, 0);
        if (leaf.eax && leaf.ebx && leaf.ecx) {
            khz = (u64)leaf.ecx * leaf.ebx / leaf.eax / 1000;
            *lapic_khz = leaf.ecx / 1000; // the timer counts the crystal (SDM 3A, 11.5.4)
        }
    }
    return khz_is_sane(khz) ? khz : 0;
}

void tsc_calibrate(const struct acpi_info *info)
{
    struct reference ref;
    struct edge first, last;
    u64 lapic_khz;

    tsc_khz = cpuid_tsc_khz(&lapic_khz);
    if (tsc_khz && (lapic_khz || lapic_timer_has_tsc_deadline())) {
        lapic_timer_set_ratio(lapic_khz, tsc_khz);
        return;
    }
    lapic_count_start();
    reference_start(&ref, info);
    if (measure(&ref, &first, &last)) {
        u64 span = edge_middle(&last) - edge_middle(&first);
        u32 ticks = (last.count - first.count) & ref.mask;
        if (!tsc_khz)
            tsc_khz = span * ref.hz / ticks / 1000;
        lapic_timer_set_ratio(last.lapic - first.lapic, span);
    } else {
        lapic_timer_set_ratio(0, 0);
    }
    lapic_timer_stop();
    if (!khz_is_sane(tsc_khz))
        tsc_khz = TSC_KHZ_GUESS;
}

void tsc_delay_us(u64 us)
{
    u64 start = rdtsc(), ticks = us * tsc_khz / 1000;

    while (rdtsc() - start < ticks)
        cpu_pause();
}
