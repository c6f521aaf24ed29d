// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The program's parent: what it asks for goes on to our own parent, whose routes decide, with its
// name before the label. The ROM module "config" is thereby our own configuration block, in which
// the program finds its items beside ours. What it offers our own parent offers, if our block's
// `provides` says so, and who has sessions with it calls it directly.
#include "apps/gdbstub/target.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/parent.h"

enum { BOOKS_BYTES = 128 << 10 };

static struct parent parent;
static struct parent_client *program;
static sel_t exited_semaphore;
static int exit_code;
static u64 configured_caps;

static error_t open(struct parent *p, struct parent_client *client, struct parent_open *o)
{
    (void)p, (void)client;
    parent_label_below(o->label, target.name);
    o->route = ROUTE_PARENT;
    return SUCCESS;
}

static bool may_register(struct parent *p, struct parent_client *client, const char *name)
{
    (void)p, (void)client, (void)name;
    return true; // our own parent's to decide
}

// Our own parent takes it from our account, or not.
static error_t upgrade(struct parent *p, struct parent_client *client, const char *name,
                       const struct parent_donation *least, struct parent_donation *more)
{
    (void)p, (void)client, (void)name, (void)least, (void)more;
    return SUCCESS;
}

static void quota(struct parent *p, struct parent_client *client, struct parent_quota *q)
{
    (void)p, (void)client;
    struct env_account above;
    if (env_account(&above))
        return;
    *q = (struct parent_quota){.ram = above.ram_left,
                               .caps = above.caps_left,
                               .ram_limit = above.ram_limit,
                               .all_ram = above.ram_limit};
}

// The slots that clients of the program's services give with their sessions come to us. The program
// has enough of them free to hold the next sessions, and does not keep many that it needs no more:
// those that a session brought leave us again with it.
static void share_slots(struct parent *p, struct parent_client *client)
{
    enum { LEAST = 64, GIVE = 128, MOST = 512, RESERVE = 256 };
    u64 used, limit, own_used, own_limit;
    sel_t pd = target.program.domain.pd;
    (void)p, (void)client;
    if (hc_pd_read(pd, PD_READ_CAPS, &used, &limit) ||
        hc_pd_read(SEL_PD, PD_READ_CAPS, &own_used, &own_limit))
        return;
    u64 its = limit - used, ours = own_limit - own_used;
    u64 more = ours > RESERVE ? ours - RESERVE : 0, less = its > MOST ? its - MOST : 0,
        lent = limit > configured_caps ? limit - configured_caps : 0;
    if (its < LEAST)
        (void)!hc_pd_trade(pd, SEL_PD, more < GIVE ? more : GIVE);
    else if (less && lent)
        (void)!hc_pd_trade(SEL_PD, pd, less < lent ? less : lent);
}

static error_t signal(struct parent *p, struct parent_client *client, word_t code, word_t value)
{
    (void)p, (void)client;
    if (code != SIGNAL_EXIT)
        return parent_signal((enum parent_signal)code, value);
    exit_code = (int)value;
    return hc_sm_up(exited_semaphore);
}

static const struct parent_policy policy = {
    .open = open,
    .upgrade = upgrade,
    .may_register = may_register,
    .asks_above = share_slots,
    .quota = quota,
    .signal = signal,
};

int program_exit_code(void)
{
    return __atomic_load_n(&exit_code, __ATOMIC_ACQUIRE);
}

error_t program_load(const struct program_options *options, sel_t exited)
{
    const struct parent_config config = {
        .policy = &policy, .has_parent = true, .offers_above = true};
    exited_semaphore = exited;
    configured_caps = options->caps;
    error_t error = parent_start(&parent, &config);
    if (!error)
        error = parent_client_add(&parent, NULL, &program);
    if (error) {
        print("gdbstub: cannot be a parent: %s\n", error_name(error));
        return error;
    }
    const struct domain_request request = {.binary = options->binary,
                                           .name = options->binary,
                                           .kmem_bytes = options->kmem_bytes,
                                           .caps = options->caps,
                                           .books_bytes = BOOKS_BYTES,
                                           .cpu = (unsigned)options->cpu,
                                           .priority = (unsigned)options->priority,
                                           .portals = program->portals};
    error = domain_program_load(&target.program, &request);
    if (error)
        print("gdbstub: program \"%s\": %s (%s)\n", options->binary, target.program.fault,
              error_name(error));
    return error;
}

// The program's kernel memory is ours again a moment after its domain has gone. Until then our own
// domain would not go either when we end, and our next life find too little.
void program_end(void)
{
    enum { LOOK_US = 1000, MOST_US = 20000000 };
    u64 used, its = 0, ours = 0, now;
    parent_client_remove(&parent, program); // its services first: clients wait for the next life
    (void)!hc_pd_read(target.program.domain.pd, PD_READ_KMEM, &used, &its);
    (void)!hc_pd_read(SEL_PD, PD_READ_KMEM, &used, &ours);
    domain_program_end(&target.program);
    for (u64 end = deadline_in_us(MOST_US); rdtsc() < end; pause_us(LOOK_US)) {
        if (hc_pd_read(SEL_PD, PD_READ_KMEM, &used, &now) || now >= ours + its)
            return;
    }
}
