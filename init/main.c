// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// init's main thread: reads the configuration, starts the children in its order, then waits for
// notes (init.h) and for points in time: a restart that is due, a heartbeat that is late, a client
// that has waited long for a service.
#include "init/init.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/start.h"
#include "lib/rt/tsc.h"

enum {
    OWN_RAM = 4 << 20,    // for init's own books, stacks and the children's config blocks
    STABLE_US = 10000000, // a life as long as that is a new beginning for the back-off
    BACKOFF_DOUBLINGS = 6,
    WAITING_US = 3000000, // then a person is told
    SESSIONS_MAX = 64,
    PSEUDONYM_ORDER = 13,
};

struct child children[CHILDREN_MAX];
unsigned child_count;
struct config config;
struct parent parent;

static sel_t wake;
static struct rom config_rom;
static struct server control_server, config_server;

void child_report(const struct child *child, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    text_format_va(text, sizeof(text), format, arguments);
    va_end(arguments);
    print("init: child \"%s\": %s\n", child->config.name, text);
}

struct child *child_by_name(const char *name)
{
    for (unsigned i = 0; name && i < child_count; i++) {
        if (string_same(children[i].config.name, name))
            return &children[i];
    }
    return NULL;
}

void child_notify(struct child *child, enum child_note note)
{
    __atomic_fetch_or(&child->notes, note, __ATOMIC_RELEASE);
    hc_sm_up(wake);
}

static void start(struct child *child)
{
    child->restart_at = 0;
    if (child_start(child))
        child->state = CHILD_FAILED;
}

// After the end of a life: now, later or never again.
static void plan(struct child *child, bool failed)
{
    const struct config_child *c = &child->config;
    bool again =
        c->restart == CONFIG_RESTART_ALWAYS || (c->restart == CONFIG_RESTART_ON_FAULT && failed);
    if (!again)
        return;
    if (tsc_to_us(rdtsc() - child->started_at) > STABLE_US)
        child->in_a_row = 0;
    if (c->limit && child->in_a_row >= c->limit) {
        child_report(child, "failed %u times in a row: left as it is", child->in_a_row + 1);
        child->state = CHILD_FAILED;
        return;
    }
    unsigned shift = child->in_a_row < BACKOFF_DOUBLINGS ? child->in_a_row : BACKOFF_DOUBLINGS;
    child->in_a_row++;
    child->restarts++;
    child->state = CHILD_WAITING;
    child->restart_at = deadline_in_us(c->backoff_us << shift);
}

static void ended(struct child *child, u32 notes)
{
    bool failed = notes & (NOTE_FAULT | NOTE_KILL) || child->exit_code != 0;
    __atomic_store_n(&child->state, CHILD_ENDING,
                     __ATOMIC_RELEASE); // a start may be asked for from now on
    child_end(child);
    child->state = notes & NOTE_FAULT  ? CHILD_FAULTED
                   : notes & NOTE_KILL ? CHILD_STOPPED
                                       : CHILD_EXITED;
    if (notes & NOTE_KILL)
        child_report(child, "killed");
    else if (notes & NOTE_EXIT && child->exit_code)
        child_report(child, "exit code %d", child->exit_code);
    child->exit_code = 0;
    plan(child, failed);
}

static void attend(struct child *child)
{
    u32 notes = __atomic_load_n(&child->notes, __ATOMIC_ACQUIRE);
    u32 ends = notes & (NOTE_FAULT | NOTE_EXIT | NOTE_KILL);
    if (ends && child->state == CHILD_RUNNING)
        ended(child, notes);
    notes = __atomic_exchange_n(&child->notes, 0, __ATOMIC_ACQ_REL);
    if (notes & NOTE_START && child->state != CHILD_RUNNING) {
        child->in_a_row = 0;
        start(child);
    }
    u64 now = rdtsc(), beat = child->config.heartbeat_us;
    if (child->restart_at && child->restart_at <= now) {
        child_report(child, "started again, %u%s time", child->restarts,
                     child->restarts == 1   ? "st"
                     : child->restarts == 2 ? "nd"
                                            : "th");
        start(child);
    }
    if (child->state == CHILD_RUNNING && beat && tsc_to_us(now - child->heartbeat_at) > beat) {
        child_report(child, "no heartbeat for %lums", beat / 1000);
        ended(child, NOTE_FAULT);
    }
}

static u64 earlier(u64 a, u64 b)
{
    return !a || (b && b < a) ? b : a;
}

// When the main thread must look again without being woken; 0: never.
static u64 next_event(void)
{
    u64 next = 0;
    for (unsigned i = 0; i < child_count; i++) {
        const struct child *child = &children[i];
        next = earlier(next, child->restart_at);
        if (child->state == CHILD_RUNNING && child->config.heartbeat_us)
            next = earlier(next, child->heartbeat_at + tsc_from_us(child->config.heartbeat_us + 1));
    }
    return next;
}

// Says once who waits for a service that nobody offers.
static u64 report_waiting(void)
{
    u64 next = 0, now = rdtsc(), long_ago = tsc_from_us(WAITING_US);
    mutex_lock(&parent.lock);
    for (u32 i = 0; i < parent.pseudonyms_made; i++) {
        struct parent_pseudonym *p = parent_pseudonym_at(&parent, i);
        if (!p->client || !p->waiting_since || p->reported)
            continue;
        if (now - p->waiting_since < long_ago) {
            next = earlier(next, p->waiting_since + long_ago);
            continue;
        }
        p->reported = true;
        const struct child *child = p->client->user, *of = p->provider ? p->provider->user : NULL;
        child_report(child, "waits for service \"%s\", which %s%s%s has not offered",
                     parent_pseudonym_name(p), of ? "child \"" : "the parent",
                     of ? of->config.name : "", of ? "\"" : "");
    }
    parent_unlock(&parent);
    return next;
}

NORETURN static void supervise(void)
{
    u64 taken;
    for (;;) {
        for (unsigned i = 0; i < child_count; i++)
            attend(&children[i]);
        u64 next = earlier(next_event(), report_waiting());
        // A client that begins to wait wakes nobody: look now and then.
        next = earlier(next, deadline_in_us(WAITING_US));
        (void)!hc_sm_down_zero(wake, next, &taken);
    }
}

static void fail(const char *what, error_t error)
{
    print("init: %s: %s\n", what, error_name(error));
}

static error_t enter_children(u64 ram_left)
{
    struct config_child c;
    for (int at = config_child_first(&config, &c); at >= 0; at = config_child_next(&config, &c)) {
        if (child_count == CHILDREN_MAX) {
            print("init: more than %u children: \"%s\" and later ones are left out\n", CHILDREN_MAX,
                  c.name);
            return SUCCESS;
        }
        struct child *child = &children[child_count];
        *child = (struct child){.config = c,
                                .index = child_count,
                                .sel_pd = SEL_NONE,
                                .sel_ec = SEL_NONE,
                                .sel_sc = SEL_NONE,
                                .sel_identity = SEL_NONE,
                                .exceptions = SEL_NONE};
        error_t error = parent_client_add(&parent, child, &child->client);
        if (error)
            return error;
        child_count++;
        child->reserved = c.ram_bytes <= ram_left;
        if (child->reserved)
            ram_left -= c.ram_bytes;
        else
            child_report(child, "ram %luKb exceeds the %luKb that are left; lower it or free some",
                         c.ram_bytes / 1024, ram_left / 1024);
    }
    return SUCCESS;
}

static error_t open_config(void)
{
    error_t error = rom_open(&config_rom, "config");
    if (error) {
        fail("there is no ROM module \"config\"", error);
        return error;
    }
    error = config_open(&config, config_rom.data, config_rom.size);
    if (error)
        fail("the ROM module \"config\" is no configuration (tools/conf makes them)", error);
    return error;
}

static error_t start_services(void)
{
    struct parent_config role = {
        .pseudonym_order = PSEUDONYM_ORDER, .policy = &init_policy, .has_parent = true};
    error_t error = parent_start(&parent, &role);
    struct server_config control = {.name = "init",
                                    .sessions_max = SESSIONS_MAX,
                                    .ops = &control_ops,
                                    .host = parent_host(&parent)};
    struct server_config rom = {.name = "rom",
                                .sessions_max = CHILDREN_MAX,
                                .ops = &config_rom_ops,
                                .host = parent_host(&parent)};
    if (!error)
        error = server_start(&control_server, &control);
    if (!error)
        error = server_start(&config_server, &rom);
    return error ? error : faults_start();
}

static error_t create_wake(void)
{
    return semaphore_create(0, &wake);
}

int main(void)
{
    u64 ram = 0, caps = 0;
    error_t error = open_config();
    if (error)
        return 1;
    error = create_wake();
    if (!error)
        error = start_services();
    if (!error)
        error = env_quota(&ram, &caps);
    if (!error)
        error = enter_children(ram > OWN_RAM ? ram - OWN_RAM : 0);
    if (error) {
        fail("cannot begin", error);
        return 1;
    }
    for (unsigned i = 0; i < child_count; i++) {
        if (!children[i].reserved)
            children[i].state = CHILD_FAILED;
        else if (children[i].config.start)
            start(&children[i]);
    }
    supervise();
}
