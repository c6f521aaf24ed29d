// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Formatted text (print.h): one formatter, two ways out. A number is made of four parts: padding in
// front, sign or 0x, zeros, digits.
#include "lib/rt/print.h"
#include "lib/rt/string.h"

enum { CHUNK = 256, DIGITS_MAX = 24 };

void (*rt_print)(const char *text, size_t length);

struct out {
    char *buffer;
    size_t size;   // of buffer
    size_t used;   // in buffer
    size_t length; // of the whole text
    bool flush;    // buffer goes to rt_print when it is full, else what exceeds it is dropped
};

struct spec {
    bool left, plus, space, zero, alternate, upper;
    int width, precision; // precision -1: none
    char conversion;
    unsigned bytes; // of the argument
};

static void out_flush(struct out *o)
{
    if (o->used && rt_print)
        rt_print(o->buffer, o->used);
    o->used = 0;
}

static void out_bytes(struct out *o, const char *text, size_t length)
{
    o->length += length;
    while (length) {
        if (o->used == o->size) {
            if (!o->flush)
                return;
            out_flush(o);
        }
        size_t part = o->size - o->used < length ? o->size - o->used : length;
        memcpy(o->buffer + o->used, text, part);
        o->used += part;
        text += part;
        length -= part;
    }
}

static void out_repeat(struct out *o, char c, int count)
{
    for (; count > 0; count--)
        out_bytes(o, &c, 1);
}

// Text with its padding; `zeros` go between prefix and text.
static void out_padded(struct out *o, const struct spec *s, const char *prefix, int zeros,
                       const char *text, int length)
{
    int prefix_length = (int)strlen(prefix), padding = s->width - prefix_length - zeros - length;
    if (!s->left)
        out_repeat(o, ' ', padding);
    out_bytes(o, prefix, (size_t)prefix_length);
    out_repeat(o, '0', zeros);
    out_bytes(o, text, (size_t)length);
    if (s->left)
        out_repeat(o, ' ', padding);
}

static void out_number(struct out *o, const struct spec *s, u64 value, bool negative, unsigned base)
{
    const char *digits = s->upper ? "0123456789ABCDEF" : "0123456789abcdef", *prefix = "";
    char text[DIGITS_MAX];
    int at = DIGITS_MAX;
    if (s->alternate && base == 16 && value)
        prefix = s->upper ? "0X" : "0x";
    if (negative)
        prefix = "-";
    else if (s->plus)
        prefix = "+";
    else if (s->space)
        prefix = " ";
    for (u64 rest = value; rest; rest /= base)
        text[--at] = digits[rest % base];
    int length = DIGITS_MAX - at, least = s->precision < 0 ? 1 : s->precision;
    int zeros = least > length ? least - length : 0;
    if (s->alternate && base == 8 && !zeros && (length == 0 || text[at] != '0'))
        zeros = 1;
    if (s->zero && !s->left && s->precision < 0) {
        int fill = s->width - (int)strlen(prefix) - length;
        zeros = fill > zeros ? fill : zeros;
    }
    out_padded(o, s, prefix, zeros, text + at, length);
}

static int parse_number(const char **format)
{
    int number = 0;
    for (; **format >= '0' && **format <= '9'; (*format)++)
        number = number < 10000 ? number * 10 + (**format - '0') : number;
    return number;
}

static bool parse_flag(struct spec *s, char c)
{
    switch (c) {
    case '-': return s->left = true;
    case '+': return s->plus = true;
    case ' ': return s->space = true;
    case '0': return s->zero = true;
    case '#': return s->alternate = true;
    default: return false;
    }
}

static void parse_length(struct spec *s, const char **format)
{
    s->bytes = sizeof(int);
    for (;; (*format)++) {
        switch (**format) {
        case 'h': s->bytes = s->bytes == sizeof(short) ? sizeof(char) : sizeof(short); break;
        case 'l':
        case 'z':
        case 'j':
        case 't': s->bytes = sizeof(long); break;
        default: return;
        }
    }
}

// What fits into the argument's size, sign-extended if it is signed.
static u64 narrow(u64 value, unsigned bytes, bool is_signed)
{
    unsigned shift = 64 - 8 * bytes;
    return is_signed ? (u64)((int64_t)(value << shift) >> shift) : value << shift >> shift;
}

struct arguments {
    va_list list; // in a struct, so that it can be passed by address whatever type it is
};

static u64 argument_integer(struct arguments *a, const struct spec *s, bool is_signed)
{
    u64 value =
        s->bytes == sizeof(long) ? va_arg(a->list, unsigned long) : va_arg(a->list, unsigned);
    return narrow(value, s->bytes, is_signed);
}

static void out_string(struct out *o, const struct spec *s, const char *text)
{
    if (!text)
        text = "(null)";
    size_t length = s->precision < 0 ? strlen(text) : strnlen(text, (size_t)s->precision);
    out_padded(o, s, "", 0, text, (int)length);
}

static void convert(struct out *o, struct spec *s, struct arguments *a)
{
    char c;
    u64 value;
    switch (s->conversion) {
    case 'd':
    case 'i':
        value = argument_integer(a, s, true);
        out_number(o, s, (int64_t)value < 0 ? 0 - value : value, (int64_t)value < 0, 10);
        break;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        s->plus = s->space = false;
        s->upper = s->conversion == 'X';
        value = argument_integer(a, s, false);
        out_number(o, s, value, false, s->conversion == 'u' ? 10 : s->conversion == 'o' ? 8 : 16);
        break;
    case 'p':
        *s = (struct spec){.left = s->left, .width = s->width, .precision = -1, .alternate = true};
        out_number(o, s, va_arg(a->list, word_t), false, 16);
        break;
    case 'c':
        c = (char)va_arg(a->list, int);
        out_padded(o, s, "", 0, &c, 1);
        break;
    case 's': out_string(o, s, va_arg(a->list, const char *)); break;
    case '%': out_bytes(o, "%", 1); break;
    default: out_bytes(o, "%?", 2); break; // not ours; its argument cannot be skipped
    }
}

static const char *parse_spec(struct spec *s, const char *format, struct arguments *a)
{
    *s = (struct spec){.precision = -1};
    while (parse_flag(s, *format))
        format++;
    if (*format == '*') {
        s->width = va_arg(a->list, int);
        s->left |= s->width < 0;
        s->width = s->width < 0 ? -s->width : s->width;
        format++;
    } else {
        s->width = parse_number(&format);
    }
    if (*format == '.') {
        format++;
        if (*format == '*') {
            s->precision = va_arg(a->list, int);
            format++;
        } else {
            s->precision = parse_number(&format);
        }
    }
    parse_length(s, &format);
    s->conversion = *format;
    return *format ? format + 1 : format;
}

static void out_format(struct out *o, const char *format, va_list list)
{
    struct arguments a;
    struct spec s;
    va_copy(a.list, list);
    while (*format) {
        const char *literal = format;
        while (*format && *format != '%')
            format++;
        out_bytes(o, literal, (size_t)(format - literal));
        if (!*format)
            break;
        format = parse_spec(&s, format + 1, &a);
        convert(o, &s, &a);
    }
    va_end(a.list);
}

size_t text_format_va(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct out o = {.buffer = buffer, .size = size ? size - 1 : 0};
    out_format(&o, format, arguments);
    if (size)
        buffer[o.used] = 0;
    return o.length;
}

size_t text_format(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = text_format_va(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

void print_va(const char *format, va_list arguments)
{
    char chunk[CHUNK];
    struct out o = {.buffer = chunk, .size = CHUNK, .flush = true};
    out_format(&o, format, arguments);
    out_flush(&o);
}

void print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_va(format, arguments);
    va_end(arguments);
}
