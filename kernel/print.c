// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// One formatter, two sinks: the serial port and a buffer. It holds no state, so it can be used at
// any point, a panic in the middle of a print included. Host tests link it with a serial_putc of
// theirs.

#include "kernel/print.h"
#include "kernel/arch/x86_64/serial.h"

enum { LOCK_SPINS_MAX = 1000000, DIGITS_MAX = 20 };

struct sink {
    char *buffer; // NULL: the serial port
    size_t size, length;
};

struct spec {
    bool left, zero, wide;
    unsigned width;
};

static void put(struct sink *sink, char c)
{
    if (!sink->buffer)
        serial_putc(c);
    else if (sink->length + 1 < sink->size)
        sink->buffer[sink->length] = c;
    sink->length++;
}

static void pad(struct sink *sink, char c, unsigned from, unsigned to)
{
    for (; from < to; from++)
        put(sink, c);
}

static void put_text(struct sink *sink, const struct spec *spec, const char *text, unsigned length)
{
    if (!spec->left)
        pad(sink, ' ', length, spec->width);
    for (unsigned i = 0; i < length; i++)
        put(sink, text[i]);
    if (spec->left)
        pad(sink, ' ', length, spec->width);
}

static void put_number(struct sink *sink, const struct spec *spec, u64 value, unsigned base,
                       bool minus)
{
    char text[DIGITS_MAX + 1];
    unsigned at = sizeof(text);
    bool zeros = spec->zero && !spec->left;

    do {
        text[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (zeros) {
        if (minus)
            put(sink, '-');
        pad(sink, '0', sizeof(text) - at + minus, spec->width);
    } else if (minus) {
        text[--at] = '-';
    }
    struct spec rest = {.left = spec->left, .width = zeros ? 0 : spec->width};
    put_text(sink, &rest, text + at, sizeof(text) - at);
}

static const char *parse(const char *at, struct spec *spec)
{
    *spec = (struct spec){0};
    for (;; at++) {
        if (*at == '-')
            spec->left = true;
        else if (*at == '0')
            spec->zero = true;
        else
            break;
    }
    for (; *at >= '0' && *at <= '9'; at++)
        spec->width = spec->width * 10 + (unsigned)(*at - '0');
    for (; *at == 'l'; at++)
        spec->wide = true;
    return at;
}

static void put_signed(struct sink *sink, const struct spec *spec, long value)
{
    put_number(sink, spec, value < 0 ? -(u64)value : (u64)value, 10, value < 0);
}

static void put_string(struct sink *sink, const struct spec *spec, const char *text)
{
    unsigned length = 0;

    if (!text)
        text = "(null)";
    while (text[length])
        length++;
    put_text(sink, spec, text, length);
}

static void format_to(struct sink *sink, const char *format, va_list arguments)
{
    for (const char *at = format; *at; at++) {
        struct spec spec;
        if (*at != '%') {
            put(sink, *at);
            continue;
        }
        at = parse(at + 1, &spec);
        switch (*at) {
        case 's': put_string(sink, &spec, va_arg(arguments, const char *)); break;
        case 'c': put(sink, (char)va_arg(arguments, int)); break;
        case 'd':
            put_signed(sink, &spec, spec.wide ? va_arg(arguments, long) : va_arg(arguments, int));
            break;
        case 'u':
        case 'x':
            put_number(sink, &spec, spec.wide ? va_arg(arguments, u64) : va_arg(arguments, u32),
                       *at == 'x' ? 16 : 10, false);
            break;
        case 'p':
            put(sink, '0');
            put(sink, 'x');
            put_number(sink, &spec, (u64)va_arg(arguments, void *), 16, false);
            break;
        case 0: return;
        default: put(sink, *at); break;
        }
    }
}

void kvprintf(const char *format, va_list arguments)
{
    static bool busy;
    struct sink sink = {0};
    bool taken = false;

    for (unsigned spins = 0; spins < LOCK_SPINS_MAX && !taken; spins++)
        taken = !__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE);
    format_to(&sink, format, arguments);
    if (taken)
        __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
}

void kprintf(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    kvprintf(format, arguments);
    va_end(arguments);
}

size_t ksnprintf(char *buffer, size_t size, const char *format, ...)
{
    struct sink sink = {.buffer = buffer, .size = size};
    va_list arguments;
    char none;

    if (!size)
        sink = (struct sink){.buffer = &none, .size = 1};
    va_start(arguments, format);
    format_to(&sink, format, arguments);
    va_end(arguments);
    if (size)
        buffer[sink.length < size ? sink.length : size - 1] = 0;
    return sink.length;
}
