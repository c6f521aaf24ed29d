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
#include "sigma0/subjects.h"

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

struct dataspace *dataspace_find(struct typed_item name)
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

void dataspace_hold(struct dataspace **held, struct dataspace *ds)
{
    struct dataspace *before = *held;
    *held = ds;
    if (ds) {
        ds->windowed = true;
        named_get(&ds->named);
    }
    if (before)
        dataspace_put(before);
}

void dataspace_destroy(struct dataspace *ds)
{
    if (!named_withdraw(&ds->named))
        return;
    region_maps_forget(ds);
    if (__atomic_load_n(&ds->rings, __ATOMIC_SEQ_CST))
        trace_dataspace_ends(ds);
    // A view of its own goes at once, its addresses with the last reference.
    if (ds->windowed || ds->own_view)
        range_revoke(CRD_MEM, ds->view, ds->count, ds->own_view);
    named_put(&ds->named);
}

static void view_free_pages(struct dataspace *ds)
{
    address_free(ds->view * PAGE_SIZE, ds->count * PAGE_SIZE);
}

static error_t view_create(struct dataspace *ds, u64 page, unsigned rights, unsigned attr)
{
    word_t view = address_alloc(ds->count * PAGE_SIZE);
    if (!view)
        return EMEM;
    ds->page = page;
    ds->view = view / PAGE_SIZE;
    ds->rights = rights;
    ds->attr = attr;
    ds->own_view = true;
    ds->free_pages = view_free_pages;
    if (rights & MEM_X)
        ds->code_view = ds->view;
    error_t error = echo_take(CRD_MEM, page, ds->view, ds->count, rights, attr);
    if (error) {
        range_revoke(CRD_MEM, ds->view, ds->count, true);
        address_free(view, ds->count * PAGE_SIZE);
    }
    return error == EPARAM ? EPERM : error; // the kernel's own
}

error_t dataspace_create_physical(u64 page, u64 count, unsigned rights, unsigned attr,
                                  struct dataspace **out)
{
    struct dataspace *ds = dataspace_new();
    if (!ds)
        return EMEM;
    ds->count = count;
    error_t error = view_create(ds, page, rights, attr);
    if (error) {
        shelf_object_free(&spares, ds);
        return error;
    }
    u64 view = ds->view;
    error = dataspace_publish(ds);
    if (error) {
        range_revoke(CRD_MEM, view, count, true);
        address_free(view * PAGE_SIZE, count * PAGE_SIZE);
        return error;
    }
    *out = ds;
    return SUCCESS;
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

bool dataspace_is_ram(const struct dataspace *ds)
{
    return ds->free_pages == ram_free_pages;
}
