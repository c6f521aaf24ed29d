// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What one CPU's handler of our parent has answered, and not sent yet, when another CPU's ends it.
#include "lib/rt/selector.h"
#include "test/system/check.h"
#include "test/system/compose/compose.h"
#include "test/system/wait.h"

enum { ROUNDS = 400, LOW = 2, HIGH = 50, HOG_US = 150, HOG_PERIOD_US = 60 };

// A thread of low priority on the last CPU, which opens a session when it is told to; and one that
// takes the CPU from it now and then.
static sel_t place, go;
static volatile bool enough;
static error_t opened;
static word_t theirs;
static u32 answers;

static error_t open_at(sel_t sel, word_t *named)
{
    struct msg m;
    parent_begin(&m, PARENT_OPEN);
    msg_put_word(&m, SESSION_RAM_LEAST);
    msg_put_word(&m, 1 + hip()->cpu_count);
    msg_put_string(&m, "echo");
    msg_put_string(&m, "");
    msg_put_string(&m, "");
    utcb()->window = crd(CRD_OBJ, sel, 0, RIGHT_ALL);
    error_t error = parent_call(&m);
    utcb()->window = 0;
    (void)msg_get_word(&m);
    *named = msg_get_word(&m);
    return error;
}

static error_t close_named(word_t named)
{
    struct msg m;
    parent_begin(&m, PARENT_CLOSE);
    msg_put_word(&m, named);
    return parent_call(&m);
}

static void open_when_told(void *argument)
{
    (void)argument;
    while (!hc_sm_down(go, DEADLINE_NEVER) && !enough) {
        opened = open_at(place, &theirs);
        __atomic_fetch_add(&answers, 1, __ATOMIC_RELEASE);
    }
}

static u32 answers_now(void)
{
    return __atomic_load_n(&answers, __ATOMIC_ACQUIRE);
}

static bool answered(u32 before)
{
    for (u64 end = deadline_in_us(WAIT_US); answers_now() == before && rdtsc() < end;)
        pause_us(20);
    return answers_now() != before && !opened;
}

static void take_the_cpu(void *argument)
{
    (void)argument;
    for (u64 random = 1; !enough; random = random * 6364136223846793005ul + 1442695040888963407ul) {
        u64 until = deadline_in_us(HOG_US);
        while (rdtsc() < until)
            ;
        pause_us((random >> 33) % HOG_PERIOD_US);
    }
}

// Ends the other's session as soon as it is there, and opens one of ours, which mostly has its
// place in init's table: the other's answer must not give ours away.
static bool gives_nothing(sel_t ours, word_t *expected, unsigned *same)
{
    crd_t found;
    word_t named = 0;
    error_t closed = ENOTFOUND;
    u32 before = answers_now();
    hc_sm_up(go);
    while (closed == ENOTFOUND && answers_now() == before)
        closed = close_named(*expected);
    if (closed) { // it has another place: others open sessions too
        bool right = answered(before) && !close_named(theirs);
        *expected = theirs;
        return right;
    }
    if (open_at(ours, &named) || !answered(before))
        return false;
    bool nothing = hc_lookup(crd(CRD_OBJ, place, 0, RIGHT_ALL), &found) == ECAP;
    if (!nothing)
        print("  the session %lx is there twice\n", named);
    *same += named == *expected;
    *expected = named;
    return !close_named(named) && nothing;
}

static void written_answers_give_no_other_session(void)
{
    static struct thread opener, hog;
    unsigned last = hip()->cpu_count - 1;
    word_t expected = 0;
    sel_t ours = selector_alloc();
    place = selector_alloc();
    CHECK_EQ(semaphore_create(0, &go), SUCCESS);
    CHECK_EQ(open_at(ours, &expected), SUCCESS);
    CHECK_EQ(close_named(expected), SUCCESS);
    pause_us(1); // what it waits at is there
    enough = false;
    CHECK_EQ(thread_create(&opener, last, LOW, "opener", open_when_told, NULL), SUCCESS);
    CHECK_EQ(thread_create(&hog, last, HIGH, "hog", take_the_cpu, NULL), SUCCESS);
    bool right = true;
    unsigned same = 0;
    u64 latest = deadline_in_us(WAIT_US);
    for (unsigned i = 0; right && last && (i < ROUNDS || (!same && rdtsc() < latest)); i++)
        right = gives_nothing(ours, &expected, &same);
    enough = true;
    hc_sm_up(go);
    thread_join(&opener);
    thread_join(&hog);
    CHECK(right);
    CHECK(same > 0 || !last);
    selector_drop(ours);
    selector_drop(place);
    selector_drop(go);
}

void races_tests(void)
{
    RUN(written_answers_give_no_other_session);
}
