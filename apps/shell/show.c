// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Commands that show the system: tree, log, top.
#include "apps/shell/shell.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/timer.h"

enum { TOP_MAX = 96, SECOND_US = 1000000 };

static const char *const states[] = {
#define X(name, number) [number] = #name,
    CHILD_STATES(X)
#undef X
};

error_t children_visit(void (*visit)(const struct child_row *row, void *context), void *context)
{
    struct service_client *c = client_init();
    word_t total = 1;
    for (word_t first = 0; first < total;) {
        struct msg m;
        struct child_row rows[32];
        service_begin(c, &m, INIT_LIST);
        msg_put_word(&m, first);
        error_t error = service_call(c, &m);
        total = msg_get_word(&m);
        word_t here = msg_get_word(&m);
        if (!error && (here == 0 || here > ARRAY_SIZE(rows)))
            return SUCCESS;
        for (word_t i = 0; i < here && !error; i++) {
            word_t state = msg_get_word(&m);
            rows[i].state = (u32)state;
            rows[i].restarts = (u32)(state >> 32);
            rows[i].ram_used = msg_get_word(&m);
            rows[i].ram_limit = msg_get_word(&m);
            rows[i].caps_used = msg_get_word(&m);
            rows[i].caps_limit = msg_get_word(&m);
            rows[i].sessions = msg_get_word(&m);
            msg_get_string(&m, rows[i].name, sizeof(rows[i].name));
            error = msg_error(&m);
        }
        if (failed(c, "list", error))
            return error;
        for (word_t i = 0; i < here; i++)
            visit(&rows[i], context);
        first += here;
    }
    return SUCCESS;
}

static void show_row(const struct child_row *r, void *context)
{
    (void)context;
    char state[16] = "?";
    if (r->state < ARRAY_SIZE(states))
        strlcpy(state, states[r->state], sizeof(state));
    for (char *c = state; *c; c++)
        *c |= 0x20;
    say("  %-16s %-8s %7lu/%-7lu %5lu/%-6lu %8lu %8u\n", r->name, state, r->ram_used / 1024,
        r->ram_limit / 1024, r->caps_used, r->caps_limit, r->sessions, r->restarts);
}

void command_tree(const char *argument)
{
    (void)argument;
    say("init               STATE      RAM KiB used/limit   CAPS      SESSIONS RESTARTS\n");
    (void)!children_visit(show_row, NULL);
}

void command_log(const char *argument)
{
    struct service_client *c = client_log(argument);
    word_t position = 0;
    for (;;) {
        struct msg m;
        char text[1024];
        service_begin(c, &m, LOG_READ);
        msg_put_word(&m, position);
        if (failed(c, "log", service_call(c, &m)))
            return;
        position = msg_get_word(&m);
        char whole[2048];
        size_t length = msg_get_bytes(&m, whole, sizeof(whole));
        if (msg_error(&m) || !length)
            return;
        for (size_t at = 0; at < length; at += sizeof(text)) {
            size_t part = length - at < sizeof(text) ? length - at : sizeof(text);
            memcpy(text, whole + at, part);
            say_bytes(text, part);
        }
    }
}

struct usage {
    u64 ticks;
    u32 cpu, priority;
    char name[64];
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
            word_t where = msg_get_word(&m);
            u->cpu = (u32)where;
            u->priority = (u32)(where >> 32);
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

static u64 earlier_ticks(const struct usage *before, unsigned count, const struct usage *now)
{
    for (unsigned i = 0; i < count; i++) {
        if (before[i].cpu == now->cpu && !strcmp(before[i].name, now->name))
            return before[i].ticks <= now->ticks ? before[i].ticks : 0;
    }
    return 0;
}

void command_top(const char *argument)
{
    static struct usage before[TOP_MAX], after[TOP_MAX];
    unsigned count = 0, count_after = 0;
    struct timer timer;
    (void)argument;
    if (statistics(before, &count))
        return;
    u64 begin = rdtsc();
    if (failed(client_timer(), "top", timer_open(&timer, client_timer())))
        return;
    (void)!timer_sleep(&timer, SECOND_US);
    timer_free(&timer);
    u64 span = rdtsc() - begin;
    if (statistics(after, &count_after))
        return;
    say("  CPU%%   CPU PRIO THREAD\n");
    for (unsigned i = 0; i < count_after; i++) {
        u64 used = after[i].ticks - earlier_ticks(before, count, &after[i]);
        u64 tenths = used / (span / 1000 + 1);
        if (tenths)
            say("  %3lu.%lu  %3u  %3u %s\n", tenths / 10, tenths % 10, after[i].cpu,
                after[i].priority, after[i].name);
    }
}
