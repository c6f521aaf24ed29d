// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The changing ROM module (module.h). `lock` guards versions and readers; it is never held while
// anything is compiled.
#include "servers/config/module.h"
#include "lib/rt/heap.h"
#include "lib/rt/memory.h"
#include "lib/rt/range.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"

// A tree of which this many refer: `latest`, and what sessions keep.
struct version {
    void *data;
    size_t size;
    u32 users;
};

struct reader {
    struct list link;
    struct version *settled, *mapped, *before; // NULL: none
    sel_t changed;                             // SEL_NONE: does not watch
};

static struct mutex lock = MUTEX_INIT;
static struct list readers = LIST_INIT(readers);
static struct version *latest;

static struct version *version_get(struct version *v)
{
    if (v)
        v->users++;
    return v;
}

static void version_put(struct version *v)
{
    if (!v || --v->users)
        return;
    memory_free(v->data, v->size); // from readers too
    heap_free(v);
}

error_t module_publish(const void *tree, size_t size)
{
    struct version *v = heap_zalloc(sizeof(*v));
    void *data = v ? memory_alloc(size) : NULL;
    if (!data) {
        heap_free(v);
        return EMEM;
    }
    memcpy(data, tree, size);
    *v = (struct version){.data = data, .size = size, .users = 1};
    mutex_lock(&lock);
    version_put(latest);
    latest = v;
    LIST_FOREACH (node, &readers) {
        sel_t changed = LIST_ENTRY(node, struct reader, link)->changed;
        if (changed != SEL_NONE)
            hc_sm_up(changed);
    }
    mutex_unlock(&lock);
    return SUCCESS;
}

static error_t open(struct server_session *session, const char *label, const char *args)
{
    (void)label;
    if (strcmp(args, "config"))
        return ENOTFOUND;
    struct reader *reader = heap_zalloc(sizeof(*reader));
    if (!reader)
        return EMEM;
    reader->changed = SEL_NONE;
    mutex_lock(&lock);
    list_push_back(&readers, &reader->link);
    mutex_unlock(&lock);
    session->user = reader;
    return SUCCESS;
}

static void close(struct server_session *session)
{
    struct reader *reader = session->user;
    mutex_lock(&lock);
    list_remove(&reader->link);
    version_put(reader->settled);
    version_put(reader->mapped);
    version_put(reader->before);
    mutex_unlock(&lock);
    selector_drop(reader->changed);
    heap_free(reader);
}

static error_t settle(struct reader *reader)
{
    if (!latest)
        return ENOTFOUND;
    version_put(reader->settled);
    reader->settled = version_get(latest);
    return SUCCESS;
}

static error_t size(struct reader *reader, struct msg *m)
{
    error_t error = settle(reader);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, reader->settled->size);
    return SUCCESS;
}

static error_t dataspace(struct reader *reader, struct msg *m)
{
    error_t error = reader->settled ? SUCCESS : settle(reader);
    if (error)
        return error;
    struct version *v = reader->settled;
    reader->settled = NULL;
    if (v == reader->mapped) {
        version_put(v); // mapped again
    } else {
        version_put(reader->before);
        reader->before = reader->mapped;
        reader->mapped = v;
    }
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, v->size);
    return range_put(m, CRD_MEM, (word_t)v->data / PAGE_SIZE, 0,
                     (v->size + PAGE_SIZE - 1) / PAGE_SIZE, MEM_R, 0, CRD_ORDER_MAX);
}

// One semaphore a session, the same each time.
static error_t watch(struct reader *reader, struct msg *m)
{
    if (reader->changed == SEL_NONE) {
        error_t error = semaphore_create(0, &reader->changed);
        if (error)
            return error;
    }
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, reader->changed, 0, SM_DOWN), 0, 0));
    return SUCCESS;
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    struct reader *reader = session->user;
    error_t error = EPROTO;
    mutex_lock(&lock);
    if (operation == ROM_SIZE)
        error = size(reader, m);
    else if (operation == ROM_DATASPACE)
        error = dataspace(reader, m);
    else if (operation == ROM_WATCH)
        error = watch(reader, m);
    mutex_unlock(&lock);
    return error;
}

const struct server_ops module_ops = {.open = open, .close = close, .dispatch = dispatch};
