// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The configuration compiler between a person's text and a configuration ROM (doc/configuration.md,
// "At run time"): service "config" (protocol.h, CONFIG_OPERATIONS) takes text and answers with what
// is wrong in it, service "rom" has the compiled tree as the module "config" (module.h).
//
// `config { text = MODULE }` in its block names the ROM module whose text is in force at the start;
// without it there is none. What was loaded or set is gone when the component starts again.
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"
#include "lib/service/env.h"
#include "lib/service/server.h"
#include "servers/config/current.h"
#include "servers/config/module.h"
#include <libfdt.h>

enum {
    STACK = 64 * 1024, // of handlers: libucl and the schema's checks
    SWEEPER_PRIORITY = 64,
    PART_MAX = 3000, // of a text in an answer
    PATH_MAX_BYTES = 512,
    VALUE_MAX_BYTES = 2048,
};

// A session's text on its way, charged to it.
struct loading {
    char *text;
    size_t length, total;
};

static struct server server, rom_server;
static struct mutex lock = MUTEX_INIT; // current, the compiler, and what sessions load
static struct report report;

static void loading_drop(struct server_session *session, bool free_text)
{
    struct loading *l = session->user;
    if (!l->text)
        return;
    if (free_text)
        heap_free(l->text);
    server_uncharge(session, l->total);
    l->text = NULL;
}

static error_t loading_begin(struct server_session *session, size_t total)
{
    struct loading *l = session->user;
    loading_drop(session, true);
    if (total > TEXT_MAX)
        return ERESOURCE;
    error_t error = server_charge(session, total);
    if (error)
        return error;
    *l = (struct loading){.text = heap_alloc(total + 1), .total = total};
    if (l->text)
        return SUCCESS;
    server_uncharge(session, total);
    return EMEM;
}

static error_t answer(struct msg *m, u64 version)
{
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, version);
    msg_put_bytes(m, report.text, report.length);
    return SUCCESS;
}

static error_t compiled(struct msg *m, error_t error)
{
    return error ? error : answer(m, report.length ? 0 : current.version);
}

static error_t load(struct server_session *session, struct msg *m)
{
    struct loading *l = session->user;
    word_t position = msg_get_word(m), total = msg_get_word(m);
    error_t error = msg_error(m);
    if (!error && !position)
        error = loading_begin(session, total);
    if (error)
        return error;
    if (!l->text || position != l->length || total != l->total)
        return EPROTO;
    l->length += msg_get_bytes(m, l->text + l->length, l->total - l->length);
    if (msg_error(m))
        return EPROTO;
    report.length = 0;
    if (l->length < l->total)
        return answer(m, 0);
    char *text = l->text;
    text[l->length] = 0;
    loading_drop(session, false);
    return compiled(m, current_load(text, l->length, &report));
}

static error_t set(struct msg *m)
{
    char path[PATH_MAX_BYTES], value[VALUE_MAX_BYTES];
    msg_get_string(m, path, sizeof(path));
    msg_get_string(m, value, sizeof(value));
    if (msg_error(m))
        return EPROTO;
    return compiled(m, current_set(path, value, &report));
}

static error_t show(struct msg *m)
{
    word_t position = msg_get_word(m);
    if (msg_error(m))
        return EPROTO;
    size_t left = position < current.length ? current.length - position : 0;
    size_t part = left < PART_MAX ? left : PART_MAX;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, position + part);
    msg_put_word(m, current.version);
    msg_put_bytes(m, part ? current.text + position : "", part);
    return SUCCESS;
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    error_t error = EPROTO;
    mutex_lock(&lock);
    if (operation == CONFIG_SHOW)
        error = show(m);
    else if (operation == CONFIG_LOAD)
        error = load(session, m);
    else if (operation == CONFIG_SET)
        error = set(m);
    mutex_unlock(&lock);
    return error;
}

static error_t open(struct server_session *session, const char *label, const char *args)
{
    (void)label, (void)args;
    session->user = heap_zalloc(sizeof(struct loading));
    return session->user ? SUCCESS : EMEM;
}

static void close(struct server_session *session)
{
    loading_drop(session, true);
    heap_free(session->user);
}

static const struct server_ops ops = {.open = open, .close = close, .dispatch = dispatch};

// The name of the module whose text we begin with, "" if there is none.
static void first_name(char *name, size_t size)
{
    struct rom block;
    int length = 0;
    *name = 0;
    if (rom_open(&block, "config"))
        return;
    const char *text =
        fdt_check_full(block.data, block.size) ? NULL : fdt_getprop(block.data, 0, "text", &length);
    if (text && length > 0 && (size_t)length <= size && !text[length - 1])
        memcpy(name, text, (size_t)length);
    rom_close(&block);
}

static error_t first_load(const char *name)
{
    struct rom module;
    error_t error = rom_open(&module, name);
    if (error)
        return error;
    char *text = module.size <= TEXT_MAX ? heap_alloc(module.size + 1) : NULL;
    if (text) {
        memcpy(text, module.data, module.size);
        text[module.size] = 0;
    }
    error = text ? current_load(text, module.size, &report) : EMEM;
    rom_close(&module);
    return error;
}

static void first_text(void)
{
    static char name[SERVICE_ARGS_MAX];
    first_name(name, sizeof(name));
    if (!*name)
        return;
    error_t error = first_load(name);
    if (error)
        print("config: ROM module \"%s\": %s\n", name, error_name(error));
    else
        print("%.*s", (int)report.length, report.text);
}

static void sweep(void *argument)
{
    (void)argument;
    server_run(&rom_server);
}

int main(void)
{
    static struct thread sweeper;
    struct server_config config = {.name = "config",
                                   .session_bytes = sizeof(struct loading),
                                   .stack_bytes = STACK,
                                   .ops = &ops};
    struct server_config rom = {.name = "rom",
                                .session_bytes = 64,
                                .session_caps = 1, // its semaphore
                                .ops = &module_ops};
    first_text();
    error_t error = server_start(&rom_server, &rom);
    if (!error)
        error = server_start(&server, &config);
    if (!error)
        error = thread_create(&sweeper, thread_cpu(), SWEEPER_PRIORITY, "sweep", sweep, NULL);
    if (error) {
        print("config: cannot offer the services: %s\n", error_name(error));
        return 1;
    }
    server_run(&server);
}
