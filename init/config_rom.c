// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The ROM module "config" that each child sees: its `config` block as a flattened tree (protocol.h,
// ROM_OPERATIONS). policy.c has put the child's index into the session's arguments. The copy's
// memory is init's own, a few pages a session.
#include "init/init.h"
#include "lib/rt/heap.h"
#include "lib/rt/memory.h"
#include "lib/rt/range.h"

enum { BLOCK_MAX = 64 * 1024 };

struct block {
    void *data;
    size_t size;
};

static error_t open(struct server_session *session, const char *label, const char *args)
{
    (void)label;
    u32 index = 0;
    for (; *args >= '0' && *args <= '9'; args++)
        index = index * 10 + (u32)(*args - '0');
    if (index >= child_count)
        return EPERM;
    size_t size = config_extract(&config, &children[index].config, NULL, 0);
    if (!size)
        return ENOTFOUND;
    if (size > BLOCK_MAX)
        return ERESOURCE;
    struct block *block = heap_zalloc(sizeof(*block));
    if (!block)
        return EMEM;
    block->size = size;
    block->data = memory_alloc(size);
    if (!block->data ||
        config_extract(&config, &children[index].config, block->data, size) != size) {
        memory_free(block->data, size);
        heap_free(block);
        return EMEM;
    }
    session->user = block;
    return SUCCESS;
}

static void close(struct server_session *session)
{
    struct block *block = session->user;
    memory_free(block->data, block->size); // from the child too
    heap_free(block);
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    struct block *block = session->user;
    if (operation == ROM_WATCH)
        return EFEATURE; // a life's block stays as it is
    if (operation != ROM_SIZE && operation != ROM_DATASPACE)
        return EPROTO;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, block->size);
    if (operation == ROM_SIZE)
        return SUCCESS;
    return range_put(m, CRD_MEM, (word_t)block->data / PAGE_SIZE, 0,
                     (block->size + PAGE_SIZE - 1) / PAGE_SIZE, MEM_R, 0, CRD_ORDER_MAX);
}

const struct server_ops config_rom_ops = {.open = open, .close = close, .dispatch = dispatch};
