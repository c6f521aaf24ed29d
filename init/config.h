// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// init's configuration, as tools/conf has compiled it (lib/conf/form.h): read with libfdt and never
// trusted. Strings point into the blob, which must stay.
#pragma once

#include "lib/conf/form.h"

#include <tessera/error.h>

struct config {
    const void *blob;
    u64 heartbeat_us;      // to our own parent; 0: none
    bool report;           // whether the state is published
    const char *report_to; // the child whose service "report" it goes to; "": the parent's
    u64 report_delay_us;   // at least so long between two
    u32 report_what;       // enum config_report
};

struct config_route {
    enum config_route_kind kind;
    const char *to;           // the child's name for CONFIG_ROUTE_CHILD
    const char *label, *args; // in place of the client's; NULL: the client's
    const char *label_prefix; // in place of the child's name in the label
    const char *label_suffix; // in place of the client's label
};
struct config_route_entry {
    const char *service;                           // what it is for
    u64 key;                                       // its first eight bytes
    bool any;                                      // for every service ("*")
    const char *for_label, *for_prefix, *for_args; // NULL: any
    struct config_route route;
};

struct config_child {
    const char *name, *binary, *args;
    struct config_route_entry *routes; // on the heap, for good
    u32 route_count;
    u64 ram_bytes, kmem_bytes, keep_bytes;
    u32 caps, priority;
    u32 affinity[CONFIG_CPUS_MAX], affinity_count; // CPUs; the main thread's first
    u64 budget_us, period_us;                      // both 0: no limit
    enum config_restart restart;
    u64 backoff_us;
    u32 limit;        // of restarts in a row; 0 = none
    u64 heartbeat_us; // 0 = not watched
    bool start;       // at once
    bool debug;       // others with a route for it may supervise it (debug.c)
    bool whole;       // false: there was no memory for the routes
    int node;         // in the blob
};

// Checks the blob: its whole structure, and the children's names, of 1 to CONFIG_NAME_MAX - 1
// bytes, none twice. EPROTO if it is none, ERESOURCE if there are more than CONFIG_CHILDREN_MAX
// (which is looked at first: comparing the names of many takes long). `blob` is aligned to 8 bytes,
// must stay and must not change.
MUST_CHECK error_t config_open(struct config *config, const void *blob, size_t size);
// Goes through the children in the file's order; returns a number to go on with, negative at the
// end. What is missing or malformed in a child has its default: RAM and slots 0. Numbers that are
// too large become the largest. Without heap for the routes the child has none.
int config_child_first(const struct config *config, struct config_child *child);
int config_child_next(const struct config *config, struct config_child *child);
// Where a session of `service` with that label and those arguments goes; CONFIG_ROUTE_DENY if
// nothing says so.
void config_route(const struct config_child *child, const char *service, const char *label,
                  const char *args, struct config_route *route);
// Whether a route says where the ROM module "config" comes from, instead of the child's block.
bool config_elsewhere(const struct config_child *child);
// Whether the child may offer that service.
bool config_provides(const struct config *config, const struct config_child *child,
                     const char *service);
// Writes the child's `config` block, with its `args` as a further property if it has any, as a tree
// of its own into `buffer`, if that is large enough; the block is the root. Returns the bytes it
// takes at most; 0 if there is nothing to write, or it is broken.
size_t config_extract(const struct config *config, const struct config_child *child, void *buffer,
                      size_t size);

// What is different in a child between two versions of the configuration.
enum config_change {
    CHANGE_LIFE = 1 << 0, // binary, args, affinity, debug, or whether it has a budget at all
    CHANGE_BUDGET = 1 << 1,
    CHANGE_RAM = 1 << 2,
    CHANGE_KERNEL = 1 << 3,      // caps, kmem
    CHANGE_SUPERVISION = 1 << 4, // restart, heartbeat, start
    CHANGE_PROVIDES = 1 << 5,
    CHANGE_ROUTES = 1 << 6,
    CHANGE_BLOCK = 1 << 7, // its `config`
    CHANGE_PRIORITY = 1 << 8,
    CHANGE_KEEP = 1 << 9,
};
u32 config_difference(const struct config *old, const struct config_child *a,
                      const struct config *new, const struct config_child *b);
