// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What init tells of its children and does to them, for those who have a route to its service
// "init" (doc/init.md). A handle on it is made with service_init.
#pragma once

#include "lib/service/client.h"

struct control_child {
    char name[64];
    enum child_state state;
    bool is_init; // and shows its own children to who opens "init" with its name as the label
    u32 restarts; // since init started it first
    // Accounts: what is in use or donated, of how much, and the most that it ever was.
    u64 ram_used, ram_limit, ram_high;    // bytes
    u64 caps_used, caps_limit, caps_high; // capability slots
    u64 sessions;                         // open
    u64 kept;                             // bytes of ram_used (doc/keeping.md)
};

// Calls `visit` for each child, in the order of the configuration, while it returns true. Errors:
// EPROTO if the answer makes no sense, those of service_call.
MUST_CHECK error_t control_visit(struct service_client *init,
                                 bool (*visit)(const struct control_child *child, void *context),
                                 void *context);
// One child's figures. Errors: ENOTFOUND if init has no child of that name, those of control_visit.
MUST_CHECK error_t control_find(struct service_client *init, const char *name,
                                struct control_child *out);
// Ends a child; its restart policy applies. Errors: ENOTFOUND if it does not run or there is none,
// those of service_call.
MUST_CHECK error_t control_kill(struct service_client *init, const char *name);
// Starts a child that has ended. Errors: EINUSE if it runs, ENOTFOUND if there is none, those of
// service_call.
MUST_CHECK error_t control_start(struct service_client *init, const char *name);

// Of its RAM an init keeps a part for itself, in bytes.
enum { INIT_RAM_PART = 4, INIT_RAM_LEAST = 1 << 20, INIT_RAM_MOST = 4 << 20 };

// What init has, and how it is spread: RAM in bytes, capability slots.
struct control_usage {
    u64 kmem_used, kmem_limit, slots_used, slots_limit;
    u64 ram_left, ram_limit;   // to give, of what its parent gave it
    u64 ram_own, ram_children; // donated above it, for itself and by its children
    u64 parent_slots, children_slots;
    u64 parent_ram, system_ram; // all that its parent has; the kernel's and boot modules' of it
};
MUST_CHECK error_t control_usage(struct service_client *init, struct control_usage *usage);

// What a child used of its accounts, over all its lives.
struct control_quota {
    struct control_account {
        u64 used, limit, most;
        u64 refused;   // what it would have had in use with the largest request refused; 0: none
        u64 own;       // of the limit, what its configuration gives
    } ram, caps, kmem; // bytes, slots, bytes
    u64 refusals;
    char last[160];             // in words: what, how much, of what service
    u64 kept, keep, kept_count; // bytes that it keeps (doc/keeping.md), may keep; how many they are
};
// ENOTFOUND: init has no child of that name.
MUST_CHECK error_t control_quota(struct service_client *init, const char *name,
                                 struct control_quota *quota);
// What a block should give.
struct control_need {
    u64 ram, caps, kmem;
};
// The most that was used or refused, an eighth more, rounded up.
struct control_need control_suggest(const struct control_quota *quota);
// Of one that is an init itself: what its children should get, all together (`below`), what those
// that run have now (`now`: their control_account.own), and what it says of itself.
struct control_need control_suggest_init(const struct control_quota *quota,
                                         const struct control_need *below,
                                         const struct control_need *now,
                                         const struct control_usage *usage);

struct control_session {
    char client[64], provider[64]; // provider "": init itself, "parent": init's parent
    char service[SERVICE_NAME_MAX], label[SERVICE_LABEL_MAX];
};

// Calls `visit` for each session that a child has opened, in no order, while it returns true.
// Errors: as control_visit.
MUST_CHECK error_t control_sessions(struct service_client *init,
                                    bool (*visit)(const struct control_session *session,
                                                  void *context),
                                    void *context);
