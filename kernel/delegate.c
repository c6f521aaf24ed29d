// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Delegation and translation of typed items (delegate.h).
#include "kernel/delegate.h"
#include "kernel/gsi.h"
#include "kernel/mapping.h"
#include "kernel/rcu.h"
#include "kernel/sm.h"

enum { ORDER_WHOLE = 40, PIECES_MAX = 64 };

// Where a delegation goes: 2^order places from base on.
struct window {
    u64 base;
    unsigned order;
};

static u64 mask(unsigned order)
{
    return (1ul << order) - 1;
}

// The source range of an item, its place in the window, and the common order: what is larger is
// cut, the hotspot chooses.
static bool place(crd_t c, u64 hotspot, struct window window, u64 *from, u64 *to, unsigned *order)
{
    unsigned o = crd_order(c) < window.order ? crd_order(c) : window.order;
    *order = o;
    *from = crd_base(c) + (hotspot & (mask(crd_order(c)) ^ mask(o)));
    *to = window.base + (hotspot & (mask(window.order) ^ mask(o)));
    return !(crd_base(c) & mask(crd_order(c))) && !(window.base & mask(window.order));
}

// In these, *any is set once something has arrived.
static u32 delegate_objects(struct pd *from_pd, u64 from, struct pd *to_pd, u64 to, unsigned order,
                            unsigned rights, u32 life, bool kernel, bool *any)
{
    u32 error = ECAP;
    bool arrived = false;
    if (order > 12)
        return EPARAM;
    for (u64 i = 0; i < 1ul << order; i++) {
        struct mapping *m = kernel ? gsi_mapping(from + i) : cap_lookup(from_pd, from + i);
        if (!m || !m->object || !object_lives(m->object, life))
            continue;
        error = mapping_derive_object(m, to_pd, to + i, rights);
        if (error)
            return error;
        *any = arrived = true;
    }
    return arrived ? SUCCESS : error;
}

static u32 delegate_kernel_range(enum crd_kind kind, u64 from, struct pd *to_pd, u64 to, u64 count,
                                 unsigned rights, unsigned attr)
{
    struct mapping *root = kind == CRD_MEM ? &kernel_memory : &kernel_ports;
    if (from >= root->count || count > root->count - from ||
        (kind == CRD_MEM && memory_is_kernels(from, count)))
        return EPARAM;
    return mapping_derive_range(root, to_pd, to, from, count, rights, attr);
}

static u32 delegate_range(struct pd *from_pd, enum crd_kind kind, u64 from, struct pd *to_pd,
                          u64 to, u64 count, unsigned rights, unsigned attr, bool *any)
{
    u32 error = ECAP;
    u64 at = from, last = from + count - 1;
    for (unsigned pieces = 0; at <= last && pieces < PIECES_MAX; pieces++) {
        struct mapping *m = space_overlap(from_pd, kind, at, last);
        if (!m)
            break;
        u64 low = m->base > at ? m->base : at;
        u64 high = mapping_last(m) < last ? mapping_last(m) : last;
        error = mapping_derive_range(m, to_pd, to + (low - from), m->frame + (low - m->base),
                                     high - low + 1, rights, attr);
        if (error)
            return error;
        *any = true;
        at = high + 1;
    }
    return error;
}

// What is tried first: the shortest ways, which do all or nothing.
static inline bool usual(enum crd_kind kind, struct pd *from_pd, u64 from, const crd_t *source,
                         struct pd *to_pd, u64 to, unsigned order, unsigned rights, unsigned attr,
                         u32 life)
{
    if (kind == CRD_OBJ)
        return order == 0 && mapping_derive_capability(from_pd, source, to_pd, to, rights, life);
    return kind == CRD_MEM &&
           mapping_derive_small(from_pd, from, to_pd, to, 1ul << order, rights, attr);
}

// One delegation into a window, of `c`, which still stands at *item once the locks are held: who
// has taken it out of a message before revoking it is not given away. *got is what arrived, in the
// receiver's terms. *any: something did, also where not all of it could.
static u32 delegate_item(struct pd *from_pd, crd_t c, const struct typed_item *item,
                         struct pd *to_pd, struct window window, crd_t *got, bool *any)
{
    u64 from, to;
    unsigned order;
    enum crd_kind kind = crd_kind(c);
    u64 how = __atomic_load_n(&item->how, __ATOMIC_RELAXED);
    bool kernel = how & ITEM_KERNEL;
    u64 hotspot = kind == CRD_OBJ ? (u32)how >> 12 : how >> 12;
    u32 life = how >> ITEM_LIFE_SHIFT; // objects only
    *got = 0;
    if (!place(c, hotspot, window, &from, &to, &order))
        return EPARAM;
    if (kernel && from_pd != root_pd)
        return ECAP;
    u32 error = SUCCESS;
    unsigned rights = crd_rights(c), attr = (unsigned)how;
    if (!kernel &&
        usual(kind, from_pd, from, &item->crd, to_pd, to, crd_order(c), rights, attr, life))
        goto done;
    bool together = false;
    if (!kernel) {
        mapping_enter(to_pd);
        together = mapping_also(from_pd, to_pd);
        if (!together)
            mapping_leave(to_pd);
    }
    if (!together)
        mapping_lock();
    if (UNLIKELY(__atomic_load_n(&item->crd, __ATOMIC_RELAXED) != c))
        error = ECAP;
    else if (kind == CRD_OBJ)
        error = delegate_objects(from_pd, from, to_pd, to, order, rights, life, kernel, any);
    else if (kernel)
        error = delegate_kernel_range(kind, from, to_pd, to, 1ul << order, rights, attr);
    else
        error = delegate_range(from_pd, kind, from, to_pd, to, 1ul << order, rights, attr, any);
    if (together) {
        mapping_done(from_pd, to_pd);
        mapping_leave(to_pd);
    } else {
        mapping_unlock();
    }
done:
    if (!error)
        *got = crd(kind, to, order, rights);
    return error;
}

// Names a capability of the sender by that ancestor of it which the receiver holds inside its
// translate window; for a semaphore also its counter, by which a server tells the lives of a
// selector apart that it uses again.
static struct typed_item translate_item(struct pd *from_pd, crd_t c, struct pd *to_pd, crd_t window)
{
    struct typed_item found = {0, 0};
    if (crd_kind(c) != CRD_OBJ || crd_kind(window) != CRD_OBJ)
        return found;
    mapping_enter(from_pd); // then the capability stays, and so do those that it comes from
    for (struct mapping *m = cap_lookup(from_pd, crd_base(c)); m; m = m->parent) {
        if (m->pd == to_pd && m->object && m->base - crd_base(window) <= mask(crd_order(window))) {
            found.crd = crd(CRD_OBJ, m->base, 0, m->rights);
            if (m->object->type == OBJ_SM)
                found.how = ((struct sm *)(void *)m->object)->counter << ITEM_TAG_SHIFT;
            break;
        }
        if (m->root)
            break;
    }
    mapping_leave(from_pd);
    return found;
}

static bool window_for(const struct utcb *utcb, enum crd_kind kind, struct window *window)
{
    crd_t c = crd_kind(utcb->window) == kind ? utcb->window : utcb->window2;
    *window = (struct window){crd_base(c), crd_order(c)};
    return crd_kind(c) == kind;
}

bool delegate_items(struct ec *from, struct ec *to, unsigned count, bool whole)
{
    bool any = false; // then it is too late to begin again
    for (unsigned i = 0; i < count; i++) {
        struct typed_item item = *utcb_item(from->utcb, i);
        enum crd_kind kind = crd_kind(item.crd);
        struct window window = {0, ORDER_WHOLE};
        struct typed_item got = {0, item.how};
        if (!(item.how & ITEM_DELEGATE)) {
            if (!whole)
                got = translate_item(from->pd, item.crd, to->pd, to->utcb->translate);
        } else if (kind != CRD_NULL &&
                   (whole ? kind == CRD_MEM : window_for(to->utcb, kind, &window))) {
            u32 error = delegate_item(from->pd, item.crd, utcb_item(from->utcb, i), to->pd, window,
                                      &got.crd, &any);
            if (UNLIKELY(error == EMEM) && !any) {
                if (rcu_settle(&from->settle_goal))
                    return false;
                any = true;
            }
        }
        if (!whole)
            *utcb_item(to->utcb, i) = got;
    }
    from->settle_goal = 0;
    return true;
}

bool delegate_page(struct ec *from, struct pd *pd)
{
    enum { FLAGS = (1 << 12) - 1, MEMORY_TYPE = ITEM_UNCACHED | ITEM_WRITE_COMBINE };
    const struct typed_item *item = utcb_item(from->utcb, 0);
    crd_t c = item->crd;
    u64 how = item->how;
    return crd_single(c, CRD_MEM) && (how & FLAGS & ~(u64)MEMORY_TYPE) == ITEM_DELEGATE &&
           mapping_derive_small(from->pd, crd_base(c), pd, how >> 12 & mask(ORDER_WHOLE), 1,
                                crd_rights(c), (unsigned)how);
}

u32 delegate_bulk(struct ec *from, struct pd *pd, unsigned count, u64 *done, bool *partly)
{
    for (; *done < count; ++*done) {
        const struct typed_item *at = utcb_item(from->utcb, (unsigned)*done), item = *at;
        crd_t got;
        *partly = false;
        if (crd_kind(item.crd) == CRD_NULL || !(item.how & ITEM_DELEGATE))
            return EPARAM;
        u32 error = delegate_item(from->pd, item.crd, at, pd, (struct window){0, ORDER_WHOLE}, &got,
                                  partly);
        if (error)
            return error;
    }
    return SUCCESS;
}
