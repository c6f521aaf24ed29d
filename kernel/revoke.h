// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Taking mappings out of the tree, with all that was derived from them.
#pragma once

#include "kernel/mapping.h"

// What is revoked: [base, last] of a space, or what was derived from it. `cursor` starts as base
// and is the revocation's own: what lies below it is done.
struct revocation {
    struct pd *pd;
    enum crd_kind kind;
    bool self;
    u64 base, last, cursor;
};

enum revoke_result { REVOKE_DONE, REVOKE_MORE, REVOKE_ALONE };

// One step together with others, under the lock of the space's PD: takes away a mapping of which
// nothing was derived. REVOKE_ALONE, with nothing changed: that is not what comes next.
enum revoke_result revoke_together(struct revocation *r, struct tlb_batch *batch);
// The usual revocation of one page, without a lock held: `page` itself or what was derived from it,
// if that is one page of which nothing was derived. Returns when no CPU has it in its TLB any more.
// False, with nothing changed or some of it done: go on by steps.
bool revoke_page(struct pd *pd, u64 page, bool self);
// The usual revocation of one capability, with or without itself, without a lock held: no more than
// a few were derived from it, and nothing from these. False, with some of it done: go on by steps.
bool revoke_capability(struct pd *pd, u64 sel, bool self);
// Alone: one bounded step; false when there is nothing left to do. EMEM in *error: a mapping had to
// be cut and its account is empty.
bool revoke_step(struct revocation *r, struct tlb_batch *batch, u32 *error);
