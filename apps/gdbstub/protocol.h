// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// GDB's remote serial protocol (the manual of gdb, appendix "Remote Protocol"), all-stop, the side
// of the program that is debugged: bytes of the line go in, packets come out, and what they ask for
// is done by the target's functions. Nothing here knows where the threads are; host tests play the
// target (test/host/gdb_protocol.c).
//
// A packet that is garbled, too long or has a wrong checksum is answered with `-`, what is not
// known with the empty packet, what fails with E and two digits. A byte that belongs to no packet
// is ignored, but 0x03, which interrupts.
#pragma once

#include <tessera/error.h>
#include <tessera/utcb.h>

enum {
    GDB_PACKET_MAX = 1000, // bytes between $ and #, told to gdb; the line's driver holds 1024
    GDB_REPLY_MAX = 1400,
    GDB_ACTIONS_MAX = 32, // of one vCont
};

enum gdb_action { GDB_STAY, GDB_CONTINUE, GDB_STEP };

// Signal numbers as gdb has them.
enum gdb_signal {
    GDB_SIGNAL_INT = 2,
    GDB_SIGNAL_ILL = 4,
    GDB_SIGNAL_TRAP = 5,
    GDB_SIGNAL_FPE = 8,
    GDB_SIGNAL_KILL = 9,
    GDB_SIGNAL_BUS = 10,
    GDB_SIGNAL_SEGV = 11,
};

struct gdb_stop {
    enum gdb_stop_kind { GDB_STOPPED, GDB_EXITED, GDB_TERMINATED } kind;
    unsigned value;  // signal, or of GDB_EXITED the exit code
    u64 thread;      // GDB_STOPPED: which one; 0: none is left
    unsigned cpu;    // where that one runs
    bool breakpoint; // by one that was set; its ip is at the breakpoint
};

struct gdb;

// What the target does. Threads are named by numbers above 0; `stopped` holds of all but
// interrupt. Functions that fail return an error, which gdb shows by its number.
struct gdb_target {
    // The thread with the lowest number above `after`; 0: no more.
    u64 (*next_thread)(void *context, u64 after);
    // A line for `info threads`.
    void (*describe)(void *context, u64 thread, char *text, size_t size);
    // Reads or writes the registers that `mtd` names. EBUSY: it has none to show now.
    error_t (*registers)(void *context, u64 thread, bool write, unsigned mtd,
                         struct exc_state *state);
    // Likewise of FPU and SSE.
    error_t (*fpu)(void *context, u64 thread, bool write, struct fpu_state *state);
    // Both return how many bytes from `address` on were copied, maybe 0. Breakpoints are not seen.
    size_t (*read)(void *context, u64 address, u8 *bytes, size_t size);
    size_t (*write)(void *context, u64 address, const u8 *bytes, size_t size);
    error_t (*breakpoint)(void *context, u64 address, bool set);
    // All threads for which action(gdb, thread) is not GDB_STAY go on. What stops them is told with
    // gdb_stopped, from within this function or later.
    void (*resume)(void *context, const struct gdb *gdb);
    void (*attach)(void *context); // somebody new is at the line: the one before left no breakpoint
    void (*interrupt)(void *context); // stop everything and tell gdb_stopped
    void (*detach)(void *context);    // breakpoints go, all go on
    void (*kill)(void *context);      // the program ends
    void (*send)(void *context, const void *bytes, size_t size);
};

struct gdb_thread_action {
    u64 thread; // 0: every one
    enum gdb_action action;
    u64 first, end; // GDB_STEP: and so on while it is in [first, end)
};

struct gdb {
    const struct gdb_target *target;
    void *context;
    struct gdb_stop last; // what `?` tells
    bool stopped;         // `last` holds; else the program runs
    bool waiting;         // gdb is to be told of the next stop
    bool no_ack, swbreak; // gdb's wishes
    u64 general_thread;   // of g, G, p, P; 0: any
    u64 continue_thread;  // of c and s; 0: all
    u64 listing;          // last thread that qsThreadInfo told
    struct gdb_thread_action action[GDB_ACTIONS_MAX];
    unsigned actions;
    // The line.
    enum { GDB_IDLE, GDB_BODY, GDB_CHECK_HIGH, GDB_CHECK_LOW } state;
    u8 sum;
    char check;
    bool too_long;
    size_t length;
    char packet[GDB_PACKET_MAX + 1];
    size_t reply_length;
    bool reply_full;
    char reply[GDB_REPLY_MAX + 4]; // with $, # and checksum
};

void gdb_init(struct gdb *gdb, const struct gdb_target *target, void *context);
// Bytes of the line, as they come.
void gdb_input(struct gdb *gdb, const u8 *bytes, size_t size);
// The program has stopped or ended. Told to gdb if that waits for it, kept for `?` in any case.
void gdb_stopped(struct gdb *gdb, const struct gdb_stop *stop);
// The program goes on without having been asked to by gdb.
void gdb_runs(struct gdb *gdb);
// A line that gdb shows, if it waits for a stop.
void gdb_console(struct gdb *gdb, const char *text);
// What the last request to go on wants of a thread. For target->resume.
enum gdb_action gdb_action_of(const struct gdb *gdb, u64 thread);
// Whether a thread that has made a step is to make another one before gdb hears of it, being at
// `ip`.
bool gdb_steps_on(const struct gdb *gdb, u64 thread, u64 ip);
