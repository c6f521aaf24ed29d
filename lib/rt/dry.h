// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A program whose own domain has no slot or no kernel memory left for what it creates or is given:
// who supervises it is told, once it has failed (doc/quotas.md).
#pragma once

#include <tessera/error.h>

// Set by lib/service. Touches no UTCB; any thread, any lock held.
extern void (*rt_dry)(void);
// Returns `error`; if it is EMEM, rt_dry is called. For the way out of what has failed.
error_t rt_refused(error_t error);
