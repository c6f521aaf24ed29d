// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// RM (protocol.h, RM_OPERATIONS; 002_8bbc1eeec7f51661.txt, Region-map management): region maps on
// request, and attaching and detaching for whoever holds the capabilities.
#include "sigma0/rm.h"
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "sigma0/services.h"

void rm_owner_init(struct rm_owner *owner)
{
    owner->lock = (struct mutex)MUTEX_INIT;
    list_init(&owner->maps);
}

void rm_owner_clear(struct rm_owner *owner)
{
    for (;;) {
        mutex_lock(&owner->lock);
        struct list *node = list_pop_front(&owner->maps);
        mutex_unlock(&owner->lock);
        if (!node)
            break;
        region_map_destroy(LIST_ENTRY(node, struct region_map, in_owner));
    }
}

void rm_owner_end(struct rm_owner *owner)
{
    rm_owner_clear(owner);
    semaphore_destroy(&owner->lock.semaphore);
}

static error_t create(struct server_session *session, struct rm_owner *owner, struct msg *m)
{
    u64 bytes = msg_get_word(m);
    struct region_map *map;
    if (msg_error(m))
        return EPROTO;
    if (bytes == 0 || bytes % PAGE_SIZE)
        return EPARAM;
    error_t error = region_map_create(session, bytes / PAGE_SIZE, SEL_NONE, &map);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_item(m, named_item(&map->named, 0));
    msg_put_item(m, named_item(&map->ds->named, 1));
    // The last thing: once it is in the list another CPU may end it (pd.c, give_back).
    mutex_lock(&owner->lock);
    list_push_back(&owner->maps, &map->in_owner);
    mutex_unlock(&owner->lock);
    return SUCCESS;
}

static error_t read_request(struct msg *m, struct region_request *q)
{
    u64 offset = msg_get_word(m), bytes = msg_get_word(m), address = msg_get_word(m);
    word_t flags = msg_get_word(m);
    if (msg_error(m) || flags & ~(word_t)(RM_WRITE | RM_EXECUTE | RM_POPULATE))
        return EPROTO;
    if (offset % PAGE_SIZE || (address != RM_ANYWHERE && address % PAGE_SIZE) ||
        bytes > ~0ul - PAGE_SIZE)
        return EPARAM;
    *q = (struct region_request){
        .offset = offset / PAGE_SIZE,
        .pages = ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE,
        .at = address == RM_ANYWHERE ? REGION_ANYWHERE : address / PAGE_SIZE,
        .rights = MEM_R | (flags & RM_WRITE ? MEM_W : 0u) | (flags & RM_EXECUTE ? MEM_X : 0u),
        .populate = flags & RM_POPULATE,
    };
    return SUCCESS;
}

static error_t attach(struct region_map *map, struct msg *m)
{
    struct region_request q;
    error_t error = read_request(m, &q);
    u64 at;
    if (error)
        return error;
    struct dataspace *ds = dataspace_find(msg_get_item(m));
    if (!ds)
        return ENOTFOUND;
    error = region_map_attach(map, ds, &q, &at);
    u64 pages = q.pages ? q.pages : ds->count - q.offset;
    dataspace_put(ds);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, at * PAGE_SIZE);
    msg_put_word(m, pages * PAGE_SIZE);
    return SUCCESS;
}

static error_t detach(struct region_map *map, struct msg *m)
{
    u64 address = msg_get_word(m);
    if (msg_error(m))
        return EPROTO;
    error_t error = region_map_detach(map, address / PAGE_SIZE);
    return error ? error : server_done(m);
}

static error_t set_signal(struct region_map *map, struct server_cpu *cpu, struct msg *m)
{
    sel_t signal = server_take_item(cpu, msg_get_item(m));
    if (signal == SEL_NONE)
        return EPROTO;
    error_t error = region_map_signal(map, signal);
    return error ? error : server_done(m);
}

static error_t next_fault(struct region_map *map, struct msg *m)
{
    u64 page, waiting;
    unsigned access;
    if (!region_map_next_fault(map, &page, &access, &waiting))
        return ENOTFOUND;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, page * PAGE_SIZE);
    msg_put_word(m, access);
    msg_put_word(m, waiting);
    return SUCCESS;
}

static error_t destroy(struct rm_owner *owner, struct region_map *map, struct msg *m)
{
    bool ours = false;
    mutex_lock(&owner->lock);
    LIST_FOREACH (node, &owner->maps) {
        if (LIST_ENTRY(node, struct region_map, in_owner) == map) {
            list_remove(node);
            ours = true;
        }
    }
    mutex_unlock(&owner->lock);
    if (!ours)
        return EPERM;
    region_map_destroy(map);
    return server_done(m);
}

error_t rm_operation(struct server_session *session, struct rm_owner *owner, struct server_cpu *cpu,
                     word_t operation, struct msg *m)
{
    if (operation == RM_CREATE)
        return create(session, owner, m);
    if (operation < RM_CREATE || operation > RM_DESTROY)
        return EPROTO;
    struct region_map *map = region_map_find(msg_get_item(m));
    error_t error = EPROTO;
    if (!map)
        return ENOTFOUND;
    switch (operation) {
    case RM_ATTACH: error = attach(map, m); break;
    case RM_DETACH: error = detach(map, m); break;
    case RM_SIGNAL: error = set_signal(map, cpu, m); break;
    case RM_NEXT_FAULT: error = next_fault(map, m); break;
    case RM_DESTROY: error = destroy(owner, map, m); break;
    default: break;
    }
    region_map_put(map);
    return error;
}

static error_t rm_open(struct server_session *session, const char *label, const char *args)
{
    (void)label;
    struct rm_owner *owner = *args ? NULL : heap_zalloc(sizeof(*owner));
    if (!owner)
        return *args ? EPROTO : EMEM;
    rm_owner_init(owner);
    session->user = owner;
    return SUCCESS;
}

static void rm_close(struct server_session *session)
{
    rm_owner_end(session->user);
    heap_free(session->user);
}

static error_t rm_dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                           struct msg *m)
{
    return rm_operation(session, session->user, cpu, operation, m);
}

const struct server_ops rm_ops = {.open = rm_open, .close = rm_close, .dispatch = rm_dispatch};
