// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The examples of the manual. A section from `// doc: NAME begin` to `// doc: NAME end` stands in a
// chapter too, in a block that begins with ```c FILE:NAME`. Each function says what it expects by
// its result, which main.c judges.
#pragma once

#include "lib/core/domain.h"
#include "lib/core/threads.h"
#include "lib/service/env.h"

#define CODE 0x400000ul
#define HERE 0x10000000ul
#define UTCBS 0x600000ul

// A domain of ours, with code that writes its argument to the address that the argument is, and
// then raises "invalid opcode" (domains.c).
struct worker {
    struct service_client pd, cpu;
    struct domain_client domain;
    sel_t trouble; // upped when an exception stops one of its threads
    unsigned threads;
};
MUST_CHECK error_t worker_open(struct worker *worker);
void worker_close(struct worker *worker);
// threads.c: runs it once; the exception is how it ended.
MUST_CHECK error_t worker_run(struct worker *worker, word_t argument, struct thread_exception *e);

// dataspaces.c
MUST_CHECK error_t memory_map(struct service_client *pd, size_t bytes, sel_t *ds, u64 **at);
MUST_CHECK error_t example_share(void);
MUST_CHECK error_t example_physical(u64 *physical);
// maps.c
MUST_CHECK error_t example_window(struct worker *worker, u64 *written);
MUST_CHECK error_t example_on_demand(struct worker *worker, u64 *filled);
// domains.c
MUST_CHECK error_t example_accounts(void);
MUST_CHECK error_t example_upgrade(void);
// quotas.c
MUST_CHECK error_t example_price(struct service_quota *session, struct service_quota *page);
// threads.c
MUST_CHECK error_t example_registers(struct worker *worker, u64 *written);
// rom.c
MUST_CHECK error_t example_rom(size_t *bytes);
MUST_CHECK error_t example_rom_dataspace(struct worker *worker);
// devices.c
MUST_CHECK error_t example_clock(unsigned *seconds);
MUST_CHECK error_t example_hpet(u64 *period);
MUST_CHECK error_t example_interrupts(unsigned count);
// log.c
MUST_CHECK error_t example_lines(void);
MUST_CHECK error_t example_reading(unsigned *found);
// trace.c
MUST_CHECK error_t example_trace(sel_t oven, u64 *loaves, u64 *signals);
// signals.c
MUST_CHECK error_t example_signals(u64 *doors, u64 *bells);
// keeping.c; the server is tally.c.
#define TALLY_ADD SERVICE_FIRST // 2 number; 1 the sum of this session's
MUST_CHECK error_t example_note(const char *text, char *read, size_t size);
MUST_CHECK error_t example_resumed(u64 *sum);
