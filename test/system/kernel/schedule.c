// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Priorities, quantum, budget, donation and helping, pause, recall.
#include "test/system/kernel/support.h"

static volatile u64 counter[4];

static void spin(word_t me)
{
    while (!stop)
        counter[me]++;
}

static void begin(void)
{
    for (unsigned i = 0; i < 4; i++)
        counter[i] = 0;
}

static void higher_priority_runs(void)
{
    struct thread low, high;
    begin();
    CHECK_EQ(thread_start(&low, SEL_PD, 0, 10, spin, 0), SUCCESS);
    CHECK_EQ(thread_start(&high, SEL_PD, 0, 11, spin, 1), SUCCESS);
    AWAIT(counter[1]);
    u64 before = counter[0];
    rest(30000);
    CHECK_EQ(counter[0], before);
    CHECK(counter[1] > 0);
    stop = true;
    CHECK_EQ(thread_join(&low, WAIT_US), SUCCESS);
    thread_free(&low);
    thread_free(&high);
}

static void equals_take_turns(void)
{
    struct thread a, b;
    begin();
    CHECK_EQ(thread_start(&a, SEL_PD, 0, 10, spin, 0), SUCCESS);
    CHECK_EQ(thread_start(&b, SEL_PD, 0, 10, spin, 1), SUCCESS);
    AWAIT(counter[0] && counter[1]);
    CHECK(counter[0] > 0 && counter[1] > 0);
    stop = true;
    CHECK_EQ(thread_join(&a, WAIT_US), SUCCESS);
    CHECK_EQ(thread_join(&b, WAIT_US), SUCCESS);
    thread_free(&a);
    thread_free(&b);
}

static volatile u64 turns, last_turn;
static void count_turns(word_t me)
{
    while (!stop) {
        if (last_turn != me) {
            last_turn = me;
            turns++;
        }
    }
}

// Among equals each has its quantum: a turn for each 20 ms or so, not for every tick. How long the
// rest has lasted is looked at: on a busy host it may be much longer than it was to be.
static void quantum_is_had_in_full(void)
{
    enum { QUANTUM_US = 20000 };
    struct thread t[2];
    u64 found = ~0ul, allowed = 0;
    begin();
    turns = 0;
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(thread_start(&t[i], SEL_PD, 0, 10, count_turns, i), SUCCESS);
        drop(t[i].sc);
        CHECK_EQ(hc_create_sc(t[i].sc, t[i].ec, SEL_PD, 10, QUANTUM_US, 0, 0), SUCCESS);
    }
    for (unsigned i = 0; i < 10 && found > allowed; i++) {
        u64 before = turns, began = tsc();
        rest(10 * QUANTUM_US);
        found = turns - before;
        allowed = 2 + 2 * ((tsc() - began) / tsc_us(QUANTUM_US));
    }
    AWAIT(turns >= 2);
    stop = true;
    CHECK(turns >= 2 && found <= allowed);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(thread_join(&t[i], WAIT_US), SUCCESS);
        thread_free(&t[i]);
    }
}

static sel_t alarm;
static volatile bool woken, saw_woken;
static void sleeper(word_t unused)
{
    (void)unused;
    sm_down(alarm, 0);
    woken = true;
}
static void waker(word_t unused)
{
    (void)unused;
    sm_up(alarm);
    saw_woken = woken;
}

// Whom a thread wakes and who has more priority runs before the waker's next instruction.
static void woken_thread_preempts_its_waker(void)
{
    struct thread high, low;
    begin();
    alarm = sel_new(1);
    woken = saw_woken = false;
    CHECK_EQ(hc_create_sm(alarm, 0, SEL_PD), SUCCESS);
    CHECK_EQ(thread_start(&high, SEL_PD, 0, 20, sleeper, 0), SUCCESS);
    rest(3000);
    CHECK_EQ(thread_start(&low, SEL_PD, 0, 10, waker, 0), SUCCESS);
    CHECK_EQ(thread_join(&low, WAIT_US), SUCCESS);
    CHECK(saw_woken);
    CHECK_EQ(thread_join(&high, WAIT_US), SUCCESS);
    thread_free(&high);
    thread_free(&low);
    drop(alarm);
}

static u64 spun_in(u64 us)
{
    u64 before = counter[0];
    rest(us);
    return counter[0] - before;
}

// What share of the time until it has slept for `us` a thread had, in per mille.
static u64 share_in(const struct thread *t, u64 us)
{
    u64 before = 0, after = 0, began = tsc();
    (void)!hc_sc_time(t->sc, &before);
    rest(us);
    (void)!hc_sc_time(t->sc, &after);
    return (after - before) * 1000 / (tsc() - began);
}

static void budget_limits(void)
{
    struct thread t;
    u64 used;
    sel_t weak = sel_new(1);
    begin();
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 10, spin, 0), SUCCESS);
    // Rounds in 100 ms without a budget and with 1 ms of 50. A busy host takes from both, so that
    // the most without and the least with one are compared.
    u64 most = 0, least = ~0ul;
    for (unsigned i = 0; i < 3; i++) {
        u64 rounds = spun_in(100000);
        most = rounds > most ? rounds : most;
    }
    CHECK_EQ(hc_sc_budget(t.sc, 1000, 999), EPARAM);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, t.sc, 0, SC_CTRL), weak), SUCCESS);
    CHECK_EQ(hc_sc_budget(weak, 0, 0), ECAP);
    CHECK_EQ(hc_sc_budget(t.sc, 1000, 50000), SUCCESS);
    for (unsigned i = 0; i < 20 && least >= most / 3; i++) {
        u64 rounds = spun_in(100000);
        least = rounds < least ? rounds : least;
    }
    CHECK_EQ(hc_raw(HC_sc_ctrl, t.sc, SC_READ_TIME, 0, 0, 0, 0, &used), SUCCESS);
    CHECK(used > tsc_us(1000));
    CHECK(least < most / 3);
    // And without one again: now by the clock, since the host may be busier than it was.
    CHECK_EQ(hc_sc_budget(t.sc, 0, 0), SUCCESS);
    u64 share = 0, rounds = counter[0];
    for (unsigned i = 0; i < 20 && share < 500; i++)
        share = share_in(&t, 100000);
    CHECK(share >= 500 && counter[0] > rounds);
    // One that is made with a budget has it from the beginning.
    drop(t.sc);
    CHECK_EQ(hc_create_sc(t.sc, t.ec, SEL_PD, 10, 1000, 1000, 999), EPARAM);
    CHECK_EQ(hc_create_sc(t.sc, t.ec, SEL_PD, 10, 1000, 1000, 50000), SUCCESS);
    least = most;
    for (unsigned i = 0; i < 20 && least >= most / 3; i++) {
        u64 rounds = spun_in(100000);
        least = rounds < least ? rounds : least;
    }
    CHECK(least < most / 3);
    CHECK_EQ(hc_raw(HC_ec_ctrl, t.ec, EC_READ_CPU, 0, 0, 0, 0, &used), SUCCESS);
    CHECK_EQ(used, 0);
    stop = true;
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    thread_free(&t);
}

// Whose time has come preempts a lower thread at once, not when its quantum ends.
static void deadline_preempts(void)
{
    struct thread t;
    u64 least = ~0ul;
    begin();
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 10, spin, 0), SUCCESS);
    drop(t.sc);
    CHECK_EQ(hc_create_sc(t.sc, t.ec, SEL_PD, 10, 2000000, 0, 0), SUCCESS); // two seconds
    for (unsigned i = 0; i < 10 && least >= tsc_us(1000000); i++) {
        u64 begun = tsc();
        rest(1000);
        least = tsc() - begun < least ? tsc() - begun : least;
    }
    stop = true;
    CHECK(least < tsc_us(1000000));
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    thread_free(&t);
}

// A thread that another CPU wakes preempts a lower one on its own.
static volatile u64 remote_woken;
static void remote_sleeper(word_t unused)
{
    (void)unused;
    sm_down(alarm, 0);
    remote_woken = tsc();
}

static void remote_wake_preempts(void)
{
    struct thread low, high;
    u64 least = ~0ul;
    begin();
    alarm = sel_new(1);
    CHECK_EQ(hc_create_sm(alarm, 0, SEL_PD), SUCCESS);
    CHECK_EQ(thread_start(&low, SEL_PD, 1, 10, spin, 0), SUCCESS);
    drop(low.sc);
    error_t error = EBUSY; // until the other CPU has let go of the first one
    for (unsigned i = 0; i < 20000 && error == EBUSY; i++) {
        rest(1000);
        error = hc_create_sc(low.sc, low.ec, SEL_PD, 10, 2000000, 0, 0); // two seconds
    }
    CHECK_EQ(error, SUCCESS);
    for (unsigned i = 0; i < 10 && least >= tsc_us(1000000); i++) {
        remote_woken = 0;
        CHECK_EQ(thread_start(&high, SEL_PD, 1, 20, remote_sleeper, 0), SUCCESS);
        rest(20000);
        u64 begun = tsc();
        sm_up(alarm);
        CHECK_EQ(thread_join(&high, WAIT_US), SUCCESS);
        least = remote_woken - begun < least ? remote_woken - begun : least;
        thread_free(&high);
    }
    stop = true;
    CHECK(least < tsc_us(1000000));
    CHECK_EQ(thread_join(&low, WAIT_US), SUCCESS);
    thread_free(&low);
    drop(alarm);
}

static void pause_and_resume(void)
{
    struct thread t;
    begin();
    CHECK_EQ(thread_start(&t, SEL_PD, HIP->cpu_count - 1, 10, spin, 0), SUCCESS);
    AWAIT(counter[0]);
    CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_PAUSE, 0, 0, 0, 0), SUCCESS);
    u64 before = 0; // on a busy host it may take a while until the other CPU hears of it
    for (unsigned i = 0; i < 1000 && (!before || counter[0] != before); i++) {
        before = counter[0];
        rest(20000);
    }
    CHECK(before > 0);
    CHECK_EQ(counter[0], before);
    CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_RESUME, 0, 0, 0, 0), SUCCESS);
    AWAIT(counter[0] != before);
    CHECK(counter[0] > before);
    stop = true;
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    thread_free(&t);
}

static struct handler recaller;
static volatile u64 recalled, recall_rip;
static void recall_body(void)
{
    recall_rip = utcb_exc(recaller.utcb)->rip;
    recalled++;
    __asm__ volatile("syscall" ::"a"(1), "S"(head(EXC_WORDS, 0)), "d"(0));
    __builtin_unreachable();
}
__attribute__((naked)) static void entry_recall(void)
{
    __asm__ volatile("jmp %P0" ::"i"(recall_body));
}

static void recall_interrupts_user_code(void)
{
    struct thread t;
    unsigned cpu = HIP->cpu_count - 1;
    begin();
    recalled = 0;
    recaller = handler_new(SEL_PD, cpu, entry_recall, 0);
    CHECK_EQ(thread_start(&t, SEL_PD, cpu, 10, spin, 0), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, recaller.pt, 0, RIGHT_ALL), t.exc_base + EXC_RECALL),
             SUCCESS);
    AWAIT(counter[0]);
    CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_RECALL, 0, 0, 0, 0), SUCCESS);
    AWAIT(recalled);
    rest(20000);
    CHECK_EQ(recalled, 1);
    CHECK(recall_rip >= IMAGE_BASE && recall_rip < IMAGE_BASE + 0x100000);
    stop = true;
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    thread_free(&t);
    handler_free(&recaller);
}

// Low calls a handler that works until high comes; medium then runs all the time, and high calls
// the handler too: high must get its answer although medium has more priority than low.
static struct handler worker;
static volatile u64 work_done;
static void work_body(void)
{
    for (u64 end = tsc() + tsc_us(20000); tsc() < end;)
        ;
    work_done++;
    __asm__ volatile("syscall" ::"a"(1), "S"(0ul));
    __builtin_unreachable();
}
__attribute__((naked)) static void entry_work(void)
{
    __asm__ volatile("jmp %P0" ::"i"(work_body));
}
static struct handler patient;
static volatile bool in_patient, high_came;
static void patient_body(void)
{
    in_patient = true;
    while (!high_came && !stop)
        ;
    work_done++;
    __asm__ volatile("syscall" ::"a"(1), "S"(0ul));
    __builtin_unreachable();
}
__attribute__((naked)) static void entry_patient(void)
{
    __asm__ volatile("jmp %P0" ::"i"(patient_body));
}
static void call_patient(word_t me)
{
    high_came = me == 2;
    (void)!hc_call0(patient.pt);
    counter[me]++;
}
static void call_worker(word_t me)
{
    (void)!hc_call0(worker.pt);
    counter[me]++;
}

static void helping_beats_inversion(void)
{
    struct thread low, medium, high;
    begin();
    work_done = 0;
    in_patient = false;
    patient = handler_new(SEL_PD, 0, entry_patient, 0);
    CHECK_EQ(thread_start(&low, SEL_PD, 0, 10, call_patient, 0), SUCCESS);
    AWAIT(in_patient);
    CHECK_EQ(thread_start(&medium, SEL_PD, 0, 20, spin, 1), SUCCESS);
    AWAIT(counter[1]);
    CHECK_EQ(thread_start(&high, SEL_PD, 0, 30, call_patient, 2), SUCCESS);
    CHECK_EQ(thread_join(&high, WAIT_US), SUCCESS); // medium still spins
    CHECK_EQ(counter[2], 1);
    CHECK_EQ(counter[0], 0); // low has its answer, but no time to see it
    CHECK_EQ(work_done, 2);
    stop = true;
    CHECK_EQ(thread_join(&low, WAIT_US), SUCCESS);
    thread_free(&low);
    thread_free(&medium);
    thread_free(&high);
    handler_free(&patient);
}

static struct handler self_caller;
static volatile error_t self_error;
static void self_body(void)
{
    self_error = hc_call0(self_caller.pt);
    __asm__ volatile("syscall" ::"a"(1), "S"(0ul));
    __builtin_unreachable();
}
__attribute__((naked)) static void entry_self(void)
{
    __asm__ volatile("jmp %P0" ::"i"(self_body));
}

static void waiting_for_oneself_is_refused(void)
{
    self_caller = handler_new(SEL_PD, 0, entry_self, 0);
    CHECK_EQ(hc_call0(self_caller.pt), SUCCESS);
    CHECK_EQ(self_error, EDEADLOCK);
    handler_free(&self_caller);
}

static void time_is_charged_to_the_caller(void)
{
    struct thread t;
    u64 used = 0;
    begin();
    worker = handler_new(SEL_PD, 0, entry_work, 0);
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 10, call_worker, 0), SUCCESS);
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    rest(1000);
    CHECK_EQ(hc_raw(HC_sc_ctrl, t.sc, SC_READ_TIME, 0, 0, 0, 0, &used), SUCCESS);
    CHECK(used >= tsc_us(19000)); // the handler's work
    thread_free(&t);
    handler_free(&worker);
}

const struct test schedule_tests[] = {
    {"higher_priority_runs", higher_priority_runs, 1},
    {"equal_priorities_take_turns", equals_take_turns, 1},
    {"quantum_is_had_in_full", quantum_is_had_in_full, 1},
    {"woken_thread_preempts_its_waker", woken_thread_preempts_its_waker, 1},
    {"budget_limits_time", budget_limits, 1},
    {"deadline_preempts", deadline_preempts, 1},
    {"remote_wake_preempts", remote_wake_preempts, 2},
    {"pause_and_resume", pause_and_resume, 1},
    {"recall_interrupts_user_code", recall_interrupts_user_code, 1},
    {"helping_beats_priority_inversion", helping_beats_inversion, 1},
    {"waiting_for_oneself_is_refused", waiting_for_oneself_is_refused, 1},
    {"time_is_charged_to_the_caller", time_is_charged_to_the_caller, 1},
    {0}};
