// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What a server asks of its parent, by IPC (struct server_host; 001_5c4c3d5892c9ef36.txt: REGISTER,
// UNREGISTER, GET_QUOTA, SINGLETON, SESSIONS).
#include "lib/rt/selector.h"
#include "lib/service/client.h"
#include "lib/service/server.h"

static error_t add(struct server *server, unsigned cpu, sel_t portal, sel_t event)
{
    struct msg m;
    parent_begin(&m, PARENT_REGISTER);
    msg_put_word(&m, cpu);
    msg_put_word(&m, server->config.flags);
    msg_put_string(&m, server->config.name);
    msg_put_item(&m, item_delegate(crd(CRD_OBJ, portal, 0, PT_CALL), 0, 0));
    msg_put_item(&m, item_delegate(crd(CRD_OBJ, event, 0, SM_UP), 1, 0));
    return parent_call(&m);
}

static void withdraw(struct server *server)
{
    struct msg m;
    parent_begin(&m, PARENT_UNREGISTER);
    msg_put_string(&m, server->config.name);
    (void)!parent_call(&m);
}

// The same about a pseudonym, once more: a parent that has not given it out itself (parent.h,
// offers_above) said ECAP, since it wants to have it, to ask its own parent.
static __attribute__((noinline)) error_t ask_again(struct msg *m, enum parent_operation operation,
                                                   word_t word, sel_t pseudonym)
{
    parent_begin(m, operation);
    msg_put_word(m, word);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, pseudonym, 0, RIGHT_ALL), 0, 0));
    return parent_call(m);
}

static error_t quota(struct server *server, sel_t pseudonym, struct server_quota *q)
{
    (void)server;
    struct msg m;
    parent_begin(&m, PARENT_GET_QUOTA);
    msg_put_word(&m, q->brief);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, pseudonym, 0, RIGHT_ALL)));
    error_t error = parent_call(&m);
    if (UNLIKELY(error == ECAP))
        error = ask_again(&m, PARENT_GET_QUOTA, q->brief, pseudonym);
    if (error)
        return error;
    q->ram = msg_get_word(&m);
    q->caps = msg_get_word(&m);
    if (q->brief)
        return msg_error(&m);
    msg_get_string(&m, q->label, sizeof(q->label));
    msg_get_string(&m, q->args, sizeof(q->args));
    return msg_error(&m);
}

static error_t quota_numbered(struct server *server, sel_t pseudonym, struct server_quota *q)
{
    struct msg m;
    error_t error = quota(server, pseudonym, q);
    if (error)
        return error;
    parent_begin(&m, PARENT_NUMBER);
    msg_put_word(&m, 0);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, pseudonym, 0, RIGHT_ALL)));
    error = parent_call(&m);
    if (UNLIKELY(error == ECAP))
        error = ask_again(&m, PARENT_NUMBER, 0, pseudonym);
    if (error)
        return error;
    q->number = msg_get_word(&m);
    return msg_error(&m);
}

static error_t next(struct server *server, u64 *position, sel_t *pseudonym, struct server_quota *q)
{
    struct msg m;
    sel_t place = selector_alloc();
    if (place == SEL_NONE)
        return ERESOURCE;
    parent_begin(&m, PARENT_SESSIONS);
    msg_put_word(&m, *position);
    msg_put_string(&m, server->config.name);
    crd_t window = utcb()->window, window2 = utcb()->window2;
    utcb()->window = crd(CRD_OBJ, place, 0, RIGHT_ALL);
    utcb()->window2 = 0;
    error_t error = parent_call(&m);
    utcb()->window = window;
    utcb()->window2 = window2;
    if (!error) {
        *position = msg_get_word(&m);
        error = *position ? SUCCESS : ENOTFOUND;
    }
    if (!error) {
        q->number = msg_get_word(&m);
        q->ram = msg_get_word(&m);
        q->caps = msg_get_word(&m);
        msg_get_string(&m, q->label, sizeof(q->label));
        msg_get_string(&m, q->args, sizeof(q->args));
        error = msg_error(&m);
    }
    if (!error && crd_kind(msg_get_item(&m).crd) != CRD_OBJ)
        error = EMEM;
    if (error)
        selector_drop(place);
    else
        *pseudonym = place;
    return error;
}

static error_t singleton(struct server *server, sel_t pseudonym, bool release)
{
    (void)server;
    struct msg m;
    parent_begin(&m, PARENT_SINGLETON);
    msg_put_word(&m, release);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, pseudonym, 0, RIGHT_ALL)));
    error_t error = parent_call(&m);
    return error == ECAP ? ask_again(&m, PARENT_SINGLETON, release, pseudonym) : error;
}

error_t server_request_kill(struct server_session *session)
{
    struct msg m;
    const struct server_host *host = session->server->config.host;
    if (host != &server_ipc_host && host != &server_resume_host)
        return EFEATURE;
    parent_begin(&m, PARENT_REQ_KILL);
    msg_put_string(&m, "");
    msg_put_item(&m, item_translate(crd(CRD_OBJ, session->pseudonym, 0, RIGHT_ALL)));
    error_t error = parent_call(&m);
    return error == ECAP ? ask_again(&m, PARENT_REQ_KILL, 0, session->pseudonym) : error; // 0: ""
}

const struct server_host server_ipc_host = {
    .add = add, .remove = withdraw, .quota = quota, .singleton = singleton};
const struct server_host server_resume_host = {
    .add = add, .remove = withdraw, .quota = quota_numbered, .singleton = singleton, .next = next};
