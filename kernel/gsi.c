// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Interrupts as semaphores (gsi.h). GSI n arrives at vector GSI_VECTOR_BASE + n of the CPU it is
// bound to; those above the I/O APICs' inputs are message-signalled.
#include "kernel/gsi.h"
#include "kernel/arch/x86_64/ioapic.h"
#include "kernel/cpu.h"
#include "kernel/layout.h"
#include "kernel/sm.h"
#include <tessera/hip.h>
#include <tessera/hypercall.h>

enum { MSI_ADDRESS = 0xfee00000u };

static struct sm gsi_sm[GSI_MAX];
static u8 gsi_level[GSI_MAX];
static u32 gsi_count, ioapic_count;
static struct {
    u64 first, last;
} kernel_range[4];
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

void gsi_arrived(unsigned vector)
{
    unsigned gsi = vector - GSI_VECTOR_BASE;
    if (gsi >= gsi_count)
        return;
    if (gsi_level[gsi])
        ioapic_mask(gsi);
    sm_up(&gsi_sm[gsi]);
}

u32 gsi_control(struct sm *sm, unsigned operation, unsigned cpu, u64 *msi)
{
    u32 gsi = sm->gsi;
    *msi = 0;
    if (operation > GSI_BIND_LEVEL)
        return EPARAM;
    if (operation == GSI_BIND || operation == GSI_BIND_LEVEL) {
        if (cpu >= cpu_online_count)
            return ECPU;
        u32 apic = cpus[cpu]->apic_id;
        if (gsi >= ioapic_count) {
            *msi = (MSI_ADDRESS | apic << 12) | (u64)(GSI_VECTOR_BASE + gsi) << 32;
            return SUCCESS;
        }
        bool level = operation == GSI_BIND_LEVEL;
        gsi_level[gsi] = ioapic_route(gsi, (u8)(GSI_VECTOR_BASE + gsi), apic, level, level);
    }
    if (gsi >= ioapic_count)
        return EFEATURE; // a message-signalled interrupt is masked at its device
    if (operation == GSI_MASK)
        ioapic_mask(gsi);
    else
        ioapic_unmask(gsi);
    return SUCCESS;
}

void memory_mark_kernels(u64 phys, u64 size)
{
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
