// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The mapping tree: who gave what to whom (object.h has the node). Where nothing else is said, the
// caller is alone, or has the locks of the PDs that are named (mapping_lock.h).
#pragma once

#include "kernel/mapping_lock.h"
#include "kernel/tlb.h"

extern struct cache range_cache, object_mapping_cache;
extern struct mapping kernel_memory, kernel_ports; // roots of all frames and ports

// Derives a capability from `from` at selector `sel` of `to`, which pays. EMEM, EBUSY, EPARAM.
MUST_CHECK u32 mapping_derive_object(struct mapping *from, struct pd *to, u64 sel, unsigned rights);
// The usual case, without a lock held, of what *source names once the locks are. False, with
// nothing changed: anything is in the way.
bool mapping_derive_capability(struct pd *from, const crd_t *source, struct pd *to, u64 sel,
                               unsigned rights, u32 life);
// Derives [frame, frame + count) of a memory or port mapping at `base` of `to`'s space. The range
// must lie inside `from`. EMEM, EBUSY (something is mapped there), EPARAM (beyond the user's
// addresses).
MUST_CHECK u32 mapping_derive_range(struct mapping *from, struct pd *to, u64 base, u64 frame,
                                    u64 count, unsigned rights, unsigned attr);
// The usual case, without a lock held: a small piece of one mapping in `from`'s memory, at
// `source`, where `to` has page tables. Holds the lock of `from` for a few instructions only.
// False, with nothing changed: anything is in the way.
bool mapping_derive_small(struct pd *from, u64 source, struct pd *to, u64 base, u64 count,
                          unsigned rights, unsigned attr);
// Takes a page of the kernel (a UTCB, the HIP) into a PD's space, outside the tree's reach.
// `mapping` is memory of the caller, who is alone. EMEM, EBUSY, EPARAM.
MUST_CHECK u32 mapping_pin(struct mapping *mapping, struct pd *pd, u64 page, void *kernel_page,
                           bool writable);
void mapping_unpin(struct mapping *mapping, struct tlb_batch *batch);

// The first mapping that touches [first, last] of `pd`'s space of `kind` (memory or ports), or
// NULL.
struct mapping *space_overlap(struct pd *pd, enum crd_kind kind, u64 first, u64 last);
// The mapping in `pd`'s space of `kind` that covers `base`, or NULL.
struct mapping *mapping_find(struct pd *pd, enum crd_kind kind, u64 base);
void space_link(struct mapping *m);
void space_unlink(struct mapping *m);

static inline u64 mapping_last(const struct mapping *m)
{
    return m->base + m->count - 1;
}

// A node of its PD's account for a range, or NULL; its owner sets it, links it, and frees it again.
struct mapping *range_alloc(struct pd *pd);
void range_free(struct mapping *m);
void range_set(struct mapping *m, struct pd *pd, enum crd_kind kind, u64 base, u64 frame,
               u64 count);

// A mapping's children (children.c), of which so many may be in the list when one is looked for.
enum { CHILDREN_LISTED = 4 };
void child_link(struct mapping *parent, struct mapping *m);
void child_unlink(struct mapping *m);
struct mapping *child_any(struct mapping *m);
// Puts up to `most` of a range's children from the list into the tree, but for the first ones; true
// when only these are left there. What is asked below must be settled.
bool children_settle(struct mapping *m, unsigned most);
// The first child found that touches frames [first, last], or NULL.
struct mapping *children_overlap(struct mapping *m, u64 first, u64 last);
// Moves all children from frame `at` on to another mapping; none lies across.
void children_move(struct mapping *from, u64 at, struct mapping *to);
