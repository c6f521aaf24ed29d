// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A line editor: bytes of a terminal in, bytes to the terminal out, lines to the caller. Knows
// nothing of where they come from. Keys: arrows, Home, End, Delete, Backspace, Tab (completion),
// Ctrl-A E K U W C L, Up and Down for the history.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { EDITOR_LINE_MAX = 200, EDITOR_HISTORY = 32, EDITOR_PROMPT_MAX = 32 };

struct editor {
    char line[EDITOR_LINE_MAX + 1]; // always terminated
    size_t length, cursor;
    char prompt[EDITOR_PROMPT_MAX];
    char history[EDITOR_HISTORY][EDITOR_LINE_MAX + 1]; // [next - 1] is the latest
    unsigned next, kept, back;                         // back: how far the user went into it
    char draft[EDITOR_LINE_MAX + 1];                   // what stood in the line before that
    unsigned escape;                                   // state of an escape sequence
    unsigned parameter;
    bool after_return; // a line feed after a carriage return is dropped
    void (*write)(void *context, const char *text, size_t length);
    // Completes the word that ends at the cursor: returns the text to insert, NULL for none.
    const char *(*complete)(void *context, const char *word, size_t length, bool first);
    void *context;
};

void editor_init(struct editor *editor, const char *prompt);
// Shows the prompt for a new line.
void editor_begin(struct editor *editor);
// Takes a byte. True when a line is complete: it stands in editor->line until editor_begin.
bool editor_feed(struct editor *editor, unsigned char byte);
