// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Measures, as a child of init: a call with an open session of either kind, opening and closing a
// session with a sibling (with donated quota), the start of a component from the request to the
// first instruction of its main.
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/tsc.h"
#include "lib/service/control.h"
#include "lib/service/env.h"
#include "lib/service/server.h"
#include "test/system/bench.h"
#include "test/system/compose_server/operations.h"
#include "test/system/exit.h"

enum { STARTS = 9 };

static void calls(const char *service, const char *key)
{
    struct service_client c;
    word_t w[4];
    must(service_init(&c, service, "", "", (struct service_quota){0, 0}), "handle");
    for (unsigned i = 0; i < SAMPLES + WARM; i++) {
        w[2] = i;
        w[3] = 1;
        u64 begin = rdtsc();
        error_t error = service_call_words(&c, COMPOSE_ADD, w);
        u64 end = rdtsc();
        must(error, service);
        samples[i % SAMPLES] = end - begin - overhead;
    }
    report(key, SAMPLES);
    service_close(&c);
}

static void sessions(void)
{
    for (unsigned i = 0; i < SAMPLES + WARM; i++) {
        struct service_client c;
        u64 begin = operation_begin("session_open_close");
        must(service_init(&c, "echo", "", "", (struct service_quota){4096, 0}), "handle");
        must(service_open(&c), "session");
        service_close(&c);
        samples[i % SAMPLES] = operation_end(begin);
    }
    report("session_open_close", SAMPLES);
}

// A session gets a page and a slot more, which its service learns; each time a new one.
static void upgrades(void)
{
    for (unsigned i = 0; i < SAMPLES + WARM; i++) {
        struct service_client c;
        must(service_init(&c, "echo", "", "", (struct service_quota){4096, 0}), "handle");
        must(service_open(&c), "session");
        u64 begin = operation_begin("session_upgrade");
        must(service_upgrade(&c, (struct service_quota){4096, 1}), "upgrade");
        samples[i % SAMPLES] = operation_end(begin);
        service_close(&c);
    }
    report("session_upgrade", SAMPLES);
}

static volatile u64 began;
static sel_t arrived;

static bool stamp(struct server_session *session, word_t w[4])
{
    (void)session;
    began = w[2];
    hc_sm_up(arrived);
    w[0] = SUCCESS;
    return true;
}

static error_t none(struct server_session *session, struct server_cpu *cpu, word_t operation,
                    struct msg *m)
{
    (void)session, (void)cpu, (void)operation, (void)m;
    return EPROTO;
}

static void starts(void)
{
    static struct server server;
    static const struct server_ops ops = {.fast = stamp, .dispatch = none};
    struct server_config config = {.name = "stamp", .sessions_max = 4, .ops = &ops};
    struct service_client control;
    arrived = selector_alloc();
    must(hc_create_sm(arrived, 0, SEL_PD), "semaphore");
    must(server_start(&server, &config), "service");
    must(service_init(&control, "init", "", "", (struct service_quota){0, 0}), "handle");
    must(service_open(&control), "init");
    for (unsigned i = 0; i < STARTS; i++) {
        (void)!control_kill(&control, "starter");
        u64 begin = rdtsc();
        (void)!control_start(&control, "starter");
        must(hc_sm_down(arrived, DEADLINE_NEVER), "start");
        samples[i] = began - begin;
        server_sweep(&server);
    }
    report("component_start", STARTS);
}

int main(void)
{
    u64 begin = rdtsc();
    overhead = rdtsc() - begin;
    calls("echo", "service_call");
    calls("count", "service_call_translated");
    sessions();
    upgrades();
    starts();
    print("bench: DONE\n");
    machine_exit(0);
    return 0;
}
