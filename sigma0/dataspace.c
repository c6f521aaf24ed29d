// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Dataspaces (dataspace.h).
#include "sigma0/dataspace.h"
#include "lib/rt/address.h"
#include "lib/rt/range.h"
#include "sigma0/echo.h"
#include "sigma0/physical.h"
#include "sigma0/region_map.h"
#include "sigma0/shelf.h"

static struct shelf spares = SHELF_INIT;

// Its pages go with the last reference: a reply that maps them may be under way (pd.c, hold).
static void release(struct named *named)
{
    struct dataspace *ds = CONTAINER_OF(named, struct dataspace, named);
    if (ds->free_pages)
        ds->free_pages(ds);
    semaphore_destroy(&ds->lock.semaphore);
    shelf_object_free(&spares, ds);
}

struct dataspace *dataspace_new(void)
{
    struct dataspace *ds = shelf_object(&spares, sizeof(*ds));
    if (!ds)
        return NULL;
    ds->lock = (struct mutex)MUTEX_INIT;
    ds->rights = MEM_R | MEM_W | MEM_X;
    list_init(&ds->regions);
    list_init(&ds->in_owner);
    return ds;
}

error_t dataspace_publish(struct dataspace *ds)
{
    error_t error = named_create(&ds->named, NAMED_DATASPACE, release);
    if (error)
        shelf_object_free(&spares, ds);
    return error;
}

struct dataspace *dataspace_find(crd_t name)
{
    struct named *named = named_find(name, NAMED_DATASPACE);
    return named ? CONTAINER_OF(named, struct dataspace, named) : NULL;
}

error_t dataspace_make_code(struct dataspace *ds)
{
    if (ds->code_view)
        return SUCCESS;
    word_t address = address_alloc(ds->count * PAGE_SIZE);
    if (!address)
        return EMEM;
    error_t error = echo_take(CRD_MEM, ds->page, address / PAGE_SIZE, ds->count, MEM_R | MEM_X, 0);
    if (error) {
        range_revoke(CRD_MEM, address / PAGE_SIZE, ds->count, true);
        address_free(address, ds->count * PAGE_SIZE);
        return error;
    }
    ds->code_view = address / PAGE_SIZE;
    return SUCCESS;
}

static void code_view_drop(struct dataspace *ds)
{
    if (!ds->code_view)
        return;
    range_revoke(CRD_MEM, ds->code_view, ds->count, true);
    address_free(ds->code_view * PAGE_SIZE, ds->count * PAGE_SIZE);
}

void dataspace_destroy(struct dataspace *ds)
{
    if (!named_withdraw(&ds->named))
        return;
    region_maps_forget(ds);
    if (ds->windowed)
        range_revoke(CRD_MEM, ds->view, ds->count, false);
    named_put(&ds->named);
}

static void ram_free_pages(struct dataspace *ds)
{
    code_view_drop(ds);
    if (ds->windowed) // a reply that was under way may have mapped them again
        range_revoke(CRD_MEM, ds->view, ds->count, false);
    physical_free(ds->page, ds->count);
}

error_t dataspace_create_ram(u64 count, struct dataspace **out)
{
    struct dataspace *ds = dataspace_new();
    if (!ds)
        return EMEM;
    ds->count = count;
    ds->page = physical_alloc(count, RAM_ANYWHERE);
    if (ds->page == RAM_NONE) {
        shelf_object_free(&spares, ds);
        return EMEM;
    }
    u64 page = ds->page;
    ds->view = physical_page(page);
    ds->free_pages = ram_free_pages;
    error_t error = dataspace_publish(ds);
    if (error)
        physical_free(page, count);
    else
        *out = ds;
    return error;
}
