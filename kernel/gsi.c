// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Interrupts as semaphores (gsi.h). GSI n arrives at vector GSI_VECTOR_BASE + n of the CPU it is
// bound to; those above the I/O APICs' inputs are message-signalled.
//
// An interrupt is masked but for the time from GSI_UNMASK to its arrival, edge or level
// (002_8bbc1eeec7f51661.txt, Reception of device interrupts). Nobody can mask a message-signalled
// one here, so what arrives meanwhile is kept: PENDING, once. The same happens to an edge that the
// mask came too late for.
#include "kernel/gsi.h"
#include "kernel/arch/x86_64/ioapic.h"
#include "kernel/cpu.h"
#include "kernel/layout.h"
#include "kernel/panic.h"
#include "kernel/signal.h"
#include <tessera/hip.h>
#include <tessera/hypercall.h>

enum { MSI_ADDRESS = 0xfee00000u, KERNEL_RANGES = 24 };

enum gsi_state { ARMED = 1, PENDING = 2 };

static struct sm gsi_sm[GSI_MAX];
static u8 gsi_level[GSI_MAX];
static u8 gsi_state[GSI_MAX]; // enum gsi_state, atomic
static u32 gsi_count, ioapic_count;
static struct {
    u64 first, last;
} kernel_range[KERNEL_RANGES];
static unsigned kernel_ranges;

void gsi_init(struct hip *hip)
{
    ioapic_count = ioapic_gsi_count() < GSI_MAX / 2 ? ioapic_gsi_count() : GSI_MAX / 2;
    gsi_count = GSI_MAX;
    hip->gsi_count = gsi_count;
    hip->msi_first = ioapic_count;
    for (unsigned i = 0; i < gsi_count; i++) {
        struct sm *sm = &gsi_sm[i];
        sm->object.type = OBJ_SM;
        sm->tail = &sm->head;
        sm->gsi = i;
        struct mapping *m = object_root(&sm->object);
        m->object = &sm->object;
        m->kind = CRD_OBJ;
        m->rights = RIGHT_ALL;
        m->root = 1;
    }
}

struct mapping *gsi_mapping(u64 gsi)
{
    return gsi < gsi_count ? object_root(&gsi_sm[gsi].object) : NULL;
}

// Replaces the state by `if_set`, if it has that bit, or `otherwise`. Returns what it was.
static unsigned state_change(u32 gsi, unsigned bit, unsigned if_set, unsigned otherwise)
{
    u8 before = __atomic_load_n(&gsi_state[gsi], __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&gsi_state[gsi], &before,
                                        (u8)(before & bit ? if_set : otherwise), false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        ;
    return before;
}

void gsi_arrived(unsigned vector)
{
    unsigned gsi = vector - GSI_VECTOR_BASE;
    if (gsi >= gsi_count)
        return;
    if (gsi < ioapic_count)
        ioapic_mask(gsi);
    // A level comes again as long as its device wants something.
    if (state_change(gsi, ARMED, 0, gsi_level[gsi] ? 0 : PENDING) & ARMED)
        sm_up(&gsi_sm[gsi]);
}

static void unmask(u32 gsi)
{
    if (state_change(gsi, PENDING, 0, ARMED) & PENDING)
        sm_up(&gsi_sm[gsi]);
    else if (gsi < ioapic_count)
        ioapic_unmask(gsi);
}

static void mask(u32 gsi)
{
    if (gsi < ioapic_count)
        ioapic_mask(gsi);
    __atomic_fetch_and(&gsi_state[gsi], (u8)~ARMED, __ATOMIC_ACQ_REL);
}

// Routes it, masked; what came before belongs to nobody.
static u32 bind(u32 gsi, unsigned cpu, bool level, u64 *msi)
{
    if (cpu >= cpu_online_count)
        return ECPU;
    u32 apic = cpus[cpu]->apic_id;
    mask(gsi);
    if (gsi < ioapic_count)
        gsi_level[gsi] = ioapic_route(gsi, (u8)(GSI_VECTOR_BASE + gsi), apic, level, level);
    else
        *msi = (MSI_ADDRESS | apic << 12) | (u64)(GSI_VECTOR_BASE + gsi) << 32;
    __atomic_store_n(&gsi_state[gsi], 0, __ATOMIC_RELEASE);
    return SUCCESS;
}

u32 gsi_control(struct sm *sm, unsigned operation, unsigned cpu, u64 *msi)
{
    u32 gsi = sm->gsi;
    *msi = 0;
    switch (operation) {
    case GSI_BIND:
    case GSI_BIND_LEVEL: return bind(gsi, cpu, operation == GSI_BIND_LEVEL, msi);
    case GSI_MASK: mask(gsi); return SUCCESS;
    case GSI_UNMASK: unmask(gsi); return SUCCESS;
    case GSI_RESET:
        mask(gsi);
        signal_reset(sm);
        return SUCCESS;
    default: return EPARAM;
    }
}

void memory_mark_kernels(u64 phys, u64 size)
{
    if (kernel_ranges == KERNEL_RANGES)
        panic("the kernel keeps more than %u ranges of memory to itself", KERNEL_RANGES);
    kernel_range[kernel_ranges].first = phys / PAGE_SIZE;
    kernel_range[kernel_ranges++].last = (phys + size - 1) / PAGE_SIZE;
}

bool memory_is_kernels(u64 frame, u64 count)
{
    for (unsigned i = 0; i < kernel_ranges; i++) {
        if (frame <= kernel_range[i].last && frame + count - 1 >= kernel_range[i].first)
            return true;
    }
    return false;
}
