// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// IO_MEM: device memory, uncached or write-combining, one owner a page, never RAM (protocol.h,
// IO_MEM_OPERATIONS). Each session's pages stand at addresses of their own in sigma0's space:
// revoking them touches nobody else.
#include "lib/rt/address.h"
#include "lib/rt/heap.h"
#include "lib/rt/string.h"
#include "sigma0/echo.h"
#include "sigma0/physical.h"
#include "lib/rt/range.h"
#include "sigma0/services.h"

#define PHYSICAL_END (1ul << 46)

struct device_memory {
    struct list link;
    u64 page, count;
    word_t view;
};

static struct mutex lock = MUTEX_INIT;
static struct list owned = LIST_INIT(owned);

static error_t claim(struct device_memory *d)
{
    error_t error = SUCCESS;
    mutex_lock(&lock);
    LIST_FOREACH (node, &owned) {
        struct device_memory *other = LIST_ENTRY(node, struct device_memory, link);
        if (d->page < other->page + other->count && other->page < d->page + d->count)
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
    d->page = base / PAGE_SIZE;
    d->count = ALIGN_UP(base + size, PAGE_SIZE) / PAGE_SIZE - d->page;
    error_t error = claim(d);
    if (error)
        goto free_it;
    error = EMEM;
    d->view = address_alloc(d->count * PAGE_SIZE);
    if (!d->view)
        goto release_it;
    error = echo_take(CRD_MEM, d->page, d->view / PAGE_SIZE, d->count, MEM_R | MEM_W,
                      *rest ? ITEM_WRITE_COMBINE : ITEM_UNCACHED);
    if (error)
        goto free_view;
    session->user = d;
    return SUCCESS;
free_view:
    range_revoke(CRD_MEM, d->view / PAGE_SIZE, d->count, true);
    address_free(d->view, d->count * PAGE_SIZE);
release_it:
    release(d);
free_it:
    heap_free(d);
    return error;
}

static void io_mem_session_close(struct server_session *session)
{
    struct device_memory *d = session->user;
    range_revoke(CRD_MEM, d->view / PAGE_SIZE, d->count, true);
    address_free(d->view, d->count * PAGE_SIZE);
    release(d);
    heap_free(d);
}

static error_t io_mem_dispatch(struct server_session *session, struct server_cpu *cpu,
                               word_t operation, struct msg *m)
{
    (void)cpu;
    struct device_memory *d = session->user;
    if (operation != IO_MEM_DATASPACE)
        return EPROTO;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, d->count * PAGE_SIZE);
    return range_put(m, CRD_MEM, d->view / PAGE_SIZE, 0, d->count, MEM_R | MEM_W, 0, CRD_ORDER_MAX);
}

const struct server_ops io_mem_ops = {
    .open = io_mem_session_open, .close = io_mem_session_close, .dispatch = io_mem_dispatch};
