// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Cutting ranges into the aligned powers of two that capability range descriptors can name.
#pragma once

#include <tessera/crd.h>
#include <tessera/error.h>
#include "lib/rt/utcb.h"
#include <tessera/selector.h>

// The order of the largest piece that begins at `from` and at `to`, is aligned in both places and
// no longer than `count` (> 0).
static inline unsigned range_order(u64 from, u64 to, u64 count)
{
    u64 align = from | to;
    unsigned order = align ? (unsigned)__builtin_ctzl(align) : CRD_ORDER_MAX;
    unsigned fits = 63 - (unsigned)__builtin_clzl(count);
    if (order > fits)
        order = fits;
    return order > CRD_ORDER_MAX ? CRD_ORDER_MAX : order;
}

// Takes back all that was derived from [base, base + count) of a domain's space, with `self` also
// the range itself; range_revoke: of our own.
void range_revoke_from(sel_t pd, enum crd_kind kind, u64 base, u64 count, bool self);
static inline void range_revoke(enum crd_kind kind, u64 base, u64 count, bool self)
{
    range_revoke_from(SEL_PD, kind, base, count, self);
}

// Delegates `count` pages, ports or selectors from `from` of our own spaces to `to` of `pd`. The
// kernel's error; what was delegated before an error stays.
MUST_CHECK error_t range_delegate(sel_t pd, enum crd_kind kind, u64 from, u64 to, u64 count,
                                  unsigned rights);

// Puts `count` pages or ports of our own at `from` into a message; they land at `hotspot` and up
// in the caller's window. No piece is larger than 2^order_max. EPROTO if there are more pieces than
// fit into a message.
MUST_CHECK error_t range_put(struct msg *m, enum crd_kind kind, u64 from, u64 hotspot, u64 count,
                             unsigned rights, unsigned flags, unsigned order_max);
