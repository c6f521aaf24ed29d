// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The handlers of the exceptions of all domains that sigma0 has made, one a CPU.
#pragma once

#include "sigma0/domain.h"

// Makes the handlers, once; EMEM, ERESOURCE.
MUST_CHECK error_t exceptions_prepare(void);
// An exception portal of a domain (its name's selector) on one CPU, at `sel`.
MUST_CHECK error_t exception_portal(unsigned cpu, sel_t sel, sel_t domain);
