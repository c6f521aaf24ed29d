// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Composition from a child's point of view (001_5c4c3d5892c9ef36.txt; design sections 6 and 8).
#include "test/system/check.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "lib/service/server.h"
#include "test/system/compose_server/operations.h"
#include <libfdt.h>

enum { EXIT_PORT = 0xf4, LIVES = 100, PSEUDONYMS = 64, WAIT_US = 5000000, GHOST_US = 3500000 };

static error_t open_quota(struct service_client *c, const char *name, const char *label, u64 ram)
{
    error_t error = service_init(c, name, label, "", (struct service_quota){ram, 0});
    if (!error && (error = service_open(c)))
        service_close(c);
    return error;
}

static error_t open(struct service_client *c, const char *name)
{
    return open_quota(c, name, "", 0);
}

struct info {
    word_t calls, sessions, ram;
    char label[SERVICE_LABEL_MAX], args[SERVICE_ARGS_MAX];
};

static error_t info(struct service_client *c, struct info *i)
{
    struct msg m;
    service_begin(c, &m, COMPOSE_INFO);
    error_t error = service_call(c, &m);
    i->calls = msg_get_word(&m);
    i->sessions = msg_get_word(&m);
    i->ram = msg_get_word(&m);
    msg_get_string(&m, i->label, sizeof(i->label));
    msg_get_string(&m, i->args, sizeof(i->args));
    return error ? error : msg_error(&m);
}

static void pause_us(u64 us)
{
    static sel_t never = SEL_NONE;
    if (never == SEL_NONE) {
        never = selector_alloc();
        (void)!hc_create_sm(never, 0, SEL_PD);
    }
    (void)!hc_sm_down(never, deadline_in_us(us));
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

static void routes_label_and_argue(void)
{
    struct service_client c;
    struct info i;
    CHECK_EQ(open_quota(&c, "echo", "mine", 0), SUCCESS);
    CHECK_EQ(info(&c, &i), SUCCESS);
    CHECK(!strcmp(i.label, "judge -> mine") && !i.args[0]);
    service_close(&c);
    CHECK_EQ(open_quota(&c, "echo", "renamed", 0), SUCCESS);
    CHECK_EQ(info(&c, &i), SUCCESS);
    CHECK(!strcmp(i.label, "another name") && !strcmp(i.args, "from the route"));
    service_close(&c);
}

static void no_route_no_session(void)
{
    struct service_client c;
    CHECK_EQ(open(&c, "irq"), EPERM);
    CHECK_EQ(open(&c, "nonsense"), EPERM);
    struct io_mem memory;
    CHECK_EQ(io_mem_open(&memory, 0xfed00000, 4096, false), EPERM);
}

static error_t ask_parent(word_t operation, struct service_client *c)
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

static void donated_quota_is_the_limit(void)
{
    struct service_client c;
    struct info i;
    u64 before, after, caps;
    CHECK_EQ(env_quota(&before, &caps), SUCCESS);
    CHECK_EQ(open_quota(&c, "echo", "", 8192), SUCCESS);
    CHECK_EQ(info(&c, &i), SUCCESS);
    CHECK_EQ(i.ram, 8192);
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE, 8000), SUCCESS);
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE, 193), ERESOURCE);
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE, ~0ul), ERESOURCE);
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE, 192), SUCCESS);
    service_close(&c);
    CHECK_EQ(env_quota(&after, &caps), SUCCESS);
    CHECK_EQ(after, before);
    CHECK_EQ(open_quota(&c, "echo", "", before + 1), ERESOURCE);
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

static void sessions_run_out_and_come_back(void)
{
    static struct service_client c[80];
    unsigned opened = 0;
    error_t error = SUCCESS;
    while (opened < ARRAY_SIZE(c) && !(error = open(&c[opened], "echo")))
        opened++;
    CHECK_EQ(error, ERESOURCE);
    CHECK(opened <= PSEUDONYMS);
    for (unsigned i = 0; i < opened; i++)
        service_close(&c[i]);
    CHECK_EQ(open(&c[0], "echo"), SUCCESS);
    struct info i;
    CHECK_EQ(info(&c[0], &i), SUCCESS);
    CHECK_EQ(i.sessions, 1);
    service_close(&c[0]);
}

// A crash is seen once, by who was in the call; then all works again.
static void crash_once(struct service_client *c)
{
    word_t w[4] = {0, 0, 1, 2};
    CHECK_EQ(service_call1(c, COMPOSE_CRASH, 64), EABORT);
    CHECK_EQ(service_call_words(c, COMPOSE_ADD, w), SUCCESS);
    CHECK_EQ(w[1], 3);
    CHECK_EQ(w[2], 1); // a new life
}

static void service_dies_and_comes_back(void)
{
    struct service_client c;
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    for (unsigned i = 0; i < 5; i++)
        crash_once(&c);
    service_close(&c);
    CHECK_EQ(open(&c, "count"), SUCCESS);
    for (unsigned i = 0; i < 3; i++)
        crash_once(&c);
    service_close(&c);
}

// The server's row in init's list.
static error_t server_row(struct service_client *control, word_t *state, u64 *ram, u64 *caps)
{
    struct msg m;
    char name[64];
    service_begin(control, &m, INIT_LIST);
    msg_put_word(&m, 0);
    error_t error = service_call(control, &m);
    if (error)
        return error;
    (void)msg_get_word(&m);
    for (word_t count = msg_get_word(&m); count > 0; count--) {
        *state = msg_get_word(&m);
        *ram = msg_get_word(&m);
        (void)msg_get_word(&m);
        *caps = msg_get_word(&m);
        (void)msg_get_word(&m);
        (void)msg_get_word(&m);
        msg_get_string(&m, name, sizeof(name));
        if (!strcmp(name, "server"))
            return msg_error(&m);
    }
    return ENOTFOUND;
}

static error_t control_call(struct service_client *control, word_t operation, const char *name)
{
    struct msg m;
    service_begin(control, &m, operation);
    msg_put_string(&m, name);
    return service_call(control, &m);
}

// Waits until init has started it anew.
static bool server_lives(struct service_client *control, u64 *ram, u64 *caps, word_t restarts)
{
    word_t state = 0;
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(1000)) {
        if (server_row(control, &state, ram, caps))
            return false;
        if ((state & 0xffffffff) == CHILD_RUNNING && state >> 32 >= restarts)
            return true;
    }
    return false;
}

static void control_is_checked(void)
{
    struct service_client control;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(control_call(&control, INIT_KILL, "nobody"), ENOTFOUND);
    CHECK_EQ(control_call(&control, INIT_START, "server"), EINUSE);
    CHECK_EQ(control_call(&control, INIT_START, "too_large"), ENOTFOUND);
    CHECK_EQ(control_call(&control, INIT_KILL, "no_binary"), ENOTFOUND);
    CHECK_EQ(control_call(&control, 999, "server"), EPROTO);
    service_close(&control);
}

// Killed and started a hundred times: its figures are those of its first life again, and so are
// init's own, which would otherwise not be able to start it.
static void a_hundred_lives_leak_nothing(void)
{
    struct service_client control, c;
    u64 ram, caps, first_ram, first_caps;
    word_t state, w[4] = {0, 0, 1, 2};
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    CHECK_EQ(server_row(&control, &state, &first_ram, &first_caps), SUCCESS);
    word_t restarts = state >> 32;
    for (word_t i = 1; i <= LIVES; i++) {
        // By hand, so that no back-off holds it up.
        CHECK_EQ(control_call(&control, INIT_KILL, "server"), SUCCESS);
        CHECK_EQ(control_call(&control, INIT_START, "server"), SUCCESS);
        CHECK(server_lives(&control, &ram, &caps, restarts + i));
    }
    error_t error = service_call_words(&c, COMPOSE_ADD, w);
    if (error == EABORT)
        error = service_call_words(&c, COMPOSE_ADD, w);
    CHECK_EQ(error, SUCCESS);
    CHECK_EQ(server_row(&control, &state, &ram, &caps), SUCCESS);
    CHECK_EQ(ram, first_ram);
    CHECK(caps <= first_caps + 8);
    service_close(&c);
    service_close(&control);
}

static error_t row_of(struct service_client *control, const char *wanted, word_t *state)
{
    struct msg m;
    char name[64];
    service_begin(control, &m, INIT_LIST);
    msg_put_word(&m, 0);
    error_t error = service_call(control, &m);
    (void)msg_get_word(&m);
    for (word_t count = msg_get_word(&m); count > 0 && !error; count--) {
        *state = msg_get_word(&m);
        for (unsigned i = 0; i < 5; i++)
            (void)msg_get_word(&m);
        msg_get_string(&m, name, sizeof(name));
        error = msg_error(&m);
        if (!strcmp(name, wanted))
            return error;
    }
    return error ? error : ENOTFOUND;
}

static bool reaches(struct service_client *control, const char *name, enum child_state state,
                    u32 restarts)
{
    word_t found = 0;
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
        if (row_of(control, name, &found))
            return false;
        if ((found & 0xffffffff) == state && found >> 32 >= restarts)
            return true;
    }
    return false;
}

static void children_end_as_they_should(void)
{
    struct service_client control;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(control_call(&control, INIT_START, "victim"), SUCCESS);
        pause_us(200000); // it runs, calls, and is killed
        CHECK(reaches(&control, "victim", CHILD_STOPPED, 0));
    }
    CHECK(reaches(&control, "heartless", CHILD_FAILED,
                  2)); // no heartbeat, twice again, then given up
    CHECK(reaches(&control, "lonely", CHILD_RUNNING, 0)); // waits
    CHECK(reaches(&control, "no_binary", CHILD_FAILED, 0));
    CHECK(reaches(&control, "no_caps", CHILD_FAILED, 0));
    CHECK(reaches(&control, "no_kmem", CHILD_FAILED, 0));
    CHECK(reaches(&control, "too_small", CHILD_FAILED, 0));
    CHECK(reaches(&control, "too_large", CHILD_FAILED, 0));
    CHECK(reaches(&control, "broken", CHILD_FAILED, 0));
    // The server learned that its client is dead, without anybody opening anything.
    struct service_client c;
    struct info i = {0};
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    for (u64 end = deadline_in_us(WAIT_US); i.sessions != 1 && rdtsc() < end; pause_us(5000))
        CHECK_EQ(info(&c, &i), SUCCESS);
    CHECK_EQ(i.sessions, 1);
    service_close(&c);
    CHECK_EQ(parent_request_kill("server"), EPERM); // a sibling's end is not ours to ask for
    service_close(&control);
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

static volatile u32 errors;
static void hammer(void *argument)
{
    (void)argument;
    struct service_client c;
    for (unsigned round = 0; round < 20; round++) {
        if (open(&c, "echo")) {
            errors++;
            continue;
        }
        for (word_t i = 1; i <= 50; i++) {
            word_t w[4] = {0, 0, i, i};
            error_t error = service_call_words(&c, COMPOSE_ADD, w);
            errors += error || w[1] != 2 * i;
        }
        service_close(&c);
    }
}

static void all_cpus_call_at_once(void)
{
    struct thread t[MAX_CPUS];
    errors = 0;
    for (unsigned i = 0; i < hip()->cpu_count; i++)
        CHECK_EQ(thread_create(&t[i], i, 30, "hammer", hammer, NULL), SUCCESS);
    for (unsigned i = 0; i < hip()->cpu_count; i++)
        thread_join(&t[i]);
    CHECK_EQ(errors, 0);
}

static struct service_client shared;
static volatile u32 strange;
static void call_while_it_dies(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 300; i++) {
        word_t w[4] = {0, 0, i, 1};
        error_t error = service_call_words(&shared, COMPOSE_ADD, w);
        if (error == EABORT)
            continue;
        strange += error || w[1] != i + 1;
    }
}

// Threads of all CPUs share one session while its server is killed again and again.
static void threads_survive_a_dying_server(void)
{
    struct service_client control;
    struct thread t[MAX_CPUS];
    u64 ram, caps;
    word_t state = 0;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(open(&shared, "echo"), SUCCESS);
    for (unsigned i = 0; i < hip()->cpu_count; i++)
        CHECK_EQ(thread_create(&t[i], i, 30, "caller", call_while_it_dies, NULL), SUCCESS);
    for (unsigned i = 0; i < 10; i++) {
        CHECK_EQ(server_row(&control, &state, &ram, &caps), SUCCESS);
        if (!control_call(&control, INIT_KILL, "server")) {
            (void)!control_call(&control, INIT_START, "server");
            CHECK(server_lives(&control, &ram, &caps, (state >> 32) + 1));
        }
    }
    for (unsigned i = 0; i < hip()->cpu_count; i++)
        thread_join(&t[i]);
    CHECK_EQ(strange, 0);
    service_close(&shared);
    service_close(&control);
}

int main(void)
{
    struct io_port port;
    RUN(calls_by_session_portal);
    RUN(calls_by_translated_session);
    RUN(two_sessions_are_apart);
    RUN(singleton_allows_one);
    RUN(routes_label_and_argue);
    RUN(no_route_no_session);
    RUN(pseudonyms_belong_to_two);
    RUN(only_what_is_configured_is_offered);
    RUN(server_may_refuse);
    RUN(donated_quota_is_the_limit);
    RUN(what_nobody_takes_is_dropped);
    RUN(sessions_run_out_and_come_back);
    RUN(service_dies_and_comes_back);
    RUN(control_is_checked);
    RUN(config_is_ones_own);
    RUN(a_hundred_lives_leak_nothing);
    RUN(all_cpus_call_at_once);
    RUN(threads_survive_a_dying_server);
    RUN(children_end_as_they_should);
    pause_us(GHOST_US); // until init has said who waits
    TESTS_DONE();
    if (!io_port_open(&port, EXIT_PORT, 4))
        __asm__ volatile("outl %0, %1" ::"a"(tests_failed ? 1 : 0), "d"((u16)EXIT_PORT));
    return 0;
}
