// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What every log service needs: a ring that keeps the latest lines, and the gathering of a client's
// text into whole lines, so that clients who write by pieces never mix within a line. No locks, no
// memory of its own.
#pragma once

#include <tessera/types.h>

enum { LOG_LABEL_SIZE = 64, LOG_LINE_SIZE = 240 };

// The latest `size` bytes of everything appended. A position counts all bytes ever appended, so a
// reader that comes back with the position it got sees every line once, or learns by the position
// how much it missed.
struct log_ring {
    char *bytes;
    u64 size; // power of two
    u64 end;
};

// `bytes` is the caller's and stays in use; `size` is a power of two above LOG_LABEL_SIZE +
// LOG_LINE_SIZE + 4.
void log_ring_init(struct log_ring *ring, char *bytes, u64 size);
// The same with bytes that are full already, up to the position `end`: what follows the last whole
// line is not taken over. Any content and any `end` do no harm.
void log_ring_resume(struct log_ring *ring, char *bytes, u64 size, u64 end);
void log_ring_append(struct log_ring *ring, const char *text, size_t length);
// Copies at most `size` bytes from *position on, or from the oldest whole line if that is gone
// already, ending with a whole line if one fits. Advances *position behind what it copied and
// returns the number of bytes, 0 if there is nothing new.
size_t log_ring_read(const struct log_ring *ring, u64 *position, char *out, size_t size);

// A client's text until its line is complete.
struct log_line {
    char label[LOG_LABEL_SIZE];
    size_t length;
    char text[LOG_LINE_SIZE];
};

// Receives one line in its final form "[label] text\n".
typedef void log_emit_t(const char *line, size_t length, void *context);

// Starts with an empty line. A label that is too long keeps its end, which says most.
void log_line_init(struct log_line *line, const char *label);
// Adds text and passes every completed line to `emit`. Lines longer than LOG_LINE_SIZE are cut into
// several; control characters other than tab and escape become '?' , so that no client can forge
// another's lines by carriage returns.
void log_line_write(struct log_line *line, const char *text, size_t length, log_emit_t *emit,
                    void *context);
// Completes an unfinished line, if there is one (its client is gone).
void log_line_finish(struct log_line *line, log_emit_t *emit, void *context);
