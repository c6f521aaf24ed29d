// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A leaf of scenarios/quota. A good one measures its calls of a service and its allocations, alone
// and beside the bad. Of those one takes all it can get and keeps it, one leaks sessions and memory
// until it is refused and dies of it, one crashes at once; the last two are started again for ever.
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/service/env.h"
#include "test/system/bench.h"
#include "test/system/quota/operations.h"
#include <libfdt.h>

enum { ROUNDS = 2, REFUSALS = 10 };

static struct service_client gate;
static sel_t go;

static const char *arguments(void)
{
    static struct rom rom;
    int length;
    const char *args = rom_open(&rom, "config") ? NULL : fdt_getprop(rom.data, 0, "args", &length);
    return args ? args : "";
}

static bool enter(enum leaf_kind kind)
{
    struct msg m;
    go = selector_alloc();
    if (go == SEL_NONE || service_init(&gate, "gate", "", "", (struct service_quota){0, 0}))
        return false;
    service_begin(&gate, &m, GATE_ENTER);
    msg_put_word(&m, kind);
    utcb()->window = crd(CRD_OBJ, go, 0, RIGHT_ALL);
    utcb()->window2 = 0;
    return !service_call(&gate, &m);
}

static void figure(enum figure which)
{
    for (unsigned i = 1; i < SAMPLES; i++) {
        for (unsigned k = i; k > 0 && samples[k] < samples[k - 1]; k--) {
            u64 t = samples[k];
            samples[k] = samples[k - 1];
            samples[k - 1] = t;
        }
    }
    (void)!service_call2(&gate, GATE_FIGURE, which, samples[0] | samples[SAMPLES / 2] << 32);
}

static error_t call_once(void)
{
    word_t w[4] = {0, 0, 1, 2};
    error_t error = service_call_words(&gate, GATE_ADD, w);
    return error ? error : w[1] == 3 ? SUCCESS : EPROTO;
}

static error_t allocate_once(void)
{
    sel_t ds;
    error_t error = dataspace_alloc(PAGE_SIZE, 0, &ds);
    if (!error)
        dataspace_free(ds);
    return error;
}

static bool measure(error_t (*operation)(void), enum figure which)
{
    for (unsigned i = 0; i < SAMPLES + WARM; i++) {
        u64 begin = rdtsc();
        error_t error = operation();
        samples[i % SAMPLES] = rdtsc() - begin;
        if (error)
            return false;
    }
    figure(which);
    return true;
}

static int good(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        (void)!hc_sm_down(go, DEADLINE_NEVER);
        if (!measure(call_once, FIGURE_CALL) || !measure(allocate_once, FIGURE_MEMORY))
            return 1;
    }
    return 0;
}

static void event(void)
{
    (void)!service_call0(&gate, GATE_EVENT);
}

// Dataspaces and sessions, whose names it forgets, until it is refused `refusals` times.
static void take_all(unsigned refusals)
{
    while (refusals) {
        struct service_client c;
        sel_t ds;
        bool memory = !dataspace_alloc(PAGE_SIZE * 4, 0, &ds);
        bool session =
            !service_init(&c, "log", "", "", (struct service_quota){2048, 4}) && !service_open(&c);
        refusals -= !memory && !session;
    }
}

int main(void)
{
    const char *kind = arguments();
    enum leaf_kind me = !strcmp(kind, "exhausts")  ? LEAF_EXHAUSTS
                        : !strcmp(kind, "leaks")   ? LEAF_LEAKS
                        : !strcmp(kind, "crashes") ? LEAF_CRASHES
                                                   : LEAF_GOOD;
    if (!enter(me))
        return 1;
    if (me == LEAF_GOOD)
        return good();
    (void)!hc_sm_down(go, DEADLINE_NEVER);
    if (me == LEAF_CRASHES) {
        event();
        __builtin_trap();
    }
    take_all(me == LEAF_LEAKS ? 1 : REFUSALS);
    event();
    if (me == LEAF_LEAKS)
        return 1; // and all of it is its parent's again
    (void)!hc_sm_down(go, DEADLINE_NEVER);
    return 0;
}
