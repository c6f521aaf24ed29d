// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What lib/core's requests have in common.
#pragma once

#include "lib/service/client.h"

// Names one of our capabilities to its giver.
static inline void core_name(struct msg *m, sel_t sel)
{
    msg_put_item(m, item_translate(crd(CRD_OBJ, sel, 0, RIGHT_ALL)));
}
// Calls with a window of 2^order selectors from `window` on (SEL_NONE: no window).
MUST_CHECK error_t core_call(struct service_client *session, struct msg *m, sel_t window,
                             unsigned order);
// Asks for an operation on one of our capabilities, with nothing else to say; `m` reads the
// response.
MUST_CHECK static inline error_t core_request(struct service_client *session, struct msg *m,
                                              word_t operation, sel_t name)
{
    service_begin(session, m, operation);
    core_name(m, name);
    return core_call(session, m, SEL_NONE, 0);
}
// Names a semaphore to be upped for one of our capabilities.
MUST_CHECK static inline error_t core_signal(struct service_client *session, word_t operation,
                                             sel_t name, sel_t semaphore)
{
    struct msg m;
    service_begin(session, &m, operation);
    core_name(&m, name);
    msg_put_item(&m, item_delegate(crd(CRD_OBJ, semaphore, 0, SM_UP), 0, 0));
    return core_call(session, &m, SEL_NONE, 0);
}
// Calls for one capability, which arrives at *sel, a new selector. ERESOURCE, EMEM it did not
// arrive.
MUST_CHECK error_t core_take(struct service_client *session, struct msg *m, sel_t *sel);
// Whether all of the next `count` items of a response arrived.
bool core_arrived(struct msg *m, unsigned count);
// Drops what stands in 2^order selectors, and frees them.
void core_drop_range(sel_t base, unsigned order);
