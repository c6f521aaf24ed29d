// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The end: a fault of the kernel itself. Prints what, where, on which CPU, for which EC, registers
// and a back trace on the serial port, and stops every CPU. Never the consequence of what a user
// does.
#pragma once

#include <tessera/types.h>
#include <tessera/utcb.h>

// panic("text %u", ...): adds the place in the source.
#define panic(...) panic_at(__FILE__, __LINE__, NULL, NULL, __VA_ARGS__)

// For exception handlers: `state` (struct exc_state *) is what the kernel was interrupted in,
// printed in full; `ec` is the current EC, or NULL.
#define PANIC_REGS(state, ec, ...) panic_at(__FILE__, __LINE__, state, ec, __VA_ARGS__)

NORETURN void panic_at(const char *file, unsigned line, const struct exc_state *state,
                       const void *ec, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

// Names the current EC for a plain panic(). The kernel sets it once this_cpu() works; until then
// NULL.
extern const void *(*panic_current_ec)(void);

// Called first by the NMI handler: does not return if another CPU has panicked.
void panic_nmi(void);

// Checks for the impossible. In builds without DEBUG the condition is compiled, but not evaluated.
#ifdef DEBUG
#define assert(condition)                                                                          \
    do {                                                                                           \
        if (UNLIKELY(!(condition)))                                                                \
            panic("assertion failed: %s", #condition);                                             \
    } while (0)
#else
#define assert(condition) ((void)sizeof(!(condition)))
#endif
