// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// init's configuration, as tools/conf has compiled it: a flattened tree, read with libfdt and never
// trusted. Strings point into the blob, which must stay.
//
// Each child is a subnode of the root, named as the child, with the properties
//   binary, args (strings); ram, kmem (bytes), caps, priority, budget, period, backoff, heartbeat
//   (µs), limit (64-bit numbers, big endian); restart, start (32-bit); affinity (32-bit each);
//   provides (strings one after the other);
// and the subnodes
//   route: one subnode a route, in order of precedence: service ("*": any), to (string; "": none),
//          kind (enum config_route_kind), label, args (strings, optional), for_label (string,
//          optional: only sessions with this label);
//   config: what the child reads as its ROM module "config" (tools/conf/value.c has the forms).
#pragma once

#include <tessera/error.h>

enum { CONFIG_NAME_MAX = 64, CONFIG_CPUS_MAX = MAX_CPUS, CONFIG_DEPTH_MAX = 16 };

enum config_route_kind {
    CONFIG_ROUTE_DENY = 0,
    CONFIG_ROUTE_PARENT = 1,
    CONFIG_ROUTE_CHILD = 2,
    CONFIG_ROUTE_ANY = 3,
};
enum config_restart {
    CONFIG_RESTART_NEVER = 0,
    CONFIG_RESTART_ON_FAULT = 1,
    CONFIG_RESTART_ALWAYS = 2
};

struct config {
    const void *blob;
};

struct config_route {
    enum config_route_kind kind;
    const char *to;           // the child's name for CONFIG_ROUTE_CHILD
    const char *label, *args; // in place of the client's; NULL: the client's
};
struct config_route_entry {
    const char *service, *for_label; // what it is for; "*": any, NULL: any
    struct config_route route;
};

struct config_child {
    const char *name, *binary, *args;
    struct config_route_entry *routes; // on the heap, for good
    u32 route_count;
    u64 ram_bytes, kmem_bytes;
    u32 caps, priority;
    u32 affinity[CONFIG_CPUS_MAX], affinity_count; // CPUs; the main thread's first
    u64 budget_us, period_us;                      // both 0: no limit
    enum config_restart restart;
    u64 backoff_us;
    u32 limit;        // of restarts in a row; 0 = none
    u64 heartbeat_us; // 0 = not watched
    bool start;       // at once
    int node;         // in the blob
};

// Checks the blob: its whole structure, and the children's names, of 1 to CONFIG_NAME_MAX - 1
// bytes. EPROTO if it is none. `blob` is aligned to 8 bytes, must stay and must not change.
MUST_CHECK error_t config_open(struct config *config, const void *blob, size_t size);
// Goes through the children in the file's order; returns a number to go on with, negative at the
// end. What is missing or malformed in a child has its default: RAM and slots 0. Numbers that are
// too large become the largest. Without heap for the routes the child has none.
int config_child_first(const struct config *config, struct config_child *child);
int config_child_next(const struct config *config, struct config_child *child);
// Where a session of `service` with that label goes; CONFIG_ROUTE_DENY if nothing says so.
void config_route(const struct config_child *child, const char *service, const char *label,
                  struct config_route *route);
// Whether the child may offer that service.
bool config_provides(const struct config *config, const struct config_child *child,
                     const char *service);
// Writes the child's `config` block, with its `args` as a further property if it has any, as a tree
// of its own into `buffer`, if that is large enough; the block is the root. Returns the bytes it
// takes at most; 0 if there is nothing to write, or it is broken.
size_t config_extract(const struct config *config, const struct config_child *child, void *buffer,
                      size_t size);
