// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Typed items: the one implementation behind IPC and the hypercall `delegate`.
#pragma once

#include "kernel/ec.h"

// Moves `count` typed items of the sender's UTCB to the receiver, whose items say afterwards what
// arrived. `whole`: the receiver's windows are its whole memory space (replies to exceptions), else
// those in its UTCB. False: nothing was delegated yet, memory that was missing may have come back
// (rcu_settle), and the sender is to execute its hypercall again.
MUST_CHECK bool delegate_items(struct ec *from, struct ec *to, unsigned count, bool whole);
// The usual `delegate`: one item, one page. False, with nothing changed: do it by delegate_bulk.
bool delegate_page(struct ec *from, struct pd *pd);
// Delegates `count` items of the UTCB to `pd` at their hotspots, from item *done on; the first
// error ends it and is returned. *done is then the number of items that were delegated, and
// *partly whether a part of the next was.
u32 delegate_bulk(struct ec *from, struct pd *pd, unsigned count, u64 *done, bool *partly);
