// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Dataspaces (dataspace.h).
#include "lib/core/dataspace.h"
#include "lib/core/message.h"
#include "lib/rt/selector.h"

error_t ds_alloc(struct service_client *pd, u64 bytes, sel_t *ds)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_ALLOC);
    msg_put_word(&m, bytes);
    msg_put_word(&m, 0);
    return core_take(pd, &m, ds); // if it does not arrive it stays with the session
}

void ds_free(struct service_client *pd, sel_t ds)
{
    struct msg m;
    (void)!core_request(pd, &m, PD_SERVICE_FREE, ds);
    selector_drop(ds);
}

error_t ds_renew(struct service_client *pd, sel_t *ds)
{
    struct msg m;
    sel_t old = *ds, place = selector_alloc();
    if (place == SEL_NONE)
        return EMEM;
    service_begin(pd, &m, PD_SERVICE_RENEW);
    core_name(&m, old);
    error_t error = core_call(pd, &m, place, 0);
    if (error) {
        selector_free(place);
        return error;
    }
    selector_drop(old);
    *ds = place;
    if (crd_kind(msg_get_item(&m).crd) == CRD_OBJ)
        return SUCCESS;
    selector_free(place);
    *ds = SEL_NONE;
    return EMEM;
}

error_t ds_phys(struct service_client *pd, sel_t ds, u64 *physical, u64 *bytes)
{
    struct msg m;
    error_t error = core_request(pd, &m, PD_SERVICE_PHYS, ds);
    if (error)
        return error;
    *physical = msg_get_word(&m);
    *bytes = msg_get_word(&m);
    return msg_error(&m);
}

error_t rom_dataspace(struct service_client *rom, sel_t *ds, u64 *bytes)
{
    struct msg m;
    service_begin(rom, &m, ROM_OBJECT);
    error_t error = core_take(rom, &m, ds);
    u64 size = msg_get_word(&m);
    if (!error && bytes)
        *bytes = size;
    return error;
}

error_t io_mem_dataspace(struct service_client *io_mem, sel_t *ds, u64 *offset)
{
    struct msg m;
    service_begin(io_mem, &m, IO_MEM_OBJECT);
    error_t error = core_take(io_mem, &m, ds);
    (void)msg_get_word(&m);
    u64 begin = msg_get_word(&m);
    if (!error && offset)
        *offset = begin;
    return error;
}
