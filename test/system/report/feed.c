// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// An init whose configuration a hostile component writes (scenarios/report, `fed`): whatever comes,
// it says in words what is wrong with it, and its children go on in their lives.
#define INITS_WAIT_US 60000000
#include "test/system/report/feed.h"
#include "test/system/check.h"
#include "test/system/inits.h"
#include "test/system/says.h"
#include "lib/conf/form.h"
#include "lib/rt/heap.h"
#include "lib/rt/string.h"
#include "lib/service/env.h"
#include "lib/service/rom_watch.h"
#include <libfdt.h>

enum {
    WAIT_US = 60000000,
    MOST = 128 * 1024,  // bytes of a version that an init reads (init/source.c)
    LARGE = 256 * 1024, // what we write at most
    KEEPER_RAM = 1 << 20,
    KEEPER_CAPS = 400,
    KEEPER_KMEM = 200 << 10,
    FLIPS = 60,
    CUTS = 12,
};

struct quotas {
    u64 ram, caps, kmem;
};

static const struct quotas usual = {KEEPER_RAM, KEEPER_CAPS, KEEPER_KMEM};
static const struct quotas absurd = {~0ul, ~0ul, ~0ul};
static struct service_client feed, reader;
static char *tree;    // LARGE bytes
static u64 log_at;    // everything before has been seen
static u64 spare = 1; // a figure of the configuration's that makes versions differ

// Whether `fed`, or another, says this within the time; the log is read on behind it.
static bool says(const char *what)
{
    return log_says(&reader, &log_at, what, WAIT_US);
}

static void tree_begin(void)
{
    memset(tree, 0, LARGE);
    CHECK(!fdt_create(tree, LARGE) && !fdt_finish_reservemap(tree) && !fdt_begin_node(tree, ""));
    CHECK(!fdt_property_u64(tree, "spare", spare++));
}

static size_t tree_end(void)
{
    return fdt_end_node(tree) || fdt_finish(tree) ? 0 : fdt_totalsize(tree);
}

static void child_begin(const char *name, const char *binary, const struct quotas *q)
{
    CHECK(!fdt_begin_node(tree, name) && !fdt_property_string(tree, "binary", binary));
    CHECK(!fdt_property_u64(tree, "ram", q->ram) && !fdt_property_u64(tree, "caps", q->caps));
    CHECK(!fdt_property_u64(tree, "kmem", q->kmem));
}

static void route(const char *service, enum config_route_kind kind, const char *to)
{
    CHECK(!fdt_begin_node(tree, service) && !fdt_property_string(tree, "service", service));
    CHECK(!fdt_property_u32(tree, "kind", kind) && !fdt_property_string(tree, "to", to));
    CHECK(!fdt_end_node(tree));
}

// With the route "echo" to `server`, if that is a name.
static void routes(const char *server)
{
    static const char *const services[] = {"log", "pd", "cpu"};
    CHECK(!fdt_begin_node(tree, "route"));
    for (unsigned i = 0; i < ARRAY_SIZE(services); i++)
        route(services[i], CONFIG_ROUTE_PARENT, "");
    if (*server)
        route("echo", CONFIG_ROUTE_CHILD, server);
    CHECK(!fdt_end_node(tree));
}

static void tree_child(const char *name, const struct quotas *q)
{
    child_begin(name, "compose-server", q);
    CHECK(!fdt_property(tree, "provides", "echo\0count", sizeof("echo\0count")));
    routes("");
    CHECK(!fdt_end_node(tree));
}

// One that calls `server` as long as that is the same.
static void tree_guest(const char *server)
{
    child_begin("guest", "changing-child", &usual);
    routes(server);
    CHECK(!fdt_begin_node(tree, "config") && !fdt_property_u32(tree, "n", 1));
    CHECK(!fdt_end_node(tree) && !fdt_end_node(tree));
}

static size_t good_tree(void)
{
    tree_begin();
    tree_child("keeper", &usual);
    return tree_end();
}

// In its first life, with what it had from the beginning.
static bool keeper_is_untouched(void)
{
    struct control_child child;
    error_t error = child_find("fed", "keeper", &child);
    bool same = !error && child.state == CHILD_RUNNING && !child.restarts &&
                child.ram_limit == KEEPER_RAM && child.caps_limit == KEEPER_CAPS;
    if (!same)
        print("  keeper: %s, state %u, %u restarts, ram %lu, caps %lu\n", error_name(error),
              child.state, child.restarts, child.ram_limit, (u64)child.caps_limit);
    return same;
}

// A version that is to be refused, and how.
static void refused(const void *data, size_t size, const char *words)
{
    CHECK_EQ(report_write(&feed, data, size), SUCCESS);
    CHECK(says(words));
    CHECK(keeper_is_untouched());
}

static const char no_configuration[] =
    "[init -> fed] init: the ROM module \"config\" is no configuration";

void first_configuration_comes_late(void)
{
    struct service_quota none = {0, 0};
    tree = heap_zalloc(LARGE);
    CHECK(tree);
    CHECK_EQ(service_init(&reader, "log", "", "read", none), SUCCESS);
    CHECK_EQ(service_init(&feed, "report", "", "feed", none), SUCCESS);
    size_t size = good_tree();
    CHECK_EQ(report_write(&feed, tree, size), SUCCESS);
    CHECK(child_reaches("fed", "keeper", CHILD_RUNNING, 0));
    CHECK(keeper_is_untouched());
}

void garbage_is_refused_in_words(void)
{
    u64 random = 88172645463325252;
    for (size_t i = 0; i < MOST; i++) {
        random = random * 6364136223846793005 + 1442695040888963407;
        tree[i] = (char)(random >> 56);
    }
    refused(tree, MOST, no_configuration);
    refused(tree, 1, no_configuration);
    refused(tree, 0, no_configuration);
    memset(tree, 0, MOST);
    refused(tree, MOST, no_configuration);
}

void truncated_trees_are_refused(void)
{
    size_t size = good_tree();
    for (unsigned i = 1; i <= CUTS; i++)
        refused(tree, size * i / (CUTS + 1), no_configuration);
    refused(tree, size - 1, no_configuration);
    fdt_set_totalsize(tree, (u32)size - 1); // the header lies in accord
    refused(tree, size - 1, no_configuration);
}

// The largest that is read is read, and one byte more is not.
void size_is_bounded(void)
{
    size_t small = good_tree();
    for (unsigned more = 0; more < 2; more++) {
        tree_begin();
        tree_child(more ? "not read" : "largest", &usual);
        tree_child("keeper", &usual);
        void *room;
        size_t now = small * 2;
        CHECK(!fdt_property_placeholder(tree, "room", (int)(MOST - now), &room));
        CHECK(tree_end() <= MOST);
        fdt_set_totalsize(tree, MOST);
        if (more) {
            refused(tree, MOST + 1, "\"config\" has changed and cannot be read: ERESOURCE");
        } else {
            CHECK_EQ(report_write(&feed, tree, MOST), SUCCESS);
            CHECK(child_reaches("fed", "largest", CHILD_RUNNING, 0));
            CHECK(keeper_is_untouched());
        }
    }
    CHECK_EQ(report_write(&feed, tree, good_tree()), SUCCESS);
    CHECK(child_goes("fed", "largest"));
}

// As many children as fit into it; names are compared with each other, so it might take for ever.
void children_are_counted_first(void)
{
    char name[8];
    tree_begin();
    tree_child("keeper", &usual);
    for (unsigned i = 0; i < 6000; i++) {
        text_format(name, sizeof(name), "c%u", i);
        CHECK(!fdt_begin_node(tree, name) && !fdt_end_node(tree));
    }
    size_t size = tree_end();
    CHECK(size <= MOST);
    refused(tree, size, "the configuration has more than 128 children; the version before it");
}

void absurd_quotas_are_refused(void)
{
    struct quotas without_ram = {KEEPER_RAM, ~0ul, ~0ul};
    tree_begin();
    tree_child("keeper", &usual);
    tree_child("absurd", &absurd);
    tree_child("greedy", &without_ram);
    CHECK_EQ(report_write(&feed, tree, tree_end()), SUCCESS);
    CHECK(says("child \"absurd\": ram 18014398509481983Kb exceeds the "));
    CHECK(says("child \"greedy\": no domain (E"));
    CHECK(child_reaches("fed", "absurd", CHILD_FAILED, 0) &&
          child_reaches("fed", "greedy", CHILD_FAILED, 0));
    CHECK(keeper_is_untouched());
    // The same for a child that runs: it keeps what it has, and nothing is taken from it when sense
    // returns.
    tree_begin();
    tree_child("keeper", &absurd);
    CHECK_EQ(report_write(&feed, tree, tree_end()), SUCCESS);
    CHECK(says("child \"keeper\": ram 18014398509481983Kb exceeds the "));
    CHECK(says("child \"keeper\": caps 4294967295 instead of 400 are more than are left"));
    CHECK(says("child \"keeper\": kmem 18014398509481983Kb instead of 200Kb: "));
    CHECK(child_goes("fed", "absurd") && keeper_is_untouched());
    CHECK_EQ(report_write(&feed, tree, good_tree()), SUCCESS);
    tree_begin();
    tree_child("keeper", &usual);
    tree_child("after", &usual);
    CHECK_EQ(report_write(&feed, tree, tree_end()), SUCCESS);
    CHECK(child_reaches("fed", "after", CHILD_RUNNING, 0));
    CHECK(keeper_is_untouched());
}

// A server's block goes while it has clients: what they have donated is theirs again, and nobody
// answers for it who comes after. (The configuration compiler would not have it.)
void a_removed_server_leaves_nobody_poorer(void)
{
    struct control_child guest;
    struct control_quota before, after;
    struct service_client fed;
    struct service_quota none = {0, 0};
    CHECK_EQ(service_init(&fed, "init", "fed", "", none), SUCCESS);
    for (unsigned i = 0; i < 2; i++) {
        tree_begin();
        tree_child("keeper", &usual);
        tree_child("host", &usual);
        tree_guest("host");
        CHECK_EQ(report_write(&feed, tree, tree_end()), SUCCESS);
        CHECK(session_comes("fed", "guest", "echo", "host"));
        CHECK(session_comes("fed", "guest", "rom", "")); // it has called
        CHECK_EQ(control_quota(&fed, "keeper", &before), SUCCESS);
        tree_begin();
        tree_child("keeper", &usual);
        tree_child("heir", &usual); // has the place of "host" in all tables
        tree_guest("host");
        CHECK_EQ(report_write(&feed, tree, tree_end()), SUCCESS);
        CHECK(child_reaches("fed", "guest", CHILD_EXITED, 0));
        CHECK(child_reaches("fed", "heir", CHILD_RUNNING, 0));
        CHECK_EQ(child_find("fed", "guest", &guest), SUCCESS);
        CHECK(!guest.ram_used && !guest.sessions && guest.caps_limit == KEEPER_CAPS);
        CHECK_EQ(child_find("fed", "heir", &guest), SUCCESS);
        CHECK(guest.ram_limit == KEEPER_RAM && guest.caps_limit == KEEPER_CAPS);
        CHECK_EQ(control_quota(&fed, "keeper", &after), SUCCESS);
        CHECK(after.ram.limit == before.ram.limit && after.caps.limit == before.caps.limit);
        CHECK_EQ(report_write(&feed, tree, good_tree()), SUCCESS);
        CHECK(child_goes("fed", "guest") && child_goes("fed", "heir"));
    }
    CHECK(keeper_is_untouched());
    service_close(&fed);
}

static error_t write_beats(struct service_client *beats, u64 each_us)
{
    tree_begin();
    if (each_us && fdt_property_u64(tree, "heartbeat", each_us))
        return EPROTO;
    tree_child("below", &usual);
    return report_write(beats, tree, tree_end());
}

// Its parent ends it when it beats no more, with all below, and starts it again.
void an_init_that_falls_silent_begins_anew(void)
{
    struct service_client beats, top;
    struct control_child mute = {.restarts = 0};
    struct service_quota none = {0, 0};
    CHECK_EQ(service_init(&beats, "report", "", "beats", none), SUCCESS);
    CHECK_EQ(write_beats(&beats, 50000), SUCCESS);
    CHECK_EQ(service_init(&top, "init", "", "", none), SUCCESS);
    CHECK_EQ(control_start(&top, "mute"), SUCCESS);
    CHECK(child_reaches("", "mute", CHILD_RUNNING, 0) &&
          child_reaches("mute", "below", CHILD_RUNNING, 0));
    CHECK_EQ(child_find("", "mute", &mute), SUCCESS);
    u32 first = mute.restarts;
    CHECK_EQ(write_beats(&beats, 0), SUCCESS);
    CHECK(says("[init] init: child \"mute\": no heartbeat for 2000ms"));
    CHECK_EQ(write_beats(&beats, 50000), SUCCESS);
    CHECK(says("[init] init: child \"mute\": started again, "));
    CHECK(child_reaches("", "mute", CHILD_RUNNING, 0) &&
          child_reaches("mute", "below", CHILD_RUNNING, 0));
    CHECK_EQ(child_find("", "mute", &mute), SUCCESS);
    CHECK(mute.restarts > first);
    CHECK_EQ(control_kill(&top, "mute"), SUCCESS);
    service_close(&top);
    service_close(&beats);
}

// One bit of a good tree is another. Some of these are configurations, and may end children; init
// itself lives on, and reads the next good one.
void flipped_bits_end_no_init(void)
{
    struct control_child fed;
    size_t size = good_tree();
    for (size_t i = 0; i < FLIPS; i++) {
        size_t at = size * i / FLIPS;
        tree[at] ^= (char)(1 << i % 8);
        CHECK_EQ(report_write(&feed, tree, size), SUCCESS);
        (void)!child_find("fed", "keeper", &fed); // the writer does not run ahead of every version
        tree[at] ^= (char)(1 << i % 8);
    }
    tree_begin();
    tree_child("last", &usual);
    CHECK_EQ(report_write(&feed, tree, tree_end()), SUCCESS);
    CHECK(child_reaches("fed", "last", CHILD_RUNNING, 0) && child_goes("fed", "keeper"));
    tree_begin();
    tree_child("keeper", &usual); // a new one: one of those versions may have ended it
    tree_child("last", &usual);
    CHECK_EQ(report_write(&feed, tree, tree_end()), SUCCESS);
    CHECK(child_reaches("fed", "last", CHILD_RUNNING, 0) &&
          child_reaches("fed", "keeper", CHILD_RUNNING, 0));
    CHECK_EQ(child_find("", "fed", &fed), SUCCESS);
    CHECK(fed.state == CHILD_RUNNING && !fed.restarts);
    service_close(&feed);
    service_close(&reader);
    heap_free(tree);
}
