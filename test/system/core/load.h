// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A client that keeps sigma0's services busy: an account and a domain of its own, and cycles of
// allocating a page, attaching it there, detaching and freeing it.
#pragma once

#include "lib/core/domain.h"

struct load {
    struct service_client pd;
    struct domain_client domain;
    u64 cycles, used;
    error_t error; // of the first that failed
};

MUST_CHECK error_t load_open(struct load *load);
// One cycle, which ends where it began. False: load->error is set.
bool load_cycle(struct load *load);
// Closes both; load->error if the account was not left as it was.
error_t load_close(struct load *load);
