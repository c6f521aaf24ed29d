// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Two threads that count until gdb lets them finish; then what gdb has written is judged.
#include "lib/rt/heap.h"
#include "lib/rt/hypercall.h"
#include "lib/rt/print.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/thread.h"

struct box {
    u64 number;
    char text[24];
};

volatile u64 rounds, ticks;
// Set by gdb: to end; to be told when so many rounds are done; to be added; to be written to.
volatile u64 finish, tell_at, secret = 1;
volatile u64 *volatile bad;
struct box *volatile box;

__attribute__((noinline)) u64 inner(u64 round)
{
    box->number = round;
    return round * 2 + secret;
}

__attribute__((noinline)) u64 work(u64 round)
{
    u64 half = inner(round);
    rounds++;
    if (bad)
        *bad = round;
    return half + 1;
}

__attribute__((noinline)) void tick(u64 number)
{
    crd_t nothing;
    ticks = number;
    (void)!hc_lookup(crd(CRD_OBJ, SEL_LIMIT - 1, 0, RIGHT_ALL),
                     &nothing); // a hypercall to step over
}

static void ticker(void *argument)
{
    u64 number = *(u64 *)argument;
    while (!finish)
        tick(++number);
}

int main(void)
{
    struct thread other;
    u64 first = 1000, sum = 0;
    box = heap_zalloc(sizeof(*box));
    if (!box)
        return 1;
    strlcpy(box->text, "made by the program", sizeof(box->text));
    print("debuggee: begins\n");
    if (thread_create(&other, hip()->cpu_count - 1, 64, "ticker", ticker, &first))
        return 1;
    while (!finish) {
        sum += work(rounds);
        if (rounds == tell_at)
            print("debuggee: %lu rounds are done\n", rounds);
    }
    thread_join(&other);
    print("test: %s written_variable_takes_effect\n", secret == 42 ? "PASS" : "FAIL");
    print("test: %s written_heap_takes_effect\n",
          strcmp(box->text, "written by gdb") ? "FAIL" : "PASS");
    print("test: %s both_threads_went_on\n", sum && ticks > first ? "PASS" : "FAIL");
    print("test: DONE\n");
    return 0;
}
