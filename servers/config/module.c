// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The service "rom" of the configuration compiler: its one module (module.h). What readers keep is
// our own memory.
#include "servers/config/module.h"
#include "lib/rt/heap.h"
#include "lib/rt/string.h"

struct module config_module = MODULE_INIT(config_module);

static error_t open(struct server_session *session, const char *label, const char *args)
{
    (void)label;
    if (strcmp(args, "config"))
        return ENOTFOUND;
    struct module_reader *reader = heap_zalloc(sizeof(*reader));
    if (!reader)
        return EMEM;
    module_reader_add(&config_module, reader, session->server, NULL);
    session->user = reader;
    return SUCCESS;
}

static void close(struct server_session *session)
{
    module_reader_remove(session->user);
    heap_free(session->user);
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    return module_dispatch(session->user, operation, m);
}

const struct server_ops module_ops = {.open = open, .close = close, .dispatch = dispatch};
