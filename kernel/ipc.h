// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Messages between ECs off the fast path: calls with typed items, to busy handlers, exceptions, and
// their replies.
#pragma once

#include "kernel/ec.h"

// Entered from entry.S with all of the caller's registers in ec->regs; they do not return.
NORETURN void ipc_call_slow(struct ec *ec);
NORETURN void ipc_reply_slow(struct ec *ec);
// The same where one of the two may be traced (trace.h).
NORETURN void ipc_call_traced(struct ec *ec);
NORETURN void ipc_reply_traced(struct ec *ec);
// Delivers ec->event through its exception portal, helps the busy handler, or kills an EC that has
// none.
void ipc_event(struct ec *ec);
// The state of an EC as in an exception message (MTD_QUAL is never written).
void ec_read_state(const struct ec *ec, struct exc_state *s, unsigned mtd);
void ec_write_state(struct ec *ec, const struct exc_state *s, unsigned mtd);
// Whether a local EC waits for a call.
static inline bool ec_idle(const struct ec *ec)
{
    return ec->wait_tag || ec->state == EC_IDLE;
}
// Lets a local EC of this CPU wait for the next call, as far as its hazards allow.
void ec_set_idle(struct ec *ec);
