// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The "cpu" service's limits: where threads may run, and how long all of them together.
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"
#include "test/system/session_thread.h"
#include "test/system/wait.h"

enum { SPINNERS = 3, ROUND_US = 100000, WAITS = 200 };

static struct service_client first, second;
static volatile bool stop;
static volatile u64 rounds[SPINNERS];

// Likewise of a thread that nobody may look into.
static error_t give_unseen(sel_t ec, unsigned priority, u32 quantum_us, const char *name, sel_t *sc)
{
    struct msg m;
    *sc = selector_alloc();
    service_begin(session_giver, &m, CPU_CREATE_SC);
    msg_put_word(&m, priority);
    msg_put_word(&m, quantum_us);
    msg_put_word(&m, 0);
    msg_put_word(&m, 0);
    msg_put_string(&m, name);
    msg_put_item(&m, item_delegate(crd(CRD_OBJ, ec, 0, EC_SC), 0, 0));
    utcb()->window = crd(CRD_OBJ, *sc, 0, RIGHT_ALL);
    utcb()->window2 = 0;
    return service_call(session_giver, &m);
}

static void spin(void *argument)
{
    volatile u64 *count = argument;
    while (!stop)
        ++*count;
}

static error_t start(struct thread *t, struct service_client *session, unsigned cpu, unsigned i)
{
    return session_thread_create(t, session, cpu, spin, (void *)&rounds[i]);
}

static u64 spun(void)
{
    u64 sum = 0, before = 0;
    for (unsigned i = 0; i < SPINNERS; i++)
        before += rounds[i];
    pause_us(ROUND_US);
    for (unsigned i = 0; i < SPINNERS; i++)
        sum += rounds[i];
    return sum - before;
}

static void forget_rounds(void)
{
    for (unsigned i = 0; i < SPINNERS; i++)
        rounds[i] = 0;
}

static word_t threads_of(struct service_client *session)
{
    struct msg m;
    service_begin(session, &m, CPU_INFO);
    if (service_call(session, &m))
        return ~0ul;
    for (unsigned i = 0; i < 4; i++)
        (void)msg_get_word(&m);
    return msg_get_word(&m);
}

static bool all_have_run(void)
{
    for (unsigned i = 0; i < WAITS && !(rounds[0] && rounds[1] && rounds[2]); i++)
        pause_us(ROUND_US);
    return rounds[0] && rounds[1] && rounds[2];
}

// Three threads of two sessions with one pool get what one of them would get: two fifths of the
// time, so that who runs below them gets the rest. With two fifths each they would leave nothing,
// ever. However late the timers of a busy host are, they make the former no less so, and the latter
// no more. How much it is: test/system/exact.
static void budget_is_shared(void)
{
    static struct thread t[SPINNERS], below;
    static volatile u64 beside;
    static const char pool[] = "100,budget=800000,period=2000000,pool=test";
    stop = false;
    forget_rounds();
    beside = 0;
    CHECK_EQ(open_args(&first, "cpu", pool, 0), SUCCESS);
    CHECK_EQ(open_args(&second, "cpu", pool, 0), SUCCESS);
    for (unsigned i = 0; i < SPINNERS; i++)
        CHECK_EQ(start(&t[i], i ? &second : &first, 0, i), SUCCESS);
    word_t threads = threads_of(&first);
    CHECK_EQ(thread_create(&below, 0, 10, "below", spin, (void *)&beside), SUCCESS);
    bool have_run = all_have_run(), leave = becomes_other(&beside, 0);
    session_thread_destroy(&t[0], &first);
    word_t two = threads_of(&second);
    session_thread_destroy(&t[1], &second);
    session_thread_destroy(&t[2], &second);
    word_t none = threads_of(&second);
    stop = true;
    thread_join(&below);
    service_close(&first);
    service_close(&second);
    CHECK(have_run); // each has had its turn
    CHECK(leave);
    CHECK(threads == SPINNERS && two == SPINNERS - 1 && none == 0);
}

static void shares_do_not_vanish(void)
{
    static struct thread t[SPINNERS];
    stop = false;
    CHECK_EQ(open_args(&first, "cpu", "100,budget=50,period=50000", 0), SUCCESS);
    CHECK_EQ(start(&t[0], &first, 0, 0), SUCCESS);
    CHECK_EQ(start(&t[1], &first, 0, 1), SUCCESS);
    CHECK_EQ(start(&t[2], &first, 0, 2), ERESOURCE);
    CHECK_EQ(threads_of(&first), 2);
    // The session's end takes their time: they never run again.
    service_close(&first);
    pause_us(20000);
    u64 before = rounds[0] + rounds[1];
    pause_us(ROUND_US);
    CHECK_EQ(rounds[0] + rounds[1], before);
    session_thread_destroy(&t[0], &first);
    session_thread_destroy(&t[1], &first);
}

// All the time that a session gave ends with it, also that of threads which it cannot end.
static void all_scheduling_contexts_end_with_the_session(void)
{
    static struct thread t[SPINNERS];
    error_t (*usual)(sel_t, unsigned, u32, const char *, sel_t *) = rt_sc_create;
    crd_t found;
    stop = false;
    CHECK_EQ(open_args(&first, "cpu", "100", 0), SUCCESS);
    session_giver = &first;
    rt_sc_create = give_unseen;
    forget_rounds();
    for (unsigned i = 0; i < SPINNERS; i++) {
        error_t error = thread_create(&t[i], 0, 1, "unseen", spin, (void *)&rounds[i]);
        if (error)
            rt_sc_create = usual;
        CHECK_EQ(error, SUCCESS);
    }
    rt_sc_create = usual;
    CHECK(all_have_run());
    service_close(&first);
    for (unsigned i = 0; i < SPINNERS; i++)
        CHECK_EQ(hc_lookup(crd(CRD_OBJ, t[i].sc, 0, RIGHT_ALL), &found), ECAP);
    CHECK_EQ(spun(), 0);
    for (unsigned i = 0; i < SPINNERS; i++)
        session_thread_destroy(&t[i], &first);
    service_close(&first); // ending them has opened it anew
}

static void threads_stay_where_they_may(void)
{
    static struct thread t;
    unsigned last = hip()->cpu_count - 1;
    stop = true;
    CHECK_EQ(open_args(&first, "cpu", "100,cpus=0x8000000000000000", 0), SUCCESS);
    for (unsigned cpu = 0; cpu <= last; cpu++)
        CHECK_EQ(start(&t, &first, cpu, 0), ECPU);
    service_close(&first);
    CHECK_EQ(open_args(&first, "cpu", last ? "100,cpus=2" : "100,cpus=1", 0), SUCCESS);
    CHECK_EQ(start(&t, &first, last ? 1 : 0, 0), SUCCESS);
    thread_join(&t);
    if (last)
        CHECK_EQ(start(&t, &first, 0, 0), ECPU);
    service_close(&first);
}

static void arguments_are_checked(void)
{
    CHECK_EQ(try_args("cpu", "1,cpus=x"), EPROTO);
    CHECK_EQ(try_args("cpu", "1,cpus=1x"), EPROTO);
    CHECK_EQ(try_args("cpu", "1,what"), EPROTO);
    CHECK_EQ(try_args("cpu", "1,budget=5000,period=1000"), EPARAM);
    CHECK_EQ(try_args("cpu", "1,budget=5000"), EPARAM);
    CHECK_EQ(try_args("cpu", "1,budget=1,period=1000"), EPARAM);
    CHECK_EQ(try_args("cpu", "1,budget=1000,period=0x100000000"), EPARAM);
    CHECK_EQ(try_args("cpu", "1,all,cpus=0x1,budget=500,period=5000,pool=p"), SUCCESS);
}

void cpu_tests(void)
{
    RUN(arguments_are_checked);
    RUN(threads_stay_where_they_may);
    RUN(all_scheduling_contexts_end_with_the_session);
    RUN(budget_is_shared);
    RUN(shares_do_not_vanish);
}
