// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0 as a parent: init is its only child and may open every service; what it donates with a
// session comes from the account that it starts with, which is all free memory but a part for
// sigma0's own books.
#include "sigma0/services.h"
#include "lib/rt/assert.h"
#include "lib/rt/print.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "sigma0/physical.h"
#include "sigma0/sigma0.h"

// What sigma0 keeps of the memory: 1/KEPT, at least KEPT_PAGES.
enum { KEPT = 32, KEPT_PAGES = 512, SESSIONS_MAX = 512, PSEUDONYM_ORDER = 11 };

static const struct {
    const char *name;
    const struct server_ops *ops;
} table[] = {
    {"log", &log_ops}, {"rom", &rom_ops},         {"pd", &pd_ops},         {"cpu", &cpu_ops},
    {"irq", &irq_ops}, {"io_port", &io_port_ops}, {"io_mem", &io_mem_ops}, {"rm", &rm_ops},
};

static struct parent parent;
static struct server servers[ARRAY_SIZE(table)];
static struct ram_account account; // init's, in pages

static u64 pages(u64 bytes)
{
    return bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);
}

// Labels show the path in the tree.
static void label_prefix(struct parent_open *o)
{
    char label[SERVICE_LABEL_MAX];
    text_format(label, sizeof(label), "init%s%s", o->label[0] ? " -> " : "", o->label);
    strlcpy(o->label, label, sizeof(o->label));
}

// Under the parent's lock, as all of these.
static error_t open(struct parent *p, struct parent_client *client, struct parent_open *o)
{
    (void)p, (void)client;
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(o->name, table[i].name))
            continue;
        if (!ram_charge(&account, pages(o->ram))) {
            print("%s: session \"%s\" wants %lu KiB, %lu of %lu KiB are used\n", o->label, o->name,
                  o->ram / 1024, account.used * 4, account.limit * 4);
            return ERESOURCE;
        }
        o->route = ROUTE_BUILTIN;
        label_prefix(o);
        return SUCCESS;
    }
    print("%s: there is no service \"%s\"\n", o->label, o->name);
    return EPERM;
}

static void closed(struct parent *p, struct parent_client *client, u64 ram, u64 caps)
{
    (void)p, (void)client, (void)caps;
    ram_refund(&account, pages(ram));
}

static void quota(struct parent *p, struct parent_client *client, u64 *ram, u64 *caps)
{
    (void)p, (void)client, (void)caps;
    *ram = (account.limit - account.used) * PAGE_SIZE;
}

static error_t signal(struct parent *p, struct parent_client *client, word_t code, word_t value)
{
    (void)p, (void)client;
    if (code == SIGNAL_EXIT) {
        print("init: exit code %ld\n", (long)value);
        init_stop("it left");
    } else if (code == SIGNAL_RESOURCE) {
        print("init: an account ran dry when %lu bytes were asked for\n", value);
    }
    return SUCCESS;
}

static const struct parent_policy policy = {
    .open = open, .closed = closed, .quota = quota, .signal = signal};

static void must(error_t error, const char *what)
{
    if (error)
        rt_panic("cannot start %s: %s\n", what, error_name(error));
}

void services_start(void)
{
    struct parent_config config = {.pseudonym_order = PSEUDONYM_ORDER,
                                   .policy = &policy,
                                   .handlers = cpu_parent_threads(),
                                   .first_portals = SEL_PARENT};
    must(parent_start(&parent, &config), "the parent role");
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        struct server_config service = {.name = table[i].name,
                                        .sessions_max = SESSIONS_MAX,
                                        .ops = table[i].ops,
                                        .host = parent_host(&parent)};
        must(server_start(&servers[i], &service), table[i].name);
    }
    u64 free = physical_usage().free_pages,
        kept = free / KEPT > KEPT_PAGES ? free / KEPT : KEPT_PAGES;
    account.limit = free > kept ? free - kept : 0;
}

sel_t services_add_init(void)
{
    struct parent_client *client;
    must(parent_client_add(&parent, NULL, &client), "init as a client");
    for (unsigned cpu = 0; cpu < hip()->cpu_count; cpu++)
        object_pt_note(client->portals + cpu, cpu_parent_threads()[cpu].ec, parent_portal_entry);
    return client->portals;
}
