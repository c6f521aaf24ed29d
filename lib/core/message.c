// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What lib/core's requests have in common (message.h).
#include "lib/core/message.h"
#include "lib/rt/dry.h"
#include "lib/rt/selector.h"

error_t core_call(struct service_client *session, struct msg *m, sel_t window, unsigned order)
{
    utcb()->window = window == SEL_NONE ? 0 : crd(CRD_OBJ, window, order, RIGHT_ALL);
    utcb()->window2 = 0;
    return service_call(session, m);
}

error_t core_take(struct service_client *session, struct msg *m, sel_t *sel)
{
    sel_t place = selector_alloc();
    if (place == SEL_NONE)
        return ERESOURCE;
    error_t error = core_call(session, m, place, 0);
    if (!error && (m->in_items != 1 || crd_kind(msg_get_item(m).crd) != CRD_OBJ))
        error = rt_refused(EMEM); // no slot or no kernel memory for it
    if (error)
        selector_free(place);
    else
        *sel = place;
    return error;
}

bool core_arrived(struct msg *m, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (crd_kind(msg_get_item(m).crd) != CRD_OBJ)
            return !rt_refused(EMEM);
    }
    return true;
}

void core_drop_range(sel_t base, unsigned order)
{
    hc_revoke(SEL_PD, crd(CRD_OBJ, base, order, RIGHT_ALL), REVOKE_SELF);
    selector_free_range(base, order);
}
