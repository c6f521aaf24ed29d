// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// LOG: labelled lines (protocol.h, LOG_OPERATIONS). A session is the line that its client has
// begun. Reading what all have written needs the argument "read".
#include "lib/rt/heap.h"
#include "lib/rt/string.h"
#include "sigma0/console.h"
#include "sigma0/services.h"

enum { TEXT_MAX = 2048 };

struct log_session {
    struct log_line line;
    bool reader;
};

static error_t log_open(struct server_session *session, const char *label, const char *args)
{
    struct log_session *log = heap_zalloc(sizeof(*log));
    if (!log)
        return EMEM;
    log_line_init(&log->line, label);
    log->reader = strncmp(args, "read", 4) == 0;
    session->user = log;
    return SUCCESS;
}

static void log_close(struct server_session *session)
{
    struct log_session *log = session->user;
    console_finish(&log->line);
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
    if (operation != LOG_READ)
        return EPROTO;
    if (!log->reader)
        return EPERM;
    u64 position = msg_get_word(m);
    size_t length = console_read(&position, text, sizeof(text));
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, position);
    msg_put_bytes(m, text, length);
    return SUCCESS;
}

const struct server_ops log_ops = {.open = log_open, .close = log_close, .dispatch = log_dispatch};
