// needs: apps/shell/trace_words.c lib/rt/print.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// apps/shell/trace_words.c: names, numbers and lists of events as a person may write them.
#include "apps/shell/trace_words.h"
#include "test/host/check.h"
#include <string.h>
#include <tessera/trace.h>

size_t strlcpy(char *to, const char *from, size_t size) // Debian's libc has none
{
    return (size_t)snprintf(to, size, "%s", from);
}

static struct trace_words words;
static char wrong[256];

static bool read(const char *text)
{
    memset(wrong, 0, sizeof(wrong));
    return trace_words_read(text, "records", 1, 1000, &words, wrong, sizeof(wrong));
}

static void names_and_a_number(void)
{
    CHECK(read("") && words.count == 0 && words.number == 0);
    CHECK(read("greeter") && words.count == 1 && !strcmp(words.word[0], "greeter"));
    CHECK(read("a  records=1000 b ") && words.count == 2 && words.number == 1000);
    CHECK(!strcmp(words.word[0], "a") && !strcmp(words.word[1], "b"));
    CHECK(read("records") && words.count == 1 && !words.number); // a component of that name
    CHECK(read("records2=7") && words.count == 1);
}

static void wrong_words_are_told(void)
{
    const char *const bad[] = {"records=0",    "records=1001", "records=",
                               "records=1x",   "records=-1",   "a records=99999999999999999999999",
                               "records= 5 x", "records=0x10"};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(!read(bad[i]));
        CHECK(strstr(wrong, "found \"records=") &&
              strstr(wrong, "expected records=NUMBER from 1 to 1000"));
    }
    CHECK(!read("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17") &&
          strstr(wrong, "too many names at \"17\""));
    CHECK(read("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 records=3") && words.count == 16);
    CHECK(!read("0123456789012345678901234567890123456789012345678901234567890123"));
    CHECK(strstr(wrong, "a long name"));
    CHECK(read("012345678901234567890123456789012345678901234567890123456789012") &&
          strlen(words.word[0]) == 63);
}

static void names_match_a_component_and_what_is_below(void)
{
    CHECK(trace_matches("init -> alice", "alice") && trace_matches("init -> alice", "init/alice"));
    CHECK(trace_matches("init -> alice", "") && trace_matches("init", "init"));
    CHECK(trace_matches("init -> alice", "init"));
    CHECK(!trace_matches("init -> alice", "ali") && !trace_matches("init -> alice", "alice2"));
    CHECK(!trace_matches("init -> alice", "lice") && !trace_matches("init -> bob", "alice"));
    CHECK(trace_matches("init -> inner -> clock", "inner"));
    CHECK(trace_matches("init -> inner -> clock", "inner/clock"));
    CHECK(trace_matches("init -> inner -> clock", "init/inner/clock"));
    CHECK(!trace_matches("init -> inner -> clock", "clock"));
    CHECK(!trace_matches("init -> inner", "inner/clock"));
    CHECK(!trace_matches("init -> inner -> clock", "inner/cl"));
    CHECK(!trace_matches("init -> inner", "inner/") && !trace_matches("alice", "alice/"));
    CHECK(trace_matches("init -> init -> a", "init/a") && trace_matches("init -> a/b", "a/b"));
}

static void events_by_name(void)
{
    u32 mask = 99;
    char text[256];
    CHECK(trace_events_read("", &mask, wrong, sizeof(wrong)) && mask == 0);
    CHECK(trace_events_read("CALL,FAULT", &mask, wrong, sizeof(wrong)));
    CHECK(mask == (1u << TRACE_CALL | 1u << TRACE_FAULT));
    CHECK(trace_events_read("wake, Mark", &mask, wrong, sizeof(wrong)));
    CHECK(mask == (1u << TRACE_WAKE | 1u << TRACE_MARK));
    trace_events_format(mask, text, sizeof(text));
    CHECK(!strcmp(text, "WAKE,MARK"));
    CHECK(trace_events_read("all", &mask, wrong, sizeof(wrong)) &&
          mask == (1u << TRACE_EVENTS) - 2);
    const char *const bad[] = {"CAL", "CALLS", "CALL;WAKE", ",", "CALL,allx", "\xff"};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(!trace_events_read(bad[i], &mask, wrong, sizeof(wrong)));
        CHECK(strstr(wrong, "expected all or some of CALL,RETURN,DISPATCH,"));
    }
    trace_events_format(~0u, text, 8); // cut, and terminated
    CHECK(!strcmp(text, "CALL,RE"));
}

static void random_text_harms_nobody(void)
{
    static const char bytes[] = "  ,,=records=0123456789allCALLfault/->\"\xff\x01";
    for (unsigned i = 0; i < 100000; i++) {
        char text[201], label[128];
        size_t length = random_below(sizeof(text)), at = random_below(length + 1);
        u32 mask;
        for (size_t k = 0; k < length; k++)
            text[k] = bytes[random_below(sizeof(bytes) - 1)];
        text[length] = 0;
        memcpy(label, text + at, length - at < 127 ? length - at + 1 : 127);
        label[127] = 0;
        bool good = read(text);
        CHECK(good == !wrong[0] && words.count <= TRACE_NAMES_MAX && words.number <= 1000);
        (void)trace_matches(label, text);
        CHECK(trace_matches(label, label));
        CHECK(!trace_events_read(text, &mask, wrong, sizeof(wrong)) ||
              !(mask & ~((1u << TRACE_EVENTS) - 2)));
    }
}

int main(void)
{
    RUN(names_and_a_number);
    RUN(wrong_words_are_told);
    RUN(names_match_a_component_and_what_is_below);
    RUN(events_by_name);
    RUN(random_text_harms_nobody);
    return check_failures != 0;
}
