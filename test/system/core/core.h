// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the files of this test share.
#pragma once

#include "lib/service/client.h"

// What a session of "pd" costs: the store's books and sigma0's own (sigma0/services.c).
enum { PD_PRICE = 768 };

// Opens a session labelled "test"; closed again on failure.
error_t open_args(struct service_client *c, const char *name, const char *args, u64 ram);
// Whether such a session opens.
error_t try_args(const char *name, const char *args);

// Waits until the kernel has released what waits for its grace period.
error_t settle_released(void);
// Likewise also what was killed up to now and may run yet, on whatever CPU, and until sigma0 has
// given back what it owes for that: before figures are taken that others are compared with. Of the
// threads that this needs, our own kernel memory may come back later.
error_t settle(void);
// Whether init's account and domain have what they had when all was settled. Slots whose kernel
// memory waits for its grace period sigma0 gives back with a later session.
bool quota_is_back(u64 ram, u64 caps);

// The longest dataspace that the session gets, in bytes.
u64 longest_dataspace(struct service_client *pd);

void attach_tests(void);
void populate_tests(void);
void cpu_tests(void);
void device_tests(void);
void dma_tests(void);
void interrupt_tests(void);
void rom_tests(void);
void domain_tests(void);
void domain_account_tests(void);
void life_tests(void);
void look_tests(void);
void trace_tests(void);
void hostile_tests(void);
void race_tests(void);
void fuzz_tests(void);
void exhaust_tests(void);
void exhaust_own_tests(void);
void pages_tests(void);
void name_tests(void);
void priority_tests(void);

// For scenarios/memory-types: a domain that shows device memory of each type, and a thread of it
// that runs for ever; returns on failure only.
void show_memory_types(void);
