// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The formatter (print.h). It holds no state, so it can be used at any point, a panic in the middle
// of a print included.

#include "kernel/print.h"
#include "kernel/arch/x86_64/serial.h"

enum { LOCK_SPINS_MAX = 1000000, DIGITS_MAX = 20 };

static void put_text(const char *text)
{
    for (; *text; text++)
        serial_putc(*text);
}

static void put_number(u64 value, unsigned base, unsigned width)
{
    char text[DIGITS_MAX + 1] = {0};
    unsigned at = DIGITS_MAX;

    do {
        text[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (at && DIGITS_MAX - at < width)
        text[--at] = '0';
    put_text(text + at);
}

static void put_all(const char *format, va_list arguments)
{
    for (const char *at = format; *at; at++) {
        unsigned width = 0;
        bool wide = false;
        if (*at != '%') {
            serial_putc(*at);
            continue;
        }
        for (at++; *at >= '0' && *at <= '9'; at++)
            width = width * 10 + (unsigned)(*at - '0');
        for (; *at == 'l'; at++)
            wide = true;
        if (*at == 's')
            put_text(va_arg(arguments, const char *));
        else if (*at == 'p')
            put_number((u64)va_arg(arguments, void *), 16, 0);
        else
            put_number(wide ? va_arg(arguments, u64) : va_arg(arguments, u32), *at == 'x' ? 16 : 10,
                       width);
    }
}

void kvprintf(const char *format, va_list arguments)
{
    static bool busy;
    bool taken = false;

    for (unsigned spins = 0; spins < LOCK_SPINS_MAX && !taken; spins++)
        taken = !__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE);
    put_all(format, arguments);
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
