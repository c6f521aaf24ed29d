// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// I/O port spaces (ports.h).
#include "kernel/ports.h"
#include "kernel/arch/x86_64/segments.h"
#include "kernel/cpu.h"

static u64 port_versions; // of any PD's bitmap: a version is never used twice

static void bitmap_set(struct pd *pd, u64 first, u64 count, bool deny)
{
    for (u64 port = first; port < first + count; port++) {
        u8 *byte = &pd->port_bitmap[port >> 15][port >> 3 & (PAGE_SIZE - 1)];
        u8 bit = (u8)(1u << (port & 7));
        *byte = deny ? *byte | bit : *byte & (u8)~bit;
    }
}

bool ports_allow(struct pd *pd, u64 first, u64 count)
{
    if (!pd->port_bitmap[0]) {
        if (!account_charge(&pd->account.kmem, 2 * PAGE_SIZE))
            return false;
        u8 *low = page_alloc(), *high = page_alloc();
        if (!low || !high) {
            if (low)
                page_free(low);
            if (high)
                page_free(high);
            account_refund(&pd->account.kmem, 2 * PAGE_SIZE);
            return false;
        }
        __builtin_memset(low, 0xff, PAGE_SIZE);
        __builtin_memset(high, 0xff, PAGE_SIZE);
        pd->port_bitmap[0] = low;
        pd->port_bitmap[1] = high;
    }
    bitmap_set(pd, first, count, false);
    pd->port_version = __atomic_add_fetch(&port_versions, 1, __ATOMIC_RELAXED);
    return true;
}

void ports_deny(struct pd *pd, u64 first, u64 count, struct tlb_batch *batch)
{
    bitmap_set(pd, first, count, true);
    if (this_cpu()->port_pd == pd)
        ports_unload(true);
    batch->cpu_mask |= pd->cpu_mask & ~(1u << this_cpu()->index);
    batch->entries += 2; // other CPUs drop the bitmap when they serve the flush
}

void ports_free(struct pd *pd)
{
    for (unsigned i = 0; i < 2 && pd->port_bitmap[i]; i++) {
        page_free(pd->port_bitmap[i]);
        account_refund(&pd->account.kmem, PAGE_SIZE);
    }
    if (this_cpu()->port_pd == pd)
        ports_unload(true);
}

bool ports_load(void)
{
    struct cpu *cpu = this_cpu();
    struct pd *pd = cpu->current->pd;
    if (!pd->port_bitmap[0])
        return false;
    bool fresh = cpu->port_pd == pd && cpu->port_version == pd->port_version;
    if (fresh && (cpu->lazy & LAZY_PORTS))
        return false;
    if (!fresh)
        segments_copy_ports(cpu, pd->port_bitmap[0], pd->port_bitmap[1]);
    cpu->port_pd = pd;
    cpu->port_version = pd->port_version;
    segments_enable_ports(cpu, true);
    cpu->lazy |= LAZY_PORTS;
    return true;
}

void ports_unload(bool forget)
{
    struct cpu *cpu = this_cpu();
    if (cpu->lazy & LAZY_PORTS) {
        segments_enable_ports(cpu, false);
        cpu->lazy &= ~(u32)LAZY_PORTS;
    }
    if (forget)
        cpu->port_pd = NULL;
}
