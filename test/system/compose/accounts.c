// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Who pays for a session, what happens when an account is empty, and that all figures add up.
#include "test/system/compose/compose.h"
#include "test/system/check.h"
#include "test/system/wait.h"
#include "lib/rt/string.h"
#include "lib/service/env.h"
#include "lib/service/server.h"

enum { MANY_SESSIONS = 5000 };

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
        parent_begin(&m, PARENT_UPGRADE);
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
    for (u64 end = deadline_in_us(WAIT_US); i.sessions != 1 && rdtsc() < end; pause_us(1000))
        CHECK_EQ(info(&c[0], &i), SUCCESS); // the last may be under way on another CPU
    CHECK_EQ(i.sessions, 1);
    service_close(&c[0]);
}

// What init tells of a child's sessions follows their opening and closing.
static void sessions_are_counted(void)
{
    struct service_client control, c[3];
    struct control_child before, with, after;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(control_find(&control, "judge", &before), SUCCESS);
    for (unsigned i = 0; i < ARRAY_SIZE(c); i++)
        CHECK_EQ(open(&c[i], "echo"), SUCCESS);
    CHECK_EQ(control_find(&control, "judge", &with), SUCCESS);
    CHECK_EQ(with.sessions, before.sessions + ARRAY_SIZE(c));
    for (unsigned i = 0; i < ARRAY_SIZE(c); i++)
        service_close(&c[i]);
    CHECK_EQ(control_find(&control, "judge", &after), SUCCESS);
    CHECK_EQ(after.sessions, before.sessions);
    service_close(&control);
}

u64 rounds_of(u64 usual)
{
    u64 rounds = 0;
    const char *line = hip()->cmdline;
    if (strncmp(line, "soak=", 5) != 0)
        return usual;
    for (line += 5; *line >= '0' && *line <= '9'; line++)
        rounds = rounds * 10 + (u64)(*line - '0');
    return rounds;
}

// Opened and closed again and again: no figure moves. `make soak` does it a million times.
static void many_sessions_leave_nothing(void)
{
    struct service_client c;
    struct service_quota before = left();
    for (u64 i = 0, rounds = rounds_of(MANY_SESSIONS); i < rounds; i++) {
        CHECK_EQ(open_quota(&c, i % 2 ? "echo" : "count", "", i % 3 * 4096), SUCCESS);
        service_close(&c);
    }
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    service_close(&c);
    CHECK(left().ram == before.ram && left().caps == before.caps);
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
    CHECK(q.ram.refused > 5 << 20 && control_suggest(&q).ram >= q.ram.refused);
    CHECK(!strncmp(q.last, "session \"echo\" wants 5121Kb more of ram, ", 41));
    CHECK_EQ(control_quota(&control, "no_binary", &q), SUCCESS);
    CHECK(!q.refusals && !q.last[0] && !q.ram.most);
    service_close(&control);
}

void accounts_tests(void)
{
    RUN(donated_quota_is_the_limit);
    RUN(exhausted_session_is_upgraded_and_goes_on);
    RUN(upgrades_are_the_parents_word);
    RUN(a_server_that_keeps_slots_owes_them);
    RUN(sessions_are_counted);
    RUN(sessions_run_out_and_come_back);
    RUN(many_sessions_leave_nothing);
}

void sums_tests(void)
{
    RUN(accounts_add_up_to_the_machine);
    RUN(quotas_are_told);
}
