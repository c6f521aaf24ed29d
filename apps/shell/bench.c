// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// `bench ipc`: what the short ways cost on this very machine, in cycles of the time-stamp counter.
// `make bench` counts instructions instead, which repeat exactly.
#include "apps/shell/shell.h"
#include "lib/rt/string.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "lib/service/timer.h"

enum { SAMPLES = 1001 };

static u32 samples[SAMPLES];

static u32 median(void)
{
    for (unsigned gap = SAMPLES / 2; gap > 0; gap /= 2) {
        for (unsigned i = gap; i < SAMPLES; i++) {
            u32 value = samples[i];
            unsigned k = i;
            for (; k >= gap && samples[k - gap] > value; k -= gap)
                samples[k] = samples[k - gap];
            samples[k] = value;
        }
    }
    return samples[SAMPLES / 2];
}

NORETURN static void null_handler(word_t identity, head_t h, word_t w0, word_t w1, word_t w2,
                                  word_t w3)
{
    (void)identity, (void)h, (void)w0, (void)w1, (void)w2, (void)w3;
    hc_reply0();
}
PORTAL_RAW(null_entry, null_handler);

static void own_portal(void)
{
    struct thread handler;
    sel_t portal;
    if (failed(&(struct service_client){.name = "-"}, "bench",
               thread_create_handler(&handler, thread_cpu(), 0)))
        return;
    if (!portal_create(&handler, null_entry, 0, 0, &portal)) {
        for (unsigned i = 0; i < SAMPLES; i++) {
            u64 begin = rdtsc();
            (void)!hc_call0(portal);
            samples[i] = (u32)(rdtsc() - begin);
        }
        say("  %-34s %7u\n", "call and reply, own domain", median());
        portal_destroy(portal);
    }
    thread_destroy(&handler);
}

void command_bench(const char *argument)
{
    if (*argument && strcmp(argument, "ipc")) {
        say("shell: bench: found \"%s\", expected ipc\n", argument);
        return;
    }
    crd_t found;
    say("  operation                           cycles (median of %u)\n", SAMPLES);
    for (unsigned i = 0; i < SAMPLES; i++) {
        u64 begin = rdtsc();
        hc_lookup(crd(CRD_OBJ, 0, 0, 0), &found);
        samples[i] = (u32)(rdtsc() - begin);
    }
    say("  %-34s %7u\n", "hypercall (lookup)", median());
    own_portal();
    struct service_client *timer = client_timer();
    for (unsigned i = 0; i < SAMPLES; i++) {
        u64 since;
        u64 begin = rdtsc();
        if (failed(timer, "bench", timer_time(timer, &since, NULL)))
            return;
        samples[i] = (u32)(rdtsc() - begin);
    }
    say("  %-34s %7u\n", "service call to the timer", median());
}
