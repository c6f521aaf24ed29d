// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A service whose handlers gdb stops, steps and writes to. What it does besides gdb asks for by
// variables: to begin threads, to end, to fault.
#include "test/system/adder/adder.h"
#include "lib/rt/print.h"
#include "lib/rt/start.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "lib/service/server.h"

enum { CROWD = 50 };

volatile u64 calls, begun;
// Set by gdb.
volatile u64 crowd, leave;
volatile u64 *volatile bad;
static sel_t asked, never;

__attribute__((noinline)) u64 sum_up(u64 a, u64 b)
{
    calls++;
    if (bad)
        *bad = a;
    return a + b;
}

__attribute__((noinline)) double doubled(double x)
{
    return x * 2;
}

// By x87; between its last two instructions the result is on the FPU's stack.
__attribute__((noinline)) u64 halved(u64 x)
{
    static const u16 two = 2;
    u64 result;
    __asm__ volatile("fildq %1\n\tfidivs %2\n"
                     ".globl half_is_loaded\nhalf_is_loaded:\n\tfistpq %0"
                     : "=m"(result)
                     : "m"(x), "m"(two));
    return result;
}

static error_t end(struct server_session *session, struct msg *m)
{
    error_t error = server_request_kill(session);
    msg_begin(m);
    msg_put_word(m, error);
    return error;
}

static error_t open(struct server_session *session, const char *label, const char *args)
{
    (void)session, (void)args;
    print("adder: a session for \"%s\"\n", label);
    return SUCCESS;
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)session, (void)cpu;
    if (operation == ADDER_END_ME)
        return end(session, m);
    u64 a = msg_get_word(m), b = msg_get_word(m);
    if (operation != ADDER_ADD || msg_error(m))
        return EPROTO;
    u64 sum = sum_up(a, b);
    double more = doubled((double)a);
    u64 less = halved(b);
    if (crowd || leave)
        hc_sm_up(asked);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, sum);
    msg_put_word(m, (u64)more);
    msg_put_word(m, less);
    return SUCCESS;
}

__attribute__((noinline)) void one_of_many(u64 number)
{
    (void)number;
    __atomic_add_fetch(&begun, 1, __ATOMIC_RELAXED);
}

static void member(void *argument)
{
    one_of_many((u64)argument);
    while (!leave)
        (void)!hc_sm_down(never, DEADLINE_NEVER);
}

static void begin_crowd(void)
{
    static struct thread many[CROWD];
    for (unsigned i = 0; i < CROWD; i++) {
        if (thread_create(&many[i], i % hip()->cpu_count, 60, "member", member, (void *)(u64)i))
            print("adder: thread %u cannot be made\n", i);
    }
    while (__atomic_load_n(&begun, __ATOMIC_RELAXED) < CROWD)
        (void)!hc_sm_down(never, deadline_in_us(1000));
    print("adder: %u threads have begun\n", CROWD);
}

int main(void)
{
    static struct server server, single;
    static const struct server_ops ops = {.open = open, .dispatch = dispatch};
    struct server_config config = {.name = "adder", .flags = SERVICE_SESSION_PORTALS, .ops = &ops};
    error_t error = semaphore_create(0, &asked);
    if (!error)
        error = semaphore_create(0, &never);
    if (!error)
        error = server_start(&server, &config);
    config.name = "single";
    config.flags = SERVICE_SINGLETON;
    if (!error)
        error = server_start(&single, &config);
    if (error) {
        print("adder: cannot offer its service: %s\n", error_name(error));
        return 1;
    }
    while (!hc_sm_down(asked, DEADLINE_NEVER) && !leave) {
        if (crowd)
            begin_crowd();
        crowd = 0;
    }
    print("adder: leaves after %lu calls\n", calls);
    print("test: DONE\n");
    return 3;
}
