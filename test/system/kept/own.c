// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// KEEP and DROP as a hostile child would use them, and with accounts that are empty at each step:
// what the judge keeps itself (its block allows for 64Kb).
#include "test/system/kept/kept.h"
#include "test/system/check.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/thread.h"
#include "lib/service/keep.h"

enum {
    PAGES = 16, // of `keep`
    RAM_STEP = 256,
    RAM_STEPS = 32,
    CAPS_STEPS = 64,
    FEES = 48, // slots that init may have ready for its books of our sessions
    ROUNDS = 150,
    MEETINGS = 8, // of all threads, at most
    BUSY_PRIORITY = 40,
};

static error_t keep(const char *name, size_t bytes)
{
    struct kept kept;
    error_t error = kept_open(&kept, name, bytes);
    kept_close(&kept);
    return error;
}

static void names_are_checked(void)
{
    static const char longest[] = "0123456789012345678901234567890"; // and the zero
    static char long_one[200];
    CHECK_EQ(keep("", PAGE_SIZE), EPROTO);
    CHECK_EQ(keep("a\nb", PAGE_SIZE), EPROTO);
    CHECK_EQ(keep("\x7f", PAGE_SIZE), EPROTO);
    CHECK_EQ(keep("01234567890123456789012345678901", PAGE_SIZE), EPROTO);
    memset(long_one, 'x', sizeof(long_one) - 1);
    CHECK_EQ(keep(long_one, PAGE_SIZE), EPROTO);
    CHECK_EQ(kept_forget(""), EPROTO);
    CHECK_EQ(kept_forget(long_one), EPROTO);
    CHECK_EQ(kept_forget("nothing"), ENOTFOUND);
    CHECK_EQ(keep(longest, PAGE_SIZE), SUCCESS);
    CHECK_EQ(kept_forget("012345678901234567890123456789"), ENOTFOUND);
    CHECK_EQ(kept_forget(longest), SUCCESS);
}

static void sizes_are_checked(void)
{
    struct kept kept;
    CHECK_EQ(keep("size", 0), ENOTFOUND);
    CHECK_EQ(keep("size", 1ul << 63), ERESOURCE);
    CHECK_EQ(keep("size", ~0ul), ERESOURCE);
    CHECK_EQ(keep("size", ~0ul - PAGE_SIZE), ERESOURCE);
    CHECK_EQ(keep("size", PAGES * PAGE_SIZE + 1), ERESOURCE);
    CHECK_EQ(kept_open(&kept, "size", 1), SUCCESS);
    CHECK(kept.bytes == PAGE_SIZE && !kept.earlier && !*(u64 *)kept.data);
    *(u64 *)kept.data = 1;
    kept_close(&kept);
    CHECK_EQ(kept_open(&kept, "size", 2 * PAGE_SIZE), EPARAM);
    CHECK_EQ(kept.bytes, PAGE_SIZE);
    CHECK_EQ(kept_open(&kept, "size", 1ul << 63), EPARAM);
    CHECK_EQ(kept_open(&kept, "size", 0), SUCCESS); // as it is
    CHECK(kept.bytes == PAGE_SIZE && !kept.earlier && *(u64 *)kept.data == 1);
    kept_drop(&kept);
    CHECK_EQ(keep("size", 0), ENOTFOUND);
}

static void malformed_requests_are_refused(void)
{
    static const word_t operations[] = {PARENT_KEEP, PARENT_DROP, PARENT_SESSIONS};
    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++) {
        for (unsigned words = 0; words < 3; words++) {
            struct msg m;
            msg_begin(&m);
            msg_put_word(&m, operations[i]);
            msg_put_word(&m, 0);
            for (unsigned k = 0; k < words; k++)
                msg_put_word(&m, ~0ul); // a string of that length, in time
            CHECK_EQ(parent_call(&m), EPROTO);
        }
    }
}

// Nobody hears of the sessions of another's service.
static void sessions_of_others_are_not_told(void)
{
    static const char *const names[] = {"keeper", "log", "init", "", "sessions"};
    static const word_t positions[] = {0, 1, 1ul << 32, ~0ul};
    struct service_client ours;
    CHECK_EQ(keeper_open(&ours, "", ""), SUCCESS); // there is one, and we are its client
    for (unsigned i = 0; i < ARRAY_SIZE(names) * ARRAY_SIZE(positions); i++) {
        struct msg m;
        parent_begin(&m, PARENT_SESSIONS);
        msg_put_word(&m, positions[i % ARRAY_SIZE(positions)]);
        msg_put_string(&m, names[i / ARRAY_SIZE(positions)]);
        CHECK_EQ(parent_call(&m), SUCCESS);
        CHECK_EQ(msg_get_word(&m), 0);
        CHECK_EQ(m.in_items, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct msg m;
        parent_begin(&m, PARENT_NUMBER);
        msg_put_word(&m, 0);
        msg_put_item(&m, item_translate(crd(CRD_OBJ, i ? ours.base : SEL_IDENTITY, 0, RIGHT_ALL)));
        CHECK_EQ(parent_call(&m), EPERM);
    }
    service_close(&ours);
}

static const char *name_of(unsigned i, char name[16])
{
    text_format(name, 16, "page %u", i);
    return name;
}

static void no_more_than_the_block_allows(void)
{
    char name[16];
    u64 ram, caps, ram_after, caps_after;
    struct control_quota q;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_EQ(keep(name_of(i, name), PAGE_SIZE), SUCCESS);
    CHECK_EQ(keep(name_of(PAGES, name), PAGE_SIZE), ERESOURCE);
    CHECK_EQ(keep("large", PAGES * PAGE_SIZE), ERESOURCE);
    CHECK_EQ(quota_of("", "judge", &q), SUCCESS);
    CHECK(q.kept == PAGES * PAGE_SIZE && q.keep == q.kept && q.kept_count == PAGES);
    CHECK_EQ(env_quota(&ram_after, &caps_after), SUCCESS);
    CHECK(ram_after + q.kept < ram && caps_after < caps);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_EQ(kept_forget(name_of((i * 7) % PAGES, name)), SUCCESS);
    CHECK_EQ(env_quota(&ram_after, &caps_after), SUCCESS);
    CHECK_EQ(ram_after, ram);
    CHECK_EQ(caps_after, caps);
    CHECK_EQ(keep("large", PAGES * PAGE_SIZE), SUCCESS);
    CHECK_EQ(keep("more", 1), ERESOURCE);
    CHECK_EQ(kept_forget("large"), SUCCESS);
}

// A session that takes all that we have but so much.
static error_t fill(struct service_client *filler, u64 ram_left, u64 caps_left)
{
    struct service_quota none = {0, 0};
    u64 ram, caps;
    error_t error = service_init(filler, "pd", "filler", "", none);
    if (!error)
        error = service_open(filler);
    if (!error)
        error = env_quota(&ram, &caps);
    if (error)
        return error;
    struct service_quota rest = {ram_left < ram ? ram - ram_left : 0,
                                 caps_left < caps ? caps - caps_left : 0};
    return service_upgrade(filler, rest);
}

static void ram_runs_dry_at_every_step(void)
{
    unsigned kept = 0;
    u64 ram, caps, ram_after, caps_after;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    for (unsigned k = 0; k < RAM_STEPS; k++) {
        struct service_client filler;
        CHECK_EQ(fill(&filler, k * RAM_STEP, ~0ul), SUCCESS);
        error_t error = keep("dry", PAGE_SIZE);
        CHECK(error == SUCCESS || error == ERESOURCE);
        CHECK(error == SUCCESS || !kept); // what suffices once always does
        kept += !error;
        CHECK_EQ(kept_forget("dry"), error ? ENOTFOUND : SUCCESS);
        service_close(&filler);
        CHECK_EQ(env_quota(&ram_after, &caps_after), SUCCESS);
        CHECK_EQ(ram_after, ram);
        CHECK(caps_after + FEES >= caps);
    }
    CHECK(kept > 0 && kept < RAM_STEPS - PAGE_SIZE / RAM_STEP);
}

static void slots_run_dry_at_every_step(void)
{
    unsigned kept = 0;
    u64 ram, caps, ram_after, caps_after;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    for (unsigned k = 0; k < CAPS_STEPS; k++) {
        struct service_client filler;
        CHECK_EQ(fill(&filler, ~0ul, k), SUCCESS);
        error_t error = keep("dry", PAGE_SIZE);
        CHECK(error == SUCCESS || error == ERESOURCE || error == EMEM);
        kept += !error;
        error_t gone = kept_forget("dry"); // of which we may have found no room for the capability
        CHECK(gone == (error == ERESOURCE ? ENOTFOUND : SUCCESS));
        service_close(&filler);
        CHECK_EQ(env_quota(&ram_after, &caps_after), SUCCESS);
        CHECK_EQ(ram_after, ram);
        CHECK(caps_after + FEES >= caps);
    }
    CHECK(kept > 0 && kept < CAPS_STEPS);
}

static sel_t done;
static u32 wrong;

static void busy(void *argument)
{
    char name[16];
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct kept kept;
        bool own = i % 2; // else everybody's
        text_format(name, sizeof(name), "busy %u", own ? (unsigned)(word_t)argument : 0u);
        error_t error = kept_open(&kept, name, PAGE_SIZE);
        bool right = own && argument ? error == SUCCESS : true;
        if (own && argument && !error)
            *(volatile u64 *)kept.data = i;
        if (i % 3)
            kept_close(&kept);
        else
            kept_drop(&kept);
        if (!right)
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    }
    hc_sm_up(done);
}

// The first thread's own name is the one that all use.
static void all_cpus_keep_and_drop_at_once(void)
{
    static struct thread thread[MAX_CPUS];
    char name[16];
    u64 ram, caps, ram_after, caps_after;
    unsigned count = hip()->cpu_count;
    wrong = 0;
    CHECK_EQ(semaphore_create(0, &done), SUCCESS);
    // The heap grows, and locks get their semaphores, when most threads ever meet there: a round
    // that leaves nothing comes, unless each does.
    bool same = false;
    for (unsigned round = 0; round < MEETINGS && !same; round++) {
        CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
        for (unsigned i = 0; i < count; i++)
            CHECK_EQ(thread_create(&thread[i], i, BUSY_PRIORITY, "busy", busy, (void *)(word_t)i),
                     SUCCESS);
        for (unsigned i = 0; i < count; i++)
            CHECK_EQ(hc_sm_down(done, DEADLINE_NEVER), SUCCESS);
        for (unsigned i = 0; i < count; i++) {
            thread_destroy(&thread[i]);
            (void)!kept_forget((text_format(name, sizeof(name), "busy %u", i), name));
        }
        CHECK_EQ(env_quota(&ram_after, &caps_after), SUCCESS);
        same = round && ram_after == ram && caps_after == caps;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(ram_after, ram);
    CHECK_EQ(caps_after, caps);
    selector_drop(done);
}

void run_own(void)
{
    RUN(names_are_checked);
    RUN(sizes_are_checked);
    RUN(malformed_requests_are_refused);
    RUN(sessions_of_others_are_not_told);
    RUN(no_more_than_the_block_allows);
    RUN(ram_runs_dry_at_every_step);
    RUN(slots_run_dry_at_every_step);
    RUN(all_cpus_keep_and_drop_at_once);
}
