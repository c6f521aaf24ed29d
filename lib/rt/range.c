// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Ranges of any length moved and revoked piece by piece (range.h).
#include "lib/rt/range.h"
#include "lib/rt/utcb.h"

void range_revoke_from(sel_t pd, enum crd_kind kind, u64 base, u64 count, bool self)
{
    while (count > 0) {
        unsigned order = range_order(base, base, count);
        hc_revoke(pd, crd(kind, base, order, RIGHT_ALL), self ? REVOKE_SELF : 0);
        base += 1ul << order;
        count -= 1ul << order;
    }
}

error_t range_delegate(sel_t pd, enum crd_kind kind, u64 from, u64 to, u64 count, unsigned rights)
{
    enum { BATCH = 16 };
    struct typed_item saved[BATCH]; // the caller may be in the middle of a message
    struct utcb *u = utcb();
    error_t error = SUCCESS;
    for (unsigned i = 0; i < BATCH; i++)
        saved[i] = *utcb_item(u, i);
    while (count > 0 && !error) {
        unsigned items = 0;
        for (; count > 0 && items < BATCH; items++) {
            unsigned order = range_order(from, to, count);
            *utcb_item(u, items) = item_delegate(crd(kind, from, order, rights), to, 0);
            from += 1ul << order;
            to += 1ul << order;
            count -= 1ul << order;
        }
        error = hc_delegate(pd, items);
    }
    for (unsigned i = 0; i < BATCH; i++)
        *utcb_item(u, i) = saved[i];
    return error;
}

error_t range_put(struct msg *m, enum crd_kind kind, u64 from, u64 hotspot, u64 count,
                  unsigned rights, unsigned flags, unsigned order_max)
{
    while (count > 0) {
        unsigned order = range_order(from, hotspot, count);
        if (order > order_max)
            order = order_max;
        if (m->items == UTCB_ITEMS_MAX)
            return EPROTO;
        msg_put_item(m, item_delegate(crd(kind, from, order, rights), hotspot, flags));
        from += 1ul << order;
        hotspot += 1ul << order;
        count -= 1ul << order;
    }
    return msg_error(m);
}
