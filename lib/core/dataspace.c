// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// RAM dataspaces (dataspace.h).
#include "lib/core/dataspace.h"
#include "lib/core/message.h"
#include "lib/rt/selector.h"

error_t ds_alloc(struct service_client *pd, u64 bytes, sel_t *ds)
{
    struct msg m;
    sel_t sel = selector_alloc();
    if (sel == SEL_NONE)
        return ERESOURCE;
    service_begin(pd, &m, PD_SERVICE_ALLOC);
    msg_put_word(&m, bytes);
    msg_put_word(&m, 0);
    error_t error = core_call(pd, &m, sel, 0);
    if (!error && !core_arrived(&m, 1))
        error = EMEM; // it stays with the session
    if (error)
        selector_free(sel);
    else
        *ds = sel;
    return error;
}

void ds_free(struct service_client *pd, sel_t ds)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_FREE);
    core_name(&m, ds);
    (void)!core_call(pd, &m, SEL_NONE, 0);
    selector_drop(ds);
}

error_t ds_phys(struct service_client *pd, sel_t ds, u64 *physical, u64 *bytes)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_PHYS);
    core_name(&m, ds);
    error_t error = core_call(pd, &m, SEL_NONE, 0);
    if (error)
        return error;
    *physical = msg_get_word(&m);
    *bytes = msg_get_word(&m);
    return msg_error(&m);
}
