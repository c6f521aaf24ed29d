// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A server's handlers: one local thread a CPU, which all portals of the service on that CPU lead
// to; finding the session of a request; start and end of the service (server.h).
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/service/server.h"

static struct server_cpu *this_server_cpu(void)
{
    return thread_words()->argument;
}

sel_t server_take_item(struct server_cpu *cpu, struct typed_item item)
{
    if (crd_kind(item.crd) != CRD_OBJ || crd_base(item.crd) != cpu->window)
        return SEL_NONE;
    sel_t fresh = selector_alloc();
    if (fresh == SEL_NONE)
        return SEL_NONE; // dropped after the request
    sel_t taken = cpu->window;
    cpu->window = fresh;
    thread_utcb(&cpu->thread)->window = crd(CRD_OBJ, fresh, 0, RIGHT_ALL);
    return taken;
}

void server_withdraw(struct server *server, enum crd_kind kind, u64 first, u64 count)
{
    // No service answers with more.
    const unsigned items = kind == CRD_OBJ ? 8 : 32;
    for (unsigned cpu = 0; cpu < server->cpu_count; cpu++)
        reply_withdraw(thread_utcb(&server->cpu[cpu].thread), items, kind, first, count);
}

// Whether the client delegated something. What nobody takes must not stay in the window.
static bool landed(const struct server_cpu *cpu, struct utcb *u, unsigned items)
{
    for (unsigned i = 0; i < items && i < UTCB_ITEMS_MAX; i++) {
        crd_t c = utcb_item(u, i)->crd;
        if (crd_kind(c) == CRD_OBJ && crd_base(c) == cpu->window)
            return true;
    }
    return false;
}

// The session that item 0 names.
static struct server_session *session_named(struct server *server, struct utcb *u, unsigned items)
{
    if (UNLIKELY(!items))
        return NULL;
    struct typed_item item = *utcb_item(u, 0);
    u64 index = crd_base(item.crd) - server->first_session;
    u32 generation = (u32)item_tag(item);
    if (UNLIKELY(crd_kind(item.crd) != CRD_OBJ || index >= server->config.sessions_max ||
                 !generation))
        return NULL;
    return server_session_get(server, (u32)index, generation);
}

static void answer(struct msg *m, error_t error)
{
    msg_begin(m);
    msg_put_word(m, error);
}

// A failure; of an empty account with what is missing in it.
static void answer_failure(struct msg *m, error_t error, struct server_cost missing)
{
    answer(m, error);
    if (error != ERESOURCE || !(missing.ram | missing.caps))
        return;
    msg_put_word(m, missing.ram);
    msg_put_word(m, missing.caps);
}

// Takes the operation and the word after it, which only clients use, out of the request.
static word_t take_operation(struct msg *m)
{
    if (UNLIKELY(m->in_words < 2))
        m->error = EPROTO;
    m->next_word = m->in_words < 2 ? m->in_words : 2;
    return m->in_words ? m->utcb->words[0] : 0;
}

// A request with a session, beyond the fast ones.
static void serve(struct server_session *s, struct server_cpu *cpu, bool translated, struct msg *m)
{
    word_t operation = take_operation(m);
    if (translated)
        (void)msg_get_item(m);
    if (operation == SERVICE_CLOSE && s) {
        server_session_close(s, false);
        answer(m, SUCCESS);
        return;
    }
    if (operation == SERVICE_UPGRADE && s) {
        answer(m, server_session_upgrade(s));
        return;
    }
    if (s)
        s->missing = (struct server_cost){0, 0};
    error_t error = cpu->server->config.ops->dispatch(s, cpu, operation, m);
    if (error)
        answer_failure(m, error, s ? s->missing : (struct server_cost){0, 0});
}

__attribute__((noinline)) static void respond(struct server_session *s, struct server_cpu *cpu,
                                              head_t h, struct msg *m, word_t identity)
{
    struct server *server = cpu->server;
    bool translated = !identity && !(server->config.flags & SERVICE_STATELESS);
    sel_t window = cpu->window;
    bool delegated = landed(cpu, m->utcb, head_typed(h));
    if (s || server->config.flags & SERVICE_STATELESS) {
        serve(s, cpu, translated, m);
        if (s)
            server_session_put(s);
    } else if (!identity && head_untyped(h) && m->utcb->words[0] == SERVICE_OPEN) {
        struct server_cost missing = {0, 0};
        error_t error = server_session_open(cpu, h, m, &missing);
        if (error)
            answer_failure(m, error, missing);
    } else {
        answer(m, EEXISTS);
    }
    if (UNLIKELY(delegated) && cpu->window == window)
        hc_drop(window);
    msg_reply(m);
}

static void request(word_t identity, head_t h, word_t w0, word_t w1, word_t w2, word_t w3)
{
    struct server_cpu *cpu = this_server_cpu();
    struct server *server = cpu->server;
    struct server_session *s = NULL;
    if (identity)
        s = server_session_get(server, (u32)identity - 1, (u32)(identity >> 32));
    else if (!(server->config.flags & (SERVICE_STATELESS | SERVICE_SESSION_PORTALS)))
        s = session_named(server, utcb(), head_typed(h));
    if (s && server->config.ops->fast && head_typed(h) <= 1) {
        word_t w[4] = {w0, w1, w2, w3};
        if (server->config.ops->fast(s, w)) {
            server_session_put(s);
            hc_reply(head(4, 0), w[0], w[1], w[2], w[3]);
        }
    }
    struct msg m;
    msg_receive(&m, h, w0, w1, w2, w3);
    respond(s, cpu, h, &m, identity);
}

__attribute__((naked)) void server_session_entry(void)
{
    __asm__ volatile("mov %%r10, %%rcx\n\tjmp %P0" ::"i"((portal_raw_t *)request));
}

// Those who may trace the program see the handler as "NAME CPU". Who is denied that serves as well.
static void show_handler(const struct server_cpu *cpu)
{
    char name[SERVICE_NAME_MAX + 8];
    text_format(name, sizeof(name), "%s %u", cpu->server->config.name, cpu->cpu);
    if (rt_handler_show)
        (void)!rt_handler_show(cpu->thread.ec, name);
}

static error_t cpu_start(struct server *server, unsigned index)
{
    struct server_cpu *cpu = &server->cpu[index];
    cpu->server = server;
    cpu->cpu = index;
    cpu->portal = cpu->window = SEL_NONE;
    error_t error = thread_create_handler(&cpu->thread, index, server->config.stack_bytes);
    if (error)
        return error;
    cpu->window = selector_alloc();
    if (cpu->window == SEL_NONE)
        return ERESOURCE;
    struct utcb *u = thread_utcb(&cpu->thread);
    ((struct thread_words *)u->user)->argument = cpu;
    u->window = crd(CRD_OBJ, cpu->window, 0, RIGHT_ALL);
    u->translate = CRD_ALL_OBJ;
    show_handler(cpu);
    return portal_create(&cpu->thread, server_session_entry, 0, 0, &cpu->portal);
}

static void cpu_stop(struct server_cpu *cpu)
{
    portal_destroy(cpu->portal);
    if (cpu->thread.block)
        thread_destroy(&cpu->thread);
    selector_drop(cpu->window);
}

// Withdraws the service and takes down what server_start has made, with `started` handlers.
static void teardown(struct server *server, unsigned started)
{
    server->config.host->remove(server);
    for (u32 i = 0; i < server->used_slots; i++) {
        struct server_session *s = server_session_get(server, i, 0);
        if (!s)
            continue;
        server_session_close(s, false);
        server_session_put(s);
    }
    server_store_drop_kept(server);
    for (unsigned i = 0; i < started; i++)
        cpu_stop(&server->cpu[i]);
    selector_drop(server->event);
    semaphore_destroy(&server->lock.semaphore);
    server_store_destroy(server);
}

error_t server_start(struct server *server, const struct server_config *config)
{
    unsigned started = 0;
    *server = (struct server){.config = *config,
                              .lock = MUTEX_INIT,
                              .event = SEL_NONE,
                              .cpu_count = hip()->cpu_count,
                              .host_user = config->host ? config->host->user : NULL};
    if (!server->config.host)
        server->config.host = config->resume ? &server_resume_host : &server_ipc_host;
    error_t error = server_store_create(server);
    if (error)
        return error;
    error = mutex_prepare(&server->lock);
    if (!error)
        error = semaphore_create(0, &server->event);
    while (!error && started < server->cpu_count)
        error = cpu_start(server, started++);
    if (!error && server->config.resume)
        server_resume(server);
    for (unsigned i = 0; i < started && !error; i++)
        error = server->config.host->add(server, i, server->cpu[i].portal, server->event);
    if (error)
        teardown(server, started);
    else if (server->config.resume)
        server_sweep(server); // before we were known nobody told us of those that have gone
    return error;
}

void server_run(struct server *server)
{
    u64 taken;
    for (;;) {
        (void)!hc_sm_down_zero(server->event, DEADLINE_NEVER, &taken);
        server_sweep(server);
    }
}

void server_stop(struct server *server)
{
    teardown(server, server->cpu_count);
}
