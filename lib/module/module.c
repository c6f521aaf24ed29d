// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// ROM modules that change (module.h).
#include "lib/module/module.h"
#include "lib/rt/heap.h"
#include "lib/rt/memory.h"
#include "lib/rt/range.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"

enum { PART_MAX = 3072 }; // of a version in an answer of READ

// Of which so many refer: `latest`, and what readers keep. No byte of it changes.
struct module_version {
    void *data;
    size_t size;
    u64 number;
    u32 users;
};

// An empty version has a page too, which readers may map.
static u64 pages(size_t bytes)
{
    return bytes ? (bytes + PAGE_SIZE - 1) / PAGE_SIZE : 1;
}

u64 module_cost(size_t bytes)
{
    return pages(bytes) * PAGE_SIZE + sizeof(struct module_version);
}

static void version_put(struct module_version *v)
{
    if (!v || --v->users)
        return;
    memory_free(v->data, pages(v->size) * PAGE_SIZE); // from readers too
    heap_free(v);
}

static error_t keep(struct module_reader *reader, struct module_version *v)
{
    error_t error = reader->payer ? server_charge(reader->payer, module_cost(v->size)) : SUCCESS;
    if (!error)
        v->users++;
    return error;
}

static void let_go(struct module_reader *reader, struct module_version **v)
{
    if (*v && reader->payer)
        server_uncharge(reader->payer, module_cost((*v)->size));
    if (*v && (*v)->users == 1) // a reply that gives it away may not be sent yet
        server_withdraw(reader->server, CRD_MEM, (word_t)(*v)->data / PAGE_SIZE, pages((*v)->size));
    version_put(*v);
    *v = NULL;
}

void module_init(struct module *module)
{
    *module = (struct module)MODULE_INIT(*module);
}

// Under the lock.
static void replace(struct module *module, struct module_version *v)
{
    version_put(module->latest);
    module->latest = v;
    LIST_FOREACH (node, &module->readers) {
        sel_t changed = LIST_ENTRY(node, struct module_reader, link)->changed;
        if (changed != SEL_NONE)
            hc_sm_up(changed);
    }
}

error_t module_publish(struct module *module, const void *data, size_t size)
{
    struct module_version *v = heap_zalloc(sizeof(*v));
    void *copy = v ? memory_alloc(pages(size) * PAGE_SIZE) : NULL;
    if (!copy) {
        heap_free(v);
        return EMEM;
    }
    memcpy(copy, data, size);
    *v = (struct module_version){.data = copy, .size = size, .users = 1};
    mutex_lock(&module->lock);
    v->number = ++module->number;
    replace(module, v);
    mutex_unlock(&module->lock);
    return SUCCESS;
}

void module_withdraw(struct module *module)
{
    mutex_lock(&module->lock);
    if (module->latest)
        replace(module, NULL);
    mutex_unlock(&module->lock);
}

void module_withdraw_unread(struct module *module)
{
    mutex_lock(&module->lock);
    if (module->latest && list_empty(&module->readers))
        replace(module, NULL);
    mutex_unlock(&module->lock);
}

bool module_is_there(struct module *module)
{
    mutex_lock(&module->lock);
    bool there = module->latest;
    mutex_unlock(&module->lock);
    return there;
}

void module_reader_add(struct module *module, struct module_reader *reader, struct server *server,
                       struct server_session *payer)
{
    *reader = (struct module_reader){
        .module = module, .server = server, .payer = payer, .changed = SEL_NONE};
    mutex_lock(&module->lock);
    list_push_back(&module->readers, &reader->link);
    mutex_unlock(&module->lock);
}

void module_reader_remove(struct module_reader *reader)
{
    struct module *module = reader->module;
    mutex_lock(&module->lock);
    list_remove(&reader->link);
    let_go(reader, &reader->settled);
    let_go(reader, &reader->mapped);
    let_go(reader, &reader->before);
    mutex_unlock(&module->lock);
    if (reader->payer && reader->changed != SEL_NONE)
        server_uncharge_cost(reader->payer, (struct server_cost){0, 1});
    if (reader->changed != SEL_NONE)
        server_withdraw(reader->server, CRD_OBJ, reader->changed, 1);
    selector_drop(reader->changed);
}

bool module_is_read(struct module *module)
{
    mutex_lock(&module->lock);
    bool read = !list_empty(&module->readers);
    mutex_unlock(&module->lock);
    return read;
}

bool module_is_watched(struct module *module)
{
    bool watched = false;
    mutex_lock(&module->lock);
    LIST_FOREACH (node, &module->readers)
        watched |= LIST_ENTRY(node, struct module_reader, link)->changed != SEL_NONE;
    mutex_unlock(&module->lock);
    return watched;
}

static error_t settle(struct module_reader *reader)
{
    struct module_version *latest = reader->module->latest;
    let_go(reader, &reader->settled);
    if (!latest)
        return ENOTFOUND;
    error_t error = keep(reader, latest);
    if (!error)
        reader->settled = latest;
    return error;
}

static error_t size(struct module_reader *reader, struct msg *m)
{
    error_t error = settle(reader);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, reader->settled->size);
    return SUCCESS;
}

static error_t dataspace(struct module_reader *reader, struct msg *m)
{
    error_t error = reader->settled ? SUCCESS : settle(reader);
    if (error)
        return error;
    struct module_version *v = reader->settled;
    if (v == reader->mapped) {
        let_go(reader, &reader->settled); // mapped again
    } else {
        let_go(reader, &reader->before);
        reader->before = reader->mapped;
        reader->mapped = v;
        reader->settled = NULL;
    }
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, v->size);
    return range_put(m, CRD_MEM, (word_t)v->data / PAGE_SIZE, 0, pages(v->size), MEM_R, 0,
                     CRD_ORDER_MAX);
}

// Position 0 begins with the newest version; after its last part it is not kept any longer.
static error_t read(struct module_reader *reader, struct msg *m)
{
    word_t position = msg_get_word(m);
    error_t error = msg_error(m);
    if (!error && !position)
        error = settle(reader);
    if (error)
        return error;
    const struct module_version *v = reader->settled;
    if (!v || position > v->size)
        return EPROTO;
    size_t part = v->size - position < PART_MAX ? v->size - position : PART_MAX;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, v->size);
    msg_put_word(m, v->number);
    msg_put_bytes(m, (const char *)v->data + position, part);
    if (position + part == v->size)
        let_go(reader, &reader->settled);
    return SUCCESS;
}

// One semaphore a session, the same each time.
static error_t watch(struct module_reader *reader, struct msg *m)
{
    if (reader->changed == SEL_NONE) {
        const struct server_cost cost = {0, 1};
        error_t error = reader->payer ? server_charge_cost(reader->payer, cost) : SUCCESS;
        if (!error && (error = semaphore_create(0, &reader->changed)) && reader->payer)
            server_uncharge_cost(reader->payer, cost);
        if (error)
            return error;
    }
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, reader->changed, 0, SM_DOWN), 0, 0));
    return SUCCESS;
}

error_t module_dispatch(struct module_reader *reader, word_t operation, struct msg *m)
{
    error_t error = EPROTO;
    mutex_lock(&reader->module->lock);
    if (operation == ROM_SIZE)
        error = size(reader, m);
    else if (operation == ROM_DATASPACE)
        error = dataspace(reader, m);
    else if (operation == ROM_READ)
        error = read(reader, m);
    else if (operation == ROM_WATCH)
        error = watch(reader, m);
    mutex_unlock(&reader->module->lock);
    return error;
}
