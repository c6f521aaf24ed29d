// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The client of init's service (control.h). A part of the list is copied before it is visited,
// since a visitor may call and the answer stands in the UTCB.
#include "lib/service/control.h"
#include "lib/rt/string.h"

enum { ROWS = 32, SESSIONS = 12 }; // more never fit an answer

static void row_get(struct msg *m, struct control_child *row)
{
    word_t state = msg_get_word(m);
    row->state = (enum child_state)((u32)state & ~(u32)CHILD_IS_INIT);
    row->is_init = state & CHILD_IS_INIT;
    row->restarts = (u32)(state >> 32);
    row->ram_used = msg_get_word(m);
    row->ram_limit = msg_get_word(m);
    row->ram_high = msg_get_word(m);
    row->caps_used = msg_get_word(m);
    row->caps_limit = msg_get_word(m);
    row->caps_high = msg_get_word(m);
    row->sessions = msg_get_word(m);
    row->kept = msg_get_word(m);
    msg_get_string(m, row->name, sizeof(row->name));
}

error_t control_visit(struct service_client *init,
                      bool (*visit)(const struct control_child *child, void *context),
                      void *context)
{
    word_t total = 1;
    for (word_t first = 0; first < total;) {
        struct msg m;
        struct control_child rows[ROWS];
        service_begin(init, &m, INIT_LIST);
        msg_put_word(&m, first);
        error_t error = service_call(init, &m);
        if (error)
            return error;
        total = msg_get_word(&m);
        word_t here = msg_get_word(&m);
        if (here > ROWS || (!here && first < total))
            return EPROTO;
        for (word_t i = 0; i < here; i++)
            row_get(&m, &rows[i]);
        if (msg_error(&m))
            return EPROTO;
        for (word_t i = 0; i < here; i++) {
            if (!visit(&rows[i], context))
                return SUCCESS;
        }
        first += here;
    }
    return SUCCESS;
}

struct search {
    const char *name;
    bool found;
    struct control_child child;
};

static bool compare(const struct control_child *child, void *context)
{
    struct search *s = context;
    s->found = !strcmp(child->name, s->name);
    if (s->found)
        s->child = *child;
    return !s->found;
}

error_t control_find(struct service_client *init, const char *name, struct control_child *out)
{
    struct search s = {.name = name};
    error_t error = control_visit(init, compare, &s);
    if (!error && !s.found)
        error = ENOTFOUND;
    if (!error)
        *out = s.child;
    return error;
}

static error_t command(struct service_client *init, word_t operation, const char *name)
{
    struct msg m;
    service_begin(init, &m, operation);
    msg_put_string(&m, name);
    return service_call(init, &m);
}

error_t control_kill(struct service_client *init, const char *name)
{
    return command(init, INIT_KILL, name);
}

error_t control_start(struct service_client *init, const char *name)
{
    return command(init, INIT_START, name);
}

static void session_get(struct msg *m, struct control_session *session)
{
    msg_get_string(m, session->client, sizeof(session->client));
    msg_get_string(m, session->service, sizeof(session->service));
    msg_get_string(m, session->provider, sizeof(session->provider));
    msg_get_string(m, session->label, sizeof(session->label));
}

error_t control_sessions(struct service_client *init,
                         bool (*visit)(const struct control_session *session, void *context),
                         void *context)
{
    for (word_t position = 0, here = 1; here > 0;) {
        struct msg m;
        struct control_session rows[SESSIONS];
        service_begin(init, &m, INIT_SESSIONS);
        msg_put_word(&m, position);
        error_t error = service_call(init, &m);
        if (error)
            return error;
        word_t next = msg_get_word(&m);
        here = msg_get_word(&m);
        if (here > SESSIONS || (here && next <= position))
            return EPROTO;
        for (word_t i = 0; i < here; i++)
            session_get(&m, &rows[i]);
        if (msg_error(&m))
            return EPROTO;
        for (word_t i = 0; i < here; i++) {
            if (!visit(&rows[i], context))
                return SUCCESS;
        }
        position = next;
    }
    return SUCCESS;
}
