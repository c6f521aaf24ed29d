// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Registers, memory and breakpoints (commands.h).
#include "apps/gdbstub/commands.h"
#include "apps/gdbstub/registers.h"

// Both kinds of state that registers lie in.
struct banks {
    struct exc_state state;
    struct fpu_state fpu;
};

static void *bank_of(struct banks *b, const struct gdb_register *r)
{
    return r->bank == GDB_STATE ? (void *)&b->state : (void *)&b->fpu;
}

// The bank that a register lies in, read or written.
static error_t access(struct gdb *gdb, u64 thread, bool write, const struct gdb_register *r,
                      struct banks *b)
{
    if (r->bank == GDB_NOWHERE)
        return EFEATURE;
    if (r->bank == GDB_STATE)
        return gdb->target->registers(gdb->context, thread, write, write ? r->mtd : MTD_ALL,
                                      &b->state);
    return gdb->target->fpu(gdb->context, thread, write, &b->fpu);
}

// `banks` is NULL if there is nothing to show.
static void reply_register(struct gdb *gdb, const struct gdb_register *r, struct banks *b)
{
    u8 bytes[GDB_REGISTER_BYTES];
    if (!b || r->bank == GDB_NOWHERE) {
        reply_unavailable(gdb, r->bits / 8);
        return;
    }
    gdb_register_get(r, bank_of(b, r), bytes);
    reply_hex(gdb, bytes, r->bits / 8);
}

void reply_expedited(struct gdb *gdb)
{
    static const u8 numbers[] = {GDB_RBP, GDB_RSP, GDB_RIP};
    struct banks b;
    if (access(gdb, gdb->last.thread, false, &gdb_registers[GDB_RIP], &b))
        return;
    for (unsigned i = 0; i < sizeof(numbers); i++) {
        reply_hex(gdb, &numbers[i], 1);
        reply_char(gdb, ':');
        reply_register(gdb, &gdb_registers[numbers[i]], &b);
        reply_char(gdb, ';');
    }
}

// Registers [first, end), which lie in one bank or nowhere. A thread that has none to show now
// shows them as unavailable.
static void read_some(struct gdb *gdb, unsigned first, unsigned end)
{
    struct banks b;
    error_t error = access(gdb, gdb_general_thread(gdb), false, &gdb_registers[first], &b);
    if (error && error != EBUSY && error != EFEATURE) {
        reply_error(gdb, error);
        return;
    }
    reply_begin(gdb);
    for (unsigned i = first; i < end; i++)
        reply_register(gdb, &gdb_registers[i], error ? NULL : &b);
    reply_end(gdb);
}

void gdb_read_registers(struct gdb *gdb, struct cursor *c)
{
    (void)c;
    read_some(gdb, 0, GDB_G_REGISTERS);
}

void gdb_write_registers(struct gdb *gdb, struct cursor *c)
{
    struct exc_state state = {0};
    u8 bytes[GDB_REGISTER_BYTES];
    unsigned mtd = 0;
    for (unsigned i = 0; i < GDB_G_REGISTERS; i++) {
        const struct gdb_register *r = &gdb_registers[i];
        if (take_hex(c, bytes, r->bits / 8) != r->bits / 8u) {
            reply_error(gdb, EPROTO);
            return;
        }
        if (r->bank == GDB_NOWHERE)
            continue;
        gdb_register_put(r, &state, bytes);
        mtd |= r->mtd;
    }
    reply_result(gdb,
                 gdb->target->registers(gdb->context, gdb_general_thread(gdb), true, mtd, &state));
}

void gdb_read_register(struct gdb *gdb, struct cursor *c)
{
    u64 number;
    if (take_number(c, &number) && number < gdb_register_count)
        read_some(gdb, (unsigned)number, (unsigned)number + 1);
    else
        reply_error(gdb, EPARAM);
}

void gdb_write_register(struct gdb *gdb, struct cursor *c)
{
    struct banks b;
    u8 bytes[GDB_REGISTER_BYTES];
    u64 number, thread = gdb_general_thread(gdb);
    if (!take_number(c, &number) || number >= gdb_register_count || !take_char(c, '=')) {
        reply_error(gdb, EPARAM);
        return;
    }
    const struct gdb_register *r = &gdb_registers[number];
    if (take_hex(c, bytes, r->bits / 8) != r->bits / 8u) {
        reply_error(gdb, EPROTO);
        return;
    }
    error_t error = access(gdb, thread, false, r, &b);
    if (!error) {
        gdb_register_put(r, bank_of(&b, r), bytes);
        error = access(gdb, thread, true, r, &b);
    }
    reply_result(gdb, error);
}

void gdb_read_memory(struct gdb *gdb, struct cursor *c)
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

static void write_memory(struct gdb *gdb, struct cursor *c,
                         size_t (*take)(struct cursor *, u8 *, size_t))
{
    u8 bytes[GDB_PACKET_MAX];
    u64 address, size;
    if (!take_range(c, &address, &size) || !take_char(c, ':') || size > sizeof(bytes) ||
        take(c, bytes, size) != size || !at_end(c)) {
        reply_error(gdb, EPROTO);
        return;
    }
    bool all = !size || gdb->target->write(gdb->context, address, bytes, size) == size;
    reply_result(gdb, all ? SUCCESS : EPERM);
}

void gdb_write_memory(struct gdb *gdb, struct cursor *c)
{
    write_memory(gdb, c, take_hex);
}

void gdb_write_binary(struct gdb *gdb, struct cursor *c)
{
    write_memory(gdb, c, take_binary);
}

static void breakpoint(struct gdb *gdb, struct cursor *c, bool set)
{
    u64 address, kind;
    if (!take_char(c, '0')) // only those in memory
        reply_empty(gdb);
    else if (!take_char(c, ',') || !take_range(c, &address, &kind))
        reply_error(gdb, EPROTO);
    else
        reply_result(gdb, gdb->target->breakpoint(gdb->context, address, set));
}

void gdb_set_breakpoint(struct gdb *gdb, struct cursor *c)
{
    breakpoint(gdb, c, true);
}

void gdb_clear_breakpoint(struct gdb *gdb, struct cursor *c)
{
    breakpoint(gdb, c, false);
}
