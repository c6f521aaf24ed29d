// needs: lib/log/ring.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Lines and ring of the log services: whole lines whatever the pieces, readers that come late or
// not at all.
#include "lib/log/ring.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static char gathered[1 << 16];
static size_t gathered_length;

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);
    if (size > 0) {
        size_t n = length < size ? length : size - 1;
        memcpy(to, from, n);
        to[n] = 0;
    }
    return length;
}

static void gather(const char *text, size_t length, void *context)
{
    memcpy(gathered + gathered_length, text, length);
    gathered[gathered_length += length] = 0;
    if (context)
        log_ring_append(context, text, length);
}

static void pieces_of_two_clients_do_not_mix(void)
{
    struct log_line a, b;
    gathered_length = 0;
    log_line_init(&a, "a");
    log_line_init(&b, "b");
    log_line_write(&a, "one", 3, gather, NULL);
    log_line_write(&b, "two\nth", 6, gather, NULL);
    log_line_write(&a, " line\n", 6, gather, NULL);
    log_line_write(&b, "ree\r[a] forged\n\n", 16, gather, NULL);
    log_line_write(&a, "rest", 4, gather, NULL);
    log_line_finish(&a, gather, NULL);
    log_line_finish(&b, gather, NULL);
    CHECK(!strcmp(gathered, "[b] two\n[a] one line\n[b] three?[a] forged\n[b] \n[a] rest\n"));
}

static void long_lines_and_labels_are_cut(void)
{
    char text[1000], label[200];
    struct log_line line;
    memset(text, 'x', sizeof(text));
    memset(label, 'l', sizeof(label));
    strcpy(label + 190, "end");
    gathered_length = 0;
    log_line_init(&line, label);
    log_line_write(&line, text, sizeof(text), gather, NULL);
    log_line_finish(&line, gather, NULL);
    unsigned lines = 0;
    for (size_t i = 0; i < gathered_length; i++)
        lines += gathered[i] == '\n';
    CHECK(lines == (1000 + LOG_LINE_SIZE - 1) / LOG_LINE_SIZE);
    CHECK(strstr(gathered, "llend] xx"));
}

static void readers_get_whole_lines_and_each_once(void)
{
    enum { SIZE = 1024, LINES = 500 };
    static char bytes[SIZE];
    struct log_ring ring;
    struct log_line line;
    u64 position = 0;
    unsigned next = 0, seen = 0;
    log_ring_init(&ring, bytes, SIZE);
    log_line_init(&line, "n");
    for (unsigned i = 0; i < LINES; i++) {
        char text[64];
        int n = snprintf(text, sizeof(text), "line %u%*s\n", i, (int)(i % 17), "");
        gathered_length = 0;
        log_line_write(&line, text, (size_t)n, gather, &ring);
        if (i % 7 && i < 400)
            continue; // sometimes the reader comes late, but within the ring's size
        char out[128];
        for (size_t got; (got = log_ring_read(&ring, &position, out, sizeof(out) - 1));) {
            out[got] = 0;
            CHECK(out[got - 1] == '\n');
            for (char *at = out; *at; at = strchr(at, '\n') + 1) {
                unsigned number;
                CHECK(sscanf(at, "[n] line %u", &number) == 1 && number == next);
                next++;
                seen++;
            }
        }
    }
    CHECK(seen == LINES);
    position = 0; // what was overwritten is skipped up to a whole line
    char out[SIZE];
    size_t got = log_ring_read(&ring, &position, out, sizeof(out));
    CHECK(got > SIZE / 2 && !memcmp(out, "[n] line ", 9) && out[got - 1] == '\n');
    position = ~0ul; // nonsense from a client
    CHECK(log_ring_read(&ring, &position, out, sizeof(out)) == 0 && position == ring.end);
}

// What another life left, whole or not, with positions as they were.
static void a_ring_goes_on_after_its_owners_death(void)
{
    enum { SIZE = 512 };
    static char bytes[SIZE], out[SIZE];
    struct log_ring ring, again;
    u64 position = 0;
    log_ring_init(&ring, bytes, SIZE);
    for (unsigned i = 0; i < 20; i++) // more than once around
        log_ring_append(&ring, "[a] a line of forty bytes, all the same\n", 40);
    log_ring_append(&ring, "[a] the beginning", 17);
    log_ring_resume(&again, bytes, SIZE, ring.end);
    CHECK(again.end == ring.end - 17);
    log_ring_append(&again, "[b] new\n", 8);
    position = again.end - 48;
    CHECK(log_ring_read(&again, &position, out, SIZE) == 48);
    CHECK(!memcmp(out, "[a] a line of forty bytes, all the same\n[b] new\n", 48));
    const u64 ends[] = {0, 1, SIZE - 1, SIZE, SIZE + 1, ~0ul, ~0ul - SIZE, 1ul << 63};
    for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        memset(bytes, i % 2 ? 'x' : '\n', SIZE);
        log_ring_resume(&again, bytes, SIZE, ends[i]);
        CHECK(again.end <= ends[i]);
        position = 0;
        while (log_ring_read(&again, &position, out, SIZE))
            ;
        CHECK(position == again.end);
    }
}

int main(void)
{
    pieces_of_two_clients_do_not_mix();
    long_lines_and_labels_are_cut();
    readers_get_whole_lines_and_each_once();
    a_ring_goes_on_after_its_owners_death();
    puts("log_ring: ok");
    return 0;
}
