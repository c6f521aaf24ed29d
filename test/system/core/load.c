// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A busy client (load.h).
#include "test/system/core/load.h"
#include "lib/core/dataspace.h"
#include "lib/core/rm.h"
#include "lib/rt/string.h"

enum { LOAD_RAM = 1 << 20, LOAD_KMEM = 64 << 10, LOAD_CAPS = 64 };

static u64 used_of(struct service_client *pd)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_INFO);
    return service_call(pd, &m) ? ~0ul : msg_get_word(&m);
}

error_t load_open(struct load *l)
{
    memset(l, 0, sizeof(*l));
    error_t error = service_init(&l->pd, "pd", "load", "", (struct service_quota){LOAD_RAM, 0});
    if (error)
        return error;
    error = domain_open(&l->pd, LOAD_KMEM, LOAD_CAPS, &l->domain);
    if (error)
        service_close(&l->pd);
    else
        l->used = used_of(&l->pd);
    return error;
}

bool load_cycle(struct load *l)
{
    struct rm_window window = {0, 0, RM_ANYWHERE, RM_WRITE};
    word_t address;
    sel_t ds;
    error_t error = ds_alloc(&l->pd, PAGE_SIZE, &ds);
    if (!error) {
        error = rm_attach(&l->pd, l->domain.space, ds, &window, &address);
        if (!error)
            error = rm_detach(&l->pd, l->domain.space, address);
        ds_free(&l->pd, ds);
    }
    if (error && !l->error)
        l->error = error;
    l->cycles++;
    return !error;
}

error_t load_close(struct load *l)
{
    if (!l->error && used_of(&l->pd) != l->used)
        l->error = ERESOURCE;
    domain_close(&l->pd, &l->domain);
    service_close(&l->pd);
    return l->error;
}
