// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What host tests of the kernel put in the place of the machine: one CPU, no TLB, no grace periods
// (what is deferred is released by host_release). Include once, after the kernel's headers.
#pragma once

#include "kernel/layout.h"
#include "kernel/mapping_lock.h"
#include "kernel/memory.h"
#include "kernel/rcu.h"
#include "kernel/tlb.h"
#include "test/host/check.h"

char host_memory[HOST_MEMORY] __attribute__((aligned(4096)));
u64 kernel_pml4[512];
u64 cpu_features;

void spin_relax(void)
{
    abort(); // one CPU: a lock that is held was never let go
}

// The locks of mapping_lock.h: one CPU that is inside once at most, and now and then does not get
// the second PD.
static struct pd *host_inside;
static bool host_alone, host_refuses;
void mapping_lock(void)
{
    CHECK(!host_alone && !host_inside);
    host_alone = true;
}
void mapping_unlock(void)
{
    CHECK(host_alone);
    host_alone = false;
}
void mapping_enter(struct pd *pd)
{
    CHECK(!host_alone && !host_inside);
    spin_lock(&pd->lock);
    host_inside = pd;
}
void mapping_leave(struct pd *pd)
{
    CHECK(host_inside == pd);
    spin_unlock(&pd->lock);
    host_inside = NULL;
}
bool mapping_also(struct pd *second, struct pd *held)
{
    CHECK(host_inside == held);
    if (second == held)
        return true;
    if (host_refuses && random_below(3) == 0)
        return false;
    spin_lock(&second->lock);
    return true;
}
void mapping_done(struct pd *second, struct pd *held)
{
    CHECK(host_inside == held);
    if (second != held)
        spin_unlock(&second->lock);
}

static struct rcu_head *host_deferred;
__attribute__((unused)) bool rcu_settle(u64 *goal) // nothing ever comes back by waiting
{
    *goal = 0;
    return false;
}
void rcu_defer(struct rcu_head *head, void (*release)(struct rcu_head *head))
{
    head->release = release;
    head->next = host_deferred;
    host_deferred = head;
}

// What was deferred may defer more.
static inline void host_release(void)
{
    while (host_deferred) {
        struct rcu_head *head = host_deferred;
        host_deferred = head->next;
        head->release(head);
    }
}

void tlb_batch_add(struct tlb_batch *batch, struct pd *pd, u64 page, u64 count)
{
    (void)pd, (void)page, (void)count;
    batch->entries++;
}

__attribute__((unused)) void tlb_flush_page(const struct pd *pd, u64 page)
{
    (void)page;
    CHECK(!pd->lock.held && !host_inside && !host_alone);
}

void tlb_flush(struct tlb_batch *batch)
{

    while (batch->tables) {
        u64 *table = batch->tables;
        batch->tables = (void *)*table;
        *table = 0;
        for (unsigned i = 0; i < 512; i++)
            CHECK(table[i] == 0); // page_free_zeroed wants that
        page_free_zeroed(table);
    }
    *batch = (struct tlb_batch){0};
}
