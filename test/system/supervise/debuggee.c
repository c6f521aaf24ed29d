// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// attachee, supervised (debuggee.h).
#include "test/system/supervise/debuggee.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/sync.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"

enum { MOST_US = 20000000, LOOK_US = 2000, PART = PD_MEMORY_MAX };
#define PROGRAM_BASE 0x80000000ul
#define PROGRAM_BYTES (1ul << 20)

error_t debuggee_open(struct debuggee *d, const char *path)
{
    const struct service_quota none = {0, 0};
    *d = (struct debuggee){.debug = SERVICE_CLIENT_NONE,
                           .pd = SERVICE_CLIENT_NONE,
                           .cpu = SERVICE_CLIENT_NONE,
                           .lives = SEL_NONE,
                           .exceptions = SEL_NONE,
                           .domain = SEL_NONE};
    error_t error = service_init(&d->debug, "debug", path, "", none);
    if (!error)
        error = service_init(&d->pd, "pd", "debuggee", "", none);
    if (!error)
        error = service_init(&d->cpu, "cpu", "debuggee", "", none);
    if (!error)
        error = debug_events(&d->debug, &d->lives, &d->exceptions);
    if (error)
        debuggee_close(d);
    return error;
}

void debuggee_close(struct debuggee *d)
{
    service_close(&d->debug);
    service_close(&d->pd);
    service_close(&d->cpu);
    selector_drop(d->lives);
    selector_drop(d->exceptions);
    selector_drop(d->domain);
    d->domain = d->lives = d->exceptions = SEL_NONE;
}

static error_t read_map(struct debuggee *d, word_t at)
{
    size_t all = sizeof(d->map);
    if (domain_read(&d->pd, d->domain, at, &d->map, &all) || all != sizeof(d->map) ||
        d->map.magic[0] != ATTACHEE_MAGIC || d->map.magic[1] != ~ATTACHEE_MAGIC)
        return ENOTFOUND;
    return SUCCESS;
}

// It may not have come that far yet. Where it was once it is in each life: who looks everywhere
// leaves the others little time.
static error_t find_map(struct debuggee *d)
{
    static u8 part[PART];
    static word_t known;
    if (known)
        return read_map(d, known);
    for (word_t at = PROGRAM_BASE; at < PROGRAM_BASE + PROGRAM_BYTES; at += PART) {
        size_t bytes = PART;
        if (domain_read(&d->pd, d->domain, at, part, &bytes))
            continue;
        for (size_t i = 0; i + sizeof(word_t) <= bytes; i += sizeof(word_t)) {
            word_t first;
            memcpy(&first, part + i, sizeof(first));
            if (first != ATTACHEE_MAGIC || read_map(d, at + i))
                continue;
            known = at + i;
            return SUCCESS;
        }
    }
    return ENOTFOUND;
}

error_t debuggee_attach(struct debuggee *d)
{
    selector_drop(d->domain);
    d->domain = SEL_NONE;
    u64 end = deadline_in_us(MOST_US);
    error_t error;
    while ((error = debug_attach(&d->debug, &d->domain, NULL, &d->entry)) == ENOTFOUND &&
           rdtsc() < end)
        pause_us(LOOK_US);
    error_t found = ENOTFOUND;
    while (!error && (found = find_map(d)) && rdtsc() < end)
        pause_us(LOOK_US);
    return error ? error : found;
}

error_t debuggee_release(struct debuggee *d)
{
    return debug_release(&d->debug);
}

error_t debuggee_read(struct debuggee *d, word_t address, word_t *value)
{
    size_t bytes = sizeof(*value);
    error_t error = domain_read(&d->pd, d->domain, address, value, &bytes);
    return error || bytes == sizeof(*value) ? error : EABORT;
}

error_t debuggee_write(struct debuggee *d, word_t address, word_t value)
{
    size_t bytes = sizeof(value);
    error_t error = domain_write(&d->pd, d->domain, address, &value, &bytes);
    return error || bytes == sizeof(value) ? error : EABORT;
}

error_t debuggee_thread(struct debuggee *d, const char *name, sel_t *thread)
{
    struct thread_entry e;
    u64 after = 0;
    error_t error;
    while (!(error = cpu_next_thread(&d->cpu, d->domain, after, &e))) {
        after = e.number;
        if (!strcmp(e.name, name)) {
            *thread = e.thread;
            return SUCCESS;
        }
        selector_drop(e.thread);
    }
    return error;
}

error_t debuggee_stop(struct debuggee *d, sel_t thread, struct exc_state *state)
{
    enum thread_state what;
    error_t error = cpu_thread_pause(&d->cpu, thread);
    if (error)
        return error;
    for (u64 end = deadline_in_us(MOST_US); rdtsc() < end; pause_us(LOOK_US)) {
        error = cpu_thread_read(&d->cpu, thread, &what, state);
        if (error != EBUSY)
            return error;
    }
    return EBUSY;
}

error_t debuggee_patch(struct debuggee *d, word_t address, u8 byte, u8 *was)
{
    size_t one = 1;
    error_t error = was ? domain_read(&d->pd, d->domain, address, was, &one) : SUCCESS;
    one = 1;
    return error ? error : debug_write(&d->debug, address, &byte, &one);
}
