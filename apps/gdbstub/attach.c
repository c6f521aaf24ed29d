// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A program that runs already: a child of init's, supervised by way of init's service "debug"
// (lib/core/debug.h). It is attached while gdb is there and runs untouched else. Its lives come and
// go; gdb is told of the end of the one that it sees. If we die, init lets it go on.
#include "apps/gdbstub/target.h"
#include "lib/core/debug.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"

static struct service_client debug = SERVICE_CLIENT_NONE;
static sel_t receiver, lives = SEL_NONE, exceptions = SEL_NONE;
static u32 wake_life, wake_exception;
static struct debug_state seen; // of the life that is attached

static error_t listen(void)
{
    selector_drop(lives);
    selector_drop(exceptions);
    lives = exceptions = SEL_NONE;
    error_t error = debug_events(&debug, &lives, &exceptions);
    if (!error)
        error = hc_sm_bind(lives, receiver, wake_life);
    return error ? error : hc_sm_bind(exceptions, receiver, wake_exception);
}

error_t attach_open(const char *child, sel_t wake, u32 life, u32 exception)
{
    const struct service_quota none = {0, 0};
    struct domain_program *p = &target.program;
    *p = (struct domain_program){.pd = SERVICE_CLIENT_NONE, .cpu = SERVICE_CLIENT_NONE};
    p->domain.domain = SEL_NONE;
    receiver = wake;
    wake_life = life;
    wake_exception = exception;
    error_t error = service_init(&debug, "debug", child, "", none);
    if (!error)
        error = service_init(&p->pd, "pd", child, "", none);
    if (!error)
        error = service_init(&p->cpu, "cpu", child, "", none);
    if (!error)
        error = listen();
    if (!error)
        error = debug_state(&debug, &seen);
    if (error)
        print("gdbstub: \"%s\" cannot be attached to: %s; expected a child with `debug = yes` and "
              "a route for \"debug\" to it\n",
              child, error_name(error));
    else
        print("gdbstub: \"%s\" can be attached to; file build/bin/%s\n", child, seen.binary);
    return error;
}

static void forget(void)
{
    while (target.threads)
        selector_drop(target.thread[--target.threads].sel);
    breakpoints_forget();
    selector_drop(target.program.domain.domain);
    target.program.domain.domain = SEL_NONE;
    target.running = false;
}

// What gdb is told of a program that is not there.
static void tell_end(void)
{
    struct gdb_stop stop = {.kind = GDB_TERMINATED, .value = GDB_SIGNAL_KILL};
    if (seen.ended == CHILD_EXITED)
        stop = (struct gdb_stop){.kind = GDB_EXITED, .value = (unsigned)seen.exit_code};
    else if (seen.ended == CHILD_FAULTED)
        stop.value = GDB_SIGNAL_SEGV;
    gdb_stopped(&target.gdb, &stop);
}

// Attaches the life that runs; `seen` is of the same one, which may have ended in between. The
// child may have been taken out of init's configuration and put back: then the session is another
// one.
static error_t attach_life(sel_t *domain)
{
    u64 life = 0;
    for (;;) {
        error_t error = debug_attach(&debug, domain, &life, NULL);
        if (error && error != ENOTFOUND && !listen())
            error = debug_attach(&debug, domain, &life, NULL);
        if (!error)
            error = debug_state(&debug, &seen);
        if (error || seen.lives == life)
            return error;
        selector_drop(*domain);
        *domain = SEL_NONE;
    }
}

bool attach_begin(void)
{
    sel_t *domain = &target.program.domain.domain;
    attach_changed(); // we may hear of gdb before we hear of that
    if (*domain != SEL_NONE)
        return true;
    error_t error = attach_life(domain);
    if (error) {
        print("gdbstub: \"%s\" is not attached: %s\n", target.name, error_name(error));
        selector_drop(*domain);
        *domain = SEL_NONE;
        tell_end();
        return false;
    }
    gdb_runs(&target.gdb);
    target.running = true;
    print("gdbstub: \"%s\" is attached\n", target.name);
    return true;
}

void attach_end(void)
{
    if (target.program.domain.domain == SEL_NONE)
        return;
    forget();
    error_t error = debug_release(&debug);
    print("gdbstub: \"%s\" goes on: %s\n", target.name, error ? error_name(error) : "detached");
}

void attach_changed(void)
{
    struct debug_state now;
    if (target.program.domain.domain == SEL_NONE)
        return;
    error_t error = debug_state(&debug, &now);
    if (!error && now.runs && now.lives == seen.lives)
        return;
    forget();
    seen.ended = CHILD_STOPPED;
    if (!error)
        seen = now;
    print("gdbstub: \"%s\" has ended\n", target.name);
    tell_end();
}

size_t attach_write(u64 address, const u8 *bytes, size_t size)
{
    return debug_write(&debug, address, bytes, &size) ? 0 : size;
}

void attach_kill(void)
{
    (void)!debug_kill(&debug);
}
