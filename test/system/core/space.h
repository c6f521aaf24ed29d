// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A domain to experiment with: code at CODE, a shared page at SHARED, and threads that begin at a
// piece of code with an argument.
#pragma once

#include "lib/core/domain.h"
#include "lib/core/rm.h"
#include "lib/core/threads.h"
#include "lib/service/env.h"

enum { SPACE_RAM = 6 << 20, SPACE_KMEM = 256 << 10, SPACE_CAPS = 200, SPACE_SLOTS = 1400 };
#define CODE 0x400000ul
#define SHARED 0x500000ul
#define TIMES 0x500200ul // u64 each
#define UTCBS 0x600000ul // + PAGE_SIZE * thread

struct shared {
    volatile u64 counter[8];
    volatile u64 value[8];
    u64 unused[48];
    volatile u64 times[256]; // at TIMES
};

struct space {
    struct service_client pd, cpu;
    struct domain_client domain;
    struct shared *shared; // as we see it
    sel_t code_ds, shared_ds, signal;
    unsigned threads;
};

// Pieces of code that run there, position-independent; rdi is the argument.
enum code_piece {
    PIECE_COUNT, // increments the word at rdi for ever
    PIECE_TOUCH, // writes rdi to the address rdi, then counts at SHARED
    PIECE_READ,  // reads the word at rdi into SHARED's value[0], then counts at SHARED
    PIECE_JUMP,  // jumps to rdi
    PIECE_UP,    // ups the semaphore rdi, then waits at rdi + 1
    PIECE_PONG,  // waits at the receiver rdi, ups rdi + 1, and again
    PIECE_TIME,  // writes to every second page from rdi on, until SHARED's counter[1] is 0, which
                 // it counts down; leaves the TSC ticks of each at TIMES
    PIECE_CALL,  // calls the portal rdi with word 0x1234, leaves error and word 0 of the answer in
                 // SHARED's value[0] and value[1], counts at SHARED, and again
    PIECE_FPU,   // rdi into xmm3, that into SHARED's value[0], counts at SHARED, and again
    PIECES
};
word_t piece(enum code_piece piece);

bool space_open(struct space *space);
// The same with kernel memory and slots of a PD's account, which can then be traded.
bool space_open_from(struct space *space, sel_t account);
void space_close(struct space *space);
// A thread of that piece of code; SEL_NONE on failure.
sel_t space_thread(struct space *space, unsigned cpu, enum code_piece piece, word_t argument);
// Reads the registers of a thread that is paused, as soon as it has stopped, which takes a moment
// on another CPU, or until the fault that it is in has ended.
MUST_CHECK error_t space_registers(struct space *space, sel_t thread, enum thread_state *what,
                                   struct exc_state *state);
// Pauses a thread for good and drops its selector; then it has stopped. What is killed gives kernel
// memory back, later, which disturbs who measures it.
bool space_halt(struct space *space, sel_t thread);
// Waits for the next exception of the domain.
error_t space_exception(struct space *space, struct thread_exception *exception);
// Whether a word becomes that value, or other than that; whether a counter moves: within
// PATIENCE_US.
bool becomes(volatile u64 *word, u64 value);
bool becomes_other(volatile u64 *word, u64 value);
bool moves(volatile u64 *counter);
// Whether a counter stands still for a while; whether it does so soon. So does the counter of a
// thread whose CPU the host has taken away: it says nothing of the thread (space_registers does).
bool stands_still(volatile u64 *counter);
bool comes_to_rest(volatile u64 *counter);
// A dataspace of the space's account, mapped at *at here.
sel_t space_memory(struct space *space, size_t bytes, volatile u64 **at);
// Attaches it at an address, or anywhere if that is RM_ANYWHERE.
error_t space_attach(struct space *space, sel_t ds, word_t address, unsigned flags);
// Whether a thread of the domain reads that word at an address; faults are failures.
bool space_reads(struct space *space, word_t address, u64 expected);
// Whether it gets a page fault there.
bool space_faults(struct space *space, enum code_piece piece, word_t address);
// The kernel memory that the domain uses, in bytes.
u64 space_kmem(const struct space *space);
// What the kernel keeps for the mappings that come of PIECE_READ, or of PIECE_TIME with the first
// SPACE_TOUCHED pages, in bytes: each fault that is resolved makes one. ~0: it did not come
// through.
enum { SPACE_TOUCHED = 256, SPACE_MAPPING = 64, SPACE_MAPPING_MOST = 256 };
u64 space_takes(struct space *space, enum code_piece piece, word_t address);
