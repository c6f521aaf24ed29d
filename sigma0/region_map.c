// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Region maps (region_map.h): attaching and detaching.
#include "sigma0/region_map.h"
#include "lib/rt/heap.h"
#include "lib/rt/range.h"
#include "lib/rt/selector.h"
#include "sigma0/region.h"
#include "sigma0/shelf.h"

struct mutex nest_lock = MUTEX_INIT;
static struct shelf spare_regions = SHELF_INIT;

// Where attaching anywhere looks in an address space: above what lib/rt gives out by itself.
#define AREA_FIRST (HEAP_END / PAGE_SIZE)
#define AREA_LAST (STACK_AREA_BASE / PAGE_SIZE - 1)

struct region *region_at(struct region_map *map, u64 page)
{
    struct tree_node *node = tree_overlap_disjoint(&map->regions, page, page);
    return node ? CONTAINER_OF(node, struct region, node) : NULL;
}

static bool is_space(const struct region_map *map)
{
    return map->pd != SEL_NONE;
}

void region_map_lock(struct region_map *map, bool nested)
{
    if (nested || !is_space(map))
        mutex_lock(&nest_lock);
    if (is_space(map))
        mutex_lock(&map->lock);
}

void region_map_unlock(struct region_map *map, bool nested)
{
    if (is_space(map))
        mutex_unlock(&map->lock);
    if (nested || !is_space(map))
        mutex_unlock(&nest_lock);
}

static void release(struct named *named)
{
    struct region_map *map = CONTAINER_OF(named, struct region_map, named);
    semaphore_destroy(&map->lock.semaphore);
    heap_free(map);
}

static error_t managed_create(struct region_map *map)
{
    map->ds = dataspace_new();
    if (!map->ds)
        return EMEM;
    map->ds->count = map->pages;
    map->ds->map = map;
    return dataspace_publish(map->ds);
}

static const struct server_cost map_cost = {PD_REGION_MAP_COST, PD_REGION_MAP_CAPS};

error_t region_map_create(struct server_session *payer, u64 pages, sel_t pd,
                          struct region_map **out)
{
    if (pages == 0 || pages > USER_END / PAGE_SIZE)
        return EPARAM;
    error_t error = server_charge_cost(payer, map_cost);
    if (error)
        return error;
    error = EMEM;
    struct region_map *map = heap_zalloc(sizeof(*map));
    if (!map)
        goto uncharge;
    map->payer = payer;
    map->pages = pages;
    map->pd = pd;
    map->signal = SEL_NONE;
    map->lock = (struct mutex)MUTEX_INIT;
    list_init(&map->waiting);
    list_init(&map->in_owner);
    map->first = is_space(map); // address 0 is nobody's
    map->area_first = map->hint = is_space(map) ? AREA_FIRST : 0;
    map->area_last = is_space(map) ? AREA_LAST : pages - 1;
    error = named_create(&map->named, NAMED_REGION_MAP, release);
    if (error)
        goto free_map;
    if (!is_space(map) && (error = managed_create(map)))
        goto withdraw;
    *out = map;
    return SUCCESS;
withdraw:
    if (named_withdraw(&map->named))
        named_put(&map->named);
    map = NULL;
free_map:
    heap_free(map);
uncharge:
    server_uncharge_cost(payer, map_cost);
    return error;
}

struct region_map *region_map_find(struct typed_item name)
{
    struct named *named = named_find(name, NAMED_REGION_MAP);
    return named ? CONTAINER_OF(named, struct region_map, named) : NULL;
}

// Takes [first, last] of a map from the page tables of all who see it, as long as there are no more
// than *left places: false.
static bool unmap_places(const struct region_map *map, u64 first, u64 last, unsigned *left)
{
    if (is_space(map)) {
        range_revoke_from(map->pd, CRD_MEM, first, last - first + 1, true);
        return true;
    }
    LIST_FOREACH (node, &map->ds->regions) {
        const struct region *r = LIST_ENTRY(node, struct region, in_ds);
        u64 end = r->offset + (r->node.last - r->node.key);
        u64 low = first > r->offset ? first : r->offset, high = last < end ? last : end;
        if (low > high)
            continue;
        if (*left == 0)
            return false;
        --*left;
        if (!unmap_places(r->map, r->node.key + (low - r->offset), r->node.key + (high - r->offset),
                          left))
            return false;
    }
    return true;
}

// Whether a walk comes to a map for the first time. Maps that nest are a graph: by each of its ways
// a walk would take as long as somebody likes who attaches each of eight maps a hundred times in
// the next. With nest_lock.
static u64 walks;
static bool first_visit(struct region_map *map, u64 walk)
{
    bool first = map->walk != walk;
    map->walk = walk;
    return first;
}

// Takes every region of an address space by which something of the map shows from its page table:
// what else stood there comes back with faults.
static void unmap_regions(struct region_map *map, u64 walk)
{
    if (!first_visit(map, walk))
        return;
    LIST_FOREACH (node, &map->ds->regions) {
        const struct region *r = LIST_ENTRY(node, struct region, in_ds);
        if (is_space(r->map))
            range_revoke_from(r->map->pd, CRD_MEM, r->node.key, r->node.last - r->node.key + 1,
                              true);
        else
            unmap_regions(r->map, walk);
    }
}

// Takes [first, last] of a map from the page tables of all who see it. With the map's locks.
static void unmap(struct region_map *map, u64 first, u64 last)
{
    enum { PLACES_MAX = 64 };
    unsigned left = PLACES_MAX;
    if (!unmap_places(map, first, last, &left))
        unmap_regions(map, ++walks);
}

// With the map's locks.
static void region_remove(struct region *r)
{
    struct region_map *map = r->map;
    struct dataspace *ds = r->ds;
    tree_remove(&map->regions, &r->node);
    if (!ds->map)
        mutex_lock(&ds->lock);
    list_remove(&r->in_ds);
    if (!ds->map)
        mutex_unlock(&ds->lock);
    if (r->touched || !is_space(map))
        unmap(map, r->node.key, r->node.last);
    server_uncharge(map->payer, PD_REGION_COST);
    if (r->node.key >= map->area_first && r->node.key < map->hint)
        map->hint = r->node.key;
    shelf_object_free(&spare_regions, r);
    dataspace_put(ds);
}

// Whether `map` shows `inner` anywhere, or is it; else map->depth is how deep what it shows goes.
static bool shows(struct region_map *map, const struct region_map *inner, u64 walk)
{
    if (map == inner)
        return true;
    if (!first_visit(map, walk))
        return false;
    map->depth = 0;
    for (struct tree_node *n = tree_first(&map->regions); n; n = tree_next(n)) {
        struct region_map *below = CONTAINER_OF(n, struct region, node)->ds->map;
        if (!below)
            continue;
        if (shows(below, inner, walk))
            return true;
        map->depth = below->depth + 1 > map->depth ? below->depth + 1 : map->depth;
    }
    return false;
}

static unsigned height(struct region_map *map, u64 walk)
{
    if (is_space(map))
        return 0;
    if (!first_visit(map, walk))
        return map->depth;
    map->depth = 0;
    LIST_FOREACH (node, &map->ds->regions) {
        unsigned above = 1 + height(LIST_ENTRY(node, struct region, in_ds)->map, walk);
        map->depth = above > map->depth ? above : map->depth;
    }
    return map->depth;
}

// Whether a map may show another one: not what shows it, nor too deep.
static bool may_nest(struct region_map *map, struct region_map *inner)
{
    if (shows(inner, map, ++walks))
        return false;
    unsigned depth = inner->depth + 1;
    return depth + height(map, ++walks) <= REGION_MAP_DEPTH;
}

static bool fits_in(const struct region_map *map, u64 at, u64 pages)
{
    return at >= map->first && at < map->pages && pages <= map->pages - at;
}

// A free place for `pages` pages from `at` up, `phase` pages above a multiple of `align`;
// REGION_ANYWHERE if there is none.
static u64 search(struct region_map *map, u64 at, u64 pages, u64 align, u64 phase)
{
    for (;;) {
        at += (phase - at) & (align - 1);
        if (at > map->area_last || pages - 1 > map->area_last - at)
            return REGION_ANYWHERE;
        const struct tree_node *node = tree_overlap_disjoint(&map->regions, at, at + pages - 1);
        if (!node)
            return at;
        at = node->last + 1;
    }
}

// Where it can be shown in blocks that are as large as possible: `from` is where its pages are.
static u64 find_place(struct region_map *map, u64 pages, u64 from)
{
    enum { ALIGN_MAX = 512 }; // superpages
    u64 align = 1;
    while (align < ALIGN_MAX && align * 2 <= pages)
        align *= 2;
    u64 at = search(map, map->hint, pages, align, from);
    if (at == REGION_ANYWHERE)
        at = search(map, map->area_first, pages, align, from);
    if (at != REGION_ANYWHERE)
        map->hint = at + pages;
    return at;
}

static error_t choose_place(struct region_map *map, const struct dataspace *ds,
                            const struct region_request *q, u64 pages, u64 *at)
{
    *at = q->at;
    if (q->at == REGION_ANYWHERE) {
        *at = find_place(map, pages, ds->view + q->offset);
        return *at == REGION_ANYWHERE ? ERESOURCE : SUCCESS;
    }
    if (!fits_in(map, q->at, pages))
        return EPARAM;
    return tree_overlap_disjoint(&map->regions, q->at, q->at + pages - 1) ? EINUSE : SUCCESS;
}

// With the map's locks: makes the region and links it.
static error_t region_add(struct region_map *map, struct dataspace *ds,
                          const struct region_request *q, u64 pages, struct region **out)
{
    u64 at;
    if (map->gone)
        return ENOTFOUND;
    if (ds->map && !may_nest(map, ds->map))
        return EDEADLOCK;
    error_t error = choose_place(map, ds, q, pages, &at);
    if (!error)
        error = server_charge(map->payer, PD_REGION_COST);
    if (error)
        return error;
    struct region *r = shelf_object(&spare_regions, sizeof(*r));
    if (!r) {
        server_uncharge(map->payer, PD_REGION_COST);
        return EMEM;
    }
    r->map = map;
    r->ds = ds;
    r->offset = q->offset;
    r->rights = (u8)(q->rights & ds->rights);
    r->node.key = at;
    r->node.last = at + pages - 1;
    if (!ds->map)
        mutex_lock(&ds->lock);
    r->view = ds->view;
    if (ds->gone)
        error = ENOTFOUND;
    else if (!ds->map && r->rights & MEM_X && !(error = dataspace_make_code(ds)))
        r->view = ds->code_view;
    if (!error)
        list_push_back(&ds->regions, &r->in_ds);
    if (!ds->map)
        mutex_unlock(&ds->lock);
    if (error) {
        server_uncharge(map->payer, PD_REGION_COST);
        shelf_object_free(&spare_regions, r);
        return error;
    }
    named_get(&ds->named);
    tree_insert(&map->regions, &r->node);
    *out = r;
    return SUCCESS;
}

error_t region_map_attach(struct region_map *map, struct dataspace *ds,
                          const struct region_request *q, u64 *at)
{
    u64 pages = q->pages ? q->pages : ds->count - q->offset;
    struct region *r;
    if (q->offset >= ds->count || pages > ds->count - q->offset || !(q->rights & MEM_R))
        return EPARAM;
    if (!ds->map && (q->rights & ds->rights & (MEM_W | MEM_X)) == (MEM_W | MEM_X))
        return EPARAM; // memory is writable or executable, never both in one place
    bool nested = ds->map;
    region_map_lock(map, nested);
    error_t error = region_add(map, ds, q, pages, &r);
    if (!error) {
        *at = r->node.key;
        if (is_space(map) && q->populate)
            region_populate(r);
        if (!list_empty(&map->waiting))
            region_map_wake(map, r->node.key, r->node.last);
    }
    region_map_unlock(map, nested);
    return error;
}

error_t region_map_detach(struct region_map *map, u64 page)
{
    // A region that shows a managed dataspace needs both locks, which is known only under one.
    for (bool nested = false;; nested = true) {
        region_map_lock(map, nested);
        struct region *r = region_at(map, page);
        bool again = r && r->ds->map && !nested && is_space(map);
        if (r && !again)
            region_remove(r);
        region_map_unlock(map, nested);
        if (!again)
            return r ? SUCCESS : ENOTFOUND;
    }
}

// The first of the dataspace's regions, its map with a reference.
static struct region_map *first_region(struct dataspace *ds, u64 *page)
{
    struct region_map *map = NULL;
    mutex_lock(ds->map ? &nest_lock : &ds->lock);
    ds->gone = true;
    if (!list_empty(&ds->regions)) {
        const struct region *r = LIST_ENTRY(ds->regions.next, struct region, in_ds);
        map = r->map;
        named_get(&map->named);
        *page = r->node.key;
    }
    mutex_unlock(ds->map ? &nest_lock : &ds->lock);
    return map;
}

void region_maps_forget(struct dataspace *ds)
{
    struct region_map *map;
    u64 page = 0;
    while ((map = first_region(ds, &page))) {
        region_map_lock(map, ds->map);
        struct region *r = region_at(map, page);
        if (r && r->ds == ds && r->node.key == page) // else somebody else was faster
            region_remove(r);
        region_map_unlock(map, ds->map);
        region_map_put(map);
    }
}

void region_map_destroy(struct region_map *map)
{
    if (!named_withdraw(&map->named))
        return;
    if (map->ds)
        dataspace_destroy(map->ds); // nobody sees it any more
    region_map_lock(map, true);
    map->gone = true;
    while (map->regions.root)
        region_remove(CONTAINER_OF(map->regions.root, struct region, node));
    region_map_wake(map, 0, ~0ul);
    sel_t signal = map->signal;
    map->signal = SEL_NONE;
    region_map_unlock(map, true);
    selector_drop(signal);
    server_uncharge_cost(map->payer, map_cost);
    if (signal != SEL_NONE)
        server_uncharge_caps(map->payer, PD_SIGNAL_CAPS);
    region_map_put(map);
}
