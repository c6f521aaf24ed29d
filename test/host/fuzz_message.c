// needs:
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Messages: what is put comes out again; and a reader in front of random bytes keeps to its bounds.
#define _GNU_SOURCE
#include "test/host/host_kernel.h"
#include <string.h>

#include "lib/rt/message.c"

static head_t replied;
static word_t replied_words[4];
static _Noreturn void leave(void);
#include <setjmp.h>
static jmp_buf after_reply;

error_t hc_call(sel_t pt, head_t *message, word_t w[4])
{
    // An echo, or a partner that answers with what it likes.
    if (pt == 1)
        return ECAP;
    if (pt == 2)
        *message = random_next();
    (void)w;
    return SUCCESS;
}

static _Noreturn void leave(void)
{
    longjmp(after_reply, 1);
}

void hc_reply(head_t message, word_t w0, word_t w1, word_t w2, word_t w3)
{
    replied = message;
    memcpy(replied_words, (word_t[]){w0, w1, w2, w3}, sizeof(replied_words));
    leave();
}

static void what_is_put_comes_out(void)
{
    struct msg m;
    char text[20], bytes[20];
    msg_begin(&m);
    msg_put_word(&m, 42);
    msg_put_string(&m, "hello, tessera");
    msg_put_bytes(&m, "\0\1\2", 3);
    msg_put_string(&m, NULL);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, 7, 0, RIGHT_ALL)));
    CHECK(!msg_call(&m, 0));
    CHECK(msg_get_word(&m) == 42);
    msg_get_string(&m, text, sizeof(text));
    CHECK(!strcmp(text, "hello, tessera"));
    CHECK(msg_get_bytes(&m, bytes, sizeof(bytes)) == 3 && bytes[2] == 2);
    msg_get_string(&m, text, sizeof(text));
    CHECK(!strcmp(text, "") && !msg_error(&m));
    CHECK(crd_base(msg_get_item(&m).crd) == 7 && msg_get_item(&m).crd == 0);
    CHECK(msg_get_word(&m) == 0 && msg_error(&m) == EPROTO);
}

static void errors_stick_and_calls_fail(void)
{
    struct msg m;
    char small[4];
    static const char large[sizeof(struct utcb)] = {1};
    msg_begin(&m);
    msg_put_bytes(&m, large, sizeof(large));
    CHECK(msg_error(&m) == EPROTO && msg_call(&m, 0) == EPROTO);
    msg_begin(&m);
    msg_put_word(&m, 1);
    CHECK(msg_call(&m, 1) == ECAP && msg_get_word(&m) == 0);
    msg_begin(&m);
    msg_put_string(&m, "four");
    CHECK(!msg_call(&m, 0));
    msg_get_string(&m, small, sizeof(small));
    CHECK(msg_error(&m) == EPROTO && small[0] == 0);
    msg_begin(&m);
    msg_put_bytes(&m, "a\0b", 3);
    CHECK(!msg_call(&m, 0));
    msg_get_string(&m, small, sizeof(small));
    CHECK(msg_error(&m) == EPROTO);
}

static void full_messages_end_at_the_border(void)
{
    struct msg m;
    unsigned words = 0, items = 0;
    msg_begin(&m);
    for (; items < 10; items++)
        msg_put_item(&m, item_translate(1));
    while (msg_put_word(&m, words), !msg_error(&m))
        words++;
    CHECK(words == UTCB_WORDS - 2 * items);
    for (unsigned i = 0; i < words; i++)
        CHECK(utcb()->words[i] == i);
    msg_begin(&m);
    while (msg_put_item(&m, item_translate(1)), !msg_error(&m))
        ;
    CHECK(m.items == UTCB_ITEMS_MAX);
}

static void unused_register_words_are_cleared(void)
{
    struct msg m;
    memset(utcb()->words, 0xaa, 64);
    msg_receive(&m, head(4, 0), 1, 2, 3, 4);
    if (!setjmp(after_reply))
        msg_reply(&m); // a handler that put nothing
    CHECK(replied == 0 && replied_words[0] == 0 && replied_words[3] == 0);
    msg_receive(&m, head(4, 3), 1, 2, 3, 4);
    msg_begin(&m);
    msg_put_word(&m, 9);
    if (!setjmp(after_reply))
        msg_reply(&m);
    CHECK(replied == head(1, 0) && replied_words[0] == 9 && replied_words[1] == 0);
}

static void random_messages_stay_in_bounds(void)
{
    for (unsigned i = 0; i < 100000; i++) {
        struct msg m;
        char buffer[64];
        head_t h = random_below(4) ? head(random_below(30), random_below(80)) : random_next();
        msg_receive(&m, h, random_below(100), random_below(100), random_next(), random_next());
        for (unsigned k = 4; k < 24; k++)
            utcb()->words[k < 14 ? random_below(30) : random_below(UTCB_WORDS)] =
                random_below(3) ? random_below(200) : random_next();
        for (unsigned k = 0; k < 20; k++) {
            switch (random_below(4)) {
            case 0: msg_get_word(&m); break;
            case 1: msg_get_string(&m, buffer, 1 + random_below(sizeof(buffer))); break;
            case 2: CHECK(msg_get_bytes(&m, buffer, sizeof(buffer)) <= sizeof(buffer)); break;
            default: msg_get_item(&m); break;
            }
        }
        CHECK(m.next_word <= m.in_words && m.in_words <= UTCB_WORDS);
    }
}

int main(void)
{
    RUN(what_is_put_comes_out);
    RUN(errors_stick_and_calls_fail);
    RUN(full_messages_end_at_the_border);
    RUN(unused_register_words_are_cleared);
    RUN(random_messages_stay_in_bounds);
    return check_failures != 0;
}
