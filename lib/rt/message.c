// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The parts of messages that are not worth inlining (utcb.h).
#include "lib/rt/string.h"
#include "lib/rt/utcb.h"

void msg_put_bytes(struct msg *m, const void *bytes, size_t length)
{
    size_t free_words = UTCB_WORDS - m->words - 2u * m->items, words = (length + 7) / 8;
    if (length > sizeof(word_t) * UTCB_WORDS || 1 + words > free_words) {
        m->error = EPROTO;
        return;
    }
    word_t *to = &m->utcb->words[m->words];
    *to++ = length;
    if (words) {
        to[words - 1] = 0;
        memcpy(to, bytes, length);
    }
    m->words += 1 + words;
}

void msg_put_string(struct msg *m, const char *string)
{
    msg_put_bytes(m, string, string ? strlen(string) : 0);
}

size_t msg_get_bytes(struct msg *m, void *buffer, size_t size)
{
    word_t length = msg_get_word(m);
    size_t left = m->in_words - m->next_word;
    if (m->error || !length)
        return 0;
    if (length > size || length > left * sizeof(word_t)) {
        m->error = EPROTO;
        return 0;
    }
    memcpy(buffer, &m->utcb->words[m->next_word], length);
    m->next_word += (length + 7) / 8;
    return length;
}

void msg_get_string(struct msg *m, char *buffer, size_t size)
{
    size_t length = msg_get_bytes(m, buffer, size - 1);
    buffer[length] = 0;
    if (strlen(buffer) != length) {
        m->error = EPROTO;
        buffer[0] = 0;
    }
}

// Register words that are not part of the message hold what an earlier one left: nobody's business.
static word_t register_word(const struct msg *m, unsigned i)
{
    return m->words > i ? m->utcb->words[i] : 0;
}

error_t msg_call(struct msg *m, sel_t pt)
{
    head_t h = msg_head(m);
    if (m->error)
        return m->error;
    word_t w[UTCB_REGISTER_WORDS] = {register_word(m, 0), register_word(m, 1), register_word(m, 2),
                                     register_word(m, 3)};
    error_t error = hc_call(pt, &h, w);
    if (error)
        h = 0;
    msg_receive(m, h, w[0], w[1], w[2], w[3]);
    m->error = error;
    return error;
}

void msg_reply(struct msg *m)
{
    if (m->error && (m->words || m->items))
        hc_reply(head(1, 0), EPROTO, 0, 0, 0);
    hc_reply(msg_head(m), register_word(m, 0), register_word(m, 1), register_word(m, 2),
             register_word(m, 3));
}
