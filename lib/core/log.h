// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The log beyond print (002_8bbc1eeec7f51661.txt, Logging; doc/log.md): sessions with a label of
// their own, and reading what all have written. These functions use the calling thread's UTCB and
// its windows.
#pragma once

#include "lib/service/client.h"

// Appends text to the session's line; whole lines are printed, behind the session's label. Any
// length; longer texts go in several messages. Errors of service_call.
MUST_CHECK error_t log_write(struct service_client *log, const char *text, size_t length);
// What stands in the ring from *position on (0: the oldest that is there), of a session with the
// argument "read": up to `size` bytes, whole lines if one fits. *length is 0 at the end. *position
// moves behind them, more than *length where the ring has lost some. EPERM the session may not.
MUST_CHECK error_t log_read(struct service_client *log, u64 *position, char *text, size_t size,
                            size_t *length);
// A new selector with a semaphore that is upped when there is more to read. EPERM, EFEATURE.
MUST_CHECK error_t log_watch(struct service_client *log, sel_t *semaphore);
