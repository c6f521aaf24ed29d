// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Reports become ROM modules (doc/report.md). A session of "report" writes one, named "LABEL ->
// ARGS" by what its parent vouches for; a session of "rom" reads the one that the policy for its
// own "LABEL -> ARGS" names. Nobody else's memory is used: a report is billed to the session that
// writes it, and the versions that a reader keeps to that reader (lib/module).
//
// Where the block allows for it a copy of each report is kept (kept.c): the next life offers it
// before its writer comes, whose session goes on.
//
// A feed is what has the name: it lives while it is written or read. With its writer's session a
// report ends: there is no version any more. `lock` guards the list of feeds; a feed's module has
// its own.
#include "lib/module/module.h"
#include "lib/policy/policy.h"
#include "lib/rt/heap.h"
#include "lib/rt/memory.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"
#include "lib/service/env.h"
#include "lib/service/server.h"
#include "servers/report/kept.h"
#include <libfdt.h>

enum {
    SESSIONS_MAX = 128,
    FEED_NAME_MAX = SERVICE_LABEL_MAX + SERVICE_ARGS_MAX + 4,
    REPORT_BYTES_MAX = 1 << 20, // bytes
    SWEEPER_PRIORITY = 64,
};

struct feed {
    struct list link;
    struct module module;
    u32 users;
    bool written; // by a session that is open
    char name[];
};

struct writer {
    struct feed *feed;
    struct mutex lock;            // calls of one session may come from several CPUs
    struct server_cost published; // what the newest version is billed with
    char *text;                   // on its way, `total` bytes
    size_t length, total;
};

struct reader {
    struct module_reader reader;
    struct feed *feed;
};

static struct server report_server, rom_server;
static struct mutex lock = MUTEX_INIT;
static struct list feeds = LIST_INIT(feeds);
static struct rom config;

static void name_make(char name[FEED_NAME_MAX], const char *label, const char *args)
{
    text_format(name, FEED_NAME_MAX, "%s -> %s", label, args);
}

// The feed of that name, with one user more. NULL without memory.
static struct feed *feed_get(const char *name)
{
    struct feed *found = NULL;
    mutex_lock(&lock);
    LIST_FOREACH (node, &feeds) {
        struct feed *feed = LIST_ENTRY(node, struct feed, link);
        if (!strcmp(feed->name, name))
            found = feed;
    }
    if (!found && (found = heap_zalloc(sizeof(*found) + strlen(name) + 1))) {
        module_init(&found->module);
        strlcpy(found->name, name, strlen(name) + 1);
        list_push_back(&feeds, &found->link);
    }
    if (found)
        found->users++;
    mutex_unlock(&lock);
    return found;
}

static void feed_put(struct feed *feed)
{
    mutex_lock(&lock);
    bool last = !--feed->users;
    if (last)
        list_remove(&feed->link);
    mutex_unlock(&lock);
    if (!last)
        return;
    module_withdraw(&feed->module);
    semaphore_destroy(&feed->module.lock.semaphore);
    heap_free(feed);
}

// The newest version, and the copy that is kept of it.
static struct server_cost version_cost(size_t bytes)
{
    struct server_cost cost = report_kept_cost(bytes);
    return (struct server_cost){cost.ram + module_cost(bytes), cost.caps};
}

// What an earlier life has left of this session's report.
static void restore(struct server_session *session, struct writer *writer)
{
    char *text;
    size_t bytes;
    if (report_kept_read(session->number, &text, &bytes))
        return;
    struct server_cost cost = version_cost(bytes);
    error_t error = server_charge_cost(session, cost);
    if (!error && (error = module_publish(&writer->feed->module, text, bytes)))
        server_uncharge_cost(session, cost);
    if (error)
        report_forget(session->number);
    else
        writer->published = cost;
    memory_free(text, bytes + 1);
}

// Its one writer may be the life before this one, whose end we have not looked at yet.
static error_t feed_claim(struct feed *feed)
{
    bool written = true;
    for (unsigned tries = 0; tries < 2 && written; tries++) {
        if (tries)
            server_sweep(&report_server);
        mutex_lock(&lock);
        written = feed->written;
        feed->written = true;
        mutex_unlock(&lock);
    }
    return written ? EINUSE : SUCCESS;
}

static error_t report_open(struct server_session *session, const char *label, const char *args)
{
    char name[FEED_NAME_MAX];
    struct writer *writer = heap_zalloc(sizeof(*writer));
    if (!writer)
        return EMEM;
    name_make(name, label, args);
    writer->lock = (struct mutex)MUTEX_INIT;
    writer->feed = feed_get(name);
    error_t error = writer->feed ? SUCCESS : EMEM;
    if (!error && (error = feed_claim(writer->feed)))
        feed_put(writer->feed);
    if (error) {
        heap_free(writer);
        return error;
    }
    session->user = writer;
    restore(session, writer);
    return SUCCESS;
}

static void loading_drop(struct server_session *session, struct writer *writer)
{
    if (!writer->text)
        return;
    memory_free(writer->text, writer->total + 1);
    writer->text = NULL;
    server_uncharge(session, module_cost(writer->total + 1));
}

static void report_close(struct server_session *session)
{
    struct writer *writer = session->user;
    loading_drop(session, writer);
    module_withdraw(&writer->feed->module);
    report_forget(session->number);
    server_uncharge_cost(session, writer->published);
    mutex_lock(&lock);
    writer->feed->written = false;
    mutex_unlock(&lock);
    feed_put(writer->feed);
    semaphore_destroy(&writer->lock.semaphore);
    heap_free(writer);
}

static error_t loading_begin(struct server_session *session, struct writer *writer, size_t total)
{
    loading_drop(session, writer);
    if (total > REPORT_BYTES_MAX)
        return ERESOURCE;
    error_t error = server_charge(session, module_cost(total + 1));
    if (error)
        return error;
    writer->text = memory_alloc(total + 1);
    writer->length = 0;
    writer->total = total;
    if (writer->text)
        return SUCCESS;
    server_uncharge(session, module_cost(total + 1));
    return EMEM;
}

// A copy that cannot be kept is no reason to refuse a report: then there is none in the next life.
static void keep(struct server_session *session, struct writer *writer, struct server_cost *cost)
{
    struct server_cost copy = report_kept_cost(writer->total);
    error_t error = report_keep(session->number, writer->text, writer->total);
    if (!error)
        return;
    print("report: %zu bytes of \"%s\" are not kept: %s\n", writer->total, writer->feed->name,
          error_name(error));
    server_uncharge_cost(session, copy);
    cost->ram -= copy.ram;
    cost->caps -= copy.caps;
}

// All of it is here. The old version is billed until the new one is there.
static error_t publish(struct server_session *session, struct writer *writer)
{
    struct server_cost cost = version_cost(writer->total);
    error_t error = server_charge_cost(session, cost);
    if (error)
        return error;
    error = module_publish(&writer->feed->module, writer->text, writer->total);
    if (!error) {
        keep(session, writer, &cost);
        server_uncharge_cost(session, writer->published);
        writer->published = cost;
    } else {
        server_uncharge_cost(session, cost);
    }
    loading_drop(session, writer);
    return error;
}

static error_t write(struct server_session *session, struct writer *writer, struct msg *m)
{
    word_t position = msg_get_word(m), total = msg_get_word(m);
    error_t error = msg_error(m);
    if (!error && !position)
        error = loading_begin(session, writer, total);
    if (error)
        return error;
    if (!writer->text || position != writer->length || total != writer->total)
        return EPROTO;
    writer->length += msg_get_bytes(m, writer->text + writer->length, total - writer->length);
    if (msg_error(m))
        return EPROTO;
    bool whole = writer->length == writer->total;
    if (whole && (error = publish(session, writer))) {
        writer->length = position; // the client may pay, and send this part again
        return error;
    }
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, whole ? writer->feed->module.number : 0);
    return SUCCESS;
}

static error_t clear(struct server_session *session, struct writer *writer, struct msg *m)
{
    module_withdraw(&writer->feed->module);
    report_forget(session->number);
    server_uncharge_cost(session, writer->published);
    writer->published = (struct server_cost){0, 0};
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

static error_t report_dispatch(struct server_session *session, struct server_cpu *cpu,
                               word_t operation, struct msg *m)
{
    (void)cpu;
    struct writer *writer = session->user;
    error_t error = EPROTO;
    mutex_lock(&writer->lock);
    if (operation == REPORT_WRITE)
        error = write(session, writer, m);
    else if (operation == REPORT_CLEAR)
        error = clear(session, writer, m);
    mutex_unlock(&writer->lock);
    return error;
}

static error_t rom_session_open(struct server_session *session, const char *label, const char *args)
{
    char name[FEED_NAME_MAX];
    name_make(name, label, args);
    int policy = config.data ? policy_match(config.data, name) : -1;
    const char *from = policy >= 0 ? policy_text(config.data, policy, "report") : NULL;
    if (!from) {
        print("report: \"%s\" may read no report: no policy of ours is for it\n", name);
        return EPERM;
    }
    struct reader *reader = heap_zalloc(sizeof(*reader));
    if (!reader)
        return EMEM;
    reader->feed = feed_get(from);
    if (!reader->feed) {
        heap_free(reader);
        return EMEM;
    }
    module_reader_add(&reader->feed->module, &reader->reader, session->server, session);
    session->user = reader;
    return SUCCESS;
}

static void rom_session_close(struct server_session *session)
{
    struct reader *reader = session->user;
    module_reader_remove(&reader->reader);
    feed_put(reader->feed);
    heap_free(reader);
}

static error_t rom_dispatch(struct server_session *session, struct server_cpu *cpu,
                            word_t operation, struct msg *m)
{
    (void)cpu;
    struct reader *reader = session->user;
    return module_dispatch(&reader->reader, operation, m);
}

static const struct server_ops report_ops = {
    .open = report_open, .close = report_close, .dispatch = report_dispatch};
static const struct server_ops rom_ops = {
    .open = rom_session_open, .close = rom_session_close, .dispatch = rom_dispatch};

static void sweep(void *argument)
{
    (void)argument;
    server_run(&rom_server);
}

int main(void)
{
    static struct thread sweeper;
    struct server_config report = {.name = "report",
                                   .sessions_max = SESSIONS_MAX,
                                   .session_bytes = sizeof(struct writer) + FEED_NAME_MAX,
                                   .resume = reports_open(SESSIONS_MAX),
                                   .ops = &report_ops};
    struct server_config rom = {.name = "rom",
                                .sessions_max = SESSIONS_MAX,
                                .session_bytes = sizeof(struct reader) + FEED_NAME_MAX,
                                .ops = &rom_ops};
    if (rom_open(&config, "config") || fdt_check_full(config.data, config.size)) {
        print("report: no configuration: nobody may read\n");
        config.data = NULL;
    }
    error_t error = server_start(&report_server, &report);
    if (!error)
        reports_review();
    if (!error)
        error = server_start(&rom_server, &rom);
    if (!error)
        error = thread_create(&sweeper, thread_cpu(), SWEEPER_PRIORITY, "sweep", sweep, NULL);
    if (error) {
        print("report: cannot offer the services: %s\n", error_name(error));
        return 1;
    }
    server_run(&report_server);
}
