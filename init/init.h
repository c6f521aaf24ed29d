// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// init: starts and supervises the children that its configuration names (design section 8). What
// its files share.
//
// The main thread alone starts and ends children, and alone changes the configuration. Handlers (a
// child's exception, its requests, the control service) only leave a note in child->notes and wake
// it. Fields that handlers read are words, or change under parent.lock.
//
// The end of a life is noted by who has seen, under parent.lock or (debug.c) under debug_lock, that
// this life goes on. child_end takes all of these notes away: none is of the next life.
#pragma once

#include "init/config.h"
#include "lib/core/domain.h"
#include "lib/core/program_image.h"
#include "lib/module/module.h"
#include "lib/rt/elf.h"
#include "lib/rt/print.h"
#include "lib/service/env.h"
#include "lib/service/parent.h"

enum { CHILDREN_MAX = CONFIG_CHILDREN_MAX };

// What a handler asks the main thread to do with a child.
enum child_note {
    NOTE_FAULT = 1 << 0, // it raised an exception
    NOTE_EXIT = 1 << 1,  // its main has returned
    NOTE_KILL = 1 << 2,  // somebody who may asked for its end
    NOTE_START = 1 << 3, // a person wants it to run
    NOTES_END = NOTE_FAULT | NOTE_EXIT | NOTE_KILL,
};

struct refusal {
    char text[144];
    u32 count; // of all so far
};

// What a child had of something at most, by the kernel's word, whatever it was a moment later.
struct peak {
    u64 most;   // of its own `caps` or `kmem`; of slots at least what it was seen to have in all
    u64 wanted; // that would have been enough for the largest request that was refused; 0: none
    u64 lacked; // by a request that was refused and that nobody was told of yet
    u64 told;   // `wanted` when a person was told last
};

struct debt;
struct kept_ds;

// What a kept dataspace takes: of `keep`, of RAM (in bytes), of slots.
struct keep_price {
    u64 bytes, ram, caps;
};

// A slot: where there is no child, `present` is false.
struct child {
    char name[CONFIG_NAME_MAX]; // that of its configuration, readable at any time
    bool present;
    struct config_child config;
    struct parent_client *client;
    u32 index;
    u32 notes; // atomic
    u32 state; // enum child_state; changes under parent.lock
    u32 restarts, in_a_row;
    u64 ram_limit; // bytes that it may give away: what is configured, or what could be had
    // account.c, under parent.lock. RAM: donated with sessions or taken for the image; for that;
    // what clients of its services donated; the most that was used, and that would have been
    // enough.
    u64 ram_used, image_ram, ram_received, ram_high, ram_wanted;
    // Slots likewise: donated, received. What its own domain holds the kernel knows.
    u64 caps_given, caps_received;
    struct peak caps_peak, kmem_peak;
    u64 caps_own, kmem_own;  // what its domain has of `caps` and `kmem`, if not all could be had
    u64 fee_slots, fee_used; // taken for init's books of its sessions, and in use for them
    struct debt *debts;      // to each child, and to init itself
    struct refusal refusal;  // the last one
    u32 refusals_told;       // in this life
    struct kept_ds *kept;    // what its next life finds again (keep.c), likewise under parent.lock
    u64 kept_bytes;          // without the price of their sessions
    u32 failures;            // of its lives in a row, as KEEP tells them
    bool domain_up;          // sel_pd is its domain, and holds its slots
    u64 started_at, restart_at, heartbeat_at; // TSC
    struct {
        u64 beat, looked_at, ticks; // the last one that was seen, and when; TSC ticks without one
    } silence;
    int exit_code;       // of this life
    bool again;          // begins again by itself
    bool lack_told;      // that there is not enough for its next life
    bool quiet;          // nothing is told of it meanwhile
    bool reserved;       // its RAM is set aside from what init has
    struct module block; // what it reads as its ROM module "config"
    // A life:
    u32 life; // which one; those that are over are not heard of any more
    struct rom rom;
    char binary[CONFIG_NAME_MAX];
    struct elf elf;
    bool rom_open, pd_open, cpu_open;
    struct service_client cpu; // session of its main thread, if it has a budget
    char cpu_args[SERVICE_ARGS_MAX];
    struct service_client pd; // session whose memory is the image's, the stack's and the HIP's
    sel_t sel_pd, sel_ec, sel_sc, sel_identity;
    sel_t exceptions; // + CPU
    struct program_image image;
    // Of one that may be debugged: its domain (sel_pd is domain.pd), main thread, and what debug.c
    // knows of it, under that one's lock.
    struct domain_client domain;
    sel_t thread;
    struct {
        u64 lives;
        bool up, attached; // it can be supervised; somebody does
        enum child_state outcome;
        int exit_code; // of the last life that ended
    } debug;
};

extern struct child children[CHILDREN_MAX];
extern unsigned child_count; // slots that have been used
extern struct config config; // the version in force
extern struct parent parent;
// init as a client of its own children: its sessions of "report", and of "init" below it.
extern struct child self;
extern u64 own_ram; // what init keeps for itself of its RAM, in bytes

// main.c: leaves a note for the main thread. From any thread.
void child_notify(struct child *child, enum child_note note);
// main.c: the main thread has something to look at.
void main_wake(void);
// main.c: what wakes it, to be upped by others.
sel_t main_waker(void);
// main.c: the child of that name; NULL if there is none. Under parent.lock, or by the main thread.
struct child *child_by_name(const char *name);
// main.c: offers a service to our parent too, if that lets us; `sweeper` is to be its thread.
void service_offer(struct server *server, const struct server_config *service,
                   struct thread *sweeper);
// main.c: starts a child that has no life, for whatever reason it has none.
void child_begin(struct child *child);
// main.c: another state is seen from now on.
void child_state_set(struct child *child, enum child_state state);

// main.c: all is there for its next life.
void child_announce(struct child *child);

// child.c: starts a child that has no life. An error has been reported in words. It is seen running
// from just before its first instruction on. EMEM, ERESOURCE: init, or who is above, does not have
// what its block says, now.
MUST_CHECK error_t child_start(struct child *child);
// Where its main thread runs; maybe a CPU that the machine lacks.
unsigned child_cpu(const struct child *child);
// child.c: ends its life, if it has one, and takes back all that it had. Sessions of others with
// its services wait for its next life.
void child_end(struct child *child);

// change.c: puts a version of the configuration in force: what it changes is started, ended or
// adjusted, all else stays untouched. A wrong one is refused in words, and the old one stays. By
// the main thread. With `owned` the blob is memory_alloc's, and change.c's from now on. EPROTO,
// EMEM.
MUST_CHECK error_t change_apply(void *blob, size_t size, bool owned);
// quota.c: what is configured of RAM, kernel memory, slots and budget, for all children: those that
// get less give back what is unused, those that get more get it if it is there.
void quota_apply(const u32 change[CHILDREN_MAX]);

// source.c: where the configuration comes from. The first version is in force when this returns, or
// will be when there is one.
MUST_CHECK error_t source_start(void);
// source.c: puts a version that has come since in force. By the main thread, when woken.
void source_attend(void);

// share.c: the arguments of a child's "cpu" sessions: those of its route (or its priority, if that
// has none), what its configuration allows of the processor, and of that what it asks for.
void share_args(const struct child *child, const char *route, const char *asked, char *args,
                size_t size);
// share.c: the highest priority that such a session may give, whatever it asks for; 0: not said.
// *asks: it asks for one.
unsigned share_priority(const struct child *child, const char *route, const char *asked,
                        bool *asks);

// priority.c: the child's priority in its configuration takes effect in the life that goes on: that
// of its main thread, and the highest of its open "cpu" sessions, those below it included. By the
// main thread.
void priority_apply(struct child *child);

// self.c: before `self` is used. ERESOURCE, EMEM.
MUST_CHECK error_t self_start(void);
// self.c: as service_init, for a session that goes where policy.c leads those of `self`.
MUST_CHECK error_t self_service_init(struct service_client *client, const char *name,
                                     const char *label, const char *args,
                                     struct service_quota quota);

// report.c: whether init publishes its state is the configuration's to say; it may have changed.
void report_configure(void);
// report.c: the state has changed. From any thread, parent.lock held or not.
void report_changed(void);

// fault.c: the handlers of the children's exceptions; the portals of one child.
MUST_CHECK error_t faults_start(void);
MUST_CHECK error_t faults_create(struct child *child);
void faults_destroy(struct child *child);

// fault.c: says what a child has done wrong.
void fault_report(const struct child *child, const struct exc_state *state, unsigned cpu);

// debuggee.c: a child that may be debugged, from its "pd" session on: its domain, by way of sigma0;
// its main thread there; what that begins with. Reported in words.
MUST_CHECK error_t debuggee_domain(struct child *child);
MUST_CHECK error_t debuggee_create(struct child *child);
MUST_CHECK error_t debuggee_run(struct child *child);
// debuggee.c: what the "pd" session of one takes.
struct service_quota debuggee_quota(const struct child *child);
// debuggee.c: looks whether its threads have raised exceptions that are init's to answer. By the
// main thread.
void debuggee_attend(struct child *child);
// debuggee.c: its domain ends.
void debuggee_end(struct child *child);

// debug.c: a life begins that can be debugged; it ends, and nobody has a hold on it any more.
void debug_begins(struct child *child);
void debug_ends(struct child *child);
// debug.c: guards child->debug and child->thread. Before parent.lock.
extern struct mutex debug_lock;
// debug.c: offers the service "debug", here and above, as soon as there is a child that may be
// debugged.
void debug_configure(void);
// debuggee.c: takes every trace of a debugger out of a child: its exceptions are init's, its
// program is as it was, its threads go on. Under debug_lock.
void debuggee_release(struct child *child);
// debuggee.c: has `semaphore` upped at exceptions. Under debug_lock.
MUST_CHECK error_t debuggee_signal(struct child *child, sel_t semaphore);
// debuggee.c: where init sees the read-only part of its program at `address`, *bytes from there on;
// NULL: there is none.
char *debuggee_view(const struct child *child, word_t address, size_t *bytes);

// account.c: takes what a child donates (the least, if there is no more; left in *more) to a
// session of the service of that name. ERESOURCE, which has been reported.
MUST_CHECK error_t account_take(struct child *child, const char *service,
                                const struct parent_donation *least, struct parent_donation *more);
// account.c: a session has ended, or did not come to be.
void account_return(struct child *child, const struct parent_donation *donation);
// account.c: takes what a dataspace to be kept costs, and gives it back. ERESOURCE, which has been
// reported.
MUST_CHECK error_t account_keep(struct child *child, const char *name,
                                const struct keep_price *price);
void account_keep_return(struct child *child, const struct keep_price *price);
// account.c: makes a child's domain with the slots that are its own; says that it is about to go.
MUST_CHECK error_t account_up(struct child *child);
void account_down(struct child *child);
// account.c: likewise of a domain that somebody else makes: the slots it is to begin with. EMEM;
// and then it stands at sel_pd, with so many.
MUST_CHECK error_t account_before(struct child *child, u64 *caps);
// account.c: the kernel memory that a domain begins with: its own, and what came with slots that
// were donated to its services, which goes back with them.
u64 account_kmem(const struct child *child);
void account_made(struct child *child, u64 caps);
// account.c: what its image takes (0: it has none) is so many bytes.
void account_image(struct child *child, u64 bytes);
// account.c: a child is no more; its account is empty, and nobody owes it anything.
void account_forget(struct child *child);
// account.c: moves slots to a child that runs, or takes what it has unused, as `caps` of its
// configuration has changed. Returns how many.
u64 account_caps_change(struct child *child, u64 old, u64 new);
// account.c: what `ram` and donations to it allow; what it may still donate; slots that its domain
// has unused.
u64 account_ram_limit(const struct child *child);
u64 account_ram_left(const struct child *child);
u64 account_caps_left(const struct child *child);

// peak.c, all under parent.lock: notes what was used at most, and lacked, since the last time. To
// be called before `caps_own` or `kmem_own` changes, and peaks_restart after.
void peaks_sample(struct child *child);
// peak.c: what was before does not count any more.
void peaks_restart(const struct child *child);
// peak.c: a request of ours in the child's name was refused, and another will do.
void peaks_forget_lack(struct child *child);
// peak.c: the child says that its own domain lacks something: if the kernel says so too, a person
// is told, unless that person knows of about as much.
void peaks_dry(struct child *child);
// peak.c: an account does not have what is wanted for a thing of that kind ("session") and name.
// Says so; ERESOURCE.
error_t account_refuse_ram(struct child *child, const char *kind, const char *name, u64 bytes);
error_t account_refuse_caps(struct child *child, const char *kind, const char *name, u64 caps);
error_t account_refuse_keep(struct child *child, const char *name, u64 bytes);
// peak.c: what a child has of `caps` (PD_READ_CAPS) or `kmem` (PD_READ_KMEM) in its own domain and
// those that it made, and away with sessions; and of how much.
struct amount {
    u64 used, limit;
};
struct amount peaks_amount(const struct child *child, enum pd_op what);

// keep.c: KEEP and DROP, for the policy (parent.h).
MUST_CHECK error_t keep_asked(struct parent *p, struct parent_client *client,
                              struct parent_kept *want);
MUST_CHECK error_t keep_drop_asked(struct parent *p, struct parent_client *client,
                                   const char *name);
// keep.c: a life is over and its domain gone: what it kept is nobody's until its next life.
void keep_life_over(struct child *child);
// keep.c: all that it keeps ends; why, for a person (NULL: that is said already).
void keep_end(struct child *child, const char *why);
// keep.c: what we have donated for it, in bytes; how many there are. Under parent.lock.
u64 keep_donated(const struct child *child);
u64 keep_count(const struct child *child);

// policy.c
extern const struct parent_policy init_policy;
// policy.c: ends the sessions that the configuration in force would not open just so.
void policy_review(void);

// control.c, config_rom.c: services that init itself offers to its children.
extern const struct server_ops control_ops, config_rom_ops;
// state.c: the bytes from `from` on of init's state as text, at most `size`; `what`: enum
// config_report. Returns how long the whole is. Calls our parent, so not under parent.lock.
size_t state_text(char *text, size_t size, size_t from, u32 what);
// config_rom.c: the block has changed; readers get another version. EMEM, ERESOURCE.
MUST_CHECK error_t block_publish(struct child *child);

// A line for a person, "init: child "NAME": ...".
void child_report(const struct child *child, const char *format, ...) PRINTF_LIKE(2, 3);
// The same of something that it asked for in vain, at most REFUSALS_TOLD times in a life: a child
// that does nothing else fills no log. Under parent.lock.
enum { REFUSALS_TOLD = 32 };
void child_refused(struct child *child, const char *format, ...) PRINTF_LIKE(2, 3);
