// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Commands that show the system: log, top.
#include "apps/shell/shell.h"
#include "lib/core/log.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/timer.h"

enum { TOP_MAX = 128, SECOND_US = 1000000, PIECE_BYTES = 1024 };

void command_log(const char *argument)
{
    struct service_client *c = client_log(argument);
    char text[2048];
    u64 position = 0;
    size_t length = 1;
    while (length && !failed(c, "log", log_read(c, &position, text, sizeof(text), &length))) {
        for (size_t at = 0; at < length; at += PIECE_BYTES)
            say_bytes(text + at, length - at < PIECE_BYTES ? length - at : PIECE_BYTES);
    }
}

struct usage {
    u64 ticks;
    unsigned threads;
    char name[96];
};

static error_t statistics(struct usage *out, unsigned *count)
{
    struct service_client *c = client_cpu();
    word_t total = 1;
    *count = 0;
    for (word_t first = 0; first < total && *count < TOP_MAX;) {
        struct msg m;
        service_begin(c, &m, CPU_STATISTICS);
        msg_put_word(&m, first);
        error_t error = service_call(c, &m);
        if (failed(c, "top", error))
            return error;
        total = msg_get_word(&m);
        word_t here = msg_get_word(&m);
        for (word_t i = 0; i < here && *count < TOP_MAX; i++) {
            struct usage *u = &out[*count];
            char name[256];
            u->ticks = msg_get_word(&m);
            (void)msg_get_word(&m); // CPU and priority
            msg_get_string(&m, name, sizeof(name));
            strlcpy(u->name, name, sizeof(u->name));
            if (msg_error(&m))
                return EPROTO;
            (*count)++;
        }
        if (!here)
            break;
        first += here;
    }
    return SUCCESS;
}

// The component that a thread belongs to: "init -> timer -> waiter" counts for "timer".
static void component_of(const char *thread, char *name, size_t size)
{
    static const char arrow[] = " -> ";
    enum { ARROW = sizeof(arrow) - 1 };
    if (!strncmp(thread, "init -> ", 8))
        thread += 8;
    size_t length = 0;
    while (thread[length] && strncmp(thread + length, arrow, ARROW))
        length++;
    strlcpy(name, thread, length + 1 < size ? length + 1 : size);
}

// Adds up the threads of each component, in place. Returns how many components there are.
static unsigned by_component(struct usage *list, unsigned count)
{
    unsigned total = 0;
    for (unsigned i = 0; i < count; i++) {
        struct usage one = {.ticks = list[i].ticks, .threads = 1};
        unsigned k = 0;
        component_of(list[i].name, one.name, sizeof(one.name));
        while (k < total && strcmp(list[k].name, one.name))
            k++;
        if (k < total) {
            list[k].ticks += one.ticks;
            list[k].threads++;
        } else {
            list[total++] = one;
        }
    }
    return total;
}

static u64 earlier_ticks(const struct usage *before, unsigned count, const struct usage *now)
{
    for (unsigned i = 0; i < count; i++) {
        if (!strcmp(before[i].name, now->name)) // less than before: it is another life
            return before[i].ticks <= now->ticks ? before[i].ticks : 0;
    }
    return 0;
}

// Statistics, by component, and when they were taken.
static error_t snapshot(struct usage *list, unsigned *count, u64 *when)
{
    *when = rdtsc();
    error_t error = statistics(list, count);
    if (!error)
        *count = by_component(list, *count);
    return error;
}

void command_top(const char *argument)
{
    static struct usage before[TOP_MAX], after[TOP_MAX];
    unsigned count_before, count;
    u64 begin, end;
    struct timer timer;
    (void)argument;
    if (snapshot(before, &count_before, &begin))
        return;
    if (failed(client_timer(), "top", timer_clone(&timer, client_timer())))
        return;
    error_t error = timer_sleep(&timer, SECOND_US);
    timer_free(&timer);
    if (failed(client_timer(), "top", error))
        return;
    if (snapshot(after, &count, &end))
        return;
    u64 thousandth = (end - begin) / 1000 + 1;
    say("   CPU%%  THREADS COMPONENT    (100%% is one processor)\n");
    for (unsigned i = 0; i < count; i++) {
        u64 tenths = (after[i].ticks - earlier_ticks(before, count_before, &after[i])) / thousandth;
        say("  %3lu.%lu  %7u %s\n", tenths / 10, tenths % 10, after[i].threads, after[i].name);
    }
}
