// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The ROM module "config" that each child sees: its `config` block as a flattened tree (protocol.h,
// ROM_OPERATIONS), which changes with the configuration (lib/module). policy.c has put the child's
// index into the session's arguments. The copy's memory is init's own, a few pages a child, while
// anybody reads it.
#include "init/init.h"
#include "lib/rt/heap.h"
#include "lib/rt/memory.h"

enum { BLOCK_MAX = 128 * 1024 };

error_t block_publish(struct child *child)
{
    mutex_lock(&parent.lock); // the configuration stays as it is until this version of it is out
    size_t size = config_extract(&config, &child->config, NULL, 0);
    void *data = size && size <= BLOCK_MAX ? memory_alloc(size) : NULL;
    error_t error = !size ? ENOTFOUND : size > BLOCK_MAX ? ERESOURCE : data ? SUCCESS : EMEM;
    if (!error && config_extract(&config, &child->config, data, size) != size)
        error = EMEM;
    if (!error)
        error = module_publish(&child->block, data, size);
    parent_unlock(&parent);
    if (data)
        memory_free(data, size);
    return error;
}

static error_t open(struct server_session *session, const char *label, const char *args)
{
    (void)label;
    u32 index = 0;
    for (; *args >= '0' && *args <= '9'; args++)
        index = index * 10 + (u32)(*args - '0');
    if (index >= child_count)
        return EPERM;
    struct child *child = &children[index];
    struct module_reader *reader = heap_zalloc(sizeof(*reader));
    if (!reader)
        return EMEM;
    // A reader first: else the last one of before, which leaves now, would withdraw what we have.
    module_reader_add(&child->block, reader, session->server, NULL);
    error_t error = module_is_there(&child->block) ? SUCCESS : block_publish(child);
    if (error) {
        module_reader_remove(reader);
        heap_free(reader);
        return error;
    }
    session->user = reader;
    return SUCCESS;
}

static void close(struct server_session *session)
{
    struct module_reader *reader = session->user;
    struct module *module = reader->module;
    module_reader_remove(reader);
    module_withdraw_unread(module);
    heap_free(reader);
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    return module_dispatch(session->user, operation, m);
}

const struct server_ops config_rom_ops = {.open = open, .close = close, .dispatch = dispatch};
