// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Composition from a child's point of view (001_5c4c3d5892c9ef36.txt; design sections 6 and 8).
#include "test/system/check.h"
#include "test/system/exit.h"
#include "lib/rt/address.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/control.h"
#include "lib/service/env.h"
#include "lib/service/server.h"
#include "test/system/compose_server/operations.h"
#include <libfdt.h>

enum { LIVES = 100, MANY_SESSIONS = 5000, WAIT_US = 5000000, GHOST_US = 3500000 };

static error_t open_quota(struct service_client *c, const char *name, const char *label, u64 ram)
{
    struct service_quota quota = {ram, 1 + hip()->cpu_count}; // a pseudonym, a portal a CPU
    error_t error = service_init(c, name, label, "", quota);
    c->fixed = true; // what is refused is to be seen
    if (!error && (error = service_open(c)))
        service_close(c);
    return error;
}

static error_t open(struct service_client *c, const char *name)
{
    return open_quota(c, name, "", 0);
}

struct info {
    word_t calls, sessions, ram, caps;
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
    i->caps = msg_get_word(&m);
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

static bool label_becomes(const char *label, const char *seen)
{
    struct service_client c;
    struct info i = {0};
    error_t error = open_quota(&c, "echo", label, 0);
    if (!error)
        error = info(&c, &i);
    service_close(&c);
    bool same = !error && !strcmp(i.label, seen);
    if (!same)
        print("  label \"%s\": %s, seen as \"%s\", expected \"%s\"\n", label, error_name(error),
              i.label, seen);
    return same;
}

// What the server sees: the route's words in place of the child's name, of the client's label, or
// of both.
static void routes_rewrite_parts_of_labels(void)
{
    CHECK(label_becomes("", "judge"));
    CHECK(label_becomes("other", "judge -> other"));
    CHECK(label_becomes("suffix", "judge -> back"));
    CHECK(label_becomes("suffixed", "judge -> suffixed")); // for_label is exact
    CHECK(label_becomes("pre", "front -> pre"));
    CHECK(label_becomes("prefixed", "front -> prefixed"));
    CHECK(label_becomes("pr", "judge -> pr"));
    CHECK(label_becomes("both", "front -> back"));
    CHECK(label_becomes("front -> back", "judge -> front -> back")); // nobody says it himself
}

static error_t trace_as(const char *label)
{
    struct service_client c;
    error_t error = open_quota(&c, "trace", label, 0);
    service_close(&c);
    return error;
}

// A service whose routes are all for some labels is denied to every other.
static void labels_without_a_route_are_denied(void)
{
    CHECK_EQ(trace_as("whole"), SUCCESS);
    CHECK_EQ(trace_as("part"), SUCCESS);
    CHECK_EQ(trace_as("parts"), SUCCESS);
    static const char *const denied[] = {"",      "par",  "whol",          "whole ", "wholes",
                                         " part", "PART", "judge -> part", "*"};
    for (unsigned i = 0; i < ARRAY_SIZE(denied); i++)
        CHECK_EQ(trace_as(denied[i]), EPERM);
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
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE, 7000), SUCCESS); // and the session's own price
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE, 1193 - SERVER_SESSION_BYTES), ERESOURCE);
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE, ~0ul), ERESOURCE);
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE, 1192 - SERVER_SESSION_BYTES), SUCCESS);
    service_close(&c);
    CHECK_EQ(env_quota(&after, &caps), SUCCESS);
    CHECK_EQ(after, before);
    CHECK_EQ(open_quota(&c, "echo", "", before + 1), ERESOURCE);
}

static struct service_quota left(void)
{
    struct service_quota q = {0, 0};
    (void)!env_quota(&q.ram, &q.caps);
    return q;
}

// A request that the session's account refuses is paid for by the client's library, as far as the
// client's own account goes; then its parent says who ran dry. Closing returns all of it.
static void exhausted_session_is_upgraded_and_goes_on(void)
{
    enum { MUCH = 100000, SLOTS = 30 };
    struct service_client c;
    struct info first, now;
    CHECK_EQ(open(&c, "echo"), SUCCESS); // so that all that is made once is made
    service_close(&c);
    struct service_quota before = left();
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    CHECK_EQ(info(&c, &first), SUCCESS);
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE, MUCH), ERESOURCE);
    c.fixed = false;
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE, MUCH), SUCCESS);
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE_CAPS, SLOTS), SUCCESS);
    CHECK_EQ(info(&c, &now), SUCCESS);
    CHECK(now.ram >= first.ram + MUCH - SESSION_RAM_LEAST && now.caps >= first.caps + SLOTS);
    CHECK_EQ(now.calls, first.calls); // it is the same session
    CHECK(left().ram <= before.ram - MUCH && left().caps <= before.caps - SLOTS);
    // More than there is: the least that would do is asked for, and refused, and nothing changes.
    struct service_quota middle = left();
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE, before.ram), ERESOURCE);
    CHECK_EQ(service_call1(&c, COMPOSE_CHARGE_CAPS, 100000), ERESOURCE);
    CHECK_EQ(service_upgrade(&c, (struct service_quota){middle.ram + 1, 0}), ERESOURCE);
    CHECK(left().ram == middle.ram && left().caps == middle.caps);
    // All that is left, to the last byte.
    CHECK_EQ(service_upgrade(&c, (struct service_quota){middle.ram, 0}), SUCCESS);
    CHECK_EQ(left().ram, 0);
    service_close(&c);
    CHECK(left().ram == before.ram && left().caps == before.caps);
}

// UPGRADE at the service moves nothing: it asks the parent, and believes no client.
static void upgrades_are_the_parents_word(void)
{
    struct service_client c;
    struct info first, now;
    struct msg m;
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    CHECK_EQ(info(&c, &first), SUCCESS);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(service_call2(&c, SERVICE_UPGRADE, 1 << 20, 100), SUCCESS);
    CHECK_EQ(info(&c, &now), SUCCESS);
    CHECK(now.ram == first.ram && now.caps == first.caps);
    CHECK_EQ(service_upgrade(&c, (struct service_quota){4096, 3}), SUCCESS);
    for (unsigned i = 0; i < 3; i++) // told again, it counts once
        CHECK_EQ(service_call0(&c, SERVICE_UPGRADE), SUCCESS);
    CHECK_EQ(info(&c, &now), SUCCESS);
    CHECK(now.ram == first.ram + 4096 && now.caps == first.caps + 3);
    // Nonsense, at the parent.
    const word_t wrong[][4] = {{0, 0, 1, 0}, {0, 0, 0, 1}, {~0ul, 0, ~0ul, 0}, {0, ~0ul, 0, ~0ul}};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        msg_begin(&m);
        msg_put_word(&m, PARENT_UPGRADE);
        msg_put_word(&m, 0);
        for (unsigned k = 0; k < 4; k++)
            msg_put_word(&m, wrong[i][k]);
        msg_put_item(&m, item_translate(crd(CRD_OBJ, c.base + CLIENT_PSEUDONYM, 0, RIGHT_ALL)));
        CHECK_EQ(parent_call(&m), i < 2 ? EPROTO : ERESOURCE);
    }
    CHECK_EQ(ask_parent(PARENT_UPGRADE, &c), EPROTO); // no numbers
    service_close(&c);
}

// A server that has not let go of what it got owes it; nobody else pays; when it can, it does.
static void a_server_that_keeps_slots_owes_them(void)
{
    enum { SLOTS = 50 };
    struct service_client a, b;
    struct service_quota before = left();
    CHECK_EQ(open(&a, "count"), SUCCESS);
    CHECK_EQ(open(&b, "echo"), SUCCESS);
    struct service_quota with = left();
    CHECK_EQ(service_upgrade(&b, (struct service_quota){0, SLOTS}), SUCCESS);
    CHECK_EQ(left().caps, with.caps - SLOTS);
    CHECK_EQ(service_call0(&a, COMPOSE_HOARD), SUCCESS);
    service_close(&b); // its semaphores stand where the slots are
    struct service_quota owed = left();
    CHECK(owed.caps < before.caps - SLOTS / 2);
    CHECK_EQ(service_call0(&a, COMPOSE_LET_GO), SUCCESS);
    service_close(&a);
    CHECK_EQ(open(&a, "count"), SUCCESS); // at the next occasion
    service_close(&a);
    CHECK(left().ram == before.ram && left().caps == before.caps);
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

static bool reaches(struct service_client *control, const char *name, enum child_state state,
                    u32 restarts)
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

// No number bounds the sessions, but the client's account does; others are not concerned by it.
static void sessions_run_out_and_come_back(void)
{
    static struct service_client c[600], control;
    unsigned opened = 0;
    error_t error = SUCCESS;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(control_kill(&control, "host"), SUCCESS);
    while (opened < ARRAY_SIZE(c) && !(error = open(&c[opened], "echo")))
        opened++;
    CHECK(error == ERESOURCE || error == EMEM); // slots to donate, or to put ours into
    CHECK(opened > 64);
    CHECK_EQ(control_start(&control, "host"), SUCCESS); // another's life begins as usual
    CHECK(reaches(&control, "host", CHILD_RUNNING, 0));
    while (opened)
        service_close(&c[--opened]);
    service_close(&control);
    CHECK_EQ(open(&c[0], "echo"), SUCCESS);
    struct info i = {0};
    for (u64 end = deadline_in_us(5000000); i.sessions != 1 && rdtsc() < end;)
        CHECK_EQ(info(&c[0], &i), SUCCESS); // the last may be under way on another CPU
    CHECK_EQ(i.sessions, 1);
    service_close(&c[0]);
}

// Opened and closed again and again: no figure moves. `make soak` does it a million times.
static void many_sessions_leave_nothing(void)
{
    u64 rounds = MANY_SESSIONS;
    const char *line = hip()->cmdline;
    if (!strncmp(line, "soak=", 5)) {
        rounds = 0;
        for (line += 5; *line >= '0' && *line <= '9'; line++)
            rounds = rounds * 10 + (u64)(*line - '0');
    }
    struct service_client c;
    struct service_quota before = left();
    for (u64 i = 0; i < rounds; i++) {
        CHECK_EQ(open_quota(&c, i % 2 ? "echo" : "count", "", i % 3 * 4096), SUCCESS);
        service_close(&c);
    }
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    service_close(&c);
    CHECK(left().ram == before.ram && left().caps == before.caps);
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

// By hand, so that no back-off holds it up, unless that is over already.
static error_t kill_and_start(struct service_client *control, const char *name)
{
    error_t error = control_kill(control, name);
    if (!error)
        error = control_start(control, name);
    return error == EINUSE ? SUCCESS : error;
}

static void control_is_checked(void)
{
    struct service_client control;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(control_kill(&control, "nobody"), ENOTFOUND);
    CHECK_EQ(control_start(&control, "server"), EINUSE);
    CHECK_EQ(control_start(&control, "too_large"), ENOTFOUND);
    CHECK_EQ(control_kill(&control, "no_binary"), ENOTFOUND);
    CHECK_EQ(service_call0(&control, 999), EPROTO);
    service_close(&control);
}

// Killed and started a hundred times: its figures are those of its first life again, and so are
// init's own, which would otherwise not be able to start it.
static void a_hundred_lives_leak_nothing(void)
{
    struct service_client control, c;
    struct control_child first, now;
    word_t w[4] = {0, 0, 1, 2};
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    CHECK_EQ(control_find(&control, "server", &first), SUCCESS);
    for (u32 i = 1; i <= LIVES; i++) {
        CHECK_EQ(kill_and_start(&control, "server"), SUCCESS);
        CHECK(reaches(&control, "server", CHILD_RUNNING, first.restarts + i));
    }
    error_t error = service_call_words(&c, COMPOSE_ADD, w);
    if (error == EABORT)
        error = service_call_words(&c, COMPOSE_ADD, w);
    CHECK_EQ(error, SUCCESS);
    CHECK_EQ(control_find(&control, "server", &now), SUCCESS);
    CHECK(now.ram_used > 0 && now.ram_used <= first.ram_high);
    CHECK(now.caps_used <= first.caps_used + 8);
    service_close(&c);
    service_close(&control);
}

// Whether what init and its children have and what is free make up what init was given, and the
// slots of all domains what there ever were.
static bool adds_up(struct service_client *control, u64 slots)
{
    struct control_usage u;
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(1000)) {
        if (control_usage(control, &u) || u.ram_own + u.ram_children + u.ram_left != u.ram_limit)
            return false; // never, not even for a moment
        if (u.parent_slots + u.slots_limit + u.children_slots == slots)
            return true; // a domain that has just ended has some for a moment
    }
    return false;
}

static void accounts_add_up_to_the_machine(void)
{
    struct service_client control, c;
    struct control_usage u;
    struct control_child server;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(control_usage(&control, &u), SUCCESS);
    CHECK(u.ram_limit < u.parent_ram && u.system_ram < u.parent_ram);
    const u64 slots = 8 * SEL_LIMIT; // the kernel's
    CHECK(adds_up(&control, slots));
    for (unsigned i = 0; i < 10; i++) {
        CHECK_EQ(open_quota(&c, i % 2 ? "echo" : "count", "", 65536 * i), SUCCESS);
        c.fixed = false;
        CHECK_EQ(service_call1(&c, COMPOSE_CHARGE_CAPS, 20), SUCCESS);
        CHECK(adds_up(&control, slots));
        CHECK_EQ(control_find(&control, "server", &server), SUCCESS);
        CHECK_EQ(kill_and_start(&control, "server"), SUCCESS);
        CHECK(reaches(&control, "server", CHILD_RUNNING, server.restarts + 1));
        CHECK(adds_up(&control, slots));
        service_close(&c);
        CHECK(adds_up(&control, slots));
    }
    service_close(&control);
}

// What a component used at most, and what it was refused, in words; and what would do.
static void quotas_are_told(void)
{
    struct service_client control, c;
    struct control_quota first, q;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(control_quota(&control, "nobody", &q), ENOTFOUND);
    CHECK_EQ(control_quota(&control, "judge", &first), SUCCESS);
    CHECK(first.ram.used && first.ram.most >= first.ram.used && first.ram.most <= 4 << 20);
    CHECK(first.caps.used && first.caps.most >= first.caps.used && first.caps.most <= 1000);
    CHECK_EQ(open_quota(&c, "echo", "", 5 << 20), ERESOURCE);
    CHECK_EQ(control_quota(&control, "judge", &q), SUCCESS);
    CHECK_EQ(q.refusals, first.refusals + 1);
    CHECK(q.ram.refused > 5 << 20 && control_suggest_ram(&q) >= q.ram.refused);
    CHECK(!strncmp(q.last, "session \"echo\" wants 5121Kb more of ram, ", 41));
    CHECK_EQ(control_quota(&control, "no_binary", &q), SUCCESS);
    CHECK(!q.refusals && !q.last[0] && !q.ram.most);
    service_close(&control);
}

static void children_end_as_they_should(void)
{
    struct service_client control;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(control_start(&control, "victim"), SUCCESS);
        pause_us(200000); // it runs, calls, and is killed
        CHECK(reaches(&control, "victim", CHILD_STOPPED, 0));
    }
    CHECK(reaches(&control, "heartless", CHILD_FAILED,
                  2)); // no heartbeat, twice again, then given up
    CHECK(reaches(&control, "lonely", CHILD_RUNNING, 0)); // waits
    CHECK(reaches(&control, "bounded", CHILD_EXITED, 0)); // its main says what it checks
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
    struct control_child server;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(open(&shared, "echo"), SUCCESS);
    for (unsigned i = 0; i < hip()->cpu_count; i++)
        CHECK_EQ(thread_create(&t[i], i, 30, "caller", call_while_it_dies, NULL), SUCCESS);
    for (unsigned i = 0; i < 10; i++) {
        CHECK_EQ(control_find(&control, "server", &server), SUCCESS);
        if (!kill_and_start(&control, "server"))
            CHECK(reaches(&control, "server", CHILD_RUNNING, server.restarts + 1));
    }
    for (unsigned i = 0; i < hip()->cpu_count; i++)
        thread_join(&t[i]);
    CHECK_EQ(strange, 0);
    service_close(&shared);
    service_close(&control);
}

int main(void)
{
    RUN(calls_by_session_portal);
    RUN(calls_by_translated_session);
    RUN(two_sessions_are_apart);
    RUN(singleton_allows_one);
    RUN(routes_label_and_argue);
    RUN(routes_rewrite_parts_of_labels);
    RUN(labels_without_a_route_are_denied);
    RUN(no_route_no_session);
    RUN(pseudonyms_belong_to_two);
    RUN(only_what_is_configured_is_offered);
    RUN(server_may_refuse);
    RUN(donated_quota_is_the_limit);
    RUN(exhausted_session_is_upgraded_and_goes_on);
    RUN(upgrades_are_the_parents_word);
    RUN(a_server_that_keeps_slots_owes_them);
    RUN(what_nobody_takes_is_dropped);
    RUN(delegated_dataspaces_are_shared_memory);
    RUN(sessions_run_out_and_come_back);
    RUN(many_sessions_leave_nothing);
    RUN(service_dies_and_comes_back);
    RUN(control_is_checked);
    RUN(config_is_ones_own);
    RUN(a_hundred_lives_leak_nothing);
    RUN(all_cpus_call_at_once);
    RUN(threads_survive_a_dying_server);
    RUN(accounts_add_up_to_the_machine);
    RUN(quotas_are_told);
    RUN(children_end_as_they_should);
    pause_us(GHOST_US); // until init has said who waits
    TESTS_DONE();
    machine_exit(tests_failed != 0);
    return 0;
}
