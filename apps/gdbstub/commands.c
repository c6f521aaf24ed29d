// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Which packet it is, and those about threads and the target (commands.h).
#include "apps/gdbstub/commands.h"
#include "apps/gdbstub/registers.h"
#include "lib/rt/string.h"

static bool exists(const struct gdb *gdb, u64 thread)
{
    return thread && gdb->target->next_thread(gdb->context, thread - 1) == thread;
}

u64 gdb_general_thread(const struct gdb *gdb)
{
    if (gdb->general_thread)
        return gdb->general_thread;
    if (exists(gdb, gdb->last.thread))
        return gdb->last.thread;
    return gdb->target->next_thread(gdb->context, 0);
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
    reply_result(gdb, take_number(c, &thread) && exists(gdb, thread) ? SUCCESS : ENOTFOUND);
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
        reply_number(gdb, gdb_general_thread(gdb));
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
        gdb_continue_threads(gdb, c);
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
    case '?': gdb_why_stopped(gdb, c); break;
    case 'g': gdb_read_registers(gdb, c); break;
    case 'G': gdb_write_registers(gdb, c); break;
    case 'p': gdb_read_register(gdb, c); break;
    case 'P': gdb_write_register(gdb, c); break;
    case 'm': gdb_read_memory(gdb, c); break;
    case 'M': gdb_write_memory(gdb, c); break;
    case 'X': gdb_write_binary(gdb, c); break;
    case 'c':
    case 's': gdb_go(gdb, c); break;
    case 'C':
    case 'S': gdb_go_with_signal(gdb, c); break;
    case 'Z': gdb_set_breakpoint(gdb, c); break;
    case 'z': gdb_clear_breakpoint(gdb, c); break;
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
