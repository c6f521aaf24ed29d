// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// LOG: labelled lines (protocol.h, LOG_OPERATIONS). A session is the line that its client has
// begun. Reading what all have written needs the argument "read".
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "sigma0/console.h"
#include "sigma0/services.h"

enum { TEXT_MAX = 2048 };

struct log_session {
    struct log_line line;
    struct list link; // in `watchers`
    bool reader;
    bool printer; // shows what sigma0 does not print: asks from LOG_UNPRINTED on
    sel_t watch;  // SEL_NONE: does not watch
};

static struct mutex watch_lock = MUTEX_INIT;
static struct list watchers = LIST_INIT(watchers);

static void notify(void)
{
    mutex_lock(&watch_lock);
    LIST_FOREACH (node, &watchers) {
        hc_sm_up(LIST_ENTRY(node, struct log_session, link)->watch);
    }
    mutex_unlock(&watch_lock);
}

// One semaphore a session, the same each time.
static error_t log_watch(struct log_session *log, struct msg *m)
{
    error_t error = SUCCESS;
    mutex_lock(&watch_lock);
    if (log->watch == SEL_NONE) {
        error = semaphore_create(1, &log->watch);
        if (!error) {
            list_push_back(&watchers, &log->link);
            console_watch(notify);
        }
    }
    mutex_unlock(&watch_lock);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, log->watch, 0, SM_DOWN), 0, 0));
    return SUCCESS;
}

static error_t log_open(struct server_session *session, const char *label, const char *args)
{
    struct log_session *log = heap_zalloc(sizeof(*log));
    if (!log)
        return EMEM;
    log_line_init(&log->line, label);
    log->reader = strncmp(args, "read", 4) == 0;
    log->watch = SEL_NONE;
    session->user = log;
    return SUCCESS;
}

static void log_close(struct server_session *session)
{
    struct log_session *log = session->user;
    console_finish(&log->line);
    mutex_lock(&watch_lock);
    if (log->watch != SEL_NONE)
        list_remove(&log->link);
    mutex_unlock(&watch_lock);
    if (log->watch != SEL_NONE)
        server_withdraw(session->server, CRD_OBJ, log->watch, 1);
    selector_drop(log->watch);
    heap_free(log);
}

static error_t log_dispatch(struct server_session *session, struct server_cpu *cpu,
                            word_t operation, struct msg *m)
{
    (void)cpu;
    struct log_session *log = session->user;
    char text[TEXT_MAX];
    if (operation == LOG_WRITE) {
        size_t length = msg_get_bytes(m, text, sizeof(text));
        if (msg_error(m))
            return EPROTO;
        console_write(&log->line, text, length);
        msg_begin(m);
        msg_put_word(m, SUCCESS);
        return SUCCESS;
    }
    if (operation != LOG_READ && operation != LOG_WATCH)
        return EPROTO;
    if (!log->reader)
        return EPERM;
    if (operation == LOG_WATCH)
        return log_watch(log, m);
    u64 position = msg_get_word(m);
    if (position == LOG_UNPRINTED)
        log->printer = true;
    else if (log->printer)
        console_printed(position);
    size_t length = console_read(&position, text, sizeof(text));
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, position);
    msg_put_bytes(m, text, length);
    return SUCCESS;
}

const struct server_ops log_ops = {.open = log_open, .close = log_close, .dispatch = log_dispatch};
