// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What compose-test calls. "echo" (session portals) and "count" (translated sessions, one a client)
// understand the same operations; both count their calls a session.
#include "lib/rt/address.h"
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/sync.h"
#include "lib/service/env.h"
#include "lib/service/server.h"
#include "test/system/compose_server/operations.h"

struct counter {
    u64 calls;
    char label[SERVICE_LABEL_MAX], args[SERVICE_ARGS_MAX];
};

static struct server echo, count;
static volatile u32 open_sessions;
static u32 kills;

static error_t open(struct server_session *session, const char *label, const char *args)
{
    if (!strcmp(args, "refuse"))
        return EPERM;
    struct counter *c = heap_alloc(sizeof(*c));
    if (!c)
        return EMEM;
    c->calls = 0;
    strlcpy(c->label, label, sizeof(c->label));
    strlcpy(c->args, args, sizeof(c->args));
    session->user = c;
    __atomic_fetch_add(&open_sessions, 1, __ATOMIC_RELAXED);
    return SUCCESS;
}

static void close(struct server_session *session)
{
    heap_free(session->user);
    __atomic_fetch_sub(&open_sessions, 1, __ATOMIC_RELAXED);
}

enum { HOARD_MAX = 2000 };
static sel_t hoard_sel[HOARD_MAX];
static unsigned hoarded;

static void hoard(void)
{
    while (hoarded < HOARD_MAX && !semaphore_create(0, &hoard_sel[hoarded]))
        hoarded++;
}

// Memory that a client shares with us: by the dataspace's capability alone.
static volatile u64 *shared;
static error_t share(sel_t ds, struct msg *m)
{
    if (ds == SEL_NONE)
        return EPROTO;
    shared = (volatile u64 *)address_alloc(PAGE_SIZE);
    error_t error = shared ? dataspace_attach(ds, (void *)shared, PAGE_SIZE, 0) : EMEM;
    selector_drop(ds);
    if (error)
        return error;
    shared[1] = ~shared[0];
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

static error_t seen(struct msg *m)
{
    crd_t found;
    bool there = !hc_lookup(crd(CRD_MEM, (word_t)shared / PAGE_SIZE, 0, RIGHT_ALL), &found);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, there);
    msg_put_word(m, there ? shared[0] : 0);
    return SUCCESS;
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    struct counter *c = session->user;
    word_t value = msg_get_word(m);
    switch (operation) {
    case COMPOSE_INFO:
        msg_begin(m);
        msg_put_word(m, SUCCESS);
        msg_put_word(m, c->calls);
        msg_put_word(m, open_sessions);
        msg_put_word(m, session->limit.ram);
        msg_put_word(m, session->limit.caps);
        msg_put_string(m, c->label);
        msg_put_string(m, c->args);
        return SUCCESS;
    case COMPOSE_TAKE:
        if (server_take_item(cpu, msg_get_item(m)) == SEL_NONE)
            return EPROTO;
        msg_begin(m);
        msg_put_word(m, SUCCESS);
        return SUCCESS;
    case COMPOSE_CHARGE: {
        error_t error = server_charge(session, value);
        msg_begin(m);
        msg_put_word(m, SUCCESS);
        return error;
    }
    case COMPOSE_CHARGE_CAPS: {
        error_t error = server_charge_caps(session, value);
        msg_begin(m);
        msg_put_word(m, SUCCESS);
        return error;
    }
    case COMPOSE_HOARD:
        hoard();
        msg_begin(m);
        msg_put_word(m, SUCCESS);
        msg_put_word(m, hoarded);
        return SUCCESS;
    case COMPOSE_LET_GO:
        while (hoarded)
            selector_drop(hoard_sel[--hoarded]);
        msg_begin(m);
        msg_put_word(m, SUCCESS);
        return SUCCESS;
    case COMPOSE_STEAL: {
        struct msg steal;
        msg_begin(&steal);
        msg_put_word(&steal, PARENT_CLOSE);
        msg_put_word(&steal, 0);
        msg_put_item(&steal, item_translate(crd(CRD_OBJ, session->pseudonym, 0, RIGHT_ALL)));
        error_t error = parent_call(&steal);
        msg_begin(m);
        msg_put_word(m, SUCCESS);
        msg_put_word(m, error);
        return SUCCESS;
    }
    case COMPOSE_KILL_ME: {
        error_t error = server_request_kill(session);
        if (!error)
            __atomic_fetch_add(&kills, 1, __ATOMIC_RELEASE);
        msg_begin(m);
        msg_put_word(m, error);
        return SUCCESS;
    }
    case COMPOSE_KILLS:
        msg_begin(m);
        msg_put_word(m, SUCCESS);
        msg_put_word(m, __atomic_load_n(&kills, __ATOMIC_ACQUIRE));
        return SUCCESS;
    case COMPOSE_SHARE: return share(server_take_item(cpu, msg_get_item(m)), m);
    case COMPOSE_SEEN: return seen(m);
    case COMPOSE_CRASH: *(volatile int *)value = 1; return SUCCESS;
    default: return EPROTO;
    }
}

static bool fast(struct server_session *session, word_t w[4])
{
    if (w[0] != COMPOSE_ADD)
        return false;
    struct counter *c = session->user;
    w[0] = SUCCESS;
    w[1] = w[2] + w[3];
    w[2] = ++c->calls;
    return true;
}

static void run_count(void *argument)
{
    (void)argument;
    server_run(&count);
}

int main(void)
{
    static const struct server_ops ops = {
        .open = open, .close = close, .dispatch = dispatch, .fast = fast};
    struct server_config config = {.name = "echo", .flags = SERVICE_SESSION_PORTALS, .ops = &ops};
    error_t error = server_start(&echo, &config);
    if (error)
        return 1;
    config.name = "count";
    config.flags = SERVICE_SINGLETON;
    error = server_start(&count, &config);
    if (error)
        return 1;
    static struct thread second;
    if (thread_create(&second, thread_cpu(), 60, "count", run_count, NULL))
        return 1;
    server_run(&echo);
}
