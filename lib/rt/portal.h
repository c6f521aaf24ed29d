// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Portal entries. A portal's ip must be one of these thunks, not a C function: the kernel passes
// word 1 in r10, and C takes its fourth argument in rcx.
//
// PORTAL_RAW(name, handler): handler is
//     NORETURN void handler(word_t identity, head_t head, word_t w0, word_t w1, word_t w2,
//                           word_t w3)
// and ends in hc_reply. This is the shortest way: two instructions to the handler, six to the
// reply.
//
// PORTAL_MESSAGE(name, handler): handler is
//     void handler(word_t identity, struct msg *m)
// It reads the request with msg_get_*, then calls msg_begin(m), puts the response and returns. A
// handler that puts nothing replies with no words and no items.
//
// Exception portals use PORTAL_RAW: w0 = vector, w1 = MTD, w2 = fault address, w3 = error code; the
// state is utcb_exc(utcb()); reply with hc_reply(head(EXC_WORDS, items), mtd_to_write_back, 0, 0,
// 0).
//
// `name` becomes a static function of type portal_entry_t for portal_create.
#pragma once

#include "lib/rt/utcb.h"

typedef void (*portal_entry_t)(void);
typedef void portal_raw_t(word_t identity, head_t head, word_t w0, word_t w1, word_t w2, word_t w3);

#define PORTAL_RAW(name, handler)                                                                  \
    __attribute__((naked, used)) static void name(void)                                            \
    {                                                                                              \
        __asm__ volatile("mov %%r10, %%rcx\n\tjmp %P0" ::"i"((portal_raw_t *)(handler)));          \
    }                                                                                              \
    static portal_raw_t handler

#define PORTAL_MESSAGE(name, handler)                                                              \
    static void name##_receive(word_t identity, head_t h, word_t w0, word_t w1, word_t w2,         \
                               word_t w3)                                                          \
    {                                                                                              \
        struct msg m;                                                                              \
        msg_receive(&m, h, w0, w1, w2, w3);                                                        \
        handler(identity, &m);                                                                     \
        msg_reply(&m);                                                                             \
    }                                                                                              \
    PORTAL_RAW(name, name##_receive)
