// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Revocation (revoke.h), a leaf a step: take a child that touches the range, cut it at its borders,
// go down to a leaf, remove it. A PD's root mapping goes after all that is in the PD's spaces. A
// leaf needs no more than the locks of two PDs; all else is done alone.
#include "kernel/revoke.h"
#include "kernel/destroy.h"
#include "kernel/paging.h"
#include "kernel/ports.h"
#include <tessera/error.h>

enum { SINGLE_CHILDREN_MAX = 4, SETTLE_STEP = 32 };

static void link_as(struct mapping *m, struct mapping *like)
{
    m->rights = like->rights;
    m->attr = like->attr;
    if (m->attr & MAPPING_SMALL)
        space_set_owner(m->pd, m->base, m->count, m);
    else
        space_link(m);
    if (like->parent)
        child_link(like->parent, m);
}

// Cuts `m` at frame `at`: `m` keeps what is below, a new sibling gets the rest with the children
// that belong to it. Children that lie across the border are cut first.
static struct mapping *range_split(struct mapping *m, u64 at)
{
    struct mapping *upper = range_alloc(m->pd);
    if (!upper)
        return NULL;
    upper->pd = m->pd;
    children_settle(m, ~0u);
    struct tree_node *node;
    for (struct mapping *child = m->child; child; child = child->next) {
        if (child->frame < at && child->frame + child->count > at && !range_split(child, at))
            goto no_memory;
    }
    while ((node = tree_overlap(&m->children, at - 1, at - 1))) {
        struct mapping *child = CONTAINER_OF(node, struct mapping, in_parent);
        while (child && child->frame + child->count <= at) {
            node = tree_overlap_next(&child->in_parent, at - 1, at - 1);
            child = node ? CONTAINER_OF(node, struct mapping, in_parent) : NULL;
        }
        if (!child)
            break;
        if (!range_split(child, at))
            goto no_memory;
    }
    range_set(upper, m->pd, (enum crd_kind)m->kind, m->base + (at - m->frame), at,
              m->frame + m->count - at);
    m->count = at - m->frame;
    if (!(m->attr & MAPPING_SMALL))
        tree_set_last(&m->in_space, mapping_last(m));
    if (m->parent && !m->link)
        tree_set_last(&m->in_parent, at - 1);
    children_move(m, at, upper);
    link_as(upper, m);
    return upper;
no_memory:
    range_free(upper);
    return NULL;
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

static void object_mapping_release(struct rcu_head *head)
{
    struct mapping *m = CONTAINER_OF(head, struct mapping, rcu);
    struct pd *pd = m->pd;
    cache_give(&object_mapping_cache, &pd->account, m);
    pd_put(pd);
}

static void remove_object(struct mapping *m, struct tlb_batch *batch)
{
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
}

static void remove_leaf(struct mapping *m, struct tlb_batch *batch)
{
    if (m->kind == CRD_OBJ) {
        remove_object(m, batch);
        return;
    }
    child_unlink(m);
    if (LIKELY(m->attr & MAPPING_SMALL)) {
        space_unmap_owned(m->pd, m->base, m->count, batch);
    } else {
        if (m->kind == CRD_MEM)
            space_unmap(m->pd, m->base, m->count, batch);
        else
            ports_deny(m->pd, m->base, m->count, batch);
        space_unlink(m);
    }
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
        struct mapping *below = child_any(m);
        if (!below)
            below = pd_content(m);
        if (!below)
            break;
        m = below;
    }
    remove_leaf(m, batch);
}

// Looks at up to one page of slots a step.
static bool objects_step(struct revocation *r, struct tlb_batch *batch)
{
    struct pd *pd = r->pd;
    u64 sel = r->cursor;
    for (unsigned slots = 0; sel <= r->last && slots < CAP_PAGE_SLOTS; slots++) {
        if (pd->caps[sel / CAP_PAGE_SLOTS] == null_cap_page) {
            sel = (sel / CAP_PAGE_SLOTS + 1) * CAP_PAGE_SLOTS;
            continue;
        }
        struct mapping *m = cap_lookup(pd, sel);
        if (m != &null_mapping && (r->self || m->child)) {
            remove_step(r->self ? m : m->child, batch);
            sel += cap_lookup(pd, sel) == &null_mapping;
            break;
        }
        sel++;
    }
    r->cursor = sel;
    return sel <= r->last;
}

struct part {
    u64 last, first_frame, last_frame;
};

static struct part part_of(const struct mapping *m, const struct revocation *r)
{
    u64 low = m->base > r->base ? m->base : r->base;
    u64 high = mapping_last(m) < r->last ? mapping_last(m) : r->last;
    return (struct part){high, m->frame + (low - m->base), m->frame + (high - m->base)};
}

static bool advance(struct revocation *r, u64 done)
{
    r->cursor = done + 1;
    return done < r->last;
}

bool revoke_step(struct revocation *r, struct tlb_batch *batch, u32 *error)
{
    if (r->kind == CRD_OBJ)
        return objects_step(r, batch);
    struct mapping *m = space_overlap(r->pd, r->kind, r->cursor, r->last);
    if (!m)
        return false;
    if (m->attr & MAPPING_PINNED)
        return advance(r, mapping_last(m));
    struct part part = part_of(m, r);
    struct mapping *victim = m;
    if (!r->self) {
        if (!children_settle(m, SETTLE_STEP))
            return true;
        victim = children_overlap(m, part.first_frame, part.last_frame);
        if (!victim)
            return advance(r, part.last);
    }
    victim = range_trim(victim, part.first_frame, part.last_frame);
    if (!victim) {
        *error = EMEM;
        return false;
    }
    bool leaf = !child_any(victim);
    remove_step(victim, batch);
    if (leaf && (r->self || !children_overlap(m, part.first_frame, part.last_frame)))
        return advance(r, part.last);
    return true;
}

// `m` is in the space of `held` or derived from there; `other` is at the other end (NULL: kernel).
static bool remove_together(struct mapping *m, struct pd *held, struct pd *other,
                            struct tlb_batch *batch)
{
    if (!other || !mapping_also(other, held))
        return false;
    bool leaf = !child_any(m);
    if (LIKELY(leaf))
        remove_leaf(m, batch);
    mapping_done(other, held);
    return leaf;
}

// Of `m` the one page that shows frame `frame`, if it is the only child which does; *more: not, or
// who knows.
static inline struct mapping *page_of(struct mapping *m, u64 frame, bool *more)
{
    struct mapping *found = NULL;
    unsigned seen = 0;
    *more = m->children.root && tree_overlap(&m->children, frame, frame);
    for (struct mapping *child = m->child; child; child = child->next) {
        if (++seen > CHILDREN_LISTED) {
            *more = true;
            break;
        }
        if (frame - child->frame >= child->count)
            continue;
        if (found || child->count > 1) {
            *more = true;
            break;
        }
        found = child;
    }
    return found;
}

static inline bool remove_page(struct mapping *m, struct pd *held, struct pd *other)
{
    if (!mapping_also(other, held))
        return false;
    bool leaf = !m->child && !m->children.root && space_unmap_page(m->pd, m->base);
    if (LIKELY(leaf)) {
        child_unlink(m);
        range_free(m);
    }
    mapping_done(other, held);
    return leaf;
}

STRAIGHT bool revoke_page(struct pd *pd, u64 page, bool self)
{
    bool done = false, more = false;
    struct pd *stale = NULL;
    mapping_enter(pd);
    struct mapping *m = mapping_find(pd, CRD_MEM, page), *victim = NULL;
    if (LIKELY(m))
        victim = self ? m : page_of(m, m->frame + (page - m->base), &more);
    if (LIKELY(victim) && LIKELY(!more) && LIKELY(victim->count == 1) &&
        LIKELY(victim->attr & MAPPING_SMALL)) {
        struct pd *other = self ? m->parent->pd : victim->pd;
        stale = victim->pd;
        page = victim->base;
        done = other && remove_page(victim, pd, other);
    }
    mapping_leave(pd);
    if (LIKELY(done))
        tlb_flush_page(stale, page);
    return done;
}

static enum revoke_result object_together(struct revocation *r)
{
    struct mapping *m = cap_lookup(r->pd, r->base);
    if (m == &null_mapping)
        return REVOKE_DONE;
    if (m->child)
        return remove_together(m->child, r->pd, m->child->pd, NULL) ? REVOKE_MORE : REVOKE_ALONE;
    if (!r->self)
        return REVOKE_DONE;
    return !m->root && remove_together(m, r->pd, m->parent->pd, NULL) ? REVOKE_DONE : REVOKE_ALONE;
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

// An object's own, which destroys it: alone.
static inline bool revoke_root(struct pd *pd, u64 sel)
{
    mapping_lock();
    struct mapping *m = cap_lookup(pd, sel);
    bool done = m->root && (!m->child || revoke_children(m)) && !pd_content(m);
    if (done)
        remove_object(m, NULL); // no page is unmapped here: objects have no use for a batch
    mapping_unlock();
    return done;
}

STRAIGHT bool revoke_capability(struct pd *pd, u64 sel, bool self)
{
    if (UNLIKELY(sel >= SEL_LIMIT))
        return false;
    if (self && cap_lookup(pd, sel)->root)
        return revoke_root(pd, sel);
    struct revocation r = {pd, CRD_OBJ, self, sel, sel, sel};
    enum revoke_result step = REVOKE_MORE;
    mapping_enter(pd);
    for (unsigned i = 0; i <= SINGLE_CHILDREN_MAX && step == REVOKE_MORE; i++)
        step = object_together(&r);
    mapping_leave(pd);
    return step == REVOKE_DONE;
}

enum revoke_result revoke_together(struct revocation *r, struct tlb_batch *batch)
{
    if (r->kind == CRD_OBJ)
        return r->base == r->last ? object_together(r) : REVOKE_ALONE;
    struct mapping *m =
        r->kind == CRD_MEM ? space_overlap(r->pd, CRD_MEM, r->cursor, r->last) : NULL;
    if (!m)
        return r->kind == CRD_MEM ? REVOKE_DONE : REVOKE_ALONE;
    if (m->attr & MAPPING_PINNED)
        return REVOKE_ALONE;
    struct part part = part_of(m, r);
    struct mapping *victim = m;
    struct pd *other = m->parent->pd;
    if (!r->self) {
        if (!children_settle(m, SETTLE_STEP))
            return REVOKE_MORE;
        victim = children_overlap(m, part.first_frame, part.last_frame);
        if (!victim)
            return advance(r, part.last) ? REVOKE_MORE : REVOKE_DONE;
        other = victim->pd;
    }
    if (victim->frame < part.first_frame || victim->frame + victim->count - 1 > part.last_frame ||
        !remove_together(victim, r->pd, other, batch))
        return REVOKE_ALONE;
    if (r->self || !children_overlap(m, part.first_frame, part.last_frame))
        return advance(r, part.last) ? REVOKE_MORE : REVOKE_DONE;
    return REVOKE_MORE;
}
