// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Delegation: making nodes of the mapping tree (mapping.h; revoke.c takes them away). Memory and
// port mappings are ranges [base, base + count), one node each, however large.
#include "kernel/mapping.h"
#include "kernel/layout.h"
#include "kernel/paging.h"
#include "kernel/ports.h"
#include "kernel/sm.h"
#include <tessera/error.h>

struct cache range_cache = CACHE(sizeof(struct mapping), "range mapping");
struct cache object_mapping_cache = CACHE(MAPPING_OBJECT_SIZE, "capability");

struct mapping kernel_memory = {
    .count = 1ul << 40, .kind = CRD_MEM, .rights = RIGHT_ALL, .root = 1};
struct mapping kernel_ports = {.count = 1ul << 16, .kind = CRD_IO, .rights = RIGHT_ALL, .root = 1};

u32 mapping_derive_object(struct mapping *from, struct pd *to, u64 sel, unsigned rights)
{
    if (to->object.dying)
        return EABORT;
    struct mapping *m = cache_take(&object_mapping_cache, &to->account);
    if (UNLIKELY(!m))
        return EMEM;
    m->pd = to;
    m->base = sel;
    m->count = 1;
    m->object = from->object;
    m->kind = CRD_OBJ;
    m->rights = from->rights & rights;
    m->attr = m->root = 0;
    m->fast = mapping_fast(m);
    m->child = NULL;
    u32 error = cap_insert(m);
    if (UNLIKELY(error))
        cache_give(&object_mapping_cache, &to->account, m);
    else
        child_link(from, m);
    return error;
}

STRAIGHT bool mapping_derive_capability(struct pd *from, const crd_t *source, struct pd *to,
                                        u64 sel, unsigned rights, u32 life)
{
    bool done = false;
    mapping_enter(to);
    if (LIKELY(mapping_also(from, to))) {
        crd_t c = __atomic_load_n(source, __ATOMIC_RELAXED);
        struct mapping *m = cap_lookup(from, crd_base(c));
        done = crd_kind(c) == CRD_OBJ && m->object && object_lives(m->object, life) &&
               !mapping_derive_object(m, to, sel, rights);
        mapping_done(from, to);
    }
    mapping_leave(to);
    return done;
}

struct mapping *range_alloc(struct pd *pd)
{
    return cache_take(&range_cache, &pd->account);
}

void range_free(struct mapping *m)
{
    cache_give(&range_cache, &m->pd->account, m);
}

void range_set(struct mapping *m, struct pd *pd, enum crd_kind kind, u64 base, u64 frame, u64 count)
{
    m->pd = pd;
    m->base = base;
    m->count = count;
    m->frame = frame;
    m->kind = (u8)kind;
    m->root = m->fast = 0;
    m->child = NULL;
    m->children.root = NULL;
}

static void inherit(struct mapping *m, const struct mapping *from, unsigned rights, unsigned attr)
{
    m->rights = from->rights & rights;
    m->attr = (u8)((from->attr & ~MAPPING_SMALL) | (attr & (ITEM_UNCACHED | ITEM_WRITE_COMBINE)));
}

// Whether the range lies where a user may have something.
static bool within(enum crd_kind kind, u64 base, u64 count)
{
    u64 end = kind == CRD_MEM ? USER_END / PAGE_SIZE : 1ul << 16;
    return base < end && count <= end - base && (kind != CRD_MEM || base > 0);
}

static bool enter_space(struct mapping *m)
{
    bool done = m->kind == CRD_MEM
                    ? space_map(m->pd, m->base, m->frame, m->count, m->rights, m->attr)
                    : ports_allow(m->pd, m->base, m->count);
    if (done)
        space_link(m);
    return done;
}

static bool enter_small(struct mapping *m)
{
    struct leaf leaf;
    if (!space_make_ready(m->pd, m->base, &leaf))
        return false;
    space_map_owned(&leaf, m, m->count);
    m->attr |= MAPPING_SMALL;
    return true;
}

u32 mapping_derive_range(struct mapping *from, struct pd *to, u64 base, u64 frame, u64 count,
                         unsigned rights, unsigned attr)
{
    enum crd_kind kind = (enum crd_kind)from->kind;
    if (!within(kind, base, count) || (from->attr & MAPPING_PINNED))
        return EPARAM;
    if (to->object.dying)
        return EABORT;
    if (space_overlap(to, kind, base, base + count - 1))
        return EBUSY;
    struct mapping *m = range_alloc(to);
    if (!m)
        return EMEM;
    range_set(m, to, kind, base, frame, count);
    inherit(m, from, rights, attr);
    if (!(kind == CRD_MEM && space_small(base, count) ? enter_small(m) : enter_space(m))) {
        range_free(m);
        return EMEM;
    }
    child_link(from, m);
    return SUCCESS;
}

// Under the lock of `to`: sets `m` as a child of what `from` has at `source`.
static inline bool derive_from(struct pd *from, u64 source, struct mapping *m, u64 count,
                               unsigned rights, unsigned attr)
{
    if (!mapping_also(from, m->pd))
        return false;
    struct mapping *parent = mapping_find(from, CRD_MEM, source);
    bool whole = parent && !(parent->attr & MAPPING_PINNED) &&
                 (count == 1 || source + count - 1 <= mapping_last(parent));
    if (LIKELY(whole)) {
        m->frame = parent->frame + (source - parent->base);
        inherit(m, parent, rights, attr);
        m->attr |= MAPPING_SMALL;
        child_link(parent, m);
    }
    mapping_done(from, m->pd);
    return whole;
}

static inline bool derive_small(struct pd *from, u64 source, struct pd *to, u64 base, u64 count,
                                unsigned rights, unsigned attr)
{
    if (!within(CRD_MEM, base, count) || !space_small(base, count))
        return false;
    mapping_enter(to);
    struct leaf leaf;
    struct mapping *m = NULL;
    bool done =
        LIKELY(!to->object.dying) && space_ready(to, base, count, &leaf) && (m = range_alloc(to));
    if (LIKELY(done)) {
        range_set(m, to, CRD_MEM, base, 0, count);
        done = derive_from(from, source, m, count, rights, attr);
        // In the tree already: who finds it there waits for the lock of `to`.
        if (LIKELY(done))
            space_map_owned(&leaf, m, count);
        else
            range_free(m);
    }
    mapping_leave(to);
    return done;
}

STRAIGHT bool mapping_derive_small(struct pd *from, u64 source, struct pd *to, u64 base, u64 count,
                                   unsigned rights, unsigned attr)
{
    if (LIKELY(count == 1))
        return derive_small(from, source, to, base, 1, rights, attr); // no loops
    return derive_small(from, source, to, base, count, rights, attr);
}

u32 mapping_pin(struct mapping *m, struct pd *pd, u64 page, void *kernel_page, bool writable)
{
    if (!within(CRD_MEM, page, 1))
        return EPARAM;
    if (pd->object.dying)
        return EABORT;
    if (mapping_find(pd, CRD_MEM, page))
        return EBUSY;
    range_set(m, pd, CRD_MEM, page, virt_to_phys(kernel_page) / PAGE_SIZE, 1);
    m->rights = writable ? MEM_R | MEM_W : MEM_R;
    m->attr = MAPPING_PINNED;
    m->parent = NULL;
    return enter_space(m) ? SUCCESS : EMEM;
}

void mapping_unpin(struct mapping *m, struct tlb_batch *batch)
{
    space_unmap(m->pd, m->base, 1, batch);
    space_unlink(m);
}
