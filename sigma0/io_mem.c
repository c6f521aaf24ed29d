// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// IO_MEM: device memory, uncached or write-combining, never RAM (protocol.h, IO_MEM_OPERATIONS;
// 002_8bbc1eeec7f51661.txt, Memory mapped I/O). A byte has one owner, a page may have several,
// since devices may share it. A session is a dataspace whose pages stand at a place of their own in
// sigma0's space: revoking them touches nobody else.
#include "lib/rt/heap.h"
#include "lib/rt/range.h"
#include "lib/rt/string.h"
#include "sigma0/dataspace.h"
#include "sigma0/physical.h"
#include "sigma0/services.h"

#define PHYSICAL_END (1ul << 46)

struct device_memory {
    struct list link;
    u64 base, size;
    unsigned attr; // memory type
    struct dataspace *ds;
};

static struct mutex lock = MUTEX_INIT;
static struct list owned = LIST_INIT(owned);
static struct dataspace *held[MAX_CPUS];

// Whether two sessions are in each other's way: by a byte that they have in common, or by a page
// that would have two memory types, which the processor does not define (SDM 3A, 12.12.4).
static bool conflict(const struct device_memory *a, const struct device_memory *b)
{
    u64 unit = a->attr == b->attr ? 1 : PAGE_SIZE;
    return ALIGN_DOWN(a->base, unit) < b->base + b->size &&
           ALIGN_DOWN(b->base, unit) < a->base + a->size;
}

static error_t claim(struct device_memory *d)
{
    error_t error = SUCCESS;
    mutex_lock(&lock);
    LIST_FOREACH (node, &owned) {
        if (conflict(d, LIST_ENTRY(node, struct device_memory, link)))
            error = EINUSE;
    }
    if (!error)
        list_push_back(&owned, &d->link);
    mutex_unlock(&lock);
    return error;
}

static void release(struct device_memory *d)
{
    mutex_lock(&lock);
    list_remove(&d->link);
    mutex_unlock(&lock);
}

// Page tables of the view, in slots, which bring kernel memory along.
static u64 view_caps(u64 pages)
{
    enum { TABLE_PAGES = 512, TABLE_CAPS = PAGE_SIZE / CAP_KMEM };
    return (pages / TABLE_PAGES + 2) * TABLE_CAPS;
}

static error_t io_mem_session_open(struct server_session *session, const char *label,
                                   const char *args)
{
    (void)label;
    u64 number[2];
    const char *rest;
    if (args_numbers(args, number, 2, &rest) != 2 || (*rest && strcmp(rest, "wc")))
        return EPROTO;
    u64 base = number[0], size = number[1];
    if (size == 0 || base >= PHYSICAL_END || size > PHYSICAL_END - base)
        return EPARAM;
    if (physical_is_ram(base, size))
        return EPERM;
    struct device_memory *d = heap_zalloc(sizeof(*d));
    if (!d)
        return EMEM;
    d->base = base;
    d->size = size;
    d->attr = *rest ? ITEM_WRITE_COMBINE : ITEM_UNCACHED;
    error_t error = claim(d);
    if (error)
        goto free_it;
    u64 page = base / PAGE_SIZE, end = ALIGN_UP(base + size, PAGE_SIZE) / PAGE_SIZE;
    error = server_charge_caps(session, view_caps(end - page));
    if (error)
        goto release_it;
    error = dataspace_create_physical(page, end - page, MEM_R | MEM_W, d->attr, &d->ds);
    if (error)
        goto release_it;
    session->user = d;
    return SUCCESS;
release_it:
    release(d);
free_it:
    heap_free(d);
    return error;
}

static void io_mem_session_close(struct server_session *session)
{
    struct device_memory *d = session->user;
    dataspace_destroy(d->ds);
    release(d); // only now may somebody else have it
    heap_free(d);
}

static error_t io_mem_dispatch(struct server_session *session, struct server_cpu *cpu,
                               word_t operation, struct msg *m)
{
    const struct device_memory *d = session->user;
    struct dataspace **mine = &held[cpu->cpu];
    dataspace_hold(mine, NULL);
    if (operation != IO_MEM_DATASPACE && operation != IO_MEM_OBJECT)
        return EPROTO;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, d->ds->count * PAGE_SIZE);
    if (operation == IO_MEM_OBJECT) {
        msg_put_word(m, d->base % PAGE_SIZE);
        msg_put_item(m, named_item(&d->ds->named, 0));
        return SUCCESS;
    }
    dataspace_hold(mine, d->ds);
    return range_put(m, CRD_MEM, d->ds->view, 0, d->ds->count, MEM_R | MEM_W, 0, CRD_ORDER_MAX);
}

const struct server_ops io_mem_ops = {
    .open = io_mem_session_open, .close = io_mem_session_close, .dispatch = io_mem_dispatch};
