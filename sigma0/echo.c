// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The echo portals and map_self (echo.h). The caller writes the reply's items into the handler's
// UTCB itself (both are sigma0's) and passes the reply's head as word 0. So the handler is two
// instructions, needs no stack, and works before there is any memory. One lock a CPU, since several
// ECs of a CPU may call and each is preemptible.
#include "sigma0/echo.h"
#include "lib/rt/assert.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"
#include "sigma0/objects.h"
#include "lib/rt/range.h"

static struct echo {
    sel_t pt;
    struct utcb *utcb;
    struct mutex lock;
} echoes[MAX_CPUS];

__attribute__((naked, used)) static void echo_entry(void)
{
    // Head of the reply = word 0 of the call; 1 is the number of `reply`.
    __asm__ volatile("mov %rdx, %rsi\n\tmov $1, %eax\n\tsyscall");
}

void echo_create(unsigned cpu, sel_t ec, sel_t pt, sel_t lock_sm, word_t utcb_address, word_t sp)
{
    error_t error = object_ec(ec, utcb_address, sp, cpu, 0, SEL_EXC_BASE, SEL_PD);
    if (!error)
        error = object_pt(pt, ec, echo_entry, 0, cpu);
    ASSERT(!error);
    echoes[cpu] = (struct echo){pt, (struct utcb *)utcb_address, {{1, lock_sm}}};
}

static crd_t whole_space(enum crd_kind kind)
{
    switch (kind) {
    case CRD_MEM: return CRD_ALL_MEM;
    case CRD_IO: return crd(CRD_IO, 0, 16, RIGHT_ALL);
    default: return CRD_ALL_OBJ;
    }
}

// One call: the `items` already in the echo's UTCB move into the caller's space.
static error_t echo_call(struct echo *echo, enum crd_kind kind, unsigned items)
{
    struct utcb *u = utcb();
    crd_t window = u->window, window2 = u->window2;
    struct typed_item saved[UTCB_ITEMS_MAX]; // the caller may be in the middle of a message
    for (unsigned i = 0; i < items; i++)
        saved[i] = *utcb_item(u, i);
    u->window = whole_space(kind);
    u->window2 = 0;
    head_t message = head(0, 0);
    word_t words[4] = {head(0, items), 0, 0, 0};
    error_t error = hc_call(echo->pt, &message, words);
    for (unsigned i = 0; i < items; i++) {
        if (!error && crd_kind(utcb_item(u, i)->crd) == CRD_NULL)
            error = EPARAM;
        *utcb_item(u, i) = saved[i];
    }
    u->window = window;
    u->window2 = window2;
    return error;
}

error_t echo_take(enum crd_kind kind, u64 from, u64 to, u64 count, unsigned rights, unsigned flags)
{
    struct echo *echo = &echoes[thread_cpu()];
    error_t error = SUCCESS;
    mutex_lock(&echo->lock);
    while (count > 0 && !error) {
        unsigned items = 0;
        for (; count > 0 && items < UTCB_ITEMS_MAX; items++) {
            unsigned order = range_order(from, to, count);
            *utcb_item(echo->utcb, items) =
                item_delegate(crd(kind, from, order, rights), to, ITEM_KERNEL | flags);
            from += 1ul << order;
            to += 1ul << order;
            count -= 1ul << order;
        }
        error = echo_call(echo, kind, items);
    }
    mutex_unlock(&echo->lock);
    return error;
}
