// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Page faults of address spaces (region_map.h): from the page through the maps to memory, and from
// there the largest block that fits into the page table. The block is delegated under the map's
// locks, so what is detached never comes back.
#include "lib/rt/range.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "sigma0/region.h"

enum { BLOCK_ORDER_MAX = 9 }; // 2 MiB

// What was found for a page: where it is in our own space, and how far around it the same holds.
struct place {
    const struct dataspace *ds;
    u64 from, below, above;
    unsigned rights;
};

// From a region that covers *page of *map down to memory. False where nothing is shown: then *page
// of *map is the hole.
static bool descend(struct region *r, struct region_map **map, u64 *page, struct place *p)
{
    *p = (struct place){NULL, 0, ~0ul, ~0ul, MEM_R | MEM_W | MEM_X};
    for (; r; r = region_at(*map, *page)) {
        u64 below = *page - r->node.key, above = r->node.last - *page, offset = r->offset + below;
        p->below = below < p->below ? below : p->below;
        p->above = above < p->above ? above : p->above;
        p->rights &= r->rights;
        if (!r->ds->map) {
            p->ds = r->ds;
            p->from = r->view + offset;
            return true;
        }
        *map = r->ds->map;
        *page = offset;
    }
    return false;
}

static error_t delegate_one(sel_t pd, u64 from, u64 to, unsigned order, const struct place *p)
{
    struct utcb *u = utcb();
    struct typed_item saved = *utcb_item(u, 0);
    *utcb_item(u, 0) = item_delegate(crd(CRD_MEM, from, order, p->rights), to, p->ds->attr);
    error_t error = hc_delegate(pd, 1);
    *utcb_item(u, 0) = saved;
    return error;
}

// The order of the largest block around the page that is aligned in both places and shows what the
// page shows.
static unsigned block_order(u64 page, const struct place *p)
{
    u64 skew = (page ^ p->from) | 1ul << BLOCK_ORDER_MAX, length = p->below + p->above + 1;
    unsigned order = (unsigned)__builtin_ctzl(skew), fits = 63 - (unsigned)__builtin_clzl(length);
    if (order > fits)
        order = fits;
    for (;; order--) {
        u64 mask = (1ul << order) - 1, inside = page & mask;
        if (inside <= p->below && mask - inside <= p->above)
            return order;
    }
}

static enum fault_outcome map_block(sel_t pd, u64 page, const struct place *p)
{
    unsigned order = block_order(page, p);
    u64 inside = page & ((1ul << order) - 1);
    error_t error = delegate_one(pd, p->from - inside, page - inside, order, p);
    if (error == EBUSY && order) // a part of it is there already: the page alone
        error = delegate_one(pd, p->from, page, 0, p);
    return !error || error == EBUSY ? FAULT_RESOLVED : FAULT_NO_MEMORY;
}

// Fills the page table of a domain with `count` pages of memory. False: no more is to be had.
static bool enter(sel_t pd, struct place p, u64 to, u64 count)
{
    while (count) {
        unsigned order = range_order(p.from, to, count);
        error_t error = delegate_one(pd, p.from, to, order, &p);
        if (error && error != EBUSY) // some of it is there already: the rest with faults
            return false;
        p.from += 1ul << order;
        to += 1ul << order;
        count -= 1ul << order;
    }
    return true;
}

// Of an address space with a page table that is being filled.
struct filling {
    sel_t pd;
    unsigned regions; // that may still be looked at: there can be more than anybody pays for
};

// Fills in what pages [first, last] of r's map show, of which the first stands at `to` in the
// address space and all that is above has `rights`.
static bool fill(struct filling *f, const struct region *r, u64 first, u64 last, u64 to,
                 unsigned rights)
{
    u64 low = r->node.key > first ? r->node.key : first;
    u64 high = r->node.last < last ? r->node.last : last, offset = r->offset + (low - r->node.key);
    to += low - first;
    rights &= r->rights;
    if (f->regions-- == 0)
        return false;
    if (!r->ds->map)
        return enter(f->pd, (struct place){r->ds, r->view + offset, 0, 0, rights}, to,
                     high - low + 1);
    first = offset;
    last = offset + (high - low);
    for (struct tree_node *n = tree_overlap_disjoint(&r->ds->map->regions, first, last);
         n && n->key <= last; n = tree_next(n)) {
        if (!fill(f, CONTAINER_OF(n, struct region, node), first, last, to, rights))
            return false;
    }
    return true;
}

void region_populate(struct region *r)
{
    struct filling f = {r->map->pd, 4096};
    r->touched = true;
    (void)fill(&f, r, r->node.key, r->node.last, r->node.key, MEM_R | MEM_W | MEM_X);
}

// The owner of a managed dataspace is to fill the hole: the thread stops until then.
static enum fault_outcome wait_for_owner(struct region_map *map, u64 page, unsigned access,
                                         struct fault_wait *wait)
{
    if (map->signal == SEL_NONE || !wait)
        return FAULT_NO_REGION;
    if (!list_empty(&wait->link))
        list_remove(&wait->link);
    wait->map = map;
    wait->page = page;
    wait->access = access;
    wait->told = false;
    list_push_back(&map->waiting, &wait->link);
    hc_ec_ctrl(wait->ec, EC_PAUSE);
    hc_sm_up(map->signal);
    return FAULT_WAITS;
}

// With what was found for a page of a region of an address space.
static enum fault_outcome show(struct region *top, u64 page, unsigned access, const struct place *p)
{
    if (access & ~p->rights)
        return FAULT_DENIED;
    top->touched = true;
    return map_block(top->map->pd, page, p);
}

enum fault_outcome region_map_fault(struct region_map *space, u64 page, unsigned access)
{
    enum fault_outcome outcome = FAULT_NO_REGION;
    mutex_lock(&space->lock);
    struct region *r = region_at(space, page);
    if (r && r->ds->map) {
        outcome = FAULT_NESTED;
    } else if (r) {
        u64 below = page - r->node.key;
        struct place p = {r->ds, r->view + r->offset + below, below, r->node.last - page,
                          r->rights};
        outcome = show(r, page, access, &p);
    }
    mutex_unlock(&space->lock);
    return outcome;
}

enum fault_outcome region_map_fault_nested(struct region_map *space, u64 page, unsigned access,
                                           struct fault_wait *wait)
{
    enum fault_outcome outcome;
    struct region_map *map = space;
    u64 at = page;
    struct place p;
    region_map_lock(space, true);
    struct region *top = region_at(space, page);
    if (descend(top, &map, &at, &p))
        outcome = show(top, page, access, &p);
    else
        outcome = map != space ? wait_for_owner(map, at, access, wait) : FAULT_NO_REGION;
    region_map_unlock(space, true);
    return outcome;
}

error_t region_map_copy(struct region_map *space, u64 address, void *data, u64 *bytes, bool write)
{
    struct region_map *map = space;
    u64 page = address / PAGE_SIZE, inside = address % PAGE_SIZE;
    struct place p;
    region_map_lock(space, true);
    error_t error = descend(region_at(map, page), &map, &page, &p) ? SUCCESS : ENOTFOUND;
    if (!error && write && !(p.rights & MEM_W))
        error = EPERM;
    if (!error && p.ds->attr)
        error = EFEATURE;
    if (!error) {
        u64 most = (p.above < PD_MEMORY_MAX ? p.above + 1 : PD_MEMORY_MAX) * PAGE_SIZE - inside;
        void *there = (void *)(p.from * PAGE_SIZE + inside);
        *bytes = *bytes < most ? *bytes : most;
        memcpy(write ? there : data, write ? data : there, *bytes);
    }
    region_map_unlock(space, true);
    return error;
}

void region_map_wake(struct region_map *map, u64 first, u64 last)
{
    LIST_FOREACH (node, &map->waiting) {
        struct fault_wait *wait = LIST_ENTRY(node, struct fault_wait, link);
        if (wait->page < first || wait->page > last)
            continue;
        list_remove(node);
        if (!wait->held)
            hc_ec_ctrl(wait->ec, EC_RESUME);
    }
}

void fault_wait_hold(struct fault_wait *wait, bool hold)
{
    mutex_lock(&nest_lock);
    wait->held = hold;
    if (hold)
        hc_ec_ctrl(wait->ec, EC_PAUSE);
    else if (list_empty(&wait->link))
        hc_ec_ctrl(wait->ec, EC_RESUME);
    mutex_unlock(&nest_lock);
}

void fault_wait_cancel(struct fault_wait *wait)
{
    mutex_lock(&nest_lock);
    if (!list_empty(&wait->link))
        list_remove(&wait->link);
    wait->ec = SEL_NONE;
    mutex_unlock(&nest_lock);
}

error_t fault_wait_state(struct fault_wait *wait, bool write, unsigned mtd)
{
    mutex_lock(&nest_lock);
    error_t error = hc_ec_state(wait->ec, write, mtd);
    mutex_unlock(&nest_lock);
    return error;
}

error_t region_map_signal(struct region_map *map, sel_t signal)
{
    region_map_lock(map, true);
    sel_t before = map->signal;
    error_t error = map->gone            ? ENOTFOUND
                    : before != SEL_NONE ? SUCCESS
                                         : server_charge_caps(map->payer, PD_SIGNAL_CAPS);
    if (!error)
        map->signal = signal;
    region_map_unlock(map, true);
    selector_drop(error ? signal : before);
    return error;
}

bool region_map_next_fault(struct region_map *map, u64 *page, unsigned *access, u64 *waiting)
{
    bool found = false;
    *waiting = 0;
    region_map_lock(map, true);
    LIST_FOREACH (node, &map->waiting) {
        struct fault_wait *wait = LIST_ENTRY(node, struct fault_wait, link);
        ++*waiting;
        if (wait->told || found)
            continue;
        wait->told = found = true;
        *page = wait->page;
        *access = wait->access;
    }
    region_map_unlock(map, true);
    return found;
}
