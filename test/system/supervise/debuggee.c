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

enum { TRIES = 2000, PART = 512 };
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

// It may not have come that far yet.
static error_t find_map(struct debuggee *d)
{
    u8 part[PART];
    for (word_t at = PROGRAM_BASE; at < PROGRAM_BASE + PROGRAM_BYTES; at += PART) {
        size_t bytes = PART;
        if (domain_read(&d->pd, d->domain, at, part, &bytes))
            continue;
        for (size_t i = 0; i + sizeof(word_t) <= bytes; i += sizeof(word_t)) {
            size_t all = sizeof(d->map);
            word_t first;
            memcpy(&first, part + i, sizeof(first));
            if (first == ATTACHEE_MAGIC && !domain_read(&d->pd, d->domain, at + i, &d->map, &all) &&
                all == sizeof(d->map) && d->map.magic[1] == ~ATTACHEE_MAGIC)
                return SUCCESS;
        }
    }
    return ENOTFOUND;
}

error_t debuggee_attach(struct debuggee *d)
{
    selector_drop(d->domain);
    d->domain = SEL_NONE;
    error_t error = ENOTFOUND;
    for (unsigned tries = 0; error == ENOTFOUND && tries < TRIES; tries++) {
        error = debug_attach(&d->debug, &d->domain, &d->entry);
        if (error)
            pause_us(1000);
    }
    error_t found = ENOTFOUND;
    for (unsigned tries = 0; !error && found && tries < TRIES; tries++) {
        found = find_map(d);
        if (found)
            pause_us(1000);
    }
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
    for (unsigned tries = 0; !error && tries < TRIES; tries++) {
        error = cpu_thread_read(&d->cpu, thread, &what, state);
        if (error != EBUSY)
            return error;
        error = SUCCESS;
        pause_us(1000);
    }
    return error ? error : EBUSY;
}

error_t debuggee_patch(struct debuggee *d, word_t address, u8 byte, u8 *was)
{
    size_t one = 1;
    error_t error = was ? domain_read(&d->pd, d->domain, address, was, &one) : SUCCESS;
    one = 1;
    return error ? error : debug_write(&d->debug, address, &byte, &one);
}
