// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The handlers of the exceptions of all domains that sigma0 has made, one a CPU.
#pragma once

#include "sigma0/domain.h"

// Makes the handlers, once; EMEM, ERESOURCE.
MUST_CHECK error_t exceptions_prepare(void);
// A domain has a few portals on each CPU, from domain->exceptions + (cpu << EXCEPTION_ORDER) on:
// what a page fault needs of the thread's state is little, and page faults are many.
enum exception_portal { EXCEPTION_FAULT, EXCEPTION_STARTUP, EXCEPTION_OTHER, EXCEPTION_PORTALS };
enum { EXCEPTION_ORDER = 2 };
// Which of them answers a vector.
static inline enum exception_portal exception_portal_of(unsigned vector)
{
    return vector == EXC_PAGE_FAULT ? EXCEPTION_FAULT
           : vector == EXC_STARTUP  ? EXCEPTION_STARTUP
                                    : EXCEPTION_OTHER;
}
// Makes the portals of a domain (its named_word) on one CPU, from `first` on. Whoever calls
// drops them, also after an error: EMEM.
MUST_CHECK error_t exception_portals(unsigned cpu, sel_t first, word_t domain);
