// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Sessions that go on in their server's next life (doc/keeping.md).
#include "test/system/kept/kept.h"
#include "test/system/check.h"
#include "lib/core/log.h"
#include "lib/rt/memory.h"
#include "lib/rt/string.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "lib/service/rom_watch.h"

enum { SESSIONS = 3, KILLS = 20, SIZE_MOST = 1 << 16, ADDER_PRIORITY = 30 };

static void sessions_go_on(void)
{
    static const char *const args[SESSIONS] = {"a", "b", "b"};
    struct service_client keeper[SESSIONS], late;
    struct keeper_info info;
    word_t sum;
    bool resumed;
    CHECK_EQ(keeper_open(&late, "", ""), SUCCESS); // it is there: none of these is resumed
    service_close(&late);
    for (unsigned i = 0; i < SESSIONS; i++) {
        CHECK_EQ(keeper_open(&keeper[i], "", args[i]), SUCCESS);
        CHECK_EQ(keeper_add(&keeper[i], 10 * i, &sum, &resumed), SUCCESS);
        CHECK(sum == 10ul * i && !resumed);
    }
    for (unsigned life = 1; life <= 3; life++) {
        CHECK(life == 2 ? keeper_dies(&keeper[0], "keeper", KEEPER_FAULTS)
                        : keeper_is_killed("keeper"));
        CHECK_EQ(keeper_open(&late, "", "a"), SUCCESS); // before the others come
        CHECK_EQ(keeper_add(&late, 7, &sum, &resumed), SUCCESS);
        CHECK_EQ(sum, 7); // though label and arguments are those of another
        for (unsigned i = 0; i < SESSIONS; i++) {
            CHECK_EQ(keeper_add(&keeper[i], 1, &sum, &resumed), SUCCESS);
            CHECK_EQ(sum, 10 * i + life);
            CHECK(resumed);
        }
        service_close(&late);
        CHECK_EQ(keeper_info(&keeper[0], &info), SUCCESS);
        CHECK_EQ(info.sessions, SESSIONS); // each client has the one that was made for it
        CHECK_EQ(info.records, SESSIONS);
    }
    for (unsigned i = 0; i < SESSIONS; i++)
        service_close(&keeper[i]);
}

// The server hears of it when it lives again, and what it kept for them goes.
static void who_leaves_meanwhile_is_not_resumed(void)
{
    struct service_client stays, leaves, asks;
    struct keeper_info info;
    word_t sum;
    bool resumed;
    CHECK_EQ(keeper_open(&stays, "twin", ""), SUCCESS);
    CHECK_EQ(keeper_open(&leaves, "twin", ""), SUCCESS);
    CHECK_EQ(keeper_add(&stays, 1, &sum, &resumed), SUCCESS);
    CHECK_EQ(keeper_add(&leaves, 2, &sum, &resumed), SUCCESS);
    CHECK(keeper_ends("twin"));
    service_close(&leaves);
    CHECK_EQ(child_do(control_start, "", "twin"), SUCCESS);
    CHECK_EQ(keeper_open(&asks, "twin", ""), SUCCESS); // waits until it is there
    CHECK_EQ(keeper_info(&asks, &info), SUCCESS);
    CHECK_EQ(info.sessions, 2); // `stays`, which has not come yet, and `asks`
    CHECK_EQ(info.records, 1);
    CHECK_EQ(keeper_add(&stays, 1, &sum, &resumed), SUCCESS);
    CHECK(sum == 2 && resumed);
    service_close(&asks);
    service_close(&stays);
}

// A session whose client closes it in the next life without having come is closed there too.
static void who_never_comes_again_is_closed(void)
{
    struct service_client silent, asks;
    struct keeper_info info = {0};
    word_t sum;
    bool resumed;
    CHECK_EQ(keeper_open(&asks, "", ""), SUCCESS);
    CHECK_EQ(keeper_open(&silent, "", ""), SUCCESS);
    CHECK_EQ(keeper_add(&silent, 1, &sum, &resumed), SUCCESS);
    CHECK(keeper_is_killed("keeper"));
    CHECK_EQ(keeper_info(&asks, &info), SUCCESS);
    CHECK(info.sessions == 2 && info.records == 1);
    service_close(&silent);
    for (u64 end = deadline_in_us(WAIT_US); (info.sessions != 1 || info.records) && rdtsc() < end;
         pause_us(1000))
        CHECK_EQ(keeper_info(&asks, &info), SUCCESS);
    CHECK(info.sessions == 1 && !info.records);
    service_close(&asks);
}

static struct service_client busy;
static volatile bool enough;
static u64 done_count;
static error_t adder_error;
static sel_t adder_done;

static void adder(void *argument)
{
    (void)argument;
    word_t sum;
    bool resumed;
    while (!enough && !adder_error) {
        adder_error = keeper_add(&busy, 1, &sum, &resumed);
        done_count += !adder_error;
    }
    hc_sm_up(adder_done);
}

// Killed in the middle of whatever it does: no record is torn, and nothing that was answered is
// lost. A call that died with the server was repeated, and may have been done twice.
static void state_is_whole_whenever_it_dies(void)
{
    static struct thread thread;
    struct keeper_info info;
    word_t sum;
    bool resumed;
    CHECK_EQ(keeper_open(&busy, "", ""), SUCCESS);
    CHECK_EQ(semaphore_create(0, &adder_done), SUCCESS);
    CHECK_EQ(thread_create(&thread, thread_cpu(), ADDER_PRIORITY, "adder", adder, NULL), SUCCESS);
    for (unsigned i = 0; i < KILLS; i++) {
        u64 before = done_count;
        CHECK(keeper_is_killed("keeper"));
        for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end && done_count == before;)
            pause_us(100 + 137 * i);
        CHECK(done_count != before);
    }
    enough = true;
    CHECK_EQ(hc_sm_down(adder_done, DEADLINE_NEVER), SUCCESS);
    CHECK_EQ(adder_error, SUCCESS);
    CHECK_EQ(keeper_add(&busy, 0, &sum, &resumed), SUCCESS);
    CHECK(sum >= done_count && sum <= done_count + KILLS);
    CHECK_EQ(keeper_info(&busy, &info), SUCCESS);
    CHECK_EQ(info.torn, 0);
    service_close(&busy);
    thread_destroy(&thread);
}

static error_t journal_open(struct service_client *journal, const char *args)
{
    error_t error = service_init(journal, "log", "journal", args, (struct service_quota){0, 0});
    journal->retry_aborted = true;
    return error ? error : service_open(journal);
}

// Whether the line is the only one of them in what the journal has from a position on.
static bool reads(struct service_client *reader, u64 *position, const char *line)
{
    static char text[2048];
    size_t length = 1, found = 0, want = strlen(line);
    while (length && !log_read(reader, position, text, sizeof(text), &length)) {
        for (size_t i = 0; i + want <= length; i++)
            found += !memcmp(text + i, line, want);
    }
    return found == 1;
}

// A real server: its ring survives, with the positions of who reads it.
static void the_log_goes_on(void)
{
    struct service_client writer, reader, late;
    u64 position = 0, all = 0;
    CHECK_EQ(journal_open(&writer, ""), SUCCESS);
    CHECK_EQ(journal_open(&reader, "read"), SUCCESS);
    CHECK_EQ(log_write(&writer, "before it died\n", 15), SUCCESS);
    CHECK(reads(&reader, &position, "[judge -> journal] before it died\n"));
    for (unsigned life = 0; life < 2; life++) {
        CHECK(keeper_is_killed("journal"));
        CHECK_EQ(log_write(&writer, life ? "last\n" : "first\n", life ? 5 : 6), SUCCESS);
        CHECK(reads(&reader, &position,
                    life ? "[judge -> journal] last\n" : "[judge -> journal] first\n"));
    }
    CHECK_EQ(journal_open(&late, "read"), SUCCESS);
    CHECK(reads(&late, &all, "[judge -> journal] before it died\n"));
    CHECK_EQ(all, position);
    service_close(&writer);
    service_close(&reader);
    service_close(&late);
}

// By a session of its own.
static bool report_is(const char *text, error_t expected)
{
    struct rom_watch rom;
    void *copy = NULL;
    size_t size = 0;
    error_t error = rom_watch_init(&rom, "mine", "", (struct service_quota){0, 0});
    for (unsigned tries = 0; tries < 2 && (!error || error == EABORT); tries++) {
        error = rom_copy(&rom, SIZE_MOST, &copy, &size);
        if (error != EABORT)
            break; // it died in this very moment
    }
    rom_watch_close(&rom);
    bool same = !error && size == strlen(text) && !memcmp(copy, text, size);
    if (!error)
        memory_free(copy, size + 1);
    if (error != expected || (!error && !same))
        print("  the report: %s, %lu bytes, expected %s\n", error_name(error), size, text);
    return error == expected && (error || same);
}

// Another one: readers see a report before its writer comes again, and none of a writer who left.
static void reports_outlive_their_server(void)
{
    static char large[3 * PAGE_SIZE + 1];
    struct service_client writer;
    struct control_quota before, quota;
    memset(large, 'x', sizeof(large) - 1);
    CHECK_EQ(service_init(&writer, "report", "", "mine", (struct service_quota){0, 0}), SUCCESS);
    writer.retry_aborted = true;
    CHECK_EQ(service_open(&writer), SUCCESS);
    CHECK_EQ(quota_of("", "report", &before), SUCCESS);
    CHECK_EQ(report_write(&writer, "one", 3), SUCCESS);
    CHECK(keeper_is_killed("report"));
    CHECK(report_is("one", SUCCESS));
    CHECK(keeper_is_killed("report"));
    CHECK(report_is("one", SUCCESS));
    CHECK_EQ(report_write(&writer, large, sizeof(large) - 1), SUCCESS);
    CHECK(report_is(large, SUCCESS));
    CHECK(keeper_is_killed("report"));
    CHECK(report_is(large, SUCCESS));
    CHECK_EQ(report_write(&writer, "", 0), SUCCESS);
    CHECK(keeper_is_killed("report"));
    CHECK(report_is("", SUCCESS));
    CHECK_EQ(quota_of("", "report", &quota), SUCCESS);
    CHECK_EQ(quota.kept, before.kept + PAGE_SIZE); // of one version, not of all
    CHECK_EQ(report_write(&writer, "last", 4), SUCCESS);
    CHECK(keeper_ends("report"));
    service_close(&writer);
    CHECK_EQ(child_do(control_start, "", "report"), SUCCESS);
    CHECK(report_is("", ENOTFOUND)); // waits until the next life is there
    CHECK_EQ(quota_of("", "report", &quota), SUCCESS);
    CHECK_EQ(quota.kept, before.kept);
}

void run_sessions(void)
{
    RUN(reports_outlive_their_server);
    RUN(the_log_goes_on);
    RUN(sessions_go_on);
    RUN(who_leaves_meanwhile_is_not_resumed);
    RUN(who_never_comes_again_is_closed);
    RUN(state_is_whole_whenever_it_dies);
}
