// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A child of scenarios/changing. It calls "echo" on one session and ends with exit code 1 as soon
// as a call fails or the service has counted another number of calls: so it only goes on while it
// and its session are untouched. When it opens its configuration it has called twice: who sees
// that session knows that another server would be noticed. It beats its heart at each call. With
// `watch` in its configuration it follows `n` there, and opens a session "seen" for each value that
// it sees; with `paced` it does so for each share of the processor that it finds to be its own, and
// has a second thread that would like to run first.
#include "lib/rt/heap.h"
#include "lib/rt/memory.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "lib/service/rom_watch.h"
#include "test/system/compose_server/operations.h"
#include <libfdt.h>

enum { CONFIG_MAX = 64 * 1024, BEAT_US = 5000 };

static u64 number_of(const void *tree, const char *name)
{
    int length;
    const void *value = fdt_getprop(tree, 0, name, &length);
    return !value ? 0 : length == 8 ? fdt64_ld(value) : length == 4 ? fdt32_ld(value) : 0;
}

static error_t see(u64 n)
{
    char *label = heap_alloc(32);
    struct service_client *seen = heap_zalloc(sizeof(*seen));
    if (!label || !seen)
        return EMEM;
    text_format(label, 32, "seen %lu", n);
    error_t error = service_init(seen, "echo", label, "", (struct service_quota){0, 0});
    return error ? error : service_open(seen);
}

static error_t look(struct rom_watch *rom, u64 *n)
{
    void *tree = NULL;
    size_t size = 0;
    error_t error = rom_copy(rom, CONFIG_MAX, &tree, &size);
    if (error)
        return error;
    u64 now = fdt_check_full(tree, size) ? 0 : number_of(tree, "n");
    bool watch = number_of(tree, "watch");
    memory_free(tree, size + 1);
    if (watch && now != *n)
        error = see(now);
    *n = now;
    return error;
}

// What it has of the processor is asked for at each beat.
static error_t look_at_share(struct cpu_limits *last)
{
    struct cpu_limits now;
    error_t error = env_cpu_limits(&now);
    if (error || (now.budget_us == last->budget_us && now.period_us == last->period_us &&
                  now.priority == last->priority))
        return error;
    *last = now;
    print("has %luus of %luus, priority %lu\n", now.budget_us, now.period_us, now.priority);
    return see(now.budget_us);
}

static bool call(struct service_client *echo, word_t calls)
{
    word_t w[4] = {0, 0, calls, 1};
    return !service_call_words(echo, COMPOSE_ADD, w) && w[1] == calls + 1 && w[2] == calls;
}

static void rest(void *never)
{
    (void)!hc_sm_down((sel_t)(word_t)never, DEADLINE_NEVER);
}

int main(void)
{
    struct rom_watch rom;
    struct service_client echo;
    sel_t never;
    u64 n = 0;
    word_t calls = 1;
    struct cpu_limits share = {0};
    struct thread second;
    if (rom_watch_init(&rom, "config", "", (struct service_quota){0, 0}) ||
        semaphore_create(0, &never) ||
        service_init(&echo, "echo", "", "", (struct service_quota){0, 0}))
        return 2;
    for (; calls <= 2; calls++) {
        if (!call(&echo, calls))
            return 1;
    }
    struct rom config;
    bool open = !rom_open(&config, "config"), watch = open && number_of(config.data, "watch"),
         paced = open && number_of(config.data, "paced");
    if (watch && rom_watch_begin(&rom))
        return 3;
    if (look(&rom, &n))
        return 2;
    if (paced &&
        thread_create(&second, thread_cpu(), PRIORITY_MAX, "second", rest, (void *)(word_t)never))
        return 6;
    print("begins with n = %lu\n", n);
    for (;; calls++) {
        parent_signal(SIGNAL_HEARTBEAT, 0);
        if (!call(&echo, calls))
            return 1;
        if (paced && look_at_share(&share))
            return 5;
        error_t error = watch ? rom_watch_wait(&rom, deadline_in_us(BEAT_US)) : ETIMEOUT;
        if (!error && (error = look(&rom, &n))) {
            print("looking at n after %lu: %s\n", n, error_name(error));
            return 4;
        }
        if (!watch)
            (void)!hc_sm_down(never, deadline_in_us(BEAT_US));
    }
}
