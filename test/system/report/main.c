// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Reports and their readers (scenarios/report; servers/report).
#include "test/system/report/feed.h"
#include "test/system/check.h"
#include "test/system/exit.h"
#include "test/system/inits.h"
#include "lib/rt/heap.h"
#include "lib/rt/memory.h"
#include "lib/rt/string.h"
#include "lib/service/env.h"
#include "lib/service/rom_watch.h"

enum { WAIT_US = 20000000, SIZE = 64 * 1024, WRITES = 300, SHORT_US = 50000 };

static struct service_quota none = {0, 0};

static bool contains(const char *text, const char *what)
{
    for (size_t length = strlen(what); *text; text++) {
        if (!strncmp(text, what, length))
            return true;
    }
    return false;
}

// Until the newest version of the report has such a text.
static bool shows(struct rom_watch *rom, const char *what)
{
    void *text = NULL;
    size_t size = 0;
    error_t error = SUCCESS;
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end;) {
        bool found = false;
        error = rom_copy(rom, SIZE, &text, &size);
        if (!error) {
            found = contains(text, what);
            memory_free(text, size + 1);
        }
        if (found)
            return true;
        pause_us(5000);
    }
    print("  not there (%s): %s\n", error_name(error), what);
    return false;
}

static void init_reports_its_state(void)
{
    struct rom_watch rom;
    CHECK_EQ(rom_watch_init(&rom, "state", "", none), SUCCESS);
    CHECK_EQ(rom_watch_begin(&rom), SUCCESS);
    CHECK(shows(&rom, "child \"server\" { state = RUNNING; restarts = 0;"));
    CHECK(shows(&rom, "session { client = \"judge\"; service = \"rom\"; provider = \"report\""));
    CHECK(shows(&rom, "init { ram_left = "));
    u64 taken; // whatever has come until now
    (void)!hc_sm_down_zero(rom.changed, deadline_in_us(SHORT_US), &taken);
    CHECK_EQ(child_do(control_kill, "", "server"), SUCCESS);
    CHECK_EQ(rom_watch_wait(&rom, deadline_in_us(WAIT_US)), SUCCESS);
    CHECK(shows(&rom, "child \"server\" { state = RUNNING; restarts = 1;"));
    rom_watch_close(&rom);
}

static void init_below_reports_what_it_is_told(void)
{
    struct rom_watch rom;
    void *text;
    size_t size;
    CHECK_EQ(rom_watch_init(&rom, "below", "", none), SUCCESS);
    CHECK(shows(&rom, "child \"server\" { state = RUNNING; restarts = 0;"));
    CHECK_EQ(rom_copy(&rom, SIZE, &text, &size), SUCCESS);
    CHECK(!contains(text, "ram") && !contains(text, "judge") && !contains(text, "session {"));
    memory_free(text, size + 1);
    rom_watch_close(&rom);
}

static error_t read_as(const char *name, const char *label)
{
    struct rom_watch rom;
    void *text;
    size_t size;
    error_t error = rom_watch_init(&rom, name, label, none);
    if (!error)
        error = rom_copy(&rom, SIZE, &text, &size);
    if (!error)
        memory_free(text, size + 1);
    rom_watch_close(&rom);
    return error;
}

static void what_no_policy_names_is_denied(void)
{
    CHECK_EQ(read_as("nothing", ""), EPERM);
    CHECK_EQ(read_as("wrong", ""), EPERM);     // its policy names no report
    CHECK_EQ(read_as("state", "x"), EPERM);    // the label is exact
    CHECK_EQ(read_as("state", "init"), EPERM); // one cannot say that one is another
    CHECK_EQ(read_as("", ""), EPERM);
    CHECK_EQ(read_as("own", ""), ENOTFOUND); // nobody has written it yet
}

static void reports_are_read_whole(void)
{
    struct service_client report, second;
    struct rom_watch rom;
    char *text = heap_zalloc(SIZE + 1);
    void *copy;
    size_t size;
    CHECK(text != NULL);
    CHECK_EQ(service_init(&report, "report", "", "mine", none), SUCCESS);
    CHECK_EQ(report_write(&report, "one", 3), SUCCESS);
    CHECK_EQ(service_init(&second, "report", "", "mine", none), SUCCESS);
    CHECK_EQ(service_open(&second), EINUSE); // one writer a name
    service_close(&second);
    CHECK_EQ(rom_watch_init(&rom, "own", "", none), SUCCESS);
    CHECK_EQ(rom_copy(&rom, SIZE, &copy, &size), SUCCESS);
    CHECK(size == 3 && !strcmp(copy, "one"));
    memory_free(copy, size + 1);
    CHECK_EQ(report_write(&report, "", 0), SUCCESS);
    CHECK_EQ(rom_copy(&rom, SIZE, &copy, &size), SUCCESS);
    CHECK_EQ(size, 0);
    memory_free(copy, 1);
    memset(text, 'x', SIZE);
    CHECK_EQ(report_write(&report, text, SIZE), SUCCESS);
    CHECK_EQ(rom_copy(&rom, SIZE, &copy, &size), SUCCESS);
    CHECK(size == SIZE && !memcmp(copy, text, SIZE));
    memory_free(copy, size + 1);
    CHECK_EQ(rom_copy(&rom, SIZE - 1, &copy, &size), ERESOURCE);
    CHECK_EQ(report_write(&report, text, 2 << 20), ERESOURCE); // larger than any may be
    CHECK_EQ(report_clear(&report), SUCCESS);
    CHECK_EQ(rom_copy(&rom, SIZE, &copy, &size), ENOTFOUND);
    rom_watch_close(&rom);
    service_close(&report);
    heap_free(text);
}

static error_t write_part(struct service_client *report, word_t position, word_t total,
                          const char *part)
{
    struct msg m;
    service_begin(report, &m, REPORT_WRITE);
    msg_put_word(&m, position);
    msg_put_word(&m, total);
    msg_put_string(&m, part);
    return service_call(report, &m);
}

static void nonsense_is_refused(void)
{
    struct service_client report;
    CHECK_EQ(service_init(&report, "report", "", "mine", none), SUCCESS);
    CHECK_EQ(write_part(&report, 1, 10, "x"), EPROTO);
    CHECK_EQ(write_part(&report, 0, 10, "12345"), SUCCESS);
    CHECK_EQ(write_part(&report, 4, 10, "12345"), EPROTO);
    CHECK_EQ(write_part(&report, 5, 11, "12345"), EPROTO);
    CHECK_EQ(write_part(&report, 5, 10, "123456"), EPROTO);
    CHECK_EQ(write_part(&report, 0, ~0ul, "x"), ERESOURCE);
    CHECK_EQ(service_call0(&report, 99), EPROTO);
    service_close(&report);
}

// Nobody's but the writer's memory: a session that gives no more than this writes no more.
static void writers_pay(void)
{
    struct service_client poor;
    CHECK_EQ(service_init(&poor, "report", "", "mine", (struct service_quota){16384, 8}), SUCCESS);
    poor.fixed = true;
    CHECK_EQ(report_write(&poor, "small", 5), SUCCESS);
    static char text[16384];
    CHECK_EQ(report_write(&poor, text, sizeof(text)), ERESOURCE);
    CHECK_EQ(report_write(&poor, "small", 5), SUCCESS);
    CHECK_EQ(report_write(&poor, "again", 5), SUCCESS);
    service_close(&poor);
}

// A reader on another CPU, if there is one, compares what no two versions share.
static u32 torn, seen, stop;
static void read_on(void *argument)
{
    (void)argument;
    struct rom_watch rom;
    void *copy;
    size_t size;
    if (rom_watch_init(&rom, "own again", "", none))
        return;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        error_t error = rom_copy(&rom, SIZE, &copy, &size);
        if (error) {
            torn += error != ERETRY && error != ENOTFOUND;
            continue;
        }
        const char *text = copy;
        for (size_t i = 1; i < size; i++)
            torn += text[i] != text[0];
        memory_free(copy, size + 1);
        seen++;
    }
    rom_watch_close(&rom);
}

static bool reading(void)
{
    return __atomic_load_n(&seen, __ATOMIC_RELAXED);
}

static void readers_see_whole_versions(void)
{
    static struct thread reader;
    static char text[10000];
    struct service_client report;
    CHECK_EQ(service_init(&report, "report", "", "mine", none), SUCCESS);
    CHECK_EQ(report_write(&report, "a", 1), SUCCESS);
    CHECK_EQ(thread_create(&reader, hip()->cpu_count - 1, 64, "reader", read_on, NULL), SUCCESS);
    error_t error = SUCCESS;
    u64 end = deadline_in_us(WAIT_US); // until the reader has come, too
    for (unsigned i = 0; (i < WRITES || (!reading() && rdtsc() < end)) && !error; i++) {
        size_t size = 1 + i * 37 % sizeof(text);
        memset(text, 'a' + (int)(i % 26), size);
        error = report_write(&report, text, size);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    thread_join(&reader);
    CHECK_EQ(error, SUCCESS);
    print("  %u readings of %u versions and more\n", seen, WRITES);
    CHECK(seen && !torn);
    service_close(&report);
}

static void report_ends_with_its_writer(void)
{
    struct service_client report;
    struct rom_watch rom;
    void *copy;
    size_t size;
    CHECK_EQ(service_init(&report, "report", "", "mine", none), SUCCESS);
    CHECK_EQ(report_write(&report, "here", 4), SUCCESS);
    CHECK_EQ(rom_watch_init(&rom, "own", "", none), SUCCESS);
    CHECK_EQ(rom_watch_begin(&rom), SUCCESS);
    CHECK_EQ(rom_copy(&rom, SIZE, &copy, &size), SUCCESS);
    memory_free(copy, size + 1);
    service_close(&report);
    CHECK_EQ(rom_watch_wait(&rom, deadline_in_us(WAIT_US)), SUCCESS); // it is told
    CHECK_EQ(rom_copy(&rom, SIZE, &copy, &size), ENOTFOUND);
    rom_watch_close(&rom);
}

// Its next life has what writers write anew: init does, and so may we.
static void server_dies_and_comes_back(void)
{
    struct service_client report;
    struct rom_watch state, own;
    CHECK_EQ(rom_watch_init(&state, "state", "", none), SUCCESS);
    CHECK_EQ(rom_watch_init(&own, "own", "", none), SUCCESS);
    own.client.retry_aborted = true; // its semaphore may go a moment before its handlers do
    CHECK_EQ(rom_watch_begin(&own), SUCCESS);
    CHECK_EQ(service_init(&report, "report", "", "mine", none), SUCCESS);
    report.retry_aborted = true;
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(report_write(&report, "written", 7), SUCCESS);
        CHECK(shows(&own, "written"));
        CHECK_EQ(child_do(control_kill, "", "report"), SUCCESS);
        error_t error = SUCCESS; // upped by the report before, maybe
        for (unsigned k = 0; k < 3 && error != EABORT; k++)
            error = rom_watch_wait(&own, deadline_in_us(WAIT_US));
        CHECK_EQ(error, EABORT);
        CHECK_EQ(rom_watch_begin(&own), SUCCESS);
        CHECK(shows(&state, "child \"judge\" { state = RUNNING"));
    }
    service_close(&report);
    rom_watch_close(&own);
    rom_watch_close(&state);
}

int main(void)
{
    RUN(init_reports_its_state);
    RUN(init_below_reports_what_it_is_told);
    RUN(what_no_policy_names_is_denied);
    RUN(reports_are_read_whole);
    RUN(nonsense_is_refused);
    RUN(writers_pay);
    RUN(readers_see_whole_versions);
    RUN(report_ends_with_its_writer);
    RUN(first_configuration_comes_late);
    RUN(garbage_is_refused_in_words);
    RUN(truncated_trees_are_refused);
    RUN(size_is_bounded);
    RUN(children_are_counted_first);
    RUN(absurd_quotas_are_refused);
    RUN(a_removed_server_leaves_nobody_poorer);
    RUN(an_init_that_falls_silent_begins_anew);
    RUN(flipped_bits_end_no_init);
    RUN(server_dies_and_comes_back);
    TESTS_DONE();
    machine_exit(tests_failed != 0);
    return 0;
}
