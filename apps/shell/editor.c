// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The line editor (editor.h). After every change but plain typing at the end, the line is drawn
// anew: simple, and right whatever the terminal showed before.
#include "apps/shell/editor.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"

enum {
    CTRL_A = 1,
    CTRL_C = 3,
    CTRL_D = 4,
    CTRL_E = 5,
    BACKSPACE = 8,
    CTRL_K = 11,
    CTRL_L = 12,
    CTRL_U = 21,
    CTRL_W = 23,
    ESCAPE = 27,
    DELETE = 127
};
enum { NO_ESCAPE, AFTER_ESCAPE, IN_SEQUENCE, IN_MODIFIERS };

static void put(struct editor *e, const char *text, size_t length)
{
    if (e->write && length)
        e->write(e->context, text, length);
}

static void draw(struct editor *e)
{
    char tail[16];
    put(e, "\r", 1);
    put(e, e->prompt, strlen(e->prompt));
    put(e, e->line, e->length);
    put(e, "\033[K", 3);
    if (e->cursor < e->length)
        put(e, tail, text_format(tail, sizeof(tail), "\033[%zuD", e->length - e->cursor));
}

void editor_init(struct editor *e, const char *prompt)
{
    memset(e, 0, sizeof(*e));
    strlcpy(e->prompt, prompt, sizeof(e->prompt));
}

void editor_begin(struct editor *e)
{
    e->length = e->cursor = 0;
    e->line[0] = 0;
    e->back = 0;
    e->escape = NO_ESCAPE;
    draw(e);
}

static void remove_range(struct editor *e, size_t from, size_t to)
{
    memmove(e->line + from, e->line + to, e->length - to + 1);
    e->length -= to - from;
    e->cursor = from;
    draw(e);
}

static void insert(struct editor *e, const char *text, size_t length)
{
    if (length > EDITOR_LINE_MAX - e->length)
        length = EDITOR_LINE_MAX - e->length;
    bool at_end = e->cursor == e->length;
    memmove(e->line + e->cursor + length, e->line + e->cursor, e->length - e->cursor + 1);
    memcpy(e->line + e->cursor, text, length);
    e->length += length;
    e->cursor += length;
    if (at_end)
        put(e, text, length);
    else
        draw(e);
}

static void show_history(struct editor *e, unsigned back)
{
    if (e->back == 0)
        strlcpy(e->draft, e->line, sizeof(e->draft));
    e->back = back;
    const char *from =
        back ? e->history[(e->next + EDITOR_HISTORY - back) % EDITOR_HISTORY] : e->draft;
    strlcpy(e->line, from, sizeof(e->line));
    e->length = e->cursor = strlen(e->line);
    draw(e);
}

static void remember(struct editor *e)
{
    unsigned last = (e->next + EDITOR_HISTORY - 1) % EDITOR_HISTORY;
    if (!e->length || (e->kept && !strcmp(e->history[last], e->line)))
        return;
    strlcpy(e->history[e->next], e->line, sizeof(e->history[0]));
    e->next = (e->next + 1) % EDITOR_HISTORY;
    if (e->kept < EDITOR_HISTORY)
        e->kept++;
}

static size_t word_start(const struct editor *e)
{
    size_t at = e->cursor;
    while (at > 0 && e->line[at - 1] == ' ')
        at--;
    while (at > 0 && e->line[at - 1] != ' ')
        at--;
    return at;
}

static void complete(struct editor *e)
{
    size_t start = e->cursor;
    while (start > 0 && e->line[start - 1] != ' ')
        start--;
    bool first = true;
    for (size_t i = 0; i < start; i++)
        first &= e->line[i] == ' ';
    const char *more =
        e->complete ? e->complete(e->context, e->line + start, e->cursor - start, first) : NULL;
    if (more)
        insert(e, more, strlen(more));
}

static void move(struct editor *e, size_t to)
{
    e->cursor = to;
    draw(e);
}

// The key that ends an escape sequence.
static void sequence_end(struct editor *e, unsigned char byte)
{
    switch (byte) {
    case 'A':
        if (e->back < e->kept)
            show_history(e, e->back + 1);
        break;
    case 'B':
        if (e->back > 0)
            show_history(e, e->back - 1);
        break;
    case 'C':
        if (e->cursor < e->length)
            move(e, e->cursor + 1);
        break;
    case 'D':
        if (e->cursor > 0)
            move(e, e->cursor - 1);
        break;
    case 'H': move(e, 0); break;
    case 'F': move(e, e->length); break;
    case '~':
        if (e->parameter == 3 && e->cursor < e->length)
            remove_range(e, e->cursor, e->cursor + 1);
        else if (e->parameter == 1 || e->parameter == 7)
            move(e, 0);
        else if (e->parameter == 4 || e->parameter == 8)
            move(e, e->length);
        break;
    default: break;
    }
}

static void escape(struct editor *e, unsigned char byte)
{
    if (e->escape == AFTER_ESCAPE) {
        e->escape = byte == '[' || byte == 'O' ? IN_SEQUENCE : NO_ESCAPE;
        e->parameter = 0;
        return;
    }
    if (byte >= '0' && byte <= '9') {
        if (e->escape == IN_SEQUENCE)
            e->parameter = (e->parameter * 10 + byte - '0') % 1000;
    } else if (byte == ';') {
        e->escape = IN_MODIFIERS; // Shift, Control: the key counts as if without
    } else if (byte >= 0x40 && byte <= 0x7e) {
        e->escape = NO_ESCAPE;
        sequence_end(e, byte);
    } else {
        e->escape = NO_ESCAPE;
    }
}

static void control(struct editor *e, unsigned char byte)
{
    switch (byte) {
    case CTRL_A: move(e, 0); break;
    case CTRL_E: move(e, e->length); break;
    case CTRL_K: remove_range(e, e->cursor, e->length); break;
    case CTRL_U: remove_range(e, 0, e->cursor); break;
    case CTRL_W: remove_range(e, word_start(e), e->cursor); break;
    case CTRL_C:
        put(e, "^C\r\n", 4);
        editor_begin(e);
        break;
    case CTRL_L:
        put(e, "\033[H\033[2J", 7);
        draw(e);
        break;
    case BACKSPACE:
    case DELETE:
        if (e->cursor > 0)
            remove_range(e, e->cursor - 1, e->cursor);
        break;
    case '\t': complete(e); break;
    case ESCAPE: e->escape = AFTER_ESCAPE; break;
    default: break;
    }
}

bool editor_feed(struct editor *e, unsigned char byte)
{
    bool after_return = e->after_return;
    e->after_return = byte == '\r';
    if (byte < 32 || byte == DELETE)
        e->escape = NO_ESCAPE; // a sequence that was cut short costs no key
    if (e->escape != NO_ESCAPE) {
        escape(e, byte);
        return false;
    }
    if (byte == '\r' || byte == '\n') {
        if (byte == '\n' && after_return)
            return false;
        put(e, "\r\n", 2);
        remember(e);
        return true;
    }
    if (byte < 32 || byte == DELETE)
        control(e, byte);
    else
        insert(e, (const char *)&byte, 1);
    return false;
}
