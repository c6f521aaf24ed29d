// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// TLB shoot-down (tlb.h). A CPU that needs others to flush raises their flush_request, interrupts
// them, and waits until each has cleared it, serving requests to itself meanwhile.
#include "kernel/tlb.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/cpu.h"
#include "kernel/ports.h"
#include <tessera/hip.h>

enum { SINGLE_FLUSH_MAX = 16 };

static void flush_all(void)
{
    if (cpu_features & HIP_PCID) {
        u64 cr4 = read_cr4();
        write_cr4(cr4 & ~CR4_PGE); // a change of PGE drops everything, whatever its tag
        write_cr4(cr4);
    } else {
        write_cr3(read_cr3());
    }
}

void tlb_serve(void)
{
    struct cpu *cpu = this_cpu();
    cpu->flush_begun = __atomic_load_n(&cpu->flush_request, __ATOMIC_ACQUIRE);
    if (LIKELY(!cpu->flush_begun))
        return;
    ports_unload(true);
    flush_all();
    // Who asked meanwhile is served the next time.
    __atomic_fetch_sub(&cpu->flush_request, cpu->flush_begun, __ATOMIC_RELEASE);
}

void spin_relax(void)
{
    cpu_pause();
    tlb_serve();
}

void tlb_batch_add(struct tlb_batch *batch, struct pd *pd, u64 page, u64 count)
{
    batch->cpu_mask |= pd->cpu_mask;
    batch->entries++;
    batch->pd = pd;
    batch->page = page;
    batch->count = count;
}

static bool loaded(const struct pd *pd)
{
    return ((read_cr3() ^ pd->cr3) & ~CR3_NOFLUSH) == 0;
}

static void flush_local(struct tlb_batch *batch)
{
    if (batch->entries == 1 && batch->count <= SINGLE_FLUSH_MAX) {
        if (loaded(batch->pd)) {
            for (u64 i = 0; i < batch->count; i++)
                invlpg((void *)((batch->page + i) * PAGE_SIZE));
            return;
        }
        if (!(cpu_features & HIP_PCID))
            return; // loading the other space flushed it
    }
    flush_all();
}

static __attribute__((noinline)) void flush_remote(u32 mask)
{
    struct cpu *self = this_cpu();
    for (unsigned i = 0; i < cpu_online_count; i++) {
        if (i == self->index || !(mask >> i & 1))
            continue;
        __atomic_fetch_add(&cpus[i]->flush_request, 1, __ATOMIC_SEQ_CST);
        cpu_poke(i);
    }
    for (unsigned i = 0; i < cpu_online_count; i++) {
        while (i != self->index && (mask >> i & 1) &&
               __atomic_load_n(&cpus[i]->flush_request, __ATOMIC_ACQUIRE))
            spin_relax();
    }
}

void tlb_flush_page(const struct pd *pd, u64 page)
{
    if (pd->cpu_mask >> this_cpu()->index & 1) {
        if (loaded(pd))
            invlpg((void *)(page * PAGE_SIZE));
        else if (cpu_features & HIP_PCID)
            flush_all();
    }
    if (cpu_online_count > 1)
        flush_remote(pd->cpu_mask);
}

void tlb_flush(struct tlb_batch *batch)
{
    if (batch->entries || batch->tables) {
        if (batch->cpu_mask >> this_cpu()->index & 1)
            flush_local(batch);
        if (cpu_online_count > 1)
            flush_remote(batch->cpu_mask);
    }
    while (batch->tables) {
        u64 *table = batch->tables;
        batch->tables = (void *)*table;
        *table = 0;
        page_free_zeroed(table);
    }
    *batch = (struct tlb_batch){0};
}
