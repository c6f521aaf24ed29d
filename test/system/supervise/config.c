// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A child that may be debugged and its configuration: what changes, what it is charged for, what is
// left when it goes.
#include "test/system/supervise/supervise.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "test/system/check.h"

#define BLOCK(more)                                                                                \
    "{ binary = attachee; ram = 1Mb; caps = 230; kmem = 200Kb; " more                              \
    " restart { when = always; backoff = 10ms } route { log = parent; pd = parent; cpu = parent "  \
    "} }"

static error_t session_of(struct debuggee *debuggee)
{
    struct debug_state state;
    return debug_state(&debuggee->debug, &state);
}

static void the_configuration_takes_it_away(void)
{
    struct exc_state registers;
    sel_t thread;
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(debuggee_attach(&d), SUCCESS);
    CHECK_EQ(debuggee_thread(&d, "", &thread), SUCCESS);
    CHECK_EQ(debuggee_stop(&d, thread, &registers), SUCCESS);
    CHECK(set("worker", ""));
    CHECK_EQ(hc_sm_down(d.lives, deadline_in_us(WAIT_US)), SUCCESS);
    for (u64 end = deadline_in_us(WAIT_US); session_of(&d) != ENOTFOUND && rdtsc() < end;)
        pause_us(1000);
    CHECK_EQ(session_of(&d), ENOTFOUND);
    CHECK_EQ(cpu_thread_resume(&d.cpu, thread), ENOTFOUND);
    selector_drop(thread);
    CHECK(set("worker", BLOCK("debug = yes;")));
    CHECK(reaches("worker", CHILD_RUNNING, 0));
    CHECK_EQ(debuggee_attach(&d), SUCCESS);
    CHECK(moves());
    CHECK(set("worker.debug", "no")); // another life, in a domain as all have
    CHECK(reaches("worker", CHILD_RUNNING, 1));
    CHECK_EQ(session_of(&d), ENOTFOUND);
    debuggee_close(&d);
    CHECK_EQ(refused(WORKER), EPERM);
    CHECK(set("worker.debug", "yes"));
    CHECK(reaches("worker", CHILD_RUNNING, 2));
    CHECK(goes_on());
}

// Its priority is changed where it is, by whoever it was looked at before.
static void its_priority_changes_in_place(void)
{
    struct thread_entry e;
    u32 before = lives();
    for (unsigned i = 0; i < 3; i++) {
        char value[8];
        unsigned wanted = 66 - i; // "plain" is busy with 64
        text_format(value, sizeof(value), "%u", wanted);
        CHECK(set("worker.priority", value));
        CHECK_EQ(open_worker(), SUCCESS);
        CHECK_EQ(debuggee_attach(&d), SUCCESS);
        e.priority = 0;
        for (u64 end = deadline_in_us(WAIT_US); e.priority != wanted && rdtsc() < end;) {
            CHECK_EQ(cpu_next_thread(&d.cpu, d.domain, 0, &e), SUCCESS);
            selector_drop(e.thread);
            pause_us(1000);
        }
        CHECK_EQ(e.priority, wanted);
        debuggee_close(&d);
    }
    CHECK_EQ(lives(), before);
}

// Its accounts are what they are without the mark, but for the RAM of its text and sigma0's books.
static void accounts_are_what_they_are(void)
{
    struct control_child marked, plain;
    u32 life = lives();
    CHECK_EQ(child_find("apps", "worker", &marked), SUCCESS);
    CHECK_EQ(child_find("apps", "plain", &plain), SUCCESS);
    CHECK_EQ(marked.caps_limit, plain.caps_limit);
    CHECK_EQ(marked.ram_limit, plain.ram_limit);
    CHECK(marked.ram_used > plain.ram_used && marked.ram_used < plain.ram_used + (160 << 10));
    CHECK(set("worker.caps", "300")); // in place
    CHECK(set("worker.kmem", "260Kb"));
    CHECK(set("worker.ram", "2Mb"));
    for (u64 end = deadline_in_us(WAIT_US); marked.caps_limit != 300 && rdtsc() < end;) {
        pause_us(1000);
        CHECK_EQ(child_find("apps", "worker", &marked), SUCCESS);
    }
    CHECK_EQ(marked.caps_limit, 300);
    CHECK_EQ(marked.ram_limit, 2ul << 20);
    CHECK_EQ(marked.restarts, life);
    CHECK(set("worker.caps", "230"));
    CHECK(set("worker.kmem", "200Kb"));
    CHECK(set("worker.ram", "1Mb"));
}

// What `apps` has left, as soon as nothing of it is on its way: kernel memory comes back late.
static bool usage_at_rest(struct control_usage *usage)
{
    enum { LOOKS = 20 };
    struct control_usage before = {.kmem_limit = 0};
    unsigned same = 0;
    for (u64 end = deadline_in_us(WAIT_US); same < LOOKS && rdtsc() < end; pause_us(5000)) {
        if (init_usage("apps", usage))
            return false;
        same = memcmp(usage, &before, sizeof(before)) ? 0 : same + 1;
        before = *usage;
    }
    return same == LOOKS;
}

// Whether nothing is missing of what there was, which may have been too little by what came back
// later.
static bool all_is_back(const struct control_usage *before)
{
    struct control_usage now = {.kmem_limit = 0};
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
        if (init_usage("apps", &now))
            break;
        if (now.slots_limit + now.children_slots >= before->slots_limit + before->children_slots &&
            now.kmem_limit >= before->kmem_limit && now.ram_children == before->ram_children &&
            now.parent_slots == before->parent_slots)
            return true;
    }
    print("  slots %lu of %lu, kmem %lu of %lu, ram %lu of %lu, slots above %lu of %lu\n",
          now.slots_limit + now.children_slots, before->slots_limit + before->children_slots,
          now.kmem_limit, before->kmem_limit, now.ram_children, before->ram_children,
          now.parent_slots, before->parent_slots);
    return false;
}

// Whatever dies, and however often: all of it comes back.
static void nothing_is_left_behind(void)
{
    enum { LIVES = 12 };
    struct control_usage before;
    for (unsigned i = 0; i < 2 * LIVES; i++) {
        if (i == LIVES)
            CHECK(goes_on() && usage_at_rest(&before));
        CHECK_EQ(open_worker(), SUCCESS);
        CHECK_EQ(debuggee_attach(&d), SUCCESS);
        CHECK(moves());
        u32 life = lives();
        if (i % 2)
            CHECK_EQ(debug_kill(&d.debug), SUCCESS);
        debuggee_close(&d);
        if (i % 2 == 0)
            CHECK_EQ(child_do(control_kill, "apps", "worker"), SUCCESS);
        CHECK(reaches("worker", CHILD_RUNNING, life + 1));
    }
    CHECK(set("worker", ""));
    CHECK(child_goes("apps", "worker"));
    CHECK(set("worker", BLOCK("debug = yes;")));
    CHECK(reaches("worker", CHILD_RUNNING, 0));
    CHECK(goes_on());
    CHECK(all_is_back(&before));
}

// What it takes more than others it must have.
static void too_little_is_told_and_harms_nobody(void)
{
    CHECK(set("poor", "{ binary = attachee; ram = 60Kb; caps = 230; kmem = 200Kb; debug = yes; "
                      "route { log = parent; pd = parent; cpu = parent } }"));
    CHECK(reaches("poor", CHILD_FAILED, 0));
    for (unsigned caps = 16; caps < 100; caps += 3) {
        char value[160];
        text_format(value, sizeof(value),
                    "{ binary = attachee; ram = 1Mb; caps = %u; kmem = %uKb; debug = yes; route { "
                    "log = parent; pd = parent; cpu = parent } }",
                    caps, caps);
        CHECK(set("poor", value));
        pause_us(2000);
    }
    CHECK(set("poor", ""));
    CHECK(child_goes("apps", "poor"));
    CHECK(set("poor", "{ binary = attachee; ram = 1Mb; caps = 190000; debug = yes }"));
    CHECK(reaches("poor", CHILD_FAILED, 0));
    CHECK(set("poor", ""));
    CHECK(goes_on());
}

// An init may be debugged too, and its children below it be marked again.
static void an_init_is_debugged(void)
{
    struct control_child child;
    struct debug_state state;
    CHECK(set("inner",
              "{ binary = init; ram = 8Mb; caps = 1500; kmem = 700Kb; debug = yes; "
              "provides = [ init, debug ]; route { log = parent; pd = parent; cpu = parent; "
              "rom = parent } config { child leaf " BLOCK("debug = yes;") " } }"));
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
        if (!child_find("apps -> inner", "leaf", &child) && child.state == CHILD_RUNNING)
            break;
    }
    CHECK_EQ(child.state, CHILD_RUNNING);
    CHECK_EQ(debuggee_open(&d, "apps -> inner"), SUCCESS);
    CHECK_EQ(debug_attach(&d.debug, &d.domain, NULL, NULL), SUCCESS);
    CHECK_EQ(debug_state(&d.debug, &state), SUCCESS);
    CHECK(state.runs && !strcmp(state.binary, "init"));
    CHECK_EQ(debug_kill(&d.debug), SUCCESS);
    CHECK(lives_told(1, false, CHILD_STOPPED, 0));
    debuggee_close(&d);
    CHECK(set("inner", ""));
}

void config_tests(void)
{
    RUN_ANEW(the_configuration_takes_it_away);
    RUN_ANEW(its_priority_changes_in_place);
    RUN_ANEW(accounts_are_what_they_are);
    RUN_ANEW(nothing_is_left_behind);
    RUN_ANEW(too_little_is_told_and_harms_nobody);
    RUN_ANEW(an_init_is_debugged);
}
