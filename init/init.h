// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// init: starts and supervises the children that its configuration names (design section 8). What
// its files share.
//
// The main thread alone starts and ends children. Handlers (a child's exception, its requests, the
// control service) only leave a note in child->notes and wake it. Fields that handlers read are
// words, or change under parent.lock.
#pragma once

#include "init/config.h"
#include "lib/rt/elf.h"
#include "lib/rt/print.h"
#include "lib/service/env.h"
#include "lib/service/parent.h"

enum { CHILDREN_MAX = 128, CHILD_REGIONS = 16 };

// What a handler asks the main thread to do with a child.
enum child_note {
    NOTE_FAULT = 1 << 0, // it raised an exception
    NOTE_EXIT = 1 << 1,  // its main has returned
    NOTE_KILL = 1 << 2,  // somebody who may asked for its end
    NOTE_START = 1 << 3, // a person wants it to run
};

struct refusal {
    char text[144];
    u32 count; // of all so far
};

struct debt;

struct child {
    struct config_child config;
    struct parent_client *client;
    u32 index;
    u32 notes; // atomic
    u32 state; // enum child_state
    u32 restarts, in_a_row;
    // account.c, under parent.lock. RAM: donated with sessions or taken for the image; for that;
    // what clients of its services donated; the most that was used, and that would have been
    // enough.
    u64 ram_used, image_ram, ram_received, ram_high, ram_wanted;
    // Slots likewise: donated, received. What its own domain holds the kernel knows.
    u64 caps_given, caps_received, caps_high, given_high, caps_wanted;
    u64 fee_slots, fee_used; // taken for init's books of its sessions, and in use for them
    struct debt *debts;      // to each child
    struct refusal refusal;  // the last one
    bool domain_up;          // sel_pd is its domain, and holds its slots
    u64 started_at, restart_at, heartbeat_at; // TSC
    int exit_code;
    bool reserved; // its RAM is set aside from what init has
    // A life:
    struct rom rom;
    struct elf elf;
    bool rom_open, pd_open, cpu_open;
    struct service_client cpu; // session of its main thread, if it has a budget
    char cpu_args[SERVICE_ARGS_MAX];
    struct service_client pd; // session whose memory is the image's, the stack's and the HIP's
    sel_t sel_pd, sel_ec, sel_sc, sel_identity;
    sel_t exceptions; // + CPU
    struct {
        word_t address;
        size_t bytes;
        sel_t ds;
    } region[CHILD_REGIONS];
    unsigned regions;
};

extern struct child children[CHILDREN_MAX];
extern unsigned child_count;
extern struct config config;
extern struct parent parent;

// policy.c: the arguments of a child's "cpu" sessions: `asked` (or its priority, if empty) and what
// its configuration allows of the processor.
void policy_cpu_args(const struct child *child, const char *asked, char *args, size_t size);

// main.c: leaves a note for the main thread. From any thread.
void child_notify(struct child *child, enum child_note note);
// main.c: the child of that name; NULL if there is none.
struct child *child_by_name(const char *name);

// child.c: starts a child that has no life. An error has been reported in words.
MUST_CHECK error_t child_start(struct child *child);
// child.c: ends its life, if it has one, and takes back all that it had. Sessions of others with
// its services wait for its next life.
void child_end(struct child *child);

// fault.c: the handlers of the children's exceptions; the portals of one child.
MUST_CHECK error_t faults_start(void);
MUST_CHECK error_t faults_create(struct child *child);
void faults_destroy(struct child *child);

// account.c: takes what a child donates (the least, if there is no more; left in *more) to a
// session of the service of that name. ERESOURCE, which has been reported.
MUST_CHECK error_t account_take(struct child *child, const char *service,
                                const struct parent_donation *least, struct parent_donation *more);
// account.c: a session has ended, or did not come to be.
void account_return(struct child *child, const struct parent_donation *donation);
// account.c: makes a child's domain with the slots that are its own; says that it is about to go.
MUST_CHECK error_t account_up(struct child *child);
void account_down(struct child *child);
// account.c: what its image takes (0: it has none) is so many bytes.
void account_image(struct child *child, u64 bytes);
// account.c: what `ram` and donations to it allow; what it may still donate; slots that its domain
// has unused. Notes the highest use so far.
u64 account_ram_limit(const struct child *child);
u64 account_ram_left(const struct child *child);
u64 account_caps_left(const struct child *child);
void account_sample(struct child *child);

// policy.c
extern const struct parent_policy init_policy;

// control.c, config_rom.c: services that init itself offers to its children.
extern const struct server_ops control_ops, config_rom_ops;

// A line for a person, "init: child "NAME": ...".
void child_report(const struct child *child, const char *format, ...) PRINTF_LIKE(2, 3);
