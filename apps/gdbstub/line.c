// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The line: bytes to packets and back, numbers and bytes in packets (reply.h).
#include "apps/gdbstub/reply.h"
#include "lib/rt/string.h"

enum { INTERRUPT = 3, ESCAPE = '}', ESCAPED = 0x20 };

static const char digits[] = "0123456789abcdef";

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static void send(struct gdb *gdb, const char *bytes, size_t size)
{
    gdb->target->send(gdb->context, bytes, size);
}

void gdb_init(struct gdb *gdb, const struct gdb_target *target, void *context)
{
    *gdb = (struct gdb){.target = target, .context = context};
}

// Everything up to the checksum has come.
static void packet_end(struct gdb *gdb, char low)
{
    bool good = digit(gdb->check) * 16 + digit(low) == gdb->sum && digit(gdb->check) >= 0 &&
                digit(low) >= 0 && !gdb->too_long;
    gdb->state = GDB_IDLE;
    if (!gdb->no_ack)
        send(gdb, good ? "+" : "-", 1);
    gdb->packet[gdb->length] = 0;
    if (good)
        gdb_command(gdb);
}

static void packet_begin(struct gdb *gdb)
{
    gdb->state = GDB_BODY;
    gdb->sum = 0;
    gdb->length = 0;
    gdb->too_long = false;
}

static void between_packets(struct gdb *gdb, u8 byte)
{
    if (byte == '$')
        packet_begin(gdb);
    else if (byte == '-' && gdb->reply_length && !gdb->no_ack)
        send(gdb, gdb->reply, gdb->reply_length);
    else if (byte == INTERRUPT && !gdb->stopped)
        gdb->target->interrupt(gdb->context);
}

static void body(struct gdb *gdb, u8 byte)
{
    if (byte == '$') { // what came before was cut
        packet_begin(gdb);
        return;
    }
    if (byte == '#') {
        gdb->state = GDB_CHECK_HIGH;
        return;
    }
    gdb->sum = (u8)(gdb->sum + byte);
    if (gdb->length == GDB_PACKET_MAX)
        gdb->too_long = true;
    else
        gdb->packet[gdb->length++] = (char)byte;
}

void gdb_input(struct gdb *gdb, const u8 *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        switch (gdb->state) {
        case GDB_IDLE: between_packets(gdb, bytes[i]); break;
        case GDB_BODY: body(gdb, bytes[i]); break;
        case GDB_CHECK_HIGH:
            gdb->check = (char)bytes[i];
            gdb->state = GDB_CHECK_LOW;
            break;
        case GDB_CHECK_LOW: packet_end(gdb, (char)bytes[i]); break;
        }
    }
}

void reply_begin(struct gdb *gdb)
{
    gdb->reply[0] = '$';
    gdb->reply_length = 1;
    gdb->reply_full = false;
}

void reply_char(struct gdb *gdb, char c)
{
    if (gdb->reply_length <= GDB_REPLY_MAX)
        gdb->reply[gdb->reply_length++] = c;
    else
        gdb->reply_full = true;
}

void reply_text(struct gdb *gdb, const char *text)
{
    while (*text)
        reply_char(gdb, *text++);
}

void reply_number(struct gdb *gdb, u64 number)
{
    int shift = 60;
    while (shift && !(number >> shift))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        reply_char(gdb, digits[number >> shift & 15]);
}

void reply_hex(struct gdb *gdb, const void *bytes, size_t size)
{
    for (const u8 *b = bytes; size; b++, size--) {
        reply_char(gdb, digits[*b >> 4]);
        reply_char(gdb, digits[*b & 15]);
    }
}

void reply_unavailable(struct gdb *gdb, size_t size)
{
    for (; size; size--)
        reply_text(gdb, "xx");
}

void reply_binary(struct gdb *gdb, const char *bytes, size_t size)
{
    for (; size; bytes++, size--) {
        if (*bytes == '#' || *bytes == '$' || *bytes == '*' || *bytes == ESCAPE) {
            reply_char(gdb, ESCAPE);
            reply_char(gdb, (char)(*bytes ^ ESCAPED));
        } else {
            reply_char(gdb, *bytes);
        }
    }
}

void reply_end(struct gdb *gdb)
{
    u8 sum = 0;
    if (gdb->reply_full) {
        reply_begin(gdb);
        reply_text(gdb, "E01");
    }
    for (size_t i = 1; i < gdb->reply_length; i++)
        sum = (u8)(sum + (u8)gdb->reply[i]);
    gdb->reply[gdb->reply_length++] = '#';
    gdb->reply[gdb->reply_length++] = digits[sum >> 4];
    gdb->reply[gdb->reply_length++] = digits[sum & 15];
    send(gdb, gdb->reply, gdb->reply_length);
}

void reply_ok(struct gdb *gdb)
{
    reply_begin(gdb);
    reply_text(gdb, "OK");
    reply_end(gdb);
}

void reply_error(struct gdb *gdb, error_t error)
{
    u8 number = (u8)error;
    reply_begin(gdb);
    reply_char(gdb, 'E');
    reply_hex(gdb, &number, 1);
    reply_end(gdb);
}

void reply_empty(struct gdb *gdb)
{
    reply_begin(gdb);
    reply_end(gdb);
}

void reply_result(struct gdb *gdb, error_t error)
{
    if (error)
        reply_error(gdb, error);
    else
        reply_ok(gdb);
}

bool take_char(struct cursor *c, char expected)
{
    if (at_end(c) || *c->at != expected)
        return false;
    c->at++;
    return true;
}

bool take_word(struct cursor *c, const char *expected)
{
    size_t length = strlen(expected);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, expected, length))
        return false;
    c->at += length;
    return true;
}

bool take_number(struct cursor *c, u64 *number)
{
    enum { DIGITS_MAX = 16 };
    unsigned count = 0;
    *number = 0;
    for (; !at_end(c) && digit(*c->at) >= 0; c->at++, count++)
        *number = *number << 4 | (u64)digit(*c->at);
    return count > 0 && count <= DIGITS_MAX;
}

bool take_thread(struct cursor *c, u64 *thread)
{
    if (take_word(c, "-1")) {
        *thread = 0;
        return true;
    }
    return take_number(c, thread);
}

bool take_range(struct cursor *c, u64 *first, u64 *second)
{
    return take_number(c, first) && take_char(c, ',') && take_number(c, second);
}

size_t take_hex(struct cursor *c, u8 *bytes, size_t size)
{
    size_t count = 0;
    while (count < size && c->end - c->at >= 2 && digit(c->at[0]) >= 0 && digit(c->at[1]) >= 0) {
        bytes[count++] = (u8)(digit(c->at[0]) << 4 | digit(c->at[1]));
        c->at += 2;
    }
    return count;
}

size_t take_binary(struct cursor *c, u8 *bytes, size_t size)
{
    size_t count = 0;
    while (count < size && !at_end(c)) {
        u8 byte = (u8)*c->at++;
        if (byte == ESCAPE) {
            if (at_end(c))
                return count;
            byte = (u8)*c->at++ ^ ESCAPED;
        }
        bytes[count++] = byte;
    }
    return count;
}
