// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Between line.c, which takes packets out of the line's bytes and makes packets of replies, and
// commands.c, which answers them.
#pragma once

#include "apps/gdbstub/protocol.h"

// commands.c: answers gdb->packet, whose `length` bytes end with a zero.
void gdb_command(struct gdb *gdb);

// line.c: a reply from its first byte to its checksum. What does not fit makes it an error.
void reply_begin(struct gdb *gdb);
void reply_char(struct gdb *gdb, char c);
void reply_text(struct gdb *gdb, const char *text);
void reply_number(struct gdb *gdb, u64 number);                     // hexadecimal, shortest
void reply_hex(struct gdb *gdb, const void *bytes, size_t size);    // two digits a byte
void reply_unavailable(struct gdb *gdb, size_t size);               // "xx" a byte
void reply_binary(struct gdb *gdb, const char *bytes, size_t size); // escaped
void reply_end(struct gdb *gdb);
void reply_ok(struct gdb *gdb);
void reply_empty(struct gdb *gdb); // it is not known
void reply_error(struct gdb *gdb, error_t error);
void reply_result(struct gdb *gdb, error_t error); // SUCCESS: OK

// What is left of a packet.
struct cursor {
    const char *at, *end;
};
// Takes a character, or a word, if that is what comes next.
bool take_char(struct cursor *c, char expected);
bool take_word(struct cursor *c, const char *expected);
// Takes a hexadecimal number, of at least one digit and 64 bits at most.
bool take_number(struct cursor *c, u64 *number);
// Takes a thread: a number, or -1 or 0, which are 0 here.
bool take_thread(struct cursor *c, u64 *thread);
// Takes two numbers with a comma between them.
bool take_range(struct cursor *c, u64 *first, u64 *second);
// Takes up to `size` bytes in pairs of digits; returns how many.
size_t take_hex(struct cursor *c, u8 *bytes, size_t size);
// Takes up to `size` bytes of binary data with escapes; returns how many.
size_t take_binary(struct cursor *c, u8 *bytes, size_t size);
static inline bool at_end(const struct cursor *c)
{
    return c->at == c->end;
}
