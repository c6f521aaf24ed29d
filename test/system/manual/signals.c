// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The example of doc/signals.md.
#include "lib/core/signal.h"
#include "test/system/manual/manual.h"

// doc: signals begin
static void add(struct signal_context *context, u64 count)
{
    *(u64 *)context->user += count;
}

// A door and a bell. Who has one's capability may signal it; here we do it ourselves.
error_t example_signals(u64 *doors, u64 *bells)
{
    struct signal_receiver house;
    struct signal_context door, bell;
    *doors = *bells = 0;
    error_t error = signal_receiver_create(&house);
    if (error)
        return error;
    error = signal_context_create(&house, &door, add, doors);
    if (!error)
        error = signal_context_create(&house, &bell, add, bells);
    for (unsigned i = 0; i < 3 && !error; i++)
        error = signal_submit(&bell);
    if (!error)
        error = signal_submit(&door);
    if (!error)
        error = signal_wait(&house, DEADLINE_NEVER); // calls add once for the bell, with 3
    if (!error)
        error = signal_wait(&house, DEADLINE_NEVER); // and once for the door
    signal_context_destroy(&house, &door);
    signal_context_destroy(&house, &bell);
    signal_receiver_destroy(&house);
    return error;
}
// doc: signals end
