// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Region maps (rm.h).
#include "lib/core/rm.h"
#include "lib/core/message.h"
#include "lib/rt/selector.h"

error_t rm_create(struct service_client *session, u64 bytes, sel_t *map, sel_t *ds)
{
    struct msg m;
    sel_t base = selector_alloc_range(1);
    if (base == SEL_NONE)
        return ERESOURCE;
    service_begin(session, &m, RM_CREATE);
    msg_put_word(&m, bytes);
    error_t error = core_call(session, &m, base, 1);
    if (!error && !core_arrived(&m, 2)) {
        core_drop_range(base, 1);
        return EMEM;
    }
    if (error) {
        selector_free_range(base, 1);
        return error;
    }
    *map = base;
    *ds = base + 1;
    return SUCCESS;
}

void rm_destroy(struct service_client *session, sel_t map, sel_t ds)
{
    struct msg m;
    (void)ds; // map + 1
    (void)!core_request(session, &m, RM_DESTROY, map);
    core_drop_range(map, 1);
}

error_t rm_attach(struct service_client *session, sel_t map, sel_t ds,
                  const struct rm_window *window, word_t *address)
{
    struct msg m;
    service_begin(session, &m, RM_ATTACH);
    msg_put_word(&m, window->offset);
    msg_put_word(&m, window->bytes);
    msg_put_word(&m, window->address);
    msg_put_word(&m, window->flags);
    core_name(&m, map);
    core_name(&m, ds);
    error_t error = core_call(session, &m, SEL_NONE, 0);
    word_t at = msg_get_word(&m);
    if (!error && address)
        *address = at;
    return error;
}

error_t rm_detach(struct service_client *session, sel_t map, word_t address)
{
    struct msg m;
    service_begin(session, &m, RM_DETACH);
    msg_put_word(&m, address);
    core_name(&m, map);
    return core_call(session, &m, SEL_NONE, 0);
}

error_t rm_signal(struct service_client *session, sel_t map, sel_t semaphore)
{
    return core_signal(session, RM_SIGNAL, map, semaphore);
}

error_t rm_next_fault(struct service_client *session, sel_t map, struct rm_fault *fault)
{
    struct msg m;
    error_t error = core_request(session, &m, RM_NEXT_FAULT, map);
    if (error)
        return error;
    fault->address = msg_get_word(&m);
    fault->access = (unsigned)msg_get_word(&m);
    fault->waiting = msg_get_word(&m);
    return msg_error(&m);
}
