// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The flattened tree that an init's configuration becomes: lib/conf writes it, init/config.h reads
// it.
//
// Each child is a subnode of the root, named as the child, with the properties
//   binary, args (strings); ram, kmem, keep (bytes), caps, priority, budget, period, backoff,
//   heartbeat (µs), limit (64-bit numbers, big endian); restart, start, debug (32-bit); affinity
//   (32-bit each); provides (strings one after the other);
// and the subnodes
//   route: one subnode a route, in order of precedence: service ("*": any), to (string; "": none),
//          kind (enum config_route_kind), and if they are said, strings: label, label_prefix,
//          label_suffix, args; for_label, for_prefix, for_args (only sessions that the client
//          opens with this label, with one that begins so, with these arguments);
//   config: what the child reads as its ROM module "config" (lib/conf/value.c has the forms). If it
//          is an init itself, a configuration like this one.
// The root has init's own items: heartbeat, report_delay (µs), report_what (bits of enum
// config_report), report_to (string; "": the parent).
#pragma once

#include <tessera/types.h>

enum {
    CONFIG_CHILDREN_MAX = 128,
    CONFIG_NAME_MAX = 64,
    CONFIG_CPUS_MAX = MAX_CPUS,
    CONFIG_DEPTH_MAX = 16
};

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

enum config_report {
    CONFIG_REPORT_CHILDREN = 1 << 0, // names, states, restarts
    CONFIG_REPORT_SESSIONS = 1 << 1,
    CONFIG_REPORT_QUOTAS = 1 << 2, // of the children and init's own
    CONFIG_REPORT_ALL = 7,
};
