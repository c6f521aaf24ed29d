// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Lines and their ring (ring.h).
#include "lib/log/ring.h"
#include "lib/rt/string.h"

void log_ring_init(struct log_ring *ring, char *bytes, u64 size)
{
    *ring = (struct log_ring){bytes, size, 0};
}

void log_ring_append(struct log_ring *ring, const char *text, size_t length)
{
    while (length > 0) {
        u64 at = ring->end & (ring->size - 1);
        size_t piece = length < ring->size - at ? length : ring->size - at;
        memcpy(ring->bytes + at, text, piece);
        ring->end += piece;
        text += piece;
        length -= piece;
    }
}

static char byte_at(const struct log_ring *ring, u64 position)
{
    return ring->bytes[position & (ring->size - 1)];
}

void log_ring_resume(struct log_ring *ring, char *bytes, u64 size, u64 end)
{
    u64 most = end < size ? end : size, cut = 0;
    *ring = (struct log_ring){bytes, size, end};
    while (cut < most && byte_at(ring, end - cut - 1) != '\n')
        cut++;
    ring->end = end - cut;
}

size_t log_ring_read(const struct log_ring *ring, u64 *position, char *out, size_t size)
{
    u64 oldest = ring->end > ring->size ? ring->end - ring->size : 0, at = *position;
    if (at < oldest) { // what was overwritten ends in the middle of a line
        at = oldest;
        while (at < ring->end && byte_at(ring, at++) != '\n')
            ;
    }
    if (at > ring->end)
        at = ring->end;
    size_t length = 0, whole = 0;
    while (length < size && at + length < ring->end) {
        char c = byte_at(ring, at + length);
        out[length++] = c;
        if (c == '\n')
            whole = length;
    }
    if (whole > 0)
        length = whole;
    *position = at + length;
    return length;
}

void log_line_init(struct log_line *line, const char *label)
{
    size_t length = strlen(label);
    if (length >= sizeof(line->label))
        label += length - (sizeof(line->label) - 1);
    strlcpy(line->label, label, sizeof(line->label));
    line->length = 0;
}

static void flush(struct log_line *line, log_emit_t *emit, void *context)
{
    char whole[LOG_LABEL_SIZE + LOG_LINE_SIZE + 4];
    size_t label = strlen(line->label), length = 0;
    whole[length++] = '[';
    memcpy(whole + length, line->label, label);
    length += label;
    whole[length++] = ']';
    whole[length++] = ' ';
    memcpy(whole + length, line->text, line->length);
    length += line->length;
    whole[length++] = '\n';
    line->length = 0;
    emit(whole, length, context);
}

void log_line_write(struct log_line *line, const char *text, size_t length, log_emit_t *emit,
                    void *context)
{
    enum { ESCAPE = 0x1b };
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '\n') {
            flush(line, emit, context);
            continue;
        }
        if (line->length == sizeof(line->text))
            flush(line, emit, context);
        bool control = (unsigned char)c < ' ' && c != '\t' && c != ESCAPE;
        line->text[line->length++] = control ? '?' : c;
    }
}

void log_line_finish(struct log_line *line, log_emit_t *emit, void *context)
{
    if (line->length > 0)
        flush(line, emit, context);
}
