// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The examples of doc/quotas.md.
#include "lib/core/dataspace.h"
#include "lib/rt/selector.h"
#include "test/system/manual/manual.h"

// What we have donated since `before`.
static struct service_quota donated_since(struct service_quota before)
{
    return (struct service_quota){service_donated.ram - before.ram,
                                  service_donated.caps - before.caps};
}

// doc: price begin
// What a session costs its client, and what a page costs in it: we name no price, and the library
// donates what the service says is missing. `service_donated` is the sum of it.
error_t example_price(struct service_quota *session, struct service_quota *page)
{
    struct service_quota before = service_donated, nothing = {0, 0}, now;
    struct service_client pd;
    sel_t ds = SEL_NONE, more;
    error_t error = service_init(&pd, "pd", "price", "", nothing);
    if (error)
        return error;
    error = service_open(&pd);
    *session = donated_since(before);
    now = service_donated;
    if (!error)
        error = ds_alloc(&pd, PAGE_SIZE, &ds); // ERESOURCE, upgrade, and again: we see none of it
    *page = donated_since(now);
    pd.fixed = true; // from here on it gets nothing of ours by itself
    now = service_donated;
    if (!error && ds_alloc(&pd, 1 << 20, &more) != ERESOURCE)
        error = EABORT;
    if (!error && donated_since(now).ram)
        error = EABORT;
    service_close(&pd);
    selector_drop(ds);
    if (!error && (donated_since(before).ram || donated_since(before).caps))
        error = EABORT; // all of it is ours again
    return error;
}
// doc: price end
