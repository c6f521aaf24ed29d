// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The program that is debugged, as the protocol engine wants it (protocol.h): by way of the "cpu"
// service its threads, by way of its domain its memory. All but what program.c's handlers note is
// the main thread's alone.
#pragma once

#include "apps/gdbstub/protocol.h"
#include "lib/core/domain_program.h"
#include "lib/core/threads.h"

enum { THREADS_MAX = 128, BREAKPOINTS_MAX = 256 };

struct debugged_thread {
    u64 number;
    sel_t sel;
    unsigned cpu;
    char name[32];
    bool handler;    // runs for its portals alone, on their callers' time
    bool held;       // does not run: we paused it, or an exception stopped it
    bool rests;      // its registers can be read and written
    bool calls;      // it did not come to rest when all were stopped last
    bool faulted;    // an exception stopped it, which is told or `pending`
    bool pending;    // gdb has not heard of it yet
    bool breakpoint; // it was one that gdb set, at its ip
    word_t vector;
};

struct target {
    struct domain_program program;
    struct gdb gdb;
    const char *name;
    bool attaches; // it is a child of init's, which runs without us (attach.c)
    struct debugged_thread thread[THREADS_MAX];
    unsigned threads;
    bool running;  // some thread was let go since everything was stopped
    bool attached; // gdb is there
    bool ended;
    int exit_code;
};
extern struct target target;
extern const struct gdb_target target_functions;

// threads.c
void pause_us(u64 us);
// Stops every thread and learns what stopped those that an exception did. Threads that are in a
// call and do not come out of it soon do not rest.
void threads_stop(void);
// Lets one go on.
void thread_go(struct debugged_thread *t, bool step);
struct debugged_thread *thread_by_number(u64 number);
// Tells gdb of a thread that an exception stopped and that it has not heard of; false: of none.
bool threads_report(void);
// EBUSY: it does not rest.
error_t thread_registers(struct debugged_thread *t, bool write, unsigned mtd,
                         struct exc_state *state);
error_t thread_fpu(struct debugged_thread *t, bool write, struct fpu_state *state);

// memory.c: copy, breakpoints not seen; how many bytes, maybe 0.
size_t memory_look(u64 address, u8 *bytes, size_t size);
size_t memory_put(u64 address, const u8 *bytes, size_t size);
// EPERM it cannot be written there; ENOTFOUND nothing is there; ERESOURCE too many. What is set
// already is set, what is not is gone.
error_t breakpoint_set(u64 address);
error_t breakpoint_clear(u64 address);
bool breakpoint_is_set(u64 address);
void breakpoints_clear(void);
void breakpoints_forget(void); // their memory is gone

// program.c: loads the program, whose parent we are from then on. What goes wrong is printed.
struct program_options {
    const char *binary;
    u64 kmem_bytes, caps, cpu, priority;
};
MUST_CHECK error_t program_load(const struct program_options *options, sel_t exited);
// Ends the program, its sessions and its services.
void program_end(void);
// The exit code, once `exited` was upped.
int program_exit_code(void);

// attach.c: opens the session for a child of init's; has `wake` upped, as signals with these
// identities, when a life of it begins or ends, and at its exceptions. What goes wrong is printed.
MUST_CHECK error_t attach_open(const char *child, sel_t wake, u32 life, u32 exception);
// gdb has come: attaches the life that runs, unless it is. False: there is none, as gdb is told.
bool attach_begin(void);
// gdb is gone: the program goes on.
void attach_end(void);
// Looks whether the life that gdb sees has ended, and tells gdb.
void attach_changed(void);
// What the program cannot write itself; returns how many bytes.
size_t attach_write(u64 address, const u8 *bytes, size_t size);
void attach_kill(void);
