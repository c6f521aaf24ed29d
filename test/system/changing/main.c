// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A configuration that changes (scenarios/changing): an init below the init is fed by the
// configuration compiler, and what a change does not concern stays untouched.
#include "test/system/check.h"
#include "test/system/exit.h"
#include "test/system/inits.h"
#include "lib/rt/string.h"
#include "lib/service/config_text.h"
#include "lib/service/env.h"
#include "test/system/compose_server/operations.h"

enum { WAIT_US = 20000000, CHANGES = 1000, SHORT_US = 300000, HOG_US = 1000000 };

static struct service_client compiler, echo;

static bool set(const char *path, const char *value)
{
    return config_takes(&compiler, path, value);
}

static bool is(const struct control_child *c, enum child_state state, u32 restarts)
{
    return c->state == state && c->restarts == restarts;
}

static bool reaches(const char *name, enum child_state state, u32 restarts)
{
    return child_reaches_within("apps", name, state, restarts, restarts);
}

static bool goes(const char *name)
{
    return child_goes("apps", name);
}

// It has called its server, and another one would not do.
static bool calls(const char *name)
{
    return session_comes("apps", name, "rom", "");
}

// Its limit is less than it was given, which is all that it has in use.
static bool limit_is_what_is_used(const char *name, u64 given)
{
    struct control_child child = {.state = CHILD_FAILED};
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
        if (!child_find("apps", name, &child) && child.ram_limit == child.ram_used &&
            child.ram_limit < given)
            return true;
    }
    print("  \"%s\": ram limit %lu, used %lu\n", name, child.ram_limit, child.ram_used);
    return false;
}

static bool limits_become(const char *name, u64 ram, u64 caps)
{
    struct control_child child = {.state = CHILD_FAILED};
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
        if (!child_find("apps", name, &child) && child.ram_limit == ram && child.caps_limit == caps)
            return true;
    }
    print("  \"%s\": ram limit %lu, caps limit %lu\n", name, child.ram_limit, child.caps_limit);
    return false;
}

static bool seen(word_t sessions)
{
    struct msg m;
    word_t found = 0;
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
        service_begin(&echo, &m, COMPOSE_INFO);
        if (service_call(&echo, &m))
            continue;
        (void)msg_get_word(&m);
        found = msg_get_word(&m);
        if (found == sessions)
            return true;
    }
    print("  %lu sessions, expected %lu\n", found, sessions);
    return false;
}

static void first_version_starts_its_children(void)
{
    CHECK(reaches("keeper", CHILD_RUNNING, 0));
    CHECK(reaches("counter", CHILD_RUNNING, 0));
    CHECK(reaches("deaf", CHILD_RUNNING, 0));
    CHECK(seen(2)); // ours, and "seen 1", which is the last that "counter" opens
}

// Nobody begins anew, and the session between them goes on.
static void quotas_change_in_place(void)
{
    CHECK(set("counter.ram", "2Mb"));
    CHECK(limits_become("counter", 2 << 20, 230));
    CHECK(set("counter.caps", "300"));
    CHECK(limits_become("counter", 2 << 20, 300));
    CHECK(set("counter.caps", "220"));
    CHECK(limits_become("counter", 2 << 20, 220));
    CHECK(set("counter.ram", "1Mb"));
    CHECK(limits_become("counter", 1 << 20, 220));
    CHECK(set("counter.kmem", "250Kb"));
    CHECK(set("counter.ram", "8Kb")); // less than it has in use
    CHECK(limit_is_what_is_used("counter", 1 << 20));
    CHECK(set("counter.ram", "1Mb"));
    CHECK(limits_become("counter", 1 << 20, 220));
    CHECK(set("counter.ram", "900Mb")); // more than there is
    pause_us(SHORT_US);
    CHECK(limits_become("counter", 1 << 20, 220));
    CHECK(set("counter.ram", "1Mb"));
    CHECK(reaches("counter", CHILD_RUNNING, 0));
    CHECK(reaches("keeper", CHILD_RUNNING, 0));
}

static void who_watches_is_told(void)
{
    CHECK(set("counter.config.n", "2"));
    CHECK(seen(3));
    CHECK(set("counter.config.n", "3"));
    CHECK(seen(4));
    CHECK(reaches("counter", CHILD_RUNNING, 0));
}

static void who_does_not_begins_anew(void)
{
    CHECK(set("deaf.config.n", "2"));
    CHECK(reaches("deaf", CHILD_RUNNING, 1));
    CHECK(set("deaf.args", "\"again\""));
    CHECK(reaches("deaf", CHILD_RUNNING, 2));
    CHECK(set("deaf.restart", "on-fault")); // nothing that a life depends on
    CHECK(set("deaf.affinity", "0"));
    CHECK(reaches("deaf", CHILD_RUNNING, 3));
    CHECK(reaches("counter", CHILD_RUNNING, 0));
}

// caps and kmem likewise: what could not be had once is not taken away when sense returns.
static void what_was_refused_is_not_taken_back(void)
{
    struct control_child before, after;
    CHECK_EQ(child_find("apps", "counter", &before), SUCCESS);
    CHECK(set("counter.caps", "190000"));
    CHECK(set("counter.kmem", "900Mb"));
    CHECK(set("counter.caps", "220"));
    CHECK(set("counter.kmem", "250Kb"));
    CHECK(set("counter.config.n", "4"));
    CHECK(seen(5)); // it can still open a session
    CHECK_EQ(child_find("apps", "counter", &after), SUCCESS);
    CHECK_EQ(after.caps_limit, before.caps_limit);
    CHECK(is(&after, CHILD_RUNNING, 0));
}

#define PACED(share)                                                                               \
    "{ binary = changing-child; ram = 1Mb; caps = 260; kmem = 200Kb; affinity = [ 0 ]; " share     \
    " route { log = parent; pd = parent; cpu = parent; echo = parent } config { n = 1; paced = "   \
    "yes } }"

// The priority of what the statistics of all threads call by that name; 0: there is none.
static u64 priority_of(const char *name)
{
    u64 first = 0, count = 1, found = 0;
    while (first < count && !found) {
        struct msg m;
        char entry[128];
        service_begin(&env_cpu, &m, CPU_STATISTICS);
        msg_put_word(&m, first);
        if (service_call(&env_cpu, &m))
            return 0;
        count = msg_get_word(&m);
        u64 here = msg_get_word(&m);
        for (first += here ? here : count; here; here--) {
            (void)msg_get_word(&m);
            u64 place = msg_get_word(&m);
            msg_get_string(&m, entry, sizeof(entry));
            if (!strcmp(entry, name))
                found = place >> 32;
        }
    }
    return found;
}

// The main thread's, and that of the thread which would like to have more.
static bool ranks(u64 priority)
{
    static const char first[] = "init -> apps -> paced",
                      second[] = "init -> apps -> paced -> second";
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
        if (priority_of(first) == priority && priority_of(second) == priority)
            return true;
    }
    print("  \"paced\" has priorities %lu and %lu\n", priority_of(first), priority_of(second));
    return false;
}

// A priority is another in the life that goes on, of its main thread and of all that its session
// gives; it cannot be more than that of the init which gives it.
static void priorities_change_in_place(void)
{
    static const char *const shares[] = {"priority = 40;",
                                         "priority = 40; budget = 20ms; period = 50ms;"};
    for (unsigned i = 0; i < ARRAY_SIZE(shares); i++) {
        char value[256];
        text_format(value, sizeof(value), PACED("%s"), shares[i]);
        CHECK(set("paced", value));
        CHECK(reaches("paced", CHILD_RUNNING, 0));
        CHECK(ranks(40));
        CHECK(seen(7));
        CHECK(set("paced.priority", "20"));
        CHECK(ranks(20));
        CHECK(seen(8));
        CHECK(set("paced.priority", "50"));
        CHECK(ranks(50));
        CHECK(seen(9));
        CHECK(set("paced.priority", "120"));
        CHECK(ranks(64));
        CHECK(set("paced.priority", "63"));
        CHECK(ranks(63));
        CHECK(reaches("paced", CHILD_RUNNING, 0));
        CHECK(set("paced", ""));
        CHECK(goes("paced"));
    }
    CHECK(seen(5));
    CHECK(reaches("counter", CHILD_RUNNING, 0));
}

// A budget is another in the life that goes on; whether there is one is that of a new life
// (doc/decisions.md).
static void budgets_change_in_place(void)
{
    CHECK(set("paced", PACED("budget = 5ms; period = 50ms;")));
    CHECK(reaches("paced", CHILD_RUNNING, 0));
    CHECK(seen(7));
    CHECK(set("paced.budget", "8ms"));
    CHECK(seen(8));
    CHECK(set("paced.period", "40ms"));
    CHECK(seen(9));
    CHECK(reaches("paced", CHILD_RUNNING, 0));
    CHECK(set("paced", PACED("priority = 40;")));
    CHECK(reaches("paced", CHILD_RUNNING, 1));
    CHECK(seen(7)); // nothing holds it
    CHECK(set("paced", ""));
    CHECK(goes("paced"));
    CHECK(seen(5));
    CHECK(reaches("counter", CHILD_RUNNING, 0));
}

static void children_come_and_go(void)
{
    CHECK(set("late",
              "{ binary = changing-child; ram = 1Mb; caps = 200; kmem = 100Kb; route { log = "
              "parent; pd = parent; cpu = parent; echo = keeper } config { n = 1 } }"));
    CHECK(reaches("late", CHILD_RUNNING, 0));
    CHECK(set("deaf", ""));
    CHECK(goes("deaf"));
    CHECK(reaches("late", CHILD_RUNNING, 0));
    CHECK(set("late", ""));
    CHECK(goes("late"));
    CHECK(reaches("counter", CHILD_RUNNING, 0));
}

// Who was left as it is after so many failures may fail as often again with another configuration.
static void failures_are_counted_anew(void)
{
    CHECK(set("hopeless",
              "{ binary = changing-child; ram = 1Mb; caps = 200; kmem = 100Kb; restart { when = "
              "on-fault; limit = 2; backoff = 1ms } route { log = parent; pd = parent; cpu = "
              "parent } config { n = 1 } }"));
    CHECK(reaches("hopeless", CHILD_FAILED, 2));
    CHECK(set("hopeless.args", "\"again\""));
    CHECK(reaches("hopeless", CHILD_FAILED, 4));
    CHECK(set("hopeless", ""));
    CHECK(goes("hopeless"));
}

// A session that is not allowed any more ends: its client's next call is denied.
static void sessions_follow_the_routes(void)
{
    CHECK(set("other",
              "{ binary = changing-child; ram = 1Mb; caps = 200; kmem = 100Kb; route { log = "
              "parent; pd = parent; cpu = parent; echo = keeper } config { n = 1 } }"));
    CHECK(calls("other"));
    CHECK(set("other.route.timer", "parent")); // of no concern to what is open
    CHECK(set("other.provides", "[ x ]"));
    pause_us(SHORT_US);
    CHECK(reaches("other", CHILD_RUNNING, 0));
    CHECK(set("other.route.echo", "parent")); // another server
    CHECK(reaches("other", CHILD_EXITED, 0));
    CHECK(set("other.route.echo", "keeper"));
    CHECK_EQ(child_do(control_start, "apps", "other"), SUCCESS);
    CHECK(calls("other"));
    CHECK(set("other.route.echo", "")); // none
    CHECK(reaches("other", CHILD_EXITED, 0));
    CHECK(set("other", ""));
    CHECK(goes("other"));
    CHECK(reaches("counter", CHILD_RUNNING, 0));
}

#define LOSER(more)                                                                                \
    "{ binary = changing-child; ram = 1Mb; caps = 200; kmem = 200Kb; restart { when = on-fault; "  \
    "backoff = 250ms; " more " } route { log = parent; pd = parent; cpu = parent; echo = keeper "  \
    "} config { n = 1 } }"

// Kills "loser" and gives what is left of kernel memory to "winner" before it begins again: where
// that was too late, once more.
static bool loses(u32 *restarts)
{
    enum { TRIES = 6, LEFT = 100 << 10 };
    char value[160];
    struct control_usage usage;
    struct control_child loser, winner = {.state = CHILD_STOPPED};
    for (unsigned i = 0; i < TRIES; i++) {
        if (!calls("loser") || child_do(control_kill, "apps", "loser") ||
            !child_reaches("apps", "loser", CHILD_WAITING, *restarts + 1))
            continue;
        if (init_usage("apps", &usage) || child_find("apps", "loser", &loser))
            return false;
        *restarts = loser.restarts;
        if (loser.state != CHILD_WAITING)
            continue;
        u64 left = usage.kmem_limit - usage.kmem_used;
        text_format(value, sizeof(value),
                    "{ binary = compose-server; ram = 1Mb; caps = 300; kmem = %luKb; provides = [ "
                    "echo, count ]; route { log = parent; pd = parent; cpu = parent } }",
                    (left - LEFT) >> 10);
        if (!set("winner", value))
            return false;
        for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
            if (!child_find("apps", "winner", &winner) && winner.state != CHILD_STOPPED)
                break;
        }
        if (winner.state == CHILD_RUNNING)
            return true;
        if (!set("winner", "") || !goes("winner"))
            return false;
    }
    return false;
}

// What its next life takes is another's when it is due: it is tried again as after a life that has
// failed, and begins when it is there, or is left as it is after as many times.
static void what_is_not_there_yet_is_waited_for(void)
{
    struct control_child loser;
    u32 restarts = 0;
    CHECK(set("loser", LOSER("")));
    CHECK(loses(&restarts));
    for (u64 end = deadline_in_us(3 * HOG_US); rdtsc() < end; pause_us(10000)) {
        CHECK_EQ(child_find("apps", "loser", &loser), SUCCESS);
        CHECK(is(&loser, CHILD_WAITING, restarts)); // longer than its back-off
    }
    CHECK(set("winner", ""));
    CHECK(reaches("loser", CHILD_RUNNING, restarts));
    CHECK(calls("loser"));
    restarts = 0;
    CHECK(set("loser", ""));
    CHECK(goes("loser"));
    CHECK(set("loser", LOSER("limit = 3")));
    CHECK(loses(&restarts));
    CHECK(child_reaches("apps", "loser", CHILD_FAILED, restarts));
    CHECK(set("winner", ""));
    CHECK(goes("winner"));
    CHECK_EQ(child_do(control_start, "apps", "loser"), SUCCESS); // a person may
    CHECK(calls("loser"));
    CHECK(set("loser", ""));
    CHECK(goes("loser"));
}

static void hog(void *until)
{
    while (rdtsc() < *(const u64 *)until)
        ;
}

// A child that could not beat since nothing ran there is not silent: init has stood still as long,
// and would be the first to go on.
static void who_could_not_beat_is_not_silent(void)
{
    static struct thread thread;
    static u64 until;
    CHECK(set("beater",
              "{ binary = changing-child; ram = 1Mb; caps = 200; kmem = 100Kb; priority = 40; "
              "heartbeat = 300ms; restart = on-fault; route { log = parent; pd = parent; cpu = "
              "parent; echo = keeper } config { n = 1 } }"));
    CHECK(calls("beater"));
    for (unsigned i = 0; i < 2; i++) {
        until = deadline_in_us(HOG_US);
        CHECK_EQ(thread_create(&thread, 0, 100, "hog", hog, &until), SUCCESS);
        thread_join(&thread);
        pause_us(SHORT_US); // so long it takes init to think better of it
        CHECK(reaches("beater", CHILD_RUNNING, 0));
    }
    CHECK(set("beater", ""));
    CHECK(goes("beater"));
}

// A thousand versions, while what they change is killed again and again.
static void many_changes_in_a_row(void)
{
    char value[256];
    for (unsigned i = 0; i < CHANGES; i++) {
        text_format(
            value, sizeof(value),
            "{ binary = changing-child; ram = %uKb; caps = %u; kmem = 100Kb; restart { when = "
            "always; backoff = 1ms } route { log = parent; pd = parent; cpu = parent; echo = "
            "keeper } config { n = %u } }",
            700 + i % 300, 200 + i % 40, i);
        CHECK(set(i % 2 ? "odd" : "even", value));
        if (i % 16 == 15)
            (void)!child_do(control_kill, "apps", i % 32 == 15 ? "odd" : "even");
        if (i % 50 == 49)
            CHECK(set(i % 100 == 49 ? "odd" : "even", ""));
    }
    CHECK(set("odd", ""));
    CHECK(goes("odd"));
    (void)set("even", "");
    CHECK(goes("even"));
    CHECK(reaches("counter", CHILD_RUNNING, 0));
    CHECK(reaches("keeper", CHILD_RUNNING, 0));
}

// The compiler's next life begins with the first text: that is one more version.
static void death_of_the_compiler_harms_nobody(void)
{
    CHECK_EQ(child_do(control_kill, "", "config"), SUCCESS);
    CHECK(reaches("deaf", CHILD_RUNNING, 0)); // it is in the first text
    CHECK(reaches("counter", CHILD_RUNNING, 0));
    CHECK(reaches("keeper", CHILD_RUNNING, 0));
    CHECK(set("deaf", ""));
    CHECK(goes("deaf"));
}

static void death_of_the_init_begins_with_the_newest(void)
{
    struct control_child apps;
    CHECK_EQ(child_find("", "apps", &apps), SUCCESS);
    for (unsigned i = 0; i < 5; i++) {
        CHECK(set("more",
                  i % 2 ? "" : "{ binary = compose-server; ram = 1Mb; caps = 300; kmem = 100Kb }"));
        CHECK_EQ(child_do(control_kill, "", "apps"), SUCCESS);
        CHECK(child_reaches("", "apps", CHILD_RUNNING, ++apps.restarts));
        CHECK(reaches("counter", CHILD_RUNNING, 0));
        CHECK(i % 2 ? goes("more") : (reaches("more", CHILD_EXITED, 0)));
    }
}

int main(void)
{
    if (service_init(&compiler, "config", "", "", (struct service_quota){64 * 1024, 0}) ||
        service_init(&echo, "echo", "", "", (struct service_quota){0, 0}))
        return 1;
    compiler.retry_aborted = true;
    RUN(first_version_starts_its_children);
    RUN(quotas_change_in_place);
    RUN(who_watches_is_told);
    RUN(who_does_not_begins_anew);
    RUN(what_was_refused_is_not_taken_back);
    RUN(budgets_change_in_place);
    RUN(priorities_change_in_place);
    RUN(children_come_and_go);
    RUN(failures_are_counted_anew);
    RUN(sessions_follow_the_routes);
    RUN(what_is_not_there_yet_is_waited_for);
    RUN(who_could_not_beat_is_not_silent);
    RUN(many_changes_in_a_row);
    RUN(death_of_the_compiler_harms_nobody);
    RUN(death_of_the_init_begins_with_the_newest);
    TESTS_DONE();
    machine_exit(tests_failed != 0);
    return 0;
}
