// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What packets ask for (protocol.h).
#include "apps/gdbstub/registers.h"
#include "apps/gdbstub/reply.h"
#include "lib/rt/string.h"

static void reply_empty(struct gdb *gdb)
{
    reply_begin(gdb);
    reply_end(gdb);
}

static void finish(struct gdb *gdb, error_t error)
{
    if (error)
        reply_error(gdb, error);
    else
        reply_ok(gdb);
}

static bool exists(const struct gdb *gdb, u64 thread)
{
    return thread && gdb->target->next_thread(gdb->context, thread - 1) == thread;
}

// Whose registers are meant: as gdb chose, else the one that stopped, else any.
static u64 general_thread(const struct gdb *gdb)
{
    if (gdb->general_thread)
        return gdb->general_thread;
    if (exists(gdb, gdb->last.thread))
        return gdb->last.thread;
    return gdb->target->next_thread(gdb->context, 0);
}

static void reply_register(struct gdb *gdb, const struct gdb_register *r,
                           const struct exc_state *state)
{
    if (!state || r->place == GDB_NO_PLACE)
        reply_unavailable(gdb, r->bits / 8);
    else
        reply_hex(gdb, (const u8 *)state + r->place, r->bits / 8);
}

// The stop's thread in short: what gdb would ask for next.
static void reply_expedited(struct gdb *gdb)
{
    static const u8 numbers[] = {GDB_RBP, GDB_RSP, GDB_RIP};
    struct exc_state state;
    if (gdb->target->registers(gdb->context, gdb->last.thread, false, MTD_ALL, &state))
        return;
    for (unsigned i = 0; i < sizeof(numbers); i++) {
        reply_hex(gdb, &numbers[i], 1);
        reply_char(gdb, ':');
        reply_register(gdb, &gdb_registers[numbers[i]], &state);
        reply_char(gdb, ';');
    }
}

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

enum gdb_action gdb_action_of(const struct gdb *gdb, u64 thread)
{
    for (unsigned i = 0; i < gdb->actions; i++) {
        if (!gdb->action[i].thread || gdb->action[i].thread == thread)
            return gdb->action[i].action;
    }
    return GDB_STAY;
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

// c, s, C, S: of the thread that Hc chose, the others stay, or of all: then a step is the stopped
// thread's.
static void simple_go(struct gdb *gdb, struct cursor *c, char what)
{
    bool step = what == 's' || what == 'S';
    u64 number, thread = gdb->continue_thread;
    struct exc_state state;
    if ((what == 'C' || what == 'S') && !take_number(c, &number)) {
        reply_error(gdb, EPROTO);
        return;
    }
    if (step && !thread)
        thread = general_thread(gdb);
    (void)take_char(c, ';');
    if (take_number(c, &state.rip)) {
        error_t error = gdb->target->registers(gdb->context, thread ? thread : general_thread(gdb),
                                               true, MTD_RIP, &state);
        if (error) {
            reply_error(gdb, error);
            return;
        }
    }
    gdb->action[0] = (struct gdb_thread_action){thread, step ? GDB_STEP : GDB_CONTINUE};
    gdb->actions = 1;
    go_on(gdb);
}

// One of vCont's actions; `stop` is set by t.
static bool take_action(struct gdb *gdb, struct cursor *c, bool *stop)
{
    u64 signal;
    struct gdb_thread_action a = {0, GDB_STAY};
    if (!take_char(c, ';') || at_end(c) || gdb->actions == GDB_ACTIONS_MAX)
        return false;
    switch (*c->at++) {
    case 'C':
        if (!take_number(c, &signal))
            return false;
        // fall through
    case 'c': a.action = GDB_CONTINUE; break;
    case 'S':
        if (!take_number(c, &signal))
            return false;
        // fall through
    case 's': a.action = GDB_STEP; break;
    case 't': *stop = true; break;
    default: return false;
    }
    if (take_char(c, ':') && !take_thread(c, &a.thread))
        return false;
    gdb->action[gdb->actions++] = a;
    return true;
}

static void continue_threads(struct gdb *gdb, struct cursor *c)
{
    bool stop = false;
    gdb->actions = 0;
    if (take_char(c, '?')) {
        reply_begin(gdb);
        reply_text(gdb, "vCont;c;C;s;S;t");
        reply_end(gdb);
        return;
    }
    while (!at_end(c)) {
        if (take_action(gdb, c, &stop))
            continue;
        reply_error(gdb, EPROTO);
        return;
    }
    if (!stop) {
        go_on(gdb);
        return;
    }
    gdb->waiting = true;
    if (gdb->stopped)
        gdb_stopped(gdb, &gdb->last);
    else
        gdb->target->interrupt(gdb->context);
}

static void why_stopped(struct gdb *gdb)
{
    gdb->waiting = true;
    if (gdb->stopped)
        gdb_stopped(gdb, &gdb->last);
    else
        gdb->target->interrupt(gdb->context);
}

static void read_registers(struct gdb *gdb)
{
    struct exc_state state;
    error_t error =
        gdb->target->registers(gdb->context, general_thread(gdb), false, MTD_ALL, &state);
    if (error && error != EBUSY) {
        reply_error(gdb, error);
        return;
    }
    reply_begin(gdb);
    for (unsigned i = 0; i < gdb_register_count; i++)
        reply_register(gdb, &gdb_registers[i], error ? NULL : &state);
    reply_end(gdb);
}

static void write_registers(struct gdb *gdb, struct cursor *c)
{
    struct exc_state state = {0};
    u8 bytes[16];
    unsigned mtd = 0;
    for (unsigned i = 0; i < gdb_register_count; i++) {
        const struct gdb_register *r = &gdb_registers[i];
        size_t size = r->bits / 8;
        if (take_hex(c, bytes, size) != size) {
            reply_error(gdb, EPROTO);
            return;
        }
        if (r->place == GDB_NO_PLACE)
            continue;
        memcpy((u8 *)&state + r->place, bytes, size);
        mtd |= r->mtd;
    }
    finish(gdb, gdb->target->registers(gdb->context, general_thread(gdb), true, mtd, &state));
}

static void read_register(struct gdb *gdb, struct cursor *c)
{
    struct exc_state state;
    u64 number;
    if (!take_number(c, &number) || number >= gdb_register_count) {
        reply_error(gdb, EPARAM);
        return;
    }
    error_t error =
        gdb->target->registers(gdb->context, general_thread(gdb), false, MTD_ALL, &state);
    if (error && error != EBUSY) {
        reply_error(gdb, error);
        return;
    }
    reply_begin(gdb);
    reply_register(gdb, &gdb_registers[number], error ? NULL : &state);
    reply_end(gdb);
}

static void write_register(struct gdb *gdb, struct cursor *c)
{
    struct exc_state state;
    u8 bytes[16];
    u64 number;
    if (!take_number(c, &number) || number >= gdb_register_count || !take_char(c, '=')) {
        reply_error(gdb, EPARAM);
        return;
    }
    const struct gdb_register *r = &gdb_registers[number];
    u64 thread = general_thread(gdb);
    if (take_hex(c, bytes, r->bits / 8) != r->bits / 8u) {
        reply_error(gdb, EPROTO);
        return;
    }
    if (r->place == GDB_NO_PLACE) {
        reply_error(gdb, EFEATURE);
        return;
    }
    error_t error = gdb->target->registers(gdb->context, thread, false, MTD_ALL, &state);
    if (!error) {
        memcpy((u8 *)&state + r->place, bytes, r->bits / 8);
        error = gdb->target->registers(gdb->context, thread, true, r->mtd, &state);
    }
    finish(gdb, error);
}

static bool take_range(struct cursor *c, u64 *address, u64 *size)
{
    return take_number(c, address) && take_char(c, ',') && take_number(c, size);
}

static void read_memory(struct gdb *gdb, struct cursor *c)
{
    u8 bytes[GDB_PACKET_MAX / 2];
    u64 address, size;
    if (!take_range(c, &address, &size)) {
        reply_error(gdb, EPROTO);
        return;
    }
    size = size < sizeof(bytes) ? size : sizeof(bytes);
    size_t done = gdb->target->read(gdb->context, address, bytes, size);
    if (!done && size) {
        reply_error(gdb, ENOTFOUND);
        return;
    }
    reply_begin(gdb);
    reply_hex(gdb, bytes, done);
    reply_end(gdb);
}

static void write_memory(struct gdb *gdb, struct cursor *c, bool binary)
{
    u8 bytes[GDB_PACKET_MAX];
    u64 address, size;
    if (!take_range(c, &address, &size) || !take_char(c, ':') || size > sizeof(bytes)) {
        reply_error(gdb, EPROTO);
        return;
    }
    size_t came = binary ? take_binary(c, bytes, size) : take_hex(c, bytes, size);
    if (came != size || !at_end(c)) {
        reply_error(gdb, EPROTO);
        return;
    }
    if (size && gdb->target->write(gdb->context, address, bytes, size) != size)
        reply_error(gdb, EPERM);
    else
        reply_ok(gdb);
}

static void breakpoint(struct gdb *gdb, struct cursor *c, bool set)
{
    u64 address, kind;
    if (!take_char(c, '0')) { // only those in memory
        reply_empty(gdb);
        return;
    }
    if (!take_char(c, ',') || !take_range(c, &address, &kind))
        reply_error(gdb, EPROTO);
    else
        finish(gdb, gdb->target->breakpoint(gdb->context, address, set));
}

static void choose_thread(struct gdb *gdb, struct cursor *c)
{
    bool general = take_char(c, 'g');
    u64 thread;
    if ((!general && !take_char(c, 'c')) || !take_thread(c, &thread)) {
        reply_error(gdb, EPROTO);
        return;
    }
    if (thread && !exists(gdb, thread)) {
        reply_error(gdb, ENOTFOUND);
        return;
    }
    if (general)
        gdb->general_thread = thread;
    else
        gdb->continue_thread = thread;
    reply_ok(gdb);
}

static void thread_alive(struct gdb *gdb, struct cursor *c)
{
    u64 thread;
    finish(gdb, take_number(c, &thread) && exists(gdb, thread) ? SUCCESS : ENOTFOUND);
}

// As many as fit; gdb asks for the rest.
static void list_threads(struct gdb *gdb)
{
    enum { LONGEST = 18 };
    u64 next = gdb->target->next_thread(gdb->context, gdb->listing);
    reply_begin(gdb);
    reply_char(gdb, next ? 'm' : 'l');
    for (bool first = true; next && gdb->reply_length + LONGEST < GDB_PACKET_MAX; first = false) {
        if (!first)
            reply_char(gdb, ',');
        reply_number(gdb, next);
        gdb->listing = next;
        next = gdb->target->next_thread(gdb->context, next);
    }
    reply_end(gdb);
}

static void describe_thread(struct gdb *gdb, struct cursor *c)
{
    char text[128];
    u64 thread;
    if (!take_number(c, &thread) || !exists(gdb, thread)) {
        reply_error(gdb, ENOTFOUND);
        return;
    }
    gdb->target->describe(gdb->context, thread, text, sizeof(text));
    reply_begin(gdb);
    reply_hex(gdb, text, strlen(text));
    reply_end(gdb);
}

static void describe_target(struct gdb *gdb, struct cursor *c)
{
    char text[GDB_PACKET_MAX / 2];
    u64 offset, size;
    bool more;
    if (!take_range(c, &offset, &size)) {
        reply_error(gdb, EPROTO);
        return;
    }
    size_t length = gdb_description(offset, text, size < sizeof(text) ? size : sizeof(text), &more);
    reply_begin(gdb);
    reply_char(gdb, more ? 'm' : 'l');
    reply_binary(gdb, text, length);
    reply_end(gdb);
}

// Sent once, first of all, by each gdb: one may be gone without having said so.
static void supported(struct gdb *gdb, struct cursor *c)
{
    if (gdb->no_ack) {
        gdb->no_ack = false;
        gdb->target->send(gdb->context, "+", 1);
    }
    gdb->swbreak = false;
    for (; !at_end(c); c->at++) {
        if (take_word(c, "swbreak+"))
            gdb->swbreak = true;
        if (at_end(c))
            break;
    }
    gdb->waiting = false;
    gdb->general_thread = gdb->continue_thread = 0;
    gdb->target->attach(gdb->context);
    reply_begin(gdb);
    reply_text(gdb, "PacketSize=");
    reply_number(gdb, GDB_PACKET_MAX);
    reply_text(gdb, ";QStartNoAckMode+;qXfer:features:read+;swbreak+;vContSupported+");
    reply_end(gdb);
}

static void query(struct gdb *gdb, struct cursor *c)
{
    if (take_word(c, "Supported")) {
        supported(gdb, c);
    } else if (take_word(c, "fThreadInfo")) {
        gdb->listing = 0;
        list_threads(gdb);
    } else if (take_word(c, "sThreadInfo")) {
        list_threads(gdb);
    } else if (take_word(c, "ThreadExtraInfo,")) {
        describe_thread(gdb, c);
    } else if (take_word(c, "Xfer:features:read:target.xml:")) {
        describe_target(gdb, c);
    } else if (take_word(c, "Attached")) { // so that gdb leaves the program alone when it goes
        reply_begin(gdb);
        reply_char(gdb, '1');
        reply_end(gdb);
    } else if (take_word(c, "Symbol")) {
        reply_ok(gdb);
    } else if (take_char(c, 'C') && at_end(c)) {
        reply_begin(gdb);
        reply_text(gdb, "QC");
        reply_number(gdb, general_thread(gdb));
        reply_end(gdb);
    } else {
        reply_empty(gdb);
    }
}

static void detach(struct gdb *gdb)
{
    gdb->target->detach(gdb->context);
    gdb->waiting = false;
    reply_ok(gdb);
    gdb->no_ack = false;
}

static void words(struct gdb *gdb, struct cursor *c)
{
    if (take_word(c, "Cont")) {
        continue_threads(gdb, c);
    } else if (take_word(c, "Kill")) {
        gdb->target->kill(gdb->context);
        reply_ok(gdb);
    } else {
        reply_empty(gdb); // vMustReplyEmpty among them
    }
}

static void set_no_ack(struct gdb *gdb, struct cursor *c)
{
    if (!take_word(c, "StartNoAckMode")) {
        reply_empty(gdb);
        return;
    }
    reply_ok(gdb);
    gdb->no_ack = true;
}

void gdb_command(struct gdb *gdb)
{
    struct cursor rest = {gdb->packet + 1, gdb->packet + gdb->length}, *c = &rest;
    if (!gdb->length) {
        reply_empty(gdb);
        return;
    }
    switch (gdb->packet[0]) {
    case '?': why_stopped(gdb); break;
    case 'g': read_registers(gdb); break;
    case 'G': write_registers(gdb, c); break;
    case 'p': read_register(gdb, c); break;
    case 'P': write_register(gdb, c); break;
    case 'm': read_memory(gdb, c); break;
    case 'M': write_memory(gdb, c, false); break;
    case 'X': write_memory(gdb, c, true); break;
    case 'c':
    case 's':
    case 'C':
    case 'S': simple_go(gdb, c, gdb->packet[0]); break;
    case 'Z': breakpoint(gdb, c, true); break;
    case 'z': breakpoint(gdb, c, false); break;
    case 'H': choose_thread(gdb, c); break;
    case 'T': thread_alive(gdb, c); break;
    case 'D': detach(gdb); break;
    case 'k': gdb->target->kill(gdb->context); break;
    case 'q': query(gdb, c); break;
    case 'Q': set_no_ack(gdb, c); break;
    case 'v': words(gdb, c); break;
    default: reply_empty(gdb);
    }
}
