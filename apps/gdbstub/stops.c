// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Going on and stopping: what the program is told to do, and what gdb is told of it (commands.h).
#include "apps/gdbstub/commands.h"
#include "lib/rt/string.h"

static void reply_stop(struct gdb *gdb)
{
    static const char letter[] = {[GDB_STOPPED] = 'T', [GDB_EXITED] = 'W', [GDB_TERMINATED] = 'X'};
    u8 value = (u8)gdb->last.value;
    reply_begin(gdb);
    reply_char(gdb, letter[gdb->last.kind]);
    reply_hex(gdb, &value, 1);
    if (gdb->last.kind == GDB_STOPPED && gdb->last.thread) {
        reply_text(gdb, "thread:");
        reply_number(gdb, gdb->last.thread);
        reply_text(gdb, ";core:");
        reply_number(gdb, gdb->last.cpu);
        reply_char(gdb, ';');
        if (gdb->last.breakpoint && gdb->swbreak)
            reply_text(gdb, "swbreak:;");
        reply_expedited(gdb);
    }
    reply_end(gdb);
}

void gdb_stopped(struct gdb *gdb, const struct gdb_stop *stop)
{
    gdb->last = *stop;
    gdb->stopped = true;
    gdb->general_thread = 0;
    if (!gdb->waiting)
        return;
    gdb->waiting = false;
    reply_stop(gdb);
}

void gdb_runs(struct gdb *gdb)
{
    gdb->stopped = false;
}

void gdb_console(struct gdb *gdb, const char *text)
{
    if (!gdb->waiting)
        return;
    reply_begin(gdb);
    reply_char(gdb, 'O');
    reply_hex(gdb, text, strlen(text));
    reply_end(gdb);
}

static const struct gdb_thread_action *action_for(const struct gdb *gdb, u64 thread)
{
    for (unsigned i = 0; i < gdb->actions; i++) {
        if (!gdb->action[i].thread || gdb->action[i].thread == thread)
            return &gdb->action[i];
    }
    return NULL;
}

enum gdb_action gdb_action_of(const struct gdb *gdb, u64 thread)
{
    const struct gdb_thread_action *a = action_for(gdb, thread);
    return a ? a->action : GDB_STAY;
}

bool gdb_steps_on(const struct gdb *gdb, u64 thread, u64 ip)
{
    const struct gdb_thread_action *a = action_for(gdb, thread);
    return a && a->action == GDB_STEP && ip >= a->first && ip < a->end;
}

static void go_on(struct gdb *gdb)
{
    if (gdb->stopped && gdb->last.kind != GDB_STOPPED) { // nothing is left that could
        reply_stop(gdb);
        return;
    }
    gdb->stopped = false;
    gdb->waiting = true;
    gdb->target->resume(gdb->context, gdb);
}

// Of the thread that Hc chose, the others stay, or of all: then a step is the stopped thread's.
// What is left of the packet is an address to go on at, or nothing.
void gdb_go(struct gdb *gdb, struct cursor *c)
{
    bool step = gdb->packet[0] == 's' || gdb->packet[0] == 'S';
    u64 thread = gdb->continue_thread;
    struct exc_state state;
    if (step && !thread)
        thread = gdb_general_thread(gdb);
    if (take_number(c, &state.rip)) {
        error_t error = gdb->target->registers(
            gdb->context, thread ? thread : gdb_general_thread(gdb), true, MTD_RIP, &state);
        if (error) {
            reply_error(gdb, error);
            return;
        }
    }
    gdb->action[0] = (struct gdb_thread_action){thread, step ? GDB_STEP : GDB_CONTINUE, 0, 0};
    gdb->actions = 1;
    go_on(gdb);
}

void gdb_go_with_signal(struct gdb *gdb, struct cursor *c)
{
    u64 number; // there are no signals here that a program could be sent
    if (!take_number(c, &number)) {
        reply_error(gdb, EPROTO);
        return;
    }
    (void)take_char(c, ';');
    gdb_go(gdb, c);
}

// One of vCont's actions; `stop` is set by t.
static bool take_action(struct gdb *gdb, struct cursor *c, bool *stop)
{
    u64 signal;
    struct gdb_thread_action a = {0, GDB_STAY, 0, 0};
    if (!take_char(c, ';') || at_end(c) || gdb->actions == GDB_ACTIONS_MAX)
        return false;
    char what = *c->at++;
    bool with_signal = what == 'C' || what == 'S';
    if (with_signal && !take_number(c, &signal))
        return false;
    switch (what) {
    case 'C':
    case 'c': a.action = GDB_CONTINUE; break;
    case 'r':
        if (!take_range(c, &a.first, &a.end))
            return false;
        // fall through
    case 'S':
    case 's': a.action = GDB_STEP; break;
    case 't': *stop = true; break;
    default: return false;
    }
    if (take_char(c, ':') && !take_thread(c, &a.thread))
        return false;
    gdb->action[gdb->actions++] = a;
    return true;
}

void gdb_why_stopped(struct gdb *gdb, struct cursor *c)
{
    (void)c;
    gdb->waiting = true;
    if (gdb->stopped)
        gdb_stopped(gdb, &gdb->last);
    else
        gdb->target->interrupt(gdb->context);
}

void gdb_continue_threads(struct gdb *gdb, struct cursor *c)
{
    bool stop = false;
    gdb->actions = 0;
    if (take_char(c, '?')) {
        reply_begin(gdb);
        reply_text(gdb, "vCont;c;C;s;S;t;r");
        reply_end(gdb);
        return;
    }
    while (!at_end(c)) {
        if (take_action(gdb, c, &stop))
            continue;
        reply_error(gdb, EPROTO);
        return;
    }
    if (stop)
        gdb_why_stopped(gdb, c);
    else
        go_on(gdb);
}
