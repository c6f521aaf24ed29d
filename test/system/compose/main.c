// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Composition from a child's point of view (001_5c4c3d5892c9ef36.txt; design sections 6 and 8).
#include "test/system/check.h"
#include "test/system/compose/compose.h"
#include "test/system/exit.h"
#include "test/system/says.h"
#include "lib/rt/address.h"
#include "lib/service/server.h"
#include <libfdt.h>

error_t open_quota(struct service_client *c, const char *name, const char *label, u64 ram)
{
    struct service_quota quota = {ram, 1 + hip()->cpu_count}; // a pseudonym, a portal a CPU
    error_t error = service_init(c, name, label, "", quota);
    c->fixed = true; // what is refused is to be seen
    if (!error && (error = service_open(c)))
        service_close(c);
    return error;
}

error_t open(struct service_client *c, const char *name)
{
    return open_quota(c, name, "", 0);
}

error_t info(struct service_client *c, struct info *i)
{
    struct msg m;
    service_begin(c, &m, COMPOSE_INFO);
    error_t error = service_call(c, &m);
    i->calls = msg_get_word(&m);
    i->sessions = msg_get_word(&m);
    i->ram = msg_get_word(&m);
    i->caps = msg_get_word(&m);
    msg_get_string(&m, i->label, sizeof(i->label));
    msg_get_string(&m, i->args, sizeof(i->args));
    return error ? error : msg_error(&m);
}

bool reaches(struct service_client *control, const char *name, enum child_state state, u32 restarts)
{
    struct control_child child;
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(1000)) {
        if (control_find(control, name, &child))
            return false;
        if (child.state == state && child.restarts >= restarts)
            return true;
    }
    return false;
}

static void calls_by_session_portal(void)
{
    struct service_client c;
    CHECK_EQ(service_init(&c, "echo", "", "", (struct service_quota){0, 0}), SUCCESS);
    for (word_t i = 1; i <= 10; i++) {
        word_t w[4] = {0, 0, i, 1000};
        CHECK_EQ(service_call_words(&c, COMPOSE_ADD, w), SUCCESS);
        CHECK_EQ(w[1], i + 1000);
        CHECK_EQ(w[2], i);
    }
    service_close(&c);
}

static void calls_by_translated_session(void)
{
    struct service_client c;
    CHECK_EQ(open(&c, "count"), SUCCESS);
    for (word_t i = 1; i <= 10; i++) {
        word_t w[4] = {0, 0, i, 5};
        CHECK_EQ(service_call_words(&c, COMPOSE_ADD, w), SUCCESS);
        CHECK_EQ(w[1], i + 5);
        CHECK_EQ(w[2], i);
    }
    service_close(&c);
}

static void two_sessions_are_apart(void)
{
    struct service_client a, b;
    struct info ia, ib;
    CHECK_EQ(open(&a, "echo"), SUCCESS);
    CHECK_EQ(open(&b, "echo"), SUCCESS);
    word_t w[4] = {0};
    CHECK_EQ(service_call_words(&a, COMPOSE_ADD, w), SUCCESS);
    CHECK_EQ(info(&a, &ia), SUCCESS);
    CHECK_EQ(info(&b, &ib), SUCCESS);
    CHECK_EQ(ia.calls, 1);
    CHECK_EQ(ib.calls, 0);
    service_close(&a);
    CHECK_EQ(info(&b, &ib), SUCCESS);
    CHECK_EQ(ib.sessions, 1);
    service_close(&b);
}

static void singleton_allows_one(void)
{
    struct service_client a, b;
    CHECK_EQ(open(&a, "count"), SUCCESS);
    CHECK_EQ(service_call0(&a, SERVICE_CLOSE), SUCCESS); // the session alone, not the pseudonym
    CHECK_EQ(open(&b, "count"), SUCCESS);
    service_close(&a);
    service_close(&b);
    CHECK_EQ(open(&a, "count"), SUCCESS);
    CHECK_EQ(open(&b, "count"), EINUSE);
    service_close(&a);
    CHECK_EQ(open(&b, "count"), SUCCESS);
    service_close(&b);
}

static void no_route_no_session(void)
{
    struct service_client c;
    CHECK_EQ(open(&c, "irq"), EPERM);
    CHECK_EQ(open(&c, "nonsense"), EPERM);
    struct io_mem memory;
    CHECK_EQ(io_mem_open(&memory, 0xfed00000, 4096, false), EPERM);
}

error_t ask_parent(word_t operation, struct service_client *c)
{
    struct msg m;
    msg_begin(&m);
    msg_put_word(&m, operation);
    msg_put_word(&m, 0);
    if (operation == PARENT_REQ_KILL)
        msg_put_string(&m, "");
    if (operation == PARENT_SINGLETON)
        msg_put_word(&m, 0);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, c->base + CLIENT_PSEUDONYM, 0, RIGHT_ALL)));
    return parent_call(&m);
}

// What only the service may ask about a client, the client may not; and the other way round.
static void pseudonyms_belong_to_two(void)
{
    struct service_client c;
    word_t w[4] = {0};
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    CHECK_EQ(ask_parent(PARENT_GET_QUOTA, &c), EPERM);
    CHECK_EQ(ask_parent(PARENT_SINGLETON, &c), EPERM);
    CHECK_EQ(ask_parent(PARENT_REQ_KILL, &c), ENOTFOUND);
    CHECK_EQ(service_call_words(&c, COMPOSE_STEAL, w), SUCCESS);
    CHECK_EQ(w[1], ENOTFOUND);
    CHECK_EQ(service_call_words(&c, COMPOSE_ADD, w), SUCCESS);
    service_close(&c);
}

static error_t no_dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                           struct msg *m)
{
    (void)session, (void)cpu, (void)operation, (void)m;
    return EPROTO;
}

static void only_what_is_configured_is_offered(void)
{
    static struct server server;
    static const struct server_ops ops = {.dispatch = no_dispatch};
    struct server_config config = {.name = "echo", .sessions_max = 4, .ops = &ops};
    for (unsigned i = 0; i < 20; i++) // and a failure leaves nothing behind
        CHECK_EQ(server_start(&server, &config), EPERM);
}

static void server_may_refuse(void)
{
    struct service_client c;
    CHECK_EQ(service_init(&c, "echo", "", "refuse", (struct service_quota){0, 0}), SUCCESS);
    CHECK_EQ(service_open(&c), EPERM);
    service_close(&c);
}

static void what_nobody_takes_is_dropped(void)
{
    struct service_client c;
    struct msg m;
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    CHECK_EQ(service_call0(&c, COMPOSE_TAKE), EPROTO); // there is nothing
    for (unsigned i = 0; i < 50; i++) {
        service_begin(&c, &m, i % 2 ? (word_t)COMPOSE_TAKE : (word_t)COMPOSE_INFO);
        msg_put_item(&m, item_delegate(crd(CRD_OBJ, SEL_IDENTITY, 0, 0), 0, 0));
        CHECK_EQ(service_call(&c, &m), SUCCESS);
    }
    service_close(&c);
}

// Two components that know nothing of each other but a session: one delegates a dataspace to the
// other, and they have memory in common, until its owner frees it.
static void delegated_dataspaces_are_shared_memory(void)
{
    struct service_client c;
    struct msg m;
    sel_t ds;
    word_t w[4] = {0};
    volatile u64 *here = (volatile u64 *)address_alloc(PAGE_SIZE);
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    CHECK_EQ(dataspace_alloc(PAGE_SIZE, 0, &ds), SUCCESS);
    CHECK_EQ(dataspace_attach(ds, (void *)here, PAGE_SIZE, 0), SUCCESS);
    here[0] = 77;
    service_begin(&c, &m, COMPOSE_SHARE);
    msg_put_item(&m, item_delegate(crd(CRD_OBJ, ds, 0, RIGHT_ALL), 0, 0));
    CHECK_EQ(service_call(&c, &m), SUCCESS);
    CHECK_EQ(here[1], ~77ul);
    here[0] = 78;
    CHECK_EQ(service_call_words(&c, COMPOSE_SEEN, w), SUCCESS);
    CHECK_EQ(w[1], true);
    CHECK_EQ(w[2], 78);
    dataspace_free(ds);
    w[2] = w[3] = 0;
    CHECK_EQ(service_call_words(&c, COMPOSE_SEEN, w), SUCCESS);
    CHECK_EQ(w[1], false); // gone from there too
    address_free((word_t)here, PAGE_SIZE);
    service_close(&c);
}

static void config_is_ones_own(void)
{
    struct rom rom;
    int length;
    CHECK_EQ(rom_open(&rom, "config"), SUCCESS);
    CHECK_EQ(fdt_check_header(rom.data), 0);
    const char *greeting = fdt_getprop(rom.data, 0, "greeting", &length);
    CHECK(greeting && !strcmp(greeting, "hello"));
    CHECK(fdt_subnode_offset(rom.data, 0, "nested") > 0);
    CHECK(!fdt_getprop(rom.data, 0, "ram", &length)); // nothing else of the file
    rom_close(&rom);
}

// Who waits for ever for what nobody offers is told of, once.
static void who_waits_in_vain_is_told(void)
{
    struct service_client reader;
    u64 position = 0;
    CHECK_EQ(service_init(&reader, "log", "", "read", (struct service_quota){0, 0}), SUCCESS);
    CHECK(log_says(&reader, &position, "child \"lonely\": waits for service \"ghost\"", WAIT_US));
    service_close(&reader);
}

int main(void)
{
    peaks_tests();
    RUN(calls_by_session_portal);
    RUN(calls_by_translated_session);
    RUN(two_sessions_are_apart);
    RUN(singleton_allows_one);
    RUN(no_route_no_session);
    RUN(pseudonyms_belong_to_two);
    RUN(only_what_is_configured_is_offered);
    RUN(server_may_refuse);
    RUN(what_nobody_takes_is_dropped);
    RUN(delegated_dataspaces_are_shared_memory);
    RUN(config_is_ones_own);
    routes_tests();
    accounts_tests();
    upgrades_tests();
    races_tests();
    lives_tests();
    sums_tests();
    RUN(who_waits_in_vain_is_told);
    TESTS_DONE();
    machine_exit(tests_failed != 0);
    return 0;
}
