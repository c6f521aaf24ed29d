// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// PD, as far as memory goes: accounts of RAM, and dataspaces in them (protocol.h, PD_OPERATIONS).
// The account is what was donated with the session. A dataspace is a contiguous range of RAM, named
// by a semaphore that exists only as its identity; who holds that capability may attach it. It
// belongs to the session that allocated it: when that is closed, all its dataspaces vanish
// everywhere.
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/range.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "sigma0/physical.h"
#include "sigma0/services.h"

enum { BUCKETS = 1024 };

struct dataspace {
    struct dataspace *next; // in its bucket
    struct list in_session;
    struct pd_session *owner;
    u64 page, count;
    sel_t sel;
};

struct pd_session {
    struct list link; // in `sessions`
    struct server_session *session;
    struct list dataspaces;
    u64 high;
    bool all; // may ask for the usage of those below it
    char label[SERVICE_LABEL_MAX];
};

static struct mutex lock = MUTEX_INIT; // the buckets, the sessions and their lists
static struct list sessions = LIST_INIT(sessions);
static struct dataspace *bucket[BUCKETS];

static void enter(struct dataspace *ds)
{
    mutex_lock(&lock);
    ds->next = bucket[ds->sel % BUCKETS];
    bucket[ds->sel % BUCKETS] = ds;
    list_push_back(&ds->owner->dataspaces, &ds->in_session);
    mutex_unlock(&lock);
}

// Under `lock`.
static struct dataspace *find(crd_t c)
{
    if (crd_kind(c) != CRD_OBJ)
        return NULL;
    struct dataspace *ds = bucket[crd_base(c) % BUCKETS];
    while (ds && ds->sel != crd_base(c))
        ds = ds->next;
    return ds;
}

// Under `lock`.
static void forget(struct dataspace *ds)
{
    struct dataspace **at = &bucket[ds->sel % BUCKETS];
    while (*at != ds)
        at = &(*at)->next;
    *at = ds->next;
    list_remove(&ds->in_session);
}

// The pages go from everybody, then the name.
static void destroy(struct dataspace *ds)
{
    physical_free(ds->page, ds->count);
    selector_drop(ds->sel);
    heap_free(ds);
}

static error_t create(struct pd_session *owner, u64 count, struct dataspace **out)
{
    struct dataspace *ds = heap_zalloc(sizeof(*ds));
    if (!ds)
        return EMEM;
    ds->owner = owner;
    ds->count = count;
    error_t error = semaphore_create(0, &ds->sel);
    if (error)
        goto free_ds;
    error = EMEM;
    ds->page = physical_alloc(count, RAM_ANYWHERE);
    if (ds->page == RAM_NONE)
        goto drop;
    enter(ds);
    *out = ds;
    return SUCCESS;
drop:
    selector_drop(ds->sel);
free_ds:
    heap_free(ds);
    return error;
}

static error_t put_pages(struct msg *m, u64 page, u64 count, word_t flags)
{
    unsigned rights = MEM_R | (flags & PD_EXECUTABLE ? MEM_X : flags & PD_READ_ONLY ? 0 : MEM_W);
    return range_put(m, CRD_MEM, physical_page(page), 0, count, rights,
                     flags & PD_UNCACHED ? ITEM_UNCACHED : 0, CRD_ORDER_MAX);
}

static error_t alloc(struct server_session *session, struct msg *m)
{
    struct pd_session *pd = session->user;
    u64 bytes = msg_get_word(m);
    word_t flags = msg_get_word(m);
    struct dataspace *ds;
    if (msg_error(m) || bytes == 0 || bytes > ~0ul - PAGE_SIZE)
        return EPROTO;
    bytes = ALIGN_UP(bytes, PAGE_SIZE);
    error_t error = server_charge(session, bytes);
    if (error)
        return error;
    error = create(pd, bytes / PAGE_SIZE, &ds);
    if (error) {
        server_uncharge(session, bytes);
        return error;
    }
    pd->high = session->ram_used > pd->high ? session->ram_used : pd->high;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, bytes);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, ds->sel, 0, SM_DOWN), 0, 0));
    return flags & PD_ATTACH ? put_pages(m, ds->page, ds->count, flags) : SUCCESS;
}

static error_t attach(struct msg *m)
{
    word_t flags = msg_get_word(m);
    crd_t name = msg_get_item(m).crd;
    mutex_lock(&lock);
    struct dataspace *ds = find(name);
    u64 page = ds ? ds->page : 0, count = ds ? ds->count : 0;
    mutex_unlock(&lock);
    if (msg_error(m) || !ds)
        return ENOTFOUND;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, count * PAGE_SIZE);
    return put_pages(m, page, count, flags);
}

static error_t free_one(struct server_session *session, struct msg *m)
{
    crd_t name = msg_get_item(m).crd;
    mutex_lock(&lock);
    struct dataspace *ds = find(name);
    if (ds && ds->owner != session->user)
        ds = NULL;
    if (ds)
        forget(ds);
    mutex_unlock(&lock);
    if (!ds)
        return ENOTFOUND;
    u64 bytes = ds->count * PAGE_SIZE;
    destroy(ds);
    server_uncharge(session, bytes);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

static error_t info(struct server_session *session, struct msg *m)
{
    struct pd_session *pd = session->user;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, session->ram_used);
    msg_put_word(m, session->ram_limit);
    msg_put_word(m, pd->high);
    return SUCCESS;
}

// What all sessions with that label below the client's own, and those below it, have and use.
static error_t usage(const struct pd_session *pd, struct msg *m)
{
    char label[SERVICE_LABEL_MAX], name[SERVICE_LABEL_MAX];
    u64 used = 0, limit = 0;
    msg_get_string(m, name, sizeof(name));
    if (msg_error(m))
        return EPROTO;
    if (!pd->all)
        return EPERM;
    size_t length = text_format(label, sizeof(label), "%s -> %s", pd->label, name);
    mutex_lock(&lock);
    LIST_FOREACH (node, &sessions) {
        const struct pd_session *s = LIST_ENTRY(node, struct pd_session, link);
        if (strncmp(s->label, label, length) || (s->label[length] && s->label[length] != ' '))
            continue;
        used += s->session->ram_used;
        limit += s->session->ram_limit;
    }
    mutex_unlock(&lock);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, used);
    msg_put_word(m, limit);
    return SUCCESS;
}

static error_t phys(struct msg *m)
{
    crd_t name = msg_get_item(m).crd;
    mutex_lock(&lock);
    struct dataspace *ds = find(name);
    u64 page = ds ? ds->page : 0, count = ds ? ds->count : 0;
    mutex_unlock(&lock);
    if (!ds)
        return ENOTFOUND;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, page * PAGE_SIZE);
    msg_put_word(m, count * PAGE_SIZE);
    return SUCCESS;
}

static error_t pd_dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                           struct msg *m)
{
    (void)cpu;
    switch (operation) {
    case PD_SERVICE_ALLOC: return alloc(session, m);
    case PD_SERVICE_ATTACH: return attach(m);
    case PD_SERVICE_FREE: return free_one(session, m);
    case PD_SERVICE_INFO: return info(session, m);
    case PD_SERVICE_PHYS: return phys(m);
    case PD_SERVICE_USAGE: return usage(session->user, m);
    default: return EPROTO;
    }
}

static error_t pd_open(struct server_session *session, const char *label, const char *args)
{
    if (*args && strcmp(args, "all"))
        return EPROTO;
    struct pd_session *pd = heap_zalloc(sizeof(*pd));
    if (!pd)
        return EMEM;
    list_init(&pd->dataspaces);
    pd->session = session;
    pd->all = *args;
    strlcpy(pd->label, label, sizeof(pd->label));
    session->user = pd;
    mutex_lock(&lock);
    list_push_back(&sessions, &pd->link);
    mutex_unlock(&lock);
    return SUCCESS;
}

static void pd_close(struct server_session *session)
{
    struct pd_session *pd = session->user;
    for (;;) {
        mutex_lock(&lock);
        struct dataspace *ds = list_empty(&pd->dataspaces)
                                   ? NULL
                                   : LIST_ENTRY(pd->dataspaces.next, struct dataspace, in_session);
        if (ds)
            forget(ds);
        mutex_unlock(&lock);
        if (!ds)
            break;
        destroy(ds);
    }
    mutex_lock(&lock);
    list_remove(&pd->link);
    mutex_unlock(&lock);
    heap_free(pd);
}

const struct server_ops pd_ops = {.open = pd_open, .close = pd_close, .dispatch = pd_dispatch};
