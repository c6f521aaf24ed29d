// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Creation of kernel objects with a log in the form of 000_7d6c79716bf8d028.txt (objects.h). What
// is created before there is a console is remembered in a small table.
#include "sigma0/objects.h"
#include "lib/rt/assert.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "sigma0/options.h"

enum object_kind { KIND_PD, KIND_EC, KIND_SC, KIND_PT, KIND_SM };

struct record {
    u8 kind;
    sel_t sel, dstpd;
    word_t a, b, c, d;
};

static struct record early[80];
static unsigned early_count;
static sel_t next_selector = SEL_BOOT;
static enum { REMEMBER, PRINT, IGNORE } mode;

// All selectors there are: sessions and what they hold are bound by accounts, not by these.
u64 rt_selector_bitmap[SEL_LIMIT / 64];
u32 rt_selector_words = SEL_LIMIT / 64;

void objects_reserve(void)
{
    for (unsigned i = SEL_CHILD / 64; i < (SEL_CHILD + SEL_CHILD_COUNT) / 64; i++)
        rt_selector_bitmap[i] = ~0ul;
}

sel_t object_selectors(unsigned count)
{
    if (next_selector + count <= SEL_BOOT_END) {
        sel_t first = next_selector;
        next_selector += count;
        return first;
    }
    sel_t first = selector_alloc_range(selector_order(count));
    ASSERT(first != SEL_NONE);
    return first;
}

static void record_print(const struct record *r)
{
    switch ((enum object_kind)r->kind) {
    case KIND_PD:
        print("create_pd(idx_pd=0x%08x, kmem=0x%lx, caps=%lu, dstpd=0x%08x)\n", r->sel, r->a, r->b,
              r->dstpd);
        break;
    case KIND_EC:
        print("create_ec(idx_ec=0x%08x, utcb=0x%lx, esp=0x%lx, cpunr=%lu, excpt_base=0x%08lx, "
              "dstpd=0x%08x)\n",
              r->sel, r->a, r->b, r->c, r->d, r->dstpd);
        break;
    case KIND_SC:
        print("create_sc(idx_sc=0x%08x, idx_ec=0x%08lx, dstpd=0x%08x)\n", r->sel, r->a, r->dstpd);
        break;
    case KIND_PT:
        print("create_pt(idx_pt=0x%08x, idx_ec=0x%08lx, eip=0x%08lx, mtd=0x%08lx, dstpd=0x%08x)\n",
              r->sel, r->a, r->b, r->c, r->dstpd);
        break;
    case KIND_SM:
        print("create_sm(idx_sm=0x%08x, initial=%lu, dstpd=0x%08x)\n", r->sel, r->a, r->dstpd);
        break;
    }
}

static void record(struct record r)
{
    if (mode == PRINT)
        record_print(&r);
    else if (mode == REMEMBER && early_count < ARRAY_SIZE(early))
        early[early_count++] = r;
}

void objects_trace(void)
{
    if (!option_is("trace", "objects")) {
        mode = IGNORE;
        return;
    }
    mode = PRINT;
    for (unsigned i = 0; i < early_count; i++)
        record_print(&early[i]);
}

error_t object_pd(sel_t sel, u64 kmem_bytes, u64 caps, sel_t pd)
{
    error_t error = hc_create_pd(sel, pd, kmem_bytes, caps);
    if (!error)
        record((struct record){KIND_PD, sel, pd, kmem_bytes, caps, 0, 0});
    return error;
}

error_t object_ec(sel_t sel, word_t utcb, word_t sp, unsigned cpu, unsigned flags, sel_t exc_base,
                  sel_t pd)
{
    error_t error = hc_create_ec(sel, utcb, sp, cpu, flags, exc_base, pd);
    if (!error)
        record((struct record){KIND_EC, sel, pd, utcb, sp, cpu, exc_base});
    return error;
}

error_t object_sc(sel_t sel, sel_t ec, unsigned priority, u32 quantum_us, u32 budget_us,
                  u32 period_us)
{
    error_t error = hc_create_sc(sel, ec, SEL_PD, priority, quantum_us, budget_us, period_us);
    if (!error)
        record((struct record){KIND_SC, sel, SEL_PD, ec, 0, 0, 0});
    return error;
}

error_t object_pt(sel_t sel, sel_t ec, void (*entry)(void), word_t mtd, word_t identity)
{
    error_t error = hc_create_pt(sel, ec, (word_t)entry, mtd, SEL_PD);
    if (error)
        return error;
    record((struct record){KIND_PT, sel, SEL_PD, ec, (word_t)entry, mtd, 0});
    return hc_pt_ctrl(sel, identity);
}

void object_pt_note(sel_t sel, sel_t ec, void (*entry)(void))
{
    record((struct record){KIND_PT, sel, SEL_PD, ec, (word_t)entry, 0, 0});
}

error_t object_sm(sel_t sel, word_t initial)
{
    error_t error = hc_create_sm(sel, initial, SEL_PD);
    if (!error)
        record((struct record){KIND_SM, sel, SEL_PD, initial, 0, 0, 0});
    return error;
}
