// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What lib/core's requests have in common (message.h).
#include "lib/core/message.h"
#include "lib/rt/selector.h"

error_t core_call(struct service_client *session, struct msg *m, sel_t window, unsigned order)
{
    utcb()->window = window == SEL_NONE ? 0 : crd(CRD_OBJ, window, order, RIGHT_ALL);
    utcb()->window2 = 0;
    return service_call(session, m);
}

bool core_arrived(struct msg *m, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (crd_kind(msg_get_item(m).crd) != CRD_OBJ)
            return false;
    }
    return true;
}

void core_drop_range(sel_t base, unsigned order)
{
    hc_revoke(SEL_PD, crd(CRD_OBJ, base, order, RIGHT_ALL), REVOKE_SELF);
    selector_free_range(base, order);
}
