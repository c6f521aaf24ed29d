// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Delegation and its undoing (mapping.h).
//
// Memory and port mappings are ranges [base, base + count). A mapping's children are kept by frame,
// in an interval tree, so that finding those which touch a range costs O(log n) whatever else was
// derived. Revoking removes one leaf a step: take a child that touches the range, cut it at the
// range's borders, go down to a leaf, remove it. The root mapping of a PD goes only after
// everything in that PD's spaces went the same way.
#include "kernel/mapping.h"
#include "kernel/ports.h"
#include "kernel/destroy.h"
#include "kernel/layout.h"
#include "kernel/paging.h"
#include <tessera/error.h>

struct spinlock mapping_lock;
struct cache range_cache = CACHE(sizeof(struct mapping), "range mapping");
struct cache object_mapping_cache = CACHE(MAPPING_OBJECT_SIZE, "capability");

enum { ATTR_PINNED = 1 << 7, SINGLE_CHILDREN_MAX = 4 };

struct mapping kernel_memory = {
    .count = 1ul << 40, .kind = CRD_MEM, .rights = RIGHT_ALL, .root = 1};
struct mapping kernel_ports = {.count = 1ul << 16, .kind = CRD_IO, .rights = RIGHT_ALL, .root = 1};

static struct tree *space_tree(struct pd *pd, enum crd_kind kind)
{
    return kind == CRD_MEM ? &pd->memory : &pd->ports;
}

struct tree_node *space_overlap(struct pd *pd, enum crd_kind kind, u64 first, u64 last)
{
    struct mapping *recent = pd->recent;
    if (kind != CRD_MEM)
        return tree_overlap_disjoint(&pd->ports, first, last);
    if (recent && recent->in_space.key <= first && first <= recent->in_space.last)
        return &recent->in_space;
    struct tree_node *node = tree_overlap_disjoint(&pd->memory, first, last);
    if (node)
        pd->recent = CONTAINER_OF(node, struct mapping, in_space);
    return node;
}

static void space_unlink(struct mapping *m)
{
    if (m->pd->recent == m)
        m->pd->recent = NULL;
    tree_remove(space_tree(m->pd, m->kind), &m->in_space);
}

struct mapping *mapping_find(struct pd *pd, enum crd_kind kind, u64 base)
{
    struct tree_node *node = space_overlap(pd, kind, base, base);
    return node ? CONTAINER_OF(node, struct mapping, in_space) : NULL;
}

static void child_link(struct mapping *parent, struct mapping *m)
{
    m->parent = parent;
    if (m->kind == CRD_OBJ) {
        m->next = parent->child;
        m->link = &parent->child;
        if (m->next)
            m->next->link = &m->next;
        parent->child = m;
    } else {
        m->in_parent.key = m->frame;
        m->in_parent.last = m->frame + m->count - 1;
        tree_insert(&parent->children, &m->in_parent);
    }
}

static void child_unlink(struct mapping *m)
{
    if (m->kind == CRD_OBJ) {
        *m->link = m->next;
        if (m->next)
            m->next->link = m->link;
    } else {
        tree_remove(&m->parent->children, &m->in_parent);
    }
}

static void space_link(struct mapping *m)
{
    m->in_space.key = m->base;
    m->in_space.last = m->base + m->count - 1;
    tree_insert(space_tree(m->pd, m->kind), &m->in_space);
}

u32 mapping_derive_object(struct mapping *from, struct pd *to, u64 sel, unsigned rights)
{
    if (to->object.dying)
        return EABORT;
    if (!account_charge(&to->account, object_mapping_cache.size))
        return EMEM;
    u32 error = EMEM;
    struct mapping *m = cache_alloc(&object_mapping_cache);
    if (!m)
        goto refund;
    m->pd = to;
    m->base = sel;
    m->count = 1;
    m->object = from->object;
    m->kind = CRD_OBJ;
    m->rights = from->rights & rights;
    m->attr = m->root = 0;
    m->fast = mapping_fast(m);
    m->child = NULL;
    error = cap_insert(m);
    if (error)
        goto free_node;
    child_link(from, m);
    return SUCCESS;
free_node:
    cache_free(&object_mapping_cache, m);
refund:
    account_refund(&to->account, object_mapping_cache.size);
    return error;
}

static struct mapping *range_alloc(struct pd *pd)
{
    if (!account_charge(&pd->account, range_cache.size))
        return NULL;
    struct mapping *m = cache_alloc(&range_cache);
    if (!m)
        account_refund(&pd->account, range_cache.size);
    return m;
}

static void range_free(struct mapping *m)
{
    account_refund(&m->pd->account, range_cache.size);
    cache_free(&range_cache, m);
}

static void range_set(struct mapping *m, struct pd *pd, enum crd_kind kind, u64 base, u64 frame,
                      u64 count)
{
    m->pd = pd;
    m->base = base;
    m->count = count;
    m->frame = frame;
    m->kind = (u8)kind;
    m->root = m->fast = 0;
    m->children.root = NULL;
}

u32 mapping_derive_range(struct mapping *from, struct pd *to, u64 base, u64 frame, u64 count,
                         unsigned rights, unsigned attr)
{
    u64 end = from->kind == CRD_MEM ? USER_END / PAGE_SIZE : 1ul << 16;
    if (base >= end || count > end - base || (from->kind == CRD_MEM && base == 0) ||
        (from->attr & ATTR_PINNED))
        return EPARAM;
    if (to->object.dying)
        return EABORT;
    struct tree *space = space_tree(to, from->kind);
    struct tree_place place;
    if (!tree_gap(space, base, base + count - 1, &place))
        return EBUSY;
    struct mapping *m = range_alloc(to);
    if (!m)
        return EMEM;
    range_set(m, to, from->kind, base, frame, count);
    m->rights = from->rights & rights;
    m->attr = (u8)(from->attr | (attr & (ITEM_UNCACHED | ITEM_WRITE_COMBINE)));
    bool done = m->kind == CRD_MEM ? space_map(to, base, frame, count, m->rights, m->attr)
                                   : ports_allow(to, base, count);
    if (!done) {
        range_free(m);
        return EMEM;
    }
    m->in_space.key = base;
    m->in_space.last = base + count - 1;
    tree_insert_at(space, &m->in_space, place);
    child_link(from, m);
    return SUCCESS;
}

u32 mapping_pin(struct mapping *m, struct pd *pd, u64 page, void *kernel_page, bool writable)
{
    if (page == 0 || page >= USER_END / PAGE_SIZE)
        return EPARAM;
    if (pd->object.dying)
        return EABORT;
    if (tree_overlap_disjoint(&pd->memory, page, page))
        return EBUSY;
    range_set(m, pd, CRD_MEM, page, virt_to_phys(kernel_page) / PAGE_SIZE, 1);
    m->rights = writable ? MEM_R | MEM_W : MEM_R;
    m->attr = ATTR_PINNED;
    m->parent = NULL;
    if (!space_map(pd, page, m->frame, 1, m->rights, 0))
        return EMEM;
    space_link(m);
    return SUCCESS;
}

void mapping_unpin(struct mapping *m, struct tlb_batch *batch)
{
    space_unmap(m->pd, m->base, 1, batch);
    space_unlink(m);
}

// Cuts `m` at frame `at`: `m` keeps what is below, a new sibling gets the rest with the children
// that belong to it. Children that lie across the border are cut first.
static struct mapping *range_split(struct mapping *m, u64 at)
{
    struct mapping *upper = range_alloc(m->pd);
    if (!upper)
        return NULL;
    struct tree_node *node;
    while ((node = tree_overlap(&m->children, at - 1, at - 1))) {
        struct mapping *child = CONTAINER_OF(node, struct mapping, in_parent);
        while (child && child->frame + child->count <= at) {
            node = tree_overlap_next(&child->in_parent, at - 1, at - 1);
            child = node ? CONTAINER_OF(node, struct mapping, in_parent) : NULL;
        }
        if (!child)
            break;
        if (!range_split(child, at)) {
            range_free(upper);
            return NULL;
        }
    }
    range_set(upper, m->pd, m->kind, m->base + (at - m->frame), at, m->frame + m->count - at);
    upper->rights = m->rights;
    upper->attr = m->attr;
    m->count = at - m->frame;
    tree_set_last(&m->in_space, m->base + m->count - 1);
    if (m->parent)
        tree_set_last(&m->in_parent, at - 1);
    while ((node = tree_overlap(&m->children, at, ~0ul))) {
        struct mapping *child = CONTAINER_OF(node, struct mapping, in_parent);
        child_unlink(child);
        child_link(upper, child);
    }
    space_link(upper);
    if (m->parent)
        child_link(m->parent, upper);
    return upper;
}

// Cuts `m` so that what remains of it lies inside [first, last]; NULL if that needs memory that is
// not there.
static struct mapping *range_trim(struct mapping *m, u64 first, u64 last)
{
    if (m->frame < first)
        m = range_split(m, first);
    if (m && m->frame + m->count - 1 > last && !range_split(m, last + 1))
        return NULL;
    return m;
}

static struct mapping *any_child(struct mapping *m)
{
    if (m->kind == CRD_OBJ)
        return m->child;
    return m->children.root ? CONTAINER_OF(m->children.root, struct mapping, in_parent) : NULL;
}

static void object_mapping_release(struct rcu_head *head)
{
    struct mapping *m = CONTAINER_OF(head, struct mapping, rcu);
    struct pd *pd = m->pd;
    account_refund(&pd->account, object_mapping_cache.size);
    cache_free(&object_mapping_cache, m);
    pd_put(pd);
}

static void remove_leaf(struct mapping *m, struct tlb_batch *batch)
{
    if (m->kind == CRD_OBJ) {
        struct pd *pd = m->pd;
        if (pd)
            cap_remove(m);
        if (m->root) {
            object_destroy(m->object, batch);
        } else {
            child_unlink(m);
            pd_get(pd); // the account is needed until the release
            rcu_defer(&m->rcu, object_mapping_release);
        }
        return;
    }
    if (m->kind == CRD_MEM)
        space_unmap(m->pd, m->base, m->count, batch);
    else
        ports_deny(m->pd, m->base, m->count, batch);
    child_unlink(m);
    space_unlink(m);
    range_free(m);
}

// A PD whose root is about to go is emptied first: the next mapping in its spaces, or NULL if they
// are empty.
static struct mapping *pd_content(struct mapping *m)
{
    if (!m->root || m->object->type != OBJ_PD)
        return NULL;
    return pd_next_content((struct pd *)(void *)m->object);
}

static void remove_step(struct mapping *m, struct tlb_batch *batch)
{
    for (;;) {
        struct mapping *below = any_child(m);
        if (!below)
            below = pd_content(m);
        if (!below)
            break;
        m = below;
    }
    remove_leaf(m, batch);
}

// Looks at up to one page of slots a step. *cursor is the first selector not yet done.
static bool revoke_objects(struct pd *pd, u64 *cursor, u64 end, bool self, struct tlb_batch *batch)
{
    u64 sel = *cursor;
    for (unsigned slots = 0; sel < end && slots < CAP_PAGE_SLOTS; slots++) {
        if (pd->caps[sel / CAP_PAGE_SLOTS] == null_cap_page) {
            sel = (sel / CAP_PAGE_SLOTS + 1) * CAP_PAGE_SLOTS;
            continue;
        }
        struct mapping *m = cap_lookup(pd, sel);
        if (m != &null_mapping && (self || m->child)) {
            remove_step(self ? m : m->child, batch);
            sel += cap_lookup(pd, sel) == &null_mapping;
            break;
        }
        sel++;
    }
    *cursor = sel;
    return sel < end;
}

// All of the children if they are few and have none themselves.
static __attribute__((noinline)) bool revoke_children(struct mapping *m)
{
    for (unsigned children = 0; m->child; children++) {
        if (children == SINGLE_CHILDREN_MAX || m->child->child)
            return false;
        remove_leaf(m->child, NULL);
    }
    return true;
}

bool revoke_single(struct pd *pd, u64 sel)
{
    struct mapping *m = cap_lookup(pd, sel);
    if (m == &null_mapping)
        return true;
    if ((m->child && !revoke_children(m)) || pd_content(m))
        return false;
    remove_leaf(m, NULL); // no page is unmapped here: objects have no use for a batch
    return true;
}

bool revoke_step(struct pd *pd, enum crd_kind kind, u64 base, u64 last, bool self, u64 *cursor,
                 struct tlb_batch *batch, u32 *error)
{
    if (kind == CRD_OBJ)
        return revoke_objects(pd, cursor, last + 1, self, batch);
    struct tree_node *node = space_overlap(pd, kind, base, last);
    for (; node; node = tree_overlap_next(node, base, last)) {
        struct mapping *m = CONTAINER_OF(node, struct mapping, in_space);
        if (m->attr & ATTR_PINNED)
            continue;
        u64 low = m->base > base ? m->base : base;
        u64 high = m->base + m->count - 1 < last ? m->base + m->count - 1 : last;
        u64 first_frame = m->frame + (low - m->base), last_frame = m->frame + (high - m->base);
        struct mapping *victim = NULL;
        if (self) {
            victim = range_trim(m, first_frame, last_frame);
        } else {
            struct tree_node *child = tree_overlap(&m->children, first_frame, last_frame);
            if (!child)
                continue;
            victim =
                range_trim(CONTAINER_OF(child, struct mapping, in_parent), first_frame, last_frame);
        }
        if (!victim) {
            *error = EMEM;
            return false;
        }
        // All of the range, and given to nobody: once it is gone there is nothing more to look for.
        bool more = victim->children.root;
        remove_step(victim, batch);
        if (self)
            return more || high - low != last - base;
        return more || high - low != last - base ||
               tree_overlap(&m->children, first_frame, last_frame);
    }
    return false;
}
