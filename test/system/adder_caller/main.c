// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Calls the adder from the last CPU, without end, and says what it answers.
#include "lib/rt/print.h"
#include "lib/rt/start.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "lib/service/client.h"
#include "test/system/adder/adder.h"

enum { PAUSE_US = 50000, B = 8 };

static struct service_client adder;

static void call(u64 number)
{
    struct msg m;
    service_begin(&adder, &m, ADDER_ADD);
    msg_put_word(&m, number);
    msg_put_word(&m, B);
    error_t error = service_call(&adder, &m);
    u64 sum = msg_get_word(&m), twice = msg_get_word(&m), half = msg_get_word(&m);
    if (error)
        print("call %lu: %s\n", number, error_name(error));
    else
        print("call %lu: %lu, %lu, %lu\n", number, sum, twice, half);
}

static void calls(void *argument)
{
    (void)argument;
    sel_t never;
    if (semaphore_create(0, &never))
        return;
    for (u64 number = 1;; number++) {
        call(number);
        (void)!hc_sm_down(never, deadline_in_us(PAUSE_US));
    }
}

int main(void)
{
    struct thread thread;
    if (service_init(&adder, "adder", "", "", (struct service_quota){0, 0}) ||
        thread_create(&thread, hip()->cpu_count - 1, 40, "calls", calls, NULL))
        return 1;
    thread_join(&thread);
    return 1;
}
