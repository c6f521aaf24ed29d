// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The service "debug" (scenarios/supervise; doc/debugging.md) from outside: children of an init
// below this one are supervised, and whatever ends that, they go on. We may be debugged ourselves,
// so all of this runs in a domain of sigma0's making.
#include "test/system/supervise/supervise.h"
#include "test/system/check.h"
#include "test/system/exit.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"

enum { STEPS = 40 };

struct debuggee d, second;
static struct service_client compiler;

bool set(const char *path, const char *value)
{
    return config_takes(&compiler, path, value);
}

bool reaches(const char *name, enum child_state state, u32 restarts)
{
    return child_reaches_within("apps", name, state, restarts, restarts);
}

u32 lives(void)
{
    struct control_child child;
    return child_find("apps", "worker", &child) ? ~0u : child.restarts;
}

// Whether both of its threads move, as its memory shows, while it is attached.
bool moves(void)
{
    word_t rounds = 0, ticks = 0, now = 0;
    if (debuggee_read(&d, d.map.rounds, &rounds) || debuggee_read(&d, d.map.ticks, &ticks))
        return false;
    word_t address = d.map.rounds, before = rounds;
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(1000)) {
        if (debuggee_read(&d, address, &now))
            return false;
        if (now == before)
            continue;
        if (address == d.map.ticks)
            return true;
        address = d.map.ticks;
        before = ticks;
    }
    return false;
}

static bool stands_still(void)
{
    word_t before = 0, now = 1;
    if (debuggee_read(&d, d.map.rounds, &before))
        return false;
    pause_us(20000);
    return !debuggee_read(&d, d.map.rounds, &now) && now == before;
}

error_t refused(const char *path)
{
    error_t error = debuggee_open(&second, path);
    if (!error)
        debuggee_close(&second);
    return error;
}

// Until the session before has been let go of by all: a server that looks just then whether its
// clients live holds it for a moment longer than its client does.
error_t open_worker(void)
{
    error_t error = debuggee_open(&d, WORKER);
    for (u64 end = deadline_in_us(WAIT_US); error == EINUSE && rdtsc() < end;) {
        pause_us(1000);
        error = debuggee_open(&d, WORKER);
    }
    return error;
}

// As who comes next sees it, who attaches the life that runs, which by then has opened all its
// sessions, and lets it go.
bool goes_on(void)
{
    error_t error = open_worker();
    if (!error)
        error = debuggee_attach(&d);
    bool good = !error && moves();
    if (!good)
        print("  it does not go on: %s\n", error_name(error));
    debuggee_close(&d);
    return good;
}

// The configuration that we found.
static char text[4096];
static size_t text_length;

static void text_part(const char *part, size_t length, void *context)
{
    (void)context;
    if (length <= sizeof(text) - text_length) {
        memcpy(text + text_length, part, length);
        text_length += length;
    }
}

// What a test that failed has left is not the next one's trouble.
void begin_anew(void)
{
    static struct config_answer answer;
    debuggee_close(&d);
    debuggee_close(&second);
    if (!test_failed)
        return;
    if (config_text_load(&compiler, text, text_length, &answer) || !answer.version)
        print("  the configuration is not what it was\n");
    (void)!child_do(control_kill, "apps", "spy");
    (void)!child_do(control_kill, "apps", "worker");
    for (u64 end = deadline_in_us(WAIT_US); !goes_on() && rdtsc() < end;)
        pause_us(1000);
}

static void only_what_is_marked_is_debugged(void)
{
    CHECK(reaches("worker", CHILD_RUNNING, 0));
    CHECK(reaches("plain", CHILD_RUNNING, 0));
    CHECK_EQ(refused("apps -> plain"), EPERM);
    CHECK_EQ(refused("apps -> nobody"), EPERM);
    CHECK_EQ(refused("apps -> worker -> x"), EPERM);
    CHECK_EQ(refused("apps"), EPERM);   // not marked
    CHECK_EQ(refused("config"), EPERM); // likewise
    CHECK_EQ(refused("config -> x"), EPERM);
    CHECK_EQ(refused(" -> "), EPERM);
    CHECK_EQ(refused(""), EPERM);
    CHECK_EQ(refused("judge"), EPERM); // marked, but that is us
}

static void one_debugger_at_a_time(void)
{
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(refused(WORKER), EINUSE);
    CHECK_EQ(debuggee_attach(&d), SUCCESS);
    sel_t again;
    CHECK_EQ(debug_attach(&d.debug, &again, NULL, NULL), EINUSE);
    CHECK_EQ(refused(WORKER), EINUSE);
    CHECK(moves()); // nobody has stopped it
    debuggee_close(&d);
    CHECK_EQ(open_worker(), SUCCESS);
    debuggee_close(&d);
}

static void it_is_stopped_and_goes_on(void)
{
    struct exc_state state, later;
    sel_t thread;
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(debuggee_attach(&d), SUCCESS);
    CHECK_EQ(debuggee_thread(&d, "", &thread), SUCCESS);
    CHECK_EQ(debuggee_stop(&d, thread, &state), SUCCESS);
    CHECK(stands_still());
    CHECK(state.rip >= 0x80000000 && state.rip < USER_END);
    CHECK_EQ(debuggee_write(&d, d.map.rounds, 5), SUCCESS);
    for (unsigned i = 0; i < STEPS; i++) {
        CHECK_EQ(cpu_thread_step(&d.cpu, thread), SUCCESS);
        CHECK_EQ(hc_sm_down(d.exceptions, deadline_in_us(WAIT_US)), SUCCESS);
        CHECK_EQ(debuggee_stop(&d, thread, &later), SUCCESS);
        CHECK_EQ(later.vector, VECTOR_TRAP);
    }
    CHECK_EQ(cpu_thread_resume(&d.cpu, thread), SUCCESS);
    CHECK(moves());
    selector_drop(thread);
    debuggee_close(&d);
}

static void only_its_text_is_written_by_init(void)
{
    struct exc_state state;
    sel_t thread, ticker;
    u8 byte = BREAKPOINT, was;
    size_t one = 1, many = 4096;
    static u8 data[4096];
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(debug_write(&d.debug, 0x80000000, &byte, &one), EPERM); // not attached
    CHECK_EQ(debuggee_attach(&d), SUCCESS);
    one = 1;
    CHECK_EQ(debug_write(&d.debug, d.map.rounds, &byte, &one), EPERM); // its threads can
    const word_t wrong[] = {0, 16, ~0ul, USER_END, STACK_TOP - 8, HIP_ADDR, UTCB_ADDR, 0x90000000};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        one = 1;
        CHECK_EQ(debug_write(&d.debug, wrong[i], &byte, &one), EPERM);
    }
    CHECK_EQ(debuggee_patch(&d, d.entry, BREAKPOINT, &was), SUCCESS); // where it was long ago
    one = 1;
    CHECK_EQ(domain_read(&d.pd, d.domain, d.entry, &byte, &one), SUCCESS);
    CHECK_EQ(byte, BREAKPOINT);
    CHECK_EQ(debuggee_thread(&d, "", &thread), SUCCESS);
    CHECK_EQ(debuggee_thread(&d, "ticker", &ticker), SUCCESS);
    CHECK_EQ(debuggee_stop(&d, thread, &state), SUCCESS); // they may be in what is destroyed now
    CHECK_EQ(debuggee_stop(&d, ticker, &state), SUCCESS);
    CHECK_EQ(debug_write(&d.debug, d.entry, data, &many), SUCCESS); // more than a request takes
    CHECK(many > 0 && many <= PD_MEMORY_MAX);
    selector_drop(thread);
    selector_drop(ticker);
    debuggee_close(&d);
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(debuggee_attach(&d), SUCCESS);
    one = 1;
    CHECK_EQ(domain_read(&d.pd, d.domain, d.entry, &byte, &one), SUCCESS);
    CHECK_EQ(byte, was);
    CHECK(moves());
    debuggee_close(&d);
}

// Steps a thread that stands still to a call: what is behind that's first byte makes no sense.
static bool steps_to_call(sel_t thread, struct exc_state *state)
{
    enum { CALL = 0xe8, INSTRUCTIONS = 200 };
    for (unsigned i = 0; i < INSTRUCTIONS; i++) {
        u8 byte = 0;
        size_t one = 1;
        struct thread_exception e;
        if (!domain_read(&d.pd, d.domain, state->rip, &byte, &one) && byte == CALL)
            return true;
        if (cpu_thread_step(&d.cpu, thread) || hc_sm_down(d.exceptions, deadline_in_us(WAIT_US)) ||
            cpu_next_exception(&d.cpu, d.domain, &e) || debuggee_stop(&d, thread, state))
            return false;
        selector_drop(e.thread);
    }
    return false;
}

// One thread has hit a breakpoint, whether or not we have looked at it, moved it back or taken the
// byte out: it goes on from where it was.
static void whoever_stands_at_a_breakpoint_goes_on(void)
{
    struct exc_state state;
    struct thread_exception e;
    enum thread_state what;
    sel_t thread;
    u8 was;
    u32 before = lives();
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK_EQ(open_worker(), SUCCESS);
        CHECK_EQ(debuggee_attach(&d), SUCCESS);
        CHECK_EQ(debuggee_thread(&d, "", &thread), SUCCESS);
        CHECK_EQ(debuggee_stop(&d, thread, &state), SUCCESS);
        CHECK(steps_to_call(thread, &state));
        CHECK_EQ(debuggee_patch(&d, state.rip, BREAKPOINT, &was), SUCCESS);
        CHECK_EQ(cpu_thread_resume(&d.cpu, thread), SUCCESS);
        if (i % 4) {
            CHECK_EQ(hc_sm_down(d.exceptions, deadline_in_us(WAIT_US)), SUCCESS);
            CHECK_EQ(debuggee_stop(&d, thread, &state), SUCCESS);
            CHECK_EQ(state.vector, VECTOR_BREAKPOINT);
        }
        if (i % 4 == 2) {
            CHECK_EQ(cpu_next_exception(&d.cpu, d.domain, &e), SUCCESS);
            selector_drop(e.thread);
            state.rip--;
            CHECK_EQ(cpu_thread_write(&d.cpu, thread, MTD_RIP, &state), SUCCESS);
            CHECK_EQ(cpu_thread_read(&d.cpu, thread, &what, &state), SUCCESS);
        }
        if (i % 2)
            CHECK_EQ(debuggee_release(&d), SUCCESS);
        selector_drop(thread);
        debuggee_close(&d);
        CHECK(goes_on());
    }
    CHECK_EQ(lives(), before);
}

// Its debugger goes while a thread comes to a breakpoint: it may have executed it, and be about to
// stop, and goes on from where it was all the same.
static void whoever_comes_to_a_breakpoint_goes_on(void)
{
    enum { MOMENTS = 64 };
    struct exc_state state;
    sel_t thread;
    u64 takes = 0;
    u32 before = lives();
    for (unsigned i = 0; i < MOMENTS; i++) {
        CHECK_EQ(open_worker(), SUCCESS);
        CHECK_EQ(debuggee_attach(&d), SUCCESS);
        CHECK_EQ(debuggee_thread(&d, "", &thread), SUCCESS);
        CHECK_EQ(debuggee_stop(&d, thread, &state), SUCCESS);
        CHECK(steps_to_call(thread, &state));
        CHECK_EQ(debuggee_patch(&d, state.rip, BREAKPOINT, NULL), SUCCESS);
        u64 begin = rdtsc();
        CHECK_EQ(cpu_thread_resume(&d.cpu, thread), SUCCESS);
        selector_drop(thread);
        u64 end = i ? begin + takes * i / MOMENTS : deadline_in_us(WAIT_US);
        (void)!hc_sm_down(d.exceptions, end);
        if (!i)
            takes = rdtsc() - begin;
        debuggee_close(&d);
        CHECK(goes_on());
    }
    CHECK_EQ(lives(), before);
}

static void whoever_steps_goes_on(void)
{
    struct exc_state state;
    sel_t thread, ticker;
    u32 before = lives();
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK_EQ(open_worker(), SUCCESS);
        CHECK_EQ(debuggee_attach(&d), SUCCESS);
        CHECK_EQ(debuggee_thread(&d, "", &thread), SUCCESS);
        CHECK_EQ(debuggee_thread(&d, "ticker", &ticker), SUCCESS); // mostly in a hypercall
        CHECK_EQ(debuggee_stop(&d, thread, &state), SUCCESS);
        CHECK_EQ(debuggee_stop(&d, ticker, &state), SUCCESS);
        CHECK_EQ(cpu_thread_step(&d.cpu, thread), SUCCESS);
        CHECK_EQ(cpu_thread_step(&d.cpu, ticker), SUCCESS);
        if (i % 3 == 1)
            CHECK_EQ(cpu_thread_pause(&d.cpu, thread), SUCCESS);
        selector_drop(thread);
        selector_drop(ticker);
        debuggee_close(&d);
        CHECK(goes_on());
    }
    CHECK_EQ(lives(), before);
}

// The child's exceptions are init's as soon as nobody supervises it, and its names are nobody's.
static void what_is_released_is_out_of_reach(void)
{
    word_t rounds;
    sel_t thread;
    u32 before = lives();
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(debuggee_attach(&d), SUCCESS);
    CHECK_EQ(debuggee_write(&d, d.map.bad, 16), SUCCESS);
    CHECK_EQ(hc_sm_down(d.exceptions, deadline_in_us(WAIT_US)), SUCCESS); // it has faulted
    CHECK_EQ(lives(), before);
    CHECK_EQ(debuggee_release(&d), SUCCESS);
    CHECK(reaches("worker", CHILD_RUNNING, before + 1)); // its fault was init's
    CHECK_EQ(debuggee_read(&d, d.map.rounds, &rounds), ENOTFOUND);
    CHECK_EQ(debuggee_attach(&d), SUCCESS);
    CHECK_EQ(debuggee_thread(&d, "", &thread), SUCCESS);
    CHECK_EQ(cpu_thread_pause(&d.cpu, thread), SUCCESS);
    CHECK_EQ(debuggee_release(&d), SUCCESS);
    CHECK_EQ(debuggee_read(&d, d.map.rounds, &rounds), ENOTFOUND); // the life goes on
    CHECK_EQ(cpu_thread_pause(&d.cpu, thread), ENOTFOUND);
    CHECK_EQ(cpu_exception_signal(&d.cpu, thread, d.exceptions), ENOTFOUND);
    selector_drop(thread);
    u8 byte = 0;
    size_t one = 1;
    CHECK_EQ(debug_write(&d.debug, d.entry, &byte, &one), EPERM);
    debuggee_close(&d);
}

bool lives_told(u64 lives, bool runs, enum child_state ended, int code)
{
    struct debug_state state = {.lives = 0};
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end;) {
        if (hc_sm_down(d.lives, deadline_in_us(WAIT_US)) || debug_state(&d.debug, &state))
            return false;
        if (state.lives == lives && state.runs == runs)
            break;
    }
    if (state.ended == ended && state.exit_code == code)
        return true;
    print("  life %lu, runs %u, ended %u, exit code %d\n", state.lives, state.runs, state.ended,
          state.exit_code);
    return false;
}

static void its_end_is_told(void)
{
    struct debug_state state;
    struct exc_state registers;
    sel_t thread;
    u32 before = lives();
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(debug_state(&d.debug, &state), SUCCESS);
    CHECK_EQ(state.lives, before + 1ul);
    CHECK_EQ(debuggee_attach(&d), SUCCESS);
    CHECK_EQ(debuggee_write(&d, d.map.order, ORDER_LEAVE), SUCCESS);
    CHECK(lives_told(state.lives + 1, true, CHILD_EXITED, ATTACHEE_EXIT_CODE));
    CHECK_EQ(debuggee_attach(&d), SUCCESS);
    CHECK_EQ(child_do(control_kill, "apps", "worker"), SUCCESS);
    CHECK(lives_told(state.lives + 2, true, CHILD_STOPPED, 0));
    CHECK_EQ(debuggee_attach(&d), SUCCESS);
    CHECK_EQ(debuggee_thread(&d, "", &thread), SUCCESS);
    CHECK_EQ(debuggee_stop(&d, thread, &registers), SUCCESS); // one that stands still dies too
    CHECK_EQ(debug_kill(&d.debug), SUCCESS);
    CHECK(lives_told(state.lives + 3, true, CHILD_STOPPED, 0));
    CHECK_EQ(cpu_thread_resume(&d.cpu, thread), ENOTFOUND);
    selector_drop(thread);
    CHECK_EQ(debuggee_attach(&d), SUCCESS);
    CHECK(moves());
    debuggee_close(&d);
}

static void its_debugger_is_killed(void)
{
    u32 before = lives();
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK_EQ(child_do(control_start, "apps", "spy"), SUCCESS);
        CHECK(reaches("spy", CHILD_RUNNING, 0));
        pause_us(i * 1000); // maybe before it stands where it wants to
        CHECK_EQ(child_do(control_kill, "apps", "spy"), SUCCESS);
        CHECK(reaches("spy", CHILD_STOPPED, 0));
        CHECK_EQ(open_worker(), SUCCESS);
        CHECK_EQ(debuggee_attach(&d), SUCCESS);
        CHECK(moves());
        debuggee_close(&d);
    }
    CHECK_EQ(lives(), before);
}

int main(void)
{
    d = second = (struct debuggee){.debug = SERVICE_CLIENT_NONE,
                                   .pd = SERVICE_CLIENT_NONE,
                                   .cpu = SERVICE_CLIENT_NONE,
                                   .lives = SEL_NONE,
                                   .exceptions = SEL_NONE,
                                   .domain = SEL_NONE};
    if (service_init(&compiler, "config", "", "", (struct service_quota){64 * 1024, 0}) ||
        config_text_show(&compiler, text_part, NULL))
        return 1;
    RUN_ANEW(only_what_is_marked_is_debugged);
    RUN_ANEW(one_debugger_at_a_time);
    RUN_ANEW(it_is_stopped_and_goes_on);
    RUN_ANEW(only_its_text_is_written_by_init);
    RUN_ANEW(whoever_stands_at_a_breakpoint_goes_on);
    RUN_ANEW(whoever_comes_to_a_breakpoint_goes_on);
    RUN_ANEW(whoever_steps_goes_on);
    RUN_ANEW(what_is_released_is_out_of_reach);
    RUN_ANEW(its_end_is_told);
    RUN_ANEW(its_debugger_is_killed);
    config_tests();
    TESTS_DONE();
    machine_exit(tests_failed != 0);
    return 0;
}
