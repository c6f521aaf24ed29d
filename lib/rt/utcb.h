// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The current thread's UTCB, and messages in it: a writer and a reader that check every bound.
//
// Finding the UTCB needs no memory access: each thread block (thread.h) has its stack at an address
// aligned to STACK_SIZE and its UTCB at a fixed distance from it. The main thread's places
// (tessera/selector.h) have that same distance.
//
// A `struct msg` is a cursor. Writing: msg_begin, msg_put_*, then msg_call or (in a handler)
// return. Reading: msg_get_* in the order in which things were put. The first thing that does not
// fit or is not there makes the error sticky: later gets return 0 or nothing, and msg_error tells
// once, at the end (EPROTO). A nested call reuses the same UTCB, so a handler reads all of its
// request before it calls others, and builds its response after.
#pragma once

#include "lib/rt/hypercall.h"

// From a thread's stack to its UTCB.
#define UTCB_DISTANCE (UTCB_ADDR - (STACK_TOP - STACK_SIZE))

#ifndef RT_HOST_TEST
HC_INLINE struct utcb *utcb(void)
{
    word_t sp;
    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct utcb *)((sp & ~(STACK_SIZE - 1)) + UTCB_DISTANCE);
}
#else
struct utcb *utcb(void);
#endif

struct msg {
    struct utcb *utcb;
    u16 words, items;         // written so far
    u16 in_words, in_items;   // received
    u16 next_word, next_item; // where reading goes on
    error_t error;            // sticky
};

// Starts a message with nothing in it. What had been received is gone; receive windows stay as they
// are.
static inline void msg_begin(struct msg *m)
{
    *m = (struct msg){.utcb = utcb()};
}

static inline void msg_put_word(struct msg *m, word_t word)
{
    if (UNLIKELY(m->words >= UTCB_WORDS - 2u * m->items)) {
        m->error = EPROTO;
        return;
    }
    m->utcb->words[m->words++] = word;
}

// Appends a typed item (item_delegate, item_translate).
static inline void msg_put_item(struct msg *m, struct typed_item item)
{
    if (UNLIKELY(m->items >= UTCB_ITEMS_MAX || m->words + 2u * m->items + 2 > UTCB_WORDS)) {
        m->error = EPROTO;
        return;
    }
    *utcb_item(m->utcb, m->items++) = item;
}

// Appends a length word and the bytes, padded with zeros to whole words.
void msg_put_bytes(struct msg *m, const void *bytes, size_t length);
// Appends a string as msg_put_bytes does, without its terminating zero. NULL counts as "".
void msg_put_string(struct msg *m, const char *string);

static inline word_t msg_get_word(struct msg *m)
{
    if (UNLIKELY(m->next_word >= m->in_words)) {
        m->error = EPROTO;
        return 0;
    }
    return m->utcb->words[m->next_word++];
}

// The next typed item; a null crd if there is none, which is no error: check what it names.
static inline struct typed_item msg_get_item(struct msg *m)
{
    if (m->next_item >= m->in_items)
        return (struct typed_item){0, 0};
    return *utcb_item(m->utcb, m->next_item++);
}

// Copies bytes that msg_put_bytes wrote, at most `size`; returns how many. More than `size` is an
// error.
size_t msg_get_bytes(struct msg *m, void *buffer, size_t size);
// Copies a string; always terminated. One that does not fit in `size`, or holds a zero byte, is an
// error and leaves "" behind. `size` must be above 0.
void msg_get_string(struct msg *m, char *buffer, size_t size);

// SUCCESS, or EPROTO if anything above failed.
static inline error_t msg_error(const struct msg *m)
{
    return m->error;
}

// The message's head as written.
static inline head_t msg_head(const struct msg *m)
{
    return head(m->words, m->items);
}

// Takes over a message that has just arrived in registers and UTCB, for reading.
static inline void msg_receive(struct msg *m, head_t h, word_t w0, word_t w1, word_t w2, word_t w3)
{
    unsigned words = head_untyped(h), items = head_typed(h);
    struct utcb *u = utcb();
    u->words[0] = w0;
    u->words[1] = w1;
    u->words[2] = w2;
    u->words[3] = w3;
    *m = (struct msg){.utcb = u,
                      .in_words = words <= UTCB_WORDS ? words : UTCB_WORDS,
                      .in_items = items <= UTCB_ITEMS_MAX ? items : UTCB_ITEMS_MAX};
}

// Calls `pt` with the message and makes `m` the reader of the reply. Returns the kernel's error, or
// EPROTO without calling if the message did not fit. Where the reply's word 0 is an error_t,
// msg_get_word is next.
MUST_CHECK error_t msg_call(struct msg *m, sel_t pt);

// Replies with the message (EPROTO alone in word 0 if it did not fit). In a handler of
// PORTAL_MESSAGE, return instead.
NORETURN void msg_reply(struct msg *m);
