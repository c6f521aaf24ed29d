// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Priorities that change in place ("cpu", PRIORITY and LIMIT): who runs shows them.
#include "lib/rt/selector.h"
#include "lib/rt/sync.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"

static struct space s;
static struct service_client low, high;

static sel_t spinner(struct service_client *session, unsigned priority, unsigned at, bool start)
{
    sel_t thread;
    unsigned cpu = hip()->cpu_count - 1;
    if (cpu_thread_create(session, s.domain.domain, cpu, priority, UTCBS + PAGE_SIZE * at, "spins",
                          &thread))
        return SEL_NONE;
    return start && cpu_thread_start(session, thread, piece(PIECE_COUNT), 0, SHARED + 8 * at)
               ? SEL_NONE
               : thread;
}

// Whether the first of the two threads runs, and the second does not.
static bool runs_before(unsigned first, unsigned second)
{
    return moves(&s.shared->counter[first]) && comes_to_rest(&s.shared->counter[second]) &&
           moves(&s.shared->counter[first]);
}

static u64 highest(struct service_client *session)
{
    struct msg m;
    service_begin(session, &m, CPU_INFO);
    return service_call(session, &m) ? 0 : msg_get_word(&m);
}

static void wait(void *unused)
{
    (void)unused;
    sel_t never;
    if (!semaphore_create(0, &never))
        (void)!hc_sm_down(never, DEADLINE_NEVER);
}

static void priorities_change_in_place(void)
{
    sel_t a, b, c;
    CHECK(space_open(&s));
    CHECK_EQ(open_args(&low, "cpu", "50", 0), SUCCESS);
    CHECK((a = spinner(&low, 10, 0, true)) != SEL_NONE);
    CHECK((b = spinner(&low, 20, 1, true)) != SEL_NONE);
    CHECK(runs_before(1, 0));
    CHECK_EQ(cpu_priority(&low, a, 30), SUCCESS);
    CHECK(runs_before(0, 1));
    CHECK_EQ(cpu_priority(&low, a, 19), SUCCESS);
    CHECK(runs_before(1, 0));
    // Before it is started, and while it is paused.
    CHECK((c = spinner(&low, 5, 2, false)) != SEL_NONE);
    CHECK_EQ(cpu_priority(&low, c, 40), SUCCESS);
    CHECK_EQ(cpu_thread_start(&low, c, piece(PIECE_COUNT), 0, SHARED + 16), SUCCESS);
    CHECK(runs_before(2, 1));
    CHECK_EQ(cpu_thread_pause(&low, c), SUCCESS);
    CHECK(runs_before(1, 2));
    CHECK_EQ(cpu_priority(&low, c, 15), SUCCESS);
    CHECK_EQ(cpu_thread_resume(&low, c), SUCCESS);
    CHECK(runs_before(1, 2));
    cpu_thread_kill(&low, b);
    CHECK(runs_before(0, 2));
    CHECK_EQ(cpu_priority(&low, b, 10), ENOTFOUND);
    service_close(&low);
    selector_drop(a);
    selector_drop(c);
    space_close(&s);
}

// Nobody gets more than the session may give, and only who made a thread changes it.
static void priorities_are_cut_to_the_session(void)
{
    sel_t a, b;
    struct thread t;
    CHECK(space_open(&s));
    CHECK_EQ(open_args(&low, "cpu", "20", 0), SUCCESS);
    CHECK_EQ(open_args(&high, "cpu", "40", 0), SUCCESS);
    CHECK((a = spinner(&low, 10, 0, true)) != SEL_NONE);
    CHECK((b = spinner(&high, 30, 1, true)) != SEL_NONE);
    CHECK_EQ(cpu_priority(&low, a, PRIORITY_MAX), SUCCESS); // 20
    CHECK(runs_before(1, 0));
    CHECK_EQ(cpu_priority(&high, b, 19), SUCCESS);
    CHECK(runs_before(0, 1));
    CHECK_EQ(cpu_priority(&high, a, 1), EPERM);
    CHECK_EQ(cpu_priority(&low, b, 30), EPERM);
    CHECK_EQ(cpu_priority(&low, s.domain.domain, 10), ENOTFOUND);
    CHECK_EQ(cpu_priority(&low, SEL_PD, 10), ENOTFOUND);
    CHECK_EQ(cpu_priority(&low, a, 0), EPROTO);
    CHECK_EQ(cpu_priority(&low, a, PRIORITY_MAX + 1), EPROTO);
    // A scheduling context by itself, as long as it is there.
    CHECK_EQ(thread_create(&t, 0, 20, "waits", wait, NULL), SUCCESS);
    CHECK_EQ(cpu_priority(&low, t.sc, 10), ENOTFOUND);
    CHECK_EQ(cpu_priority(&env_cpu, t.sc, 10), SUCCESS);
    CHECK_EQ(hc_sc_priority(t.sc, 200), ECAP); // sigma0's alone
    thread_destroy(&t);
    service_close(&low);
    service_close(&high);
    selector_drop(a);
    selector_drop(b);
    space_close(&s);
}

// Who stands above a session changes what it may give: its threads have what they asked for, as far
// as that goes.
static void limits_reach_open_sessions(void)
{
    struct cpu_limits ours;
    sel_t a, b;
    u64 found;
    CHECK(space_open(&s));
    CHECK_EQ(open_args(&low, "cpu", "50", 0), SUCCESS);
    CHECK((a = spinner(&low, 60, 0, true)) != SEL_NONE);
    CHECK((b = spinner(&s.cpu, 20, 1, true)) != SEL_NONE); // labelled "space"
    CHECK(runs_before(0, 1));
    CHECK_EQ(cpu_limit(&env_cpu, "tes", 10, 0, &found), SUCCESS); // there is none
    CHECK_EQ(found, 0);
    CHECK_EQ(cpu_limit(&env_cpu, "test", 10, 0, &found), SUCCESS);
    CHECK_EQ(found, 1);
    CHECK(runs_before(1, 0));
    CHECK_EQ(cpu_priority(&low, a, 70), SUCCESS);
    CHECK(runs_before(1, 0));
    CHECK_EQ(cpu_limit(&env_cpu, "test", 55, 0, NULL), SUCCESS);
    CHECK(runs_before(0, 1));
    // Both hold, whichever came last.
    CHECK_EQ(cpu_limit(&env_cpu, "test", 0, 15, NULL), SUCCESS);
    CHECK(runs_before(1, 0));
    CHECK_EQ(cpu_limit(&env_cpu, "test", 60, 0, NULL), SUCCESS);
    CHECK(runs_before(1, 0));
    CHECK_EQ(cpu_limit(&env_cpu, "test", 0, 100, NULL), SUCCESS);
    CHECK(runs_before(0, 1));
    // Not by others, not itself, not above oneself.
    CHECK_EQ(cpu_limit(&s.cpu, "test", 10, 0, &found), SUCCESS);
    CHECK_EQ(found, 0);
    CHECK_EQ(cpu_limit(&low, "test", 100, 0, &found), SUCCESS);
    CHECK_EQ(found, 0);
    CHECK_EQ(cpu_limit(&env_cpu, "", 10, 0, NULL), EPROTO);
    CHECK_EQ(cpu_limit(&env_cpu, "test", PRIORITY_MAX + 1, 0, NULL), EPROTO);
    CHECK_EQ(cpu_limit(&env_cpu, "test", 0, PRIORITY_MAX + 1, NULL), EPROTO);
    CHECK_EQ(cpu_limit(&env_cpu, "test", PRIORITY_MAX, PRIORITY_MAX, NULL), SUCCESS);
    CHECK_EQ(env_cpu_limits(&ours), SUCCESS);
    CHECK_EQ(highest(&low), ours.priority);
    service_close(&low);
    selector_drop(a);
    selector_drop(b);
    space_close(&s);
}

void priority_tests(void)
{
    RUN(priorities_change_in_place);
    RUN(priorities_are_cut_to_the_session);
    RUN(limits_reach_open_sessions);
}
