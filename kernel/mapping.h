// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The mapping tree: who gave what to whom (object.h has the node). All functions here run under
// mapping_lock.
#pragma once

#include "kernel/pd.h"
#include "kernel/tlb.h"

extern struct spinlock mapping_lock;
extern struct cache range_cache, object_mapping_cache;
extern struct mapping kernel_memory, kernel_ports; // roots of all frames and ports

// Derives a capability from `from` at selector `sel` of `to`, which pays. EMEM, EBUSY, EPARAM.
MUST_CHECK u32 mapping_derive_object(struct mapping *from, struct pd *to, u64 sel, unsigned rights);
// Derives [frame, frame + count) of a memory or port mapping at `base` of `to`'s space. The range
// must lie inside `from`. EMEM, EBUSY (something is mapped there), EPARAM (beyond the user's
// addresses).
MUST_CHECK u32 mapping_derive_range(struct mapping *from, struct pd *to, u64 base, u64 frame,
                                    u64 count, unsigned rights, unsigned attr);
// The first mapping (its node in_space) that touches [first, last] of `pd`'s space of `kind`, or
// NULL.
struct tree_node *space_overlap(struct pd *pd, enum crd_kind kind, u64 first, u64 last);
// The mapping in `pd`'s space of `kind` that covers `base`, or NULL.
struct mapping *mapping_find(struct pd *pd, enum crd_kind kind, u64 base);
// Takes a page of the kernel (a UTCB, the HIP) into a PD's space, outside the tree's reach.
// `mapping` is memory of the caller. EMEM, EBUSY, EPARAM.
MUST_CHECK u32 mapping_pin(struct mapping *mapping, struct pd *pd, u64 page, void *kernel_page,
                           bool writable);
void mapping_unpin(struct mapping *mapping, struct tlb_batch *batch);

// Revokes one capability at once, itself included, if no more than a few children hang below it,
// which have none. False if there is more: go on with revoke_step.
bool revoke_single(struct pd *pd, u64 sel);
// One bounded step of revoking [base, last] of a space; false when there is nothing left to do.
// *cursor starts as base and is the revocation's own. EMEM in *error: a mapping had to be split and
// its account is empty.
bool revoke_step(struct pd *pd, enum crd_kind kind, u64 base, u64 last, bool self, u64 *cursor,
                 struct tlb_batch *batch, u32 *error);
