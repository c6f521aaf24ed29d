// needs: apps/shell/editor.c lib/rt/print.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The shell's line editor. What it writes goes to a terminal of one line, so that each test sees
// what a person would see; a plain model of a line is driven with the same keys.
#include "apps/shell/editor.h"
#include "test/host/check.h"
#include <string.h>

enum { COLUMNS = EDITOR_PROMPT_MAX + EDITOR_LINE_MAX + 8 };

static struct editor editor;

// print.c's one need that the host's C library may lack.
size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);
    if (size) {
        size_t part = length < size ? length : size - 1;
        memcpy(to, from, part);
        to[part] = 0;
    }
    return length;
}

// The terminal: \r, \n, ESC [ K, ESC [ n D, ESC [ H, ESC [ 2 J and text; anything else is an error.
static struct {
    char text[COLUMNS + 1];
    unsigned column, state, number, errors;
} screen;

static void screen_clear_from(unsigned column)
{
    memset(screen.text + column, ' ', COLUMNS - column);
}

static void screen_sequence(char c)
{
    if (c == 'K')
        screen_clear_from(screen.column);
    else if (c == 'D' && screen.number <= screen.column)
        screen.column -= screen.number;
    else if (c == 'H')
        screen.column = 0;
    else if (c == 'J')
        screen_clear_from(0);
    else
        screen.errors++;
}

static void screen_put(char c)
{
    if (screen.state == 1) {
        screen.errors += c != '[';
        screen.state = 2, screen.number = 0;
    } else if (screen.state == 2 && c >= '0' && c <= '9') {
        screen.number = screen.number * 10 + (unsigned)(c - '0');
    } else if (screen.state == 2) {
        screen.state = 0;
        screen_sequence(c);
    } else if (c == 27) {
        screen.state = 1;
    } else if (c == '\r') {
        screen.column = 0;
    } else if (c == '\n') {
        screen_clear_from(0);
    } else if ((unsigned char)c < 32 || c == 127 || screen.column >= COLUMNS) {
        screen.errors++;
    } else {
        screen.text[screen.column++] = c;
    }
}

static void screen_write(void *context, const char *text, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++)
        screen_put(text[i]);
}

static const char *complete(void *context, const char *word, size_t length, bool first)
{
    (void)context;
    if (first)
        return length <= 4 && !strncmp("tree", word, length) ? "tree " + length : NULL;
    return length <= 5 && !strncmp("timer", word, length) ? "timer " + length : NULL;
}

static void fresh(void)
{
    memset(&screen, 0, sizeof(screen));
    screen_clear_from(0);
    editor_init(&editor, "> ");
    editor.write = screen_write;
    editor.complete = complete;
    editor_begin(&editor);
}

// Whether the terminal shows the prompt, the line and the cursor where the editor has them.
static bool shown(void)
{
    char expected[COLUMNS + 1];
    memset(expected, ' ', COLUMNS);
    memcpy(expected, "> ", 2);
    memcpy(expected + 2, editor.line, editor.length);
    return !screen.errors && screen.state == 0 && !memcmp(expected, screen.text, COLUMNS) &&
           screen.column == 2 + editor.cursor;
}

// Types keys; the number of lines that they completed. The last one stays in editor.line.
static unsigned type(const char *keys)
{
    unsigned lines = 0;
    for (; *keys; keys++)
        lines += editor_feed(&editor, (unsigned char)*keys);
    return lines;
}

// The keys, begun at an empty line, give this line with the cursor there, and the terminal shows
// it.
static bool gives(const char *keys, const char *line, size_t cursor)
{
    fresh();
    bool good = type(keys) == 0 && !strcmp(editor.line, line) && editor.cursor == cursor && shown();
    if (!good)
        printf("  line \"%s\", cursor %zu, expected \"%s\", %zu\n", editor.line, editor.cursor,
               line, cursor);
    return good;
}

static void keys_edit_in_the_middle(void)
{
    CHECK(gives("tree", "tree", 4));
    CHECK(gives("tee\033[D\033[Dr", "tree", 2));
    CHECK(gives("abc\033[D\033[D\033[D\033[D\033[Cx", "axbc", 2));
    CHECK(gives("abc\001x\005y", "xabcy", 5));
    CHECK(gives("abc\033[Hx\033[Fy", "xabcy", 5));
    CHECK(gives("abc\033[1~x\033[4~y", "xabcy", 5));
    CHECK(gives("abc\033OHx", "xabc", 1));
    CHECK(gives("abc\177\010", "a", 1));
    CHECK(gives("\177\010\033[3~\033[D\033[C", "", 0));
    CHECK(gives("abc\001\033[3~", "bc", 0));
    CHECK(gives("one two  three\027", "one two  ", 9));
    CHECK(gives("one two  three\027\027", "one ", 4));
    CHECK(gives("abcd\033[D\033[D\013", "ab", 2));
    CHECK(gives("abcd\033[D\033[D\025", "cd", 0));
    CHECK(gives("abc\003x", "x", 1));
    CHECK(gives("abc\014", "abc", 3));
}

// A sequence that the editor does not know leaves no trace, and one that is cut short costs no key.
static void escape_sequences_end(void)
{
    CHECK(gives("ab\033[1;5Dx", "axb", 2));
    CHECK(gives("ab\001\033[3;5~", "b", 0));
    CHECK(gives("ab\033[20~\033[Z\033Oqc", "abc", 3));
    CHECK(gives("ab\033\033[Dx", "axb", 2));
    CHECK(gives("ab\033[\033[Dx", "axb", 2));
    CHECK(gives("ab\033\177", "a", 1));
    CHECK(gives("a\033[99999999999999999999~b", "ab", 2));
    fresh();
    CHECK(type("tree\033\r") == 1 && !strcmp(editor.line, "tree"));
    fresh();
    CHECK(type("tree\033[1\r") == 1 && !strcmp(editor.line, "tree"));
}

static void return_and_line_feed_are_one_line(void)
{
    fresh();
    CHECK(type("a\r") == 1 && !strcmp(editor.line, "a"));
    editor_begin(&editor);
    CHECK(type("\n") == 0);
    CHECK(type("b\n") == 1 && !strcmp(editor.line, "b"));
    editor_begin(&editor);
    CHECK(type("\n") == 1 && !*editor.line);
}

static void enter(const char *line)
{
    type(line);
    CHECK(editor_feed(&editor, '\r'));
    editor_begin(&editor);
}

static void history_keeps_32_lines_and_the_draft(void)
{
    char text[16];
    fresh();
    enter("");
    for (unsigned i = 0; i < 40; i++) {
        snprintf(text, sizeof(text), "line %u", i);
        enter(text);
        enter(i % 2 ? "" : text); // empty lines and repeated ones are not kept
    }
    type("draft");
    for (unsigned i = 39; i >= 8; i--) {
        snprintf(text, sizeof(text), "line %u", i);
        CHECK(!type("\033[A") && !strcmp(editor.line, text) && shown());
    }
    CHECK(!type("\033[A\033[A") && !strcmp(editor.line, "line 8") && shown());
    for (unsigned i = 0; i < 32; i++)
        CHECK(!type("\033[B"));
    CHECK(!strcmp(editor.line, "draft") && shown());
    CHECK(!type("\033[B") && !strcmp(editor.line, "draft"));
    CHECK(type("\033[A\033[A!\r") == 1 && !strcmp(editor.line, "line 38!"));
    editor_begin(&editor);
    CHECK(!type("\033[A\033[A\033[A") &&
          !strcmp(editor.line, "line 38")); // the old one is as it was
}

static void tab_completes_commands_and_names(void)
{
    CHECK(gives("tr\t", "tree ", 5));
    CHECK(gives("x\t", "x", 1));
    CHECK(gives("kill ti\t", "kill timer ", 11));
    CHECK(gives("  tr\t", "  tree ", 7));
    CHECK(gives("tr x\033[D\033[D\t", "tree  x", 5));
}

static void long_line_is_cut(void)
{
    fresh();
    for (unsigned i = 0; i < EDITOR_LINE_MAX + 50; i++)
        CHECK(!editor_feed(&editor, 'a'));
    CHECK(editor.length == EDITOR_LINE_MAX && strlen(editor.line) == EDITOR_LINE_MAX && shown());
    CHECK(!type("\001b\t") && editor.length == EDITOR_LINE_MAX && editor.cursor == 0 && shown());
}

// Random keys, against a line that knows only insertion, removal and a cursor.
static void random_keys_agree_with_a_model(void)
{
    static const char *const keys[] = {"\033[D", "\033[C",  "\001", "\005",
                                       "\177",   "\033[3~", "\013", "\025"};
    char line[EDITOR_LINE_MAX + 2] = "";
    size_t cursor = 0, length = 0;
    unsigned wrong = 0;
    fresh();
    for (unsigned i = 0; i < 100000; i++) {
        unsigned key = (unsigned)random_below(i % 5000 == 0 ? 8 : 30);
        char letter[2] = {(char)('a' + random_below(26)), 0};
        size_t from = cursor, to = cursor; // what is removed
        switch (key) {
        case 0: from = to = cursor - (cursor > 0); break;
        case 1: from = to = cursor + (cursor < length); break;
        case 2: from = to = 0; break;
        case 3: from = to = length; break;
        case 4: from = cursor - (cursor > 0); break;
        case 5: to = cursor + (cursor < length); break;
        case 6: to = random_below(20) ? cursor : length; break;
        case 7: from = random_below(20) ? cursor : 0; break;
        default: break;
        }
        if ((key == 6 || key == 7) && from == to)
            continue; // these two empty the line too often
        memmove(line + from, line + to, length - to + 1);
        length -= to - from;
        cursor = from;
        if (key >= 8 && length < EDITOR_LINE_MAX) {
            memmove(line + cursor + 1, line + cursor, length - cursor + 1);
            line[cursor++] = *letter;
            length++;
        }
        wrong += type(key < 8 ? keys[key] : letter) != 0;
        wrong += strcmp(line, editor.line) || cursor != editor.cursor || !shown();
    }
    CHECK(wrong == 0);
}

// Any bytes at all: nothing is written beyond (the sanitizers), and the terminal stays right.
static void random_bytes_do_no_harm(void)
{
    static const unsigned char often[] = {27,  '[',  'A', 'B', 'D', '3', '~',
                                          ';', '\t', 1,   11,  23,  127, 'O'};
    unsigned wrong = 0, lines = 0;
    fresh();
    for (unsigned i = 0; i < 1000000; i++) {
        unsigned char byte = (unsigned char)random_next();
        if (random_below(2))
            byte = often[random_below(sizeof(often))];
        bool line = editor_feed(&editor, byte);
        wrong += editor.cursor > editor.length || editor.length > EDITOR_LINE_MAX ||
                 strlen(editor.line) != editor.length || editor.back > editor.kept;
        if (line) {
            lines++;
            editor_begin(&editor);
        }
        wrong += !shown();
    }
    CHECK(wrong == 0 && lines > 1000);
}

int main(void)
{
    RUN(keys_edit_in_the_middle);
    RUN(escape_sequences_end);
    RUN(return_and_line_feed_are_one_line);
    RUN(history_keeps_32_lines_and_the_draft);
    RUN(tab_completes_commands_and_names);
    RUN(long_line_is_cut);
    RUN(random_keys_agree_with_a_model);
    RUN(random_bytes_do_no_harm);
    return check_failures != 0;
}
