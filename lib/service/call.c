// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Calls through a handle (client.h): the loop of call, mend, call again; and calls to the parent.
#include "lib/rt/string.h"
#include "lib/service/client.h"

enum { CALL_TRIES = 16 };

error_t parent_call(struct msg *m)
{
    error_t error = msg_call(m, SEL_PARENT + thread_cpu());
    if (error)
        return error;
    error = (error_t)msg_get_word(m);
    return msg_error(m) ? EPROTO : error;
}

void parent_close_lost(word_t selector)
{
    struct msg m;
    parent_begin(&m, PARENT_CLOSE);
    msg_put_word(&m, selector);
    (void)!parent_call(&m); // of an own parent that is gone nothing is left either
}

error_t parent_signal(enum parent_signal code, word_t value)
{
    struct msg m;
    parent_begin(&m, PARENT_SIGNAL);
    msg_put_word(&m, code);
    msg_put_word(&m, value);
    return parent_call(&m);
}

error_t parent_request_kill(const char *name)
{
    struct msg m;
    parent_begin(&m, PARENT_REQ_KILL);
    msg_put_string(&m, name);
    return parent_call(&m);
}

static bool translated(const struct service_client *c)
{
    return !(c->flags & (SERVICE_SESSION_PORTALS | SERVICE_STATELESS));
}

// What the kernel's answer to a call asks for: SUCCESS = try again.
static error_t mend(struct service_client *c, error_t error, u32 generation)
{
    if (error != ECAP && error != EEXISTS && error != EABORT)
        return error;
    error_t repaired = service_repair(c, error, generation);
    if (error == EABORT && !repaired && !c->retry_aborted)
        return EABORT;
    return repaired;
}

// What a failed call leaves to look at: the kernel's error or the service's, the answer's head and
// what the service says is missing.
struct failure {
    error_t error;
    head_t h;
    u64 ram, caps;
};

// SUCCESS = try again.
static error_t overcome(struct service_client *c, const struct failure *f, u32 generation)
{
    if (f->error == ERESOURCE)
        return service_pay(c, f->h, f->ram, f->caps);
    return mend(c, f->error, generation);
}

// Mending uses the UTCB: the request is put aside meanwhile.
__attribute__((noinline)) static error_t overcome_keeping(struct service_client *c, struct msg *m,
                                                          const struct failure *f, u32 generation)
{
    word_t words[UTCB_WORDS];
    size_t items = 2 * sizeof(word_t) * m->items, untyped = sizeof(word_t) * m->words;
    char *typed = (char *)(m->utcb + 1) - items;
    memcpy(words, m->utcb->words, untyped);
    memcpy((char *)words + untyped, typed, items);
    error_t error = overcome(c, f, generation);
    memcpy(m->utcb->words, words, untyped);
    memcpy(typed, (char *)words + untyped, items);
    return error;
}

void service_begin(struct service_client *c, struct msg *m, word_t operation)
{
    error_t error = SUCCESS;
    if (UNLIKELY(!(c->held >> CLIENT_SESSION)))
        error = c->base == SEL_NONE ? EPERM : service_open(c);
    msg_begin(m);
    m->error = error;
    msg_put_word(m, operation);
    msg_put_word(m, 0);
    if (translated(c))
        msg_put_item(m, item_translate(crd(CRD_OBJ, c->base + CLIENT_SESSION, 0, RIGHT_ALL)));
}

error_t service_call(struct service_client *c, struct msg *m)
{
    if (m->error)
        return m->error;
    for (unsigned tries = 0; tries < CALL_TRIES; tries++) {
        u32 generation = __atomic_load_n(&c->generation, __ATOMIC_ACQUIRE);
        word_t *from = m->utcb->words, zero = 0;
        word_t w[4] = {from[0], from[1], m->words > 2 ? from[2] : zero,
                       m->words > 3 ? from[3] : zero};
        head_t h = msg_head(m);
        error_t error = hc_call(c->base + CLIENT_PORTAL + thread_cpu(), &h, w);
        if (!error && w[0] != EEXISTS && (w[0] != ERESOURCE || c->fixed)) {
            msg_receive(m, h, w[0], w[1], w[2], w[3]);
            if (!m->in_words)
                return EPROTO;
            m->next_word = 1;
            return (error_t)w[0];
        }
        struct failure f = {error ? error : (error_t)w[0], h, w[1], w[2]};
        error = overcome_keeping(c, m, &f, generation);
        if (error)
            return error;
    }
    return EABORT;
}

// On entry w[] is the request's words 2 and 3, then the answer's 1 and 2.
error_t service_call_words_slow(struct service_client *c, word_t operation, word_t w[4],
                                error_t error, head_t h, u32 generation)
{
    word_t w2 = w[0], w3 = w[1];
    struct failure f = {error, h, w[2], w[3]};
    for (unsigned tries = 0; tries < CALL_TRIES; tries++) {
        error = overcome(c, &f, generation);
        if (error)
            return error;
        generation = __atomic_load_n(&c->generation, __ATOMIC_ACQUIRE);
        f.h = head(4, translated(c));
        *utcb_item(utcb(), 0) =
            item_translate(crd(CRD_OBJ, c->base + CLIENT_SESSION, 0, RIGHT_ALL));
        w[0] = operation;
        w[1] = 0;
        w[2] = w2;
        w[3] = w3;
        error = hc_call(c->base + CLIENT_PORTAL + thread_cpu(), &f.h, w);
        if (!error && w[0] != EEXISTS && w[0] != ERESOURCE)
            return (error_t)w[0];
        f.error = error ? error : (error_t)w[0];
        f.ram = w[1];
        f.caps = w[2];
    }
    return EABORT;
}
