// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What outlives a component (scenarios/kept; doc/keeping.md): content through deaths of all kinds,
// whom it belongs to, what it costs and that all of that returns.
#include "test/system/kept/kept.h"
#include "test/system/check.h"
#include "test/system/exit.h"
#include "lib/core/dataspace.h"
#include "lib/rt/address.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"

enum { LIVES = 100, MARK = 0x7e55e7a };

static struct service_quota none = {0, 0};

error_t keeper_open(struct service_client *keeper, const char *label, const char *args)
{
    error_t error = service_init(keeper, "keeper", label, args, none);
    keeper->retry_aborted = true;
    return error ? error : service_open(keeper);
}

error_t keeper_add(struct service_client *keeper, word_t n, word_t *sum, bool *resumed)
{
    struct msg m;
    service_begin(keeper, &m, KEEPER_ADD);
    msg_put_word(&m, n);
    error_t error = service_call(keeper, &m);
    *sum = msg_get_word(&m);
    *resumed = msg_get_word(&m);
    return error;
}

error_t keeper_info(struct service_client *keeper, struct keeper_info *info)
{
    struct msg m;
    service_begin(keeper, &m, KEEPER_INFO);
    error_t error = service_call(keeper, &m);
    info->there = msg_get_word(&m);
    info->failures = msg_get_word(&m);
    info->sessions = msg_get_word(&m);
    info->records = msg_get_word(&m);
    info->torn = msg_get_word(&m);
    return error;
}

static error_t named(struct service_client *keeper, struct msg *m, word_t operation,
                     const char *name, unsigned words, word_t a, word_t b)
{
    service_begin(keeper, m, operation);
    if (words > 0)
        msg_put_word(m, a);
    if (words > 1)
        msg_put_word(m, b);
    msg_put_string(m, name);
    return service_call(keeper, m);
}

error_t keeper_keep(struct service_client *keeper, const char *name, word_t bytes, word_t *found,
                    bool *earlier)
{
    struct msg m;
    error_t error = named(keeper, &m, KEEPER_KEEP, name, 1, bytes, 0);
    if (!error)
        error = (error_t)msg_get_word(&m);
    *found = msg_get_word(&m);
    *earlier = msg_get_word(&m);
    return error;
}

error_t keeper_drop(struct service_client *keeper, const char *name)
{
    struct msg m;
    error_t error = named(keeper, &m, KEEPER_DROP, name, 0, 0, 0);
    return error ? error : (error_t)msg_get_word(&m);
}

error_t keeper_poke(struct service_client *keeper, const char *name, word_t offset, word_t value)
{
    struct msg m;
    return named(keeper, &m, KEEPER_POKE, name, 2, offset, value);
}

error_t keeper_peek(struct service_client *keeper, const char *name, word_t offset, word_t *value)
{
    struct msg m;
    error_t error = named(keeper, &m, KEEPER_PEEK, name, 1, offset, 0);
    *value = msg_get_word(&m);
    return error;
}

static error_t init_open(struct service_client *init, const char *path)
{
    return service_init(init, "init", path, "", none);
}

error_t quota_of(const char *path, const char *name, struct control_quota *quota)
{
    struct service_client init;
    error_t error = init_open(&init, path);
    if (!error)
        error = control_quota(&init, name, quota);
    service_close(&init);
    return error;
}

bool usage_returns(const struct control_usage *before)
{
    struct control_usage now = {0};
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
        if (!init_usage("", &now) && now.ram_left == before->ram_left &&
            now.ram_children == before->ram_children && now.ram_own <= before->ram_own &&
            now.slots_used <= before->slots_used)
            return true;
    }
    print("  ram left %lu, was %lu; of children %lu, was %lu; own %lu, was %lu; slots %lu, was "
          "%lu\n",
          now.ram_left, before->ram_left, now.ram_children, before->ram_children, now.ram_own,
          before->ram_own, now.slots_used, before->slots_used);
    return false;
}

// Restarts that init has counted.
static u32 lives_of(const char *child)
{
    struct control_child c;
    return child_find("", child, &c) ? 0 : c.restarts;
}

bool keeper_dies(struct service_client *keeper, const char *child, enum keeper_death how)
{
    struct msg m;
    u32 before = lives_of(child);
    keeper->retry_aborted = false; // once is enough
    service_begin(keeper, &m, KEEPER_DIE);
    msg_put_word(&m, how);
    (void)!service_call(keeper, &m);
    keeper->retry_aborted = true;
    return child_reaches("", child, CHILD_RUNNING, before + 1);
}

bool keeper_ends(const char *child)
{
    u32 before = lives_of(child);
    return !child_do(control_kill, "", child) &&
           child_reaches("", child, CHILD_WAITING, before + 1);
}

bool keeper_is_killed(const char *child)
{
    u32 before = lives_of(child);
    error_t error = child_do(control_kill, "", child);
    if (!error)
        error = child_do(control_start, "", child);
    return (!error || error == EINUSE) && child_reaches("", child, CHILD_RUNNING, before + 1);
}

static bool holds(struct service_client *keeper, const char *name, word_t value, bool from_earlier)
{
    word_t bytes, found = 0;
    bool earlier = false;
    error_t error = keeper_keep(keeper, name, 2 * PAGE_SIZE, &bytes, &earlier);
    if (!error)
        error = keeper_peek(keeper, name, PAGE_SIZE + 8, &found);
    if (error || found != value || earlier != from_earlier)
        print("  %s: %s, found %lx, expected %lx, %s earlier\n", name, error_name(error), found,
              value, earlier ? "of" : "not of");
    return !error && found == value && earlier == from_earlier;
}

static void content_survives_every_death(void)
{
    static const enum keeper_death ways[] = {KEEPER_FAULTS, KEEPER_LEAVES, KEEPER_FAILS,
                                             KEEPER_FALLS_SILENT};
    struct service_client keeper;
    word_t mark = MARK;
    CHECK_EQ(keeper_open(&keeper, "", ""), SUCCESS);
    CHECK(holds(&keeper, "notes", 0, false)); // zeroed at first
    CHECK_EQ(keeper_poke(&keeper, "notes", PAGE_SIZE + 8, mark), SUCCESS);
    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
        CHECK(keeper_dies(&keeper, "keeper", ways[i]));
        CHECK(holds(&keeper, "notes", mark, true));
        CHECK_EQ(keeper_poke(&keeper, "notes", PAGE_SIZE + 8, ++mark), SUCCESS);
    }
    CHECK(keeper_is_killed("keeper"));
    CHECK(holds(&keeper, "notes", mark, true));
    CHECK_EQ(keeper_drop(&keeper, "notes"), SUCCESS);
    CHECK_EQ(keeper_drop(&keeper, "notes"), ENOTFOUND);
    CHECK(holds(&keeper, "notes", 0, false)); // another one
    CHECK_EQ(keeper_drop(&keeper, "notes"), SUCCESS);
    service_close(&keeper);
}

static void names_are_ones_own(void)
{
    struct service_client keeper, twin;
    CHECK_EQ(keeper_open(&keeper, "", ""), SUCCESS);
    CHECK_EQ(keeper_open(&twin, "twin", ""), SUCCESS);
    CHECK(holds(&keeper, "mine", 0, false));
    CHECK_EQ(keeper_poke(&keeper, "mine", PAGE_SIZE + 8, MARK), SUCCESS);
    CHECK(holds(&twin, "mine", 0, false));
    CHECK(holds(&twin, "keeper/mine", 0, false));
    CHECK(holds(&twin, "../keeper/mine", 0, false));
    CHECK_EQ(keeper_poke(&twin, "mine", PAGE_SIZE + 8, 1), SUCCESS);
    CHECK(holds(&keeper, "mine", MARK, false));
    CHECK(keeper_is_killed("twin"));
    CHECK(holds(&twin, "mine", 1, true));
    CHECK(holds(&keeper, "mine", MARK, false));
    CHECK_EQ(keeper_drop(&twin, "mine"), SUCCESS);
    CHECK_EQ(keeper_drop(&twin, "keeper/mine"), SUCCESS);
    CHECK_EQ(keeper_drop(&twin, "../keeper/mine"), SUCCESS);
    CHECK(holds(&keeper, "mine", MARK, false));
    CHECK_EQ(keeper_drop(&keeper, "mine"), SUCCESS);
    service_close(&keeper);
    service_close(&twin);
}

static bool is_mapped(const void *at)
{
    crd_t found;
    return !hc_lookup(crd(CRD_MEM, (word_t)at / PAGE_SIZE, 0, RIGHT_ALL), &found) &&
           crd_rights(found);
}

// We are given what the keeper keeps, and map it. With its life that ends, though it is kept.
static void nobody_reaches_it_between_lives(void)
{
    struct service_client twin;
    struct msg m;
    sel_t ds = selector_alloc();
    volatile u64 *at = (volatile u64 *)address_alloc(2 * PAGE_SIZE);
    u64 physical, bytes;
    CHECK_EQ(keeper_open(&twin, "twin", ""), SUCCESS);
    CHECK(holds(&twin, "shared", 0, false));
    service_begin(&twin, &m, KEEPER_GIVE);
    msg_put_string(&m, "shared");
    utcb()->window = crd(CRD_OBJ, ds, 0, RIGHT_ALL);
    CHECK_EQ(service_call(&twin, &m), SUCCESS);
    CHECK_EQ(dataspace_attach(ds, (void *)at, 2 * PAGE_SIZE, 0), SUCCESS);
    CHECK(is_mapped((const void *)at));
    at[PAGE_SIZE / 8 + 1] = MARK;
    CHECK(keeper_ends("twin"));
    CHECK(!is_mapped((const void *)at));
    CHECK_EQ(ds_phys(&env_pd, ds, &physical, &bytes), ENOTFOUND);
    CHECK(dataspace_attach(ds, (void *)at, 2 * PAGE_SIZE, 0) != SUCCESS);
    struct control_quota quota;
    CHECK_EQ(quota_of("", "twin", &quota), SUCCESS); // it counts while it is dead
    CHECK(quota.kept > 2 * PAGE_SIZE && quota.ram.used > quota.kept);
    CHECK_EQ(child_do(control_start, "", "twin"), SUCCESS);
    CHECK(holds(&twin, "shared", MARK, true)); // waits until it is there
    CHECK(!is_mapped((const void *)at));
    CHECK_EQ(keeper_drop(&twin, "shared"), SUCCESS);
    address_free((word_t)at, 2 * PAGE_SIZE);
    selector_drop(ds);
    service_close(&twin);
}

static void failures_are_counted_until_it_is_well(void)
{
    struct service_client keeper;
    struct keeper_info info;
    CHECK_EQ(keeper_open(&keeper, "", ""), SUCCESS);
    CHECK(keeper_dies(&keeper, "keeper", KEEPER_LEAVES));
    CHECK_EQ(keeper_info(&keeper, &info), SUCCESS);
    CHECK(info.there && !info.failures);
    for (word_t i = 1; i <= 3; i++) {
        CHECK(keeper_dies(&keeper, "keeper", i == 2 ? KEEPER_FAILS : KEEPER_FAULTS));
        CHECK_EQ(keeper_info(&keeper, &info), SUCCESS);
        CHECK_EQ(info.failures, i);
        CHECK(keeper_is_killed("keeper")); // which says nothing of it
        CHECK_EQ(keeper_info(&keeper, &info), SUCCESS);
        CHECK_EQ(info.failures, i);
    }
    CHECK_EQ(service_call0(&keeper, KEEPER_READY), SUCCESS);
    CHECK(keeper_is_killed("keeper"));
    CHECK_EQ(keeper_info(&keeper, &info), SUCCESS);
    CHECK_EQ(info.failures, 0);
    service_close(&keeper);
}

static void a_hundred_lives_leak_nothing(void)
{
    struct service_client keeper;
    struct control_usage before;
    word_t bytes;
    bool earlier;
    CHECK_EQ(keeper_open(&keeper, "", ""), SUCCESS);
    CHECK(keeper_is_killed("keeper"));
    CHECK_EQ(service_call0(&keeper, KEEPER_READY), SUCCESS); // it has all that it opens
    CHECK_EQ(init_usage("", &before), SUCCESS);
    for (unsigned i = 0; i < LIVES; i++) {
        CHECK_EQ(keeper_keep(&keeper, "a", PAGE_SIZE, &bytes, &earlier), SUCCESS);
        CHECK_EQ(earlier, i % 3 != 0);
        CHECK_EQ(keeper_keep(&keeper, "b", 3 * PAGE_SIZE, &bytes, &earlier), SUCCESS);
        CHECK(!earlier);
        CHECK_EQ(keeper_drop(&keeper, "b"), SUCCESS);
        if (i % 3 == 2)
            CHECK_EQ(keeper_drop(&keeper, "a"), SUCCESS);
        if (i % 2)
            CHECK(keeper_is_killed("keeper"));
        else
            CHECK(keeper_dies(&keeper, "keeper", KEEPER_FAULTS));
    }
    CHECK_EQ(keeper_drop(&keeper, "a"), SUCCESS);
    CHECK(keeper_is_killed("keeper"));
    CHECK_EQ(service_call0(&keeper, KEEPER_READY), SUCCESS);
    CHECK(usage_returns(&before));
    service_close(&keeper);
}

// Its memory goes while a thread on another CPU writes to it: that faults, as with any memory.
static void dropping_what_is_in_use_ends_its_user(void)
{
    struct service_client keeper;
    struct msg m;
    CHECK_EQ(keeper_open(&keeper, "", ""), SUCCESS);
    CHECK(keeper_is_killed("keeper"));
    for (unsigned i = 0; i < 5; i++) {
        CHECK(holds(&keeper, "hot", 0, false));
        service_begin(&keeper, &m, KEEPER_BURN);
        msg_put_string(&m, "hot");
        CHECK_EQ(service_call(&keeper, &m), SUCCESS);
        u32 before = lives_of("keeper");
        keeper.retry_aborted = false;
        error_t error = keeper_drop(&keeper, "hot");
        CHECK(error == SUCCESS || error == EABORT); // it may have died in it
        keeper.retry_aborted = true;
        CHECK(child_reaches("", "keeper", CHILD_RUNNING, before + 1));
    }
    CHECK(holds(&keeper, "hot", 0, false));
    CHECK_EQ(keeper_drop(&keeper, "hot"), SUCCESS);
    service_close(&keeper);
}

static struct service_client compiler;

static bool set(const char *path, const char *value)
{
    return config_takes(&compiler, path, value);
}

static bool look_for(const struct control_session *s, void *context)
{
    struct {
        const char *label;
        bool found;
    } *search = context;
    search->found |= !strcmp(s->label, search->label);
    return !search->found;
}

// The leaf below `apps` says in a label which life it is.
static bool leaf_counts(unsigned lives)
{
    char label[64];
    struct service_client init;
    struct {
        const char *label;
        bool found;
    } search = {label, false};
    text_format(label, sizeof(label), "apps -> leaf -> life %u", lives);
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end && !search.found; pause_us(5000)) {
        if (init_open(&init, ""))
            continue;
        (void)!control_sessions(&init, look_for, &search);
        service_close(&init);
    }
    if (!search.found)
        print("  no session \"%s\"\n", label);
    return search.found;
}

static bool leaf_keeps(u64 bytes, u64 most)
{
    struct control_quota quota = {.kept = ~0ul};
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
        if (!quota_of("apps", "leaf", &quota) && quota.kept == bytes && quota.keep == most &&
            quota.kept_count == (bytes != 0))
            return true;
    }
    print("  the leaf keeps %lu of %lu\n", quota.kept, quota.keep);
    return false;
}

// A changed configuration: what makes another component of it ends what it kept, nothing else does.
static void changes_of_the_configuration_keep_what_is_its_own(void)
{
    CHECK(leaf_counts(1));
    CHECK(leaf_keeps(PAGE_SIZE, 64 << 10));
    CHECK_EQ(child_do(control_kill, "apps", "leaf"), SUCCESS);
    CHECK(leaf_counts(2));
    CHECK(set("leaf.affinity", "0")); // a new life
    CHECK(leaf_counts(3));
    CHECK(set("leaf.args", "\"again\""));
    CHECK(leaf_counts(4));
    CHECK(set("leaf.keep", "16Kb")); // in place
    CHECK(leaf_keeps(PAGE_SIZE, 16 << 10));
    CHECK(set("leaf.ram", "2Mb"));
    CHECK(set("leaf.priority", "60"));
    CHECK(leaf_counts(4));
    CHECK(set("leaf.binary", "compose-server")); // does not keep
    CHECK(leaf_keeps(0, 16 << 10));
    CHECK(set("leaf.binary", "kept-leaf"));
    CHECK(leaf_counts(1));
    CHECK(set("leaf.keep", "")); // what it has is taken from it, and the next life has none
    CHECK(leaf_keeps(0, 0));
    CHECK(set("leaf.keep", "8Kb"));
    CHECK(set("leaf.args", "\"once more\""));
    CHECK(leaf_counts(1));
}

#define LEAF                                                                                       \
    "{ binary = kept-leaf; ram = 1Mb; caps = 200; kmem = 100Kb; keep = 64Kb; restart { when = "    \
    "always; backoff = 1ms } route { log = parent; pd = parent; cpu = parent; echo = parent } }"

// A lock may get its semaphore at any time; what is kept would leave more than that.
static bool apps_returns(struct service_client *apps, const struct control_usage *before)
{
    struct control_usage now = {0};
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
        if (!control_usage(apps, &now) && !now.ram_children && now.ram_left == before->ram_left &&
            now.slots_used <= before->slots_used + 3)
            return true;
    }
    print("  of children %lu; ram left %lu, was %lu; slots %lu, were %lu\n", now.ram_children,
          now.ram_left, before->ram_left, now.slots_used, before->slots_used);
    return false;
}

// What it has is what it had before there was such a child, and the child's next namesake finds
// nothing. An init below gives all back likewise when it ends.
static void removal_returns_all(void)
{
    struct control_usage before, after;
    struct service_client apps;
    CHECK(leaf_counts(1));
    CHECK_EQ(init_open(&apps, "apps"), SUCCESS);
    CHECK(set("other", "{ binary = kept-leaf; start = no; ram = 1Mb; caps = 100 }"));
    CHECK(set("leaf", ""));
    CHECK(child_goes("apps", "leaf"));
    CHECK_EQ(control_usage(&apps, &before), SUCCESS);
    CHECK_EQ(before.ram_children, 0); // nobody runs
    for (unsigned i = 0; i < 3; i++) {
        CHECK(set("leaf", LEAF));
        CHECK(leaf_counts(1));
        CHECK_EQ(child_do(control_kill, "apps", "leaf"), SUCCESS);
        CHECK(leaf_counts(2));
        CHECK_EQ(control_usage(&apps, &after), SUCCESS);
        CHECK(after.ram_children > PAGE_SIZE);
        CHECK(set("leaf", ""));
        CHECK(child_goes("apps", "leaf"));
        CHECK(apps_returns(&apps, &before));
    }
    service_close(&apps);
    CHECK_EQ(init_usage("", &before), SUCCESS);
    CHECK_EQ(before.ram_left + before.ram_own + before.ram_children, before.ram_limit);
    CHECK(set("leaf", LEAF));
    CHECK(leaf_counts(1));
    CHECK_EQ(child_do(control_kill, "", "apps"), SUCCESS); // its next life has the newest version
    CHECK(child_reaches("", "apps", CHILD_RUNNING, 1));
    CHECK(leaf_counts(1)); // with an init all ends that it kept
    CHECK(set("leaf", ""));
    CHECK(child_goes("apps", "leaf"));
    CHECK_EQ(init_usage("", &after), SUCCESS);
    CHECK_EQ(after.ram_left + after.ram_own + after.ram_children, after.ram_limit);
}

int main(void)
{
    pause_us(1); // what it waits at is there before accounts are read
    if (service_init(&compiler, "config", "", "", none))
        return 1;
    run_own();
    RUN(content_survives_every_death);
    RUN(names_are_ones_own);
    RUN(nobody_reaches_it_between_lives);
    RUN(failures_are_counted_until_it_is_well);
    RUN(dropping_what_is_in_use_ends_its_user);
    run_sessions();
    RUN(changes_of_the_configuration_keep_what_is_its_own);
    RUN(removal_returns_all);
    RUN(a_hundred_lives_leak_nothing);
    TESTS_DONE();
    machine_exit(tests_failed != 0);
    return 0;
}
