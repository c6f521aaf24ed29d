// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0 as a parent: init is its only child and may open every service; what it donates with a
// session comes from the account that it starts with, which is all free memory but a part for
// sigma0's own books.
#include "sigma0/services.h"
#include "lib/rt/assert.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "sigma0/named.h"
#include "sigma0/physical.h"
#include "sigma0/sigma0.h"
#include "sigma0/subjects.h"

// What sigma0 keeps of the memory: 1/KEPT, at least KEPT_PAGES.
enum { KEPT = 32, KEPT_PAGES = 512, SESSIONS_MAX = 16384, PSEUDONYM_ORDER = 15 };

// sigma0 is the parent too, of all sessions.
enum { PSEUDONYM_BYTES = 240 };
_Static_assert(sizeof(struct parent_pseudonym) <= PSEUDONYM_BYTES, "what it costs");

// What a session costs beside the store's books: sigma0's own books of it, and selectors. Sessions
// that are called often have portals of their own, which name them for nothing.
static const struct {
    const char *name;
    const struct server_ops *ops;
    size_t bytes;
    unsigned caps, flags;
} table[] = {
    {"log", &log_ops, 320, 1, 0},
    {"rom", &rom_ops, 320, 1, 0},
    {"pd", &pd_ops, 336, 0, SERVICE_SESSION_PORTALS},
    {"cpu", &cpu_ops, 256, 0, SERVICE_SESSION_PORTALS},
    {"rm", &rm_ops, 64, 0, SERVICE_SESSION_PORTALS},
    {"irq", &irq_ops, 64, 1, 0},
    {"io_port", &io_port_ops, 64, 1, 0},
    {"io_mem", &io_mem_ops, 320, 1, 0},
    {"trace", &trace_ops, 256, 0, 0},
};

// What sigma0's threads wait at for locks, so that no lock of a client's object ever needs kernel
// memory: on each CPU the handlers of the services, of the parent's portals, of two kinds of
// exceptions and of the echo, and the main thread.
enum { THREADS_A_CPU = ARRAY_SIZE(table) + 4, THREADS_MAX = MAX_CPUS * THREADS_A_CPU + 1 };
u32 rt_mutex_spares[THREADS_MAX];
u32 rt_mutex_spares_max = THREADS_MAX;

static struct parent parent;
static struct server servers[ARRAY_SIZE(table)];
static struct ram_account account; // init's, in bytes
static u64 caps_given, caps_due;   // slots that init gave with its sessions; that it is to get back

enum { CHILD_PD = SEL_CHILD + SEL_PD };

// Takes what a session costs from init: RAM from its account, slots and their kernel memory from
// its domain.
static error_t take(const char *label, const char *name, u64 ram, u64 caps)
{
    if (!ram_charge(&account, ram)) {
        print("%s: session \"%s\" wants %lu KiB, %lu of %lu KiB are used\n", label, name,
              ram / 1024, account.used / 1024, account.limit / 1024);
        return ERESOURCE;
    }
    if (caps && hc_pd_trade(SEL_PD, CHILD_PD, caps)) {
        ram_refund(&account, ram);
        print("%s: session \"%s\" wants %lu capability slots, init's domain has no more\n", label,
              name, caps);
        return ERESOURCE;
    }
    caps_given += caps;
    return SUCCESS;
}

// The other way. Until the service has heard of it, its slots are in use, and sigma0's reserve
// lends some; what even that does not have is given back with the next session.
static void give_back(u64 ram, u64 caps)
{
    ram_refund(&account, ram);
    caps_due += caps;
    caps_given -= caps;
    if (caps_due && (!hc_pd_trade(CHILD_PD, SEL_PD, caps_due) ||
                     (named_drain() && !hc_pd_trade(CHILD_PD, SEL_PD, caps_due))))
        caps_due = 0;
}

// Labels show the path in the tree.
static void label_prefix(struct parent_open *o)
{
    char label[SERVICE_LABEL_MAX];
    text_format(label, sizeof(label), LABEL_ROOT "%s%s", o->label[0] ? " -> " : "", o->label);
    strlcpy(o->label, label, sizeof(o->label));
}

// Under the parent's lock, as all of these.
static error_t open(struct parent *p, struct parent_client *client, struct parent_open *o)
{
    (void)p, (void)client;
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(o->name, table[i].name))
            continue;
        o->route = ROUTE_BUILTIN;
        label_prefix(o);
        return take(o->label, o->name, o->ram, o->caps);
    }
    print("%s: there is no service \"%s\"\n", o->label, o->name);
    return EPERM;
}

static error_t upgrade(struct parent *p, struct parent_client *client, const char *name,
                       const struct parent_donation *least, struct parent_donation *more)
{
    (void)p, (void)client;
    u64 left = account.limit - account.used;
    if (more->ram > left)
        more->ram = least->ram;
    u64 used = 0, limit = 0;
    if (hc_pd_read(CHILD_PD, PD_READ_CAPS, &used, &limit) || more->caps > limit - used)
        more->caps = least->caps;
    return take("init", name, more->ram, more->caps);
}

static void closed(struct parent *p, struct parent_client *client,
                   const struct parent_donation *donation)
{
    (void)p, (void)client;
    give_back(donation->ram, donation->caps);
}

// The machine's memory by the kernel's word: all that can be used, and what of it is not ours.
static void machine_memory(struct parent_quota *q)
{
    const struct hip *h = hip();
    for (unsigned i = 0; i < h->memory_count; i++) {
        const struct hip_memory *e = &h->memory[i];
        bool system = e->kind == HIP_MEM_KERNEL || e->kind == HIP_MEM_ARCHIVE;
        if (system)
            q->system_ram += e->size;
        if (system || e->kind == HIP_MEM_FREE)
            q->all_ram += e->size;
    }
}

static void quota(struct parent *p, struct parent_client *client, struct parent_quota *q)
{
    (void)p, (void)client;
    u64 used, limit;
    q->ram = account.limit - account.used;
    q->ram_limit = account.limit;
    q->caps = hc_pd_read(CHILD_PD, PD_READ_CAPS, &used, &limit) ? 0 : limit - used;
    q->own_caps = hc_pd_read(SEL_PD, PD_READ_CAPS, &used, &limit) ? 0 : limit;
    machine_memory(q);
}

// init's own domain lacks something, if the kernel says so too: said when it is the first time or
// an eighth more.
static void report_dry(void)
{
    static const struct {
        enum pd_op peak;
        const char *what;
    } accounts[] = {{PD_PEAK_CAPS, "capability slots"}, {PD_PEAK_KMEM, "bytes of kernel memory"}};
    static u64 told[ARRAY_SIZE(accounts)];
    for (unsigned i = 0; i < ARRAY_SIZE(accounts); i++) {
        u64 left, lacked;
        if (hc_pd_peak(CHILD_PD, accounts[i].peak, &left, &lacked) ||
            lacked <= told[i] + told[i] / 8)
            continue;
        told[i] = lacked;
        print("init: its own domain wants %lu more %s than the machine gave it; its children's "
              "caps and kmem are too many\n",
              lacked, accounts[i].what);
    }
}

static error_t signal(struct parent *p, struct parent_client *client, word_t code, word_t value)
{
    (void)p, (void)client;
    if (code == SIGNAL_EXIT) {
        print("init: exit code %ld\n", (long)value);
        init_stop("it left");
    } else if (code == SIGNAL_RESOURCE) {
        report_dry();
    }
    return SUCCESS;
}

// Whatever is below init ends with it.
static error_t keep(struct parent *p, struct parent_client *client, struct parent_kept *kept)
{
    (void)p, (void)client;
    print("init: \"%s\" is not kept: init has no next life\n", kept->name);
    return EFEATURE;
}

static const struct parent_policy policy = {.open = open,
                                            .upgrade = upgrade,
                                            .closed = closed,
                                            .quota = quota,
                                            .signal = signal,
                                            .keep = keep};

static void must(error_t error, const char *what)
{
    if (error)
        rt_panic("cannot start %s: %s\n", what, error_name(error));
}

// Who may trace all sees what sigma0 does. The services show their handlers themselves.
static void show_threads(void)
{
    static const struct {
        const char *name;
        unsigned selector;
    } kinds[] = {{"echo", CPU_EC_ECHO}, {"faults", CPU_EC_FAULTS}, {"parent", CPU_EC_PARENT}};
    char name[16];
    must(subject_list_own(SEL_EC, "main"), "main");
    for (unsigned cpu = 0; cpu < hip()->cpu_count; cpu++) {
        for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
            text_format(name, sizeof(name), "%s %u", kinds[i].name, cpu);
            must(subject_list_own(cpu_selectors(cpu) + kinds[i].selector, name), name);
        }
    }
    rt_handler_show = subject_list_own;
}

void services_start(void)
{
    struct parent_config config = {.pseudonym_order = PSEUDONYM_ORDER,
                                   .policy = &policy,
                                   .handlers = cpu_parent_threads(),
                                   .first_portals = SEL_PARENT};
    must(parent_start(&parent, &config), "the parent role");
    show_threads();
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        // Selectors are what there is a number of.
        unsigned portals =
            table[i].flags & SERVICE_SESSION_PORTALS ? selector_order(hip()->cpu_count) : 0;
        struct server_config service = {.name = table[i].name,
                                        .flags = table[i].flags,
                                        .sessions_max = SESSIONS_MAX >> portals,
                                        .session_bytes = table[i].bytes + PSEUDONYM_BYTES,
                                        .session_caps = table[i].caps,
                                        .ops = table[i].ops,
                                        .host = parent_host(&parent)};
        must(server_start(&servers[i], &service), table[i].name);
    }
    must(mutex_spares(hip()->cpu_count * THREADS_A_CPU + 1), "locks");
    u64 free = physical_usage().free_pages,
        kept = free / KEPT > KEPT_PAGES ? free / KEPT : KEPT_PAGES;
    account.limit = free > kept ? (free - kept) * PAGE_SIZE : 0;
}

sel_t services_add_init(void)
{
    struct parent_client *client;
    must(parent_client_add(&parent, NULL, &client), "init as a client");
    for (unsigned cpu = 0; cpu < hip()->cpu_count; cpu++)
        object_pt_note(client->portals + cpu, cpu_parent_threads()[cpu].ec, parent_portal_entry);
    return client->portals;
}
