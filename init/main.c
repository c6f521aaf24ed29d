// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// init's main thread: starts the children in the configuration's order, then waits for notes
// (init.h) and for points in time: a restart that is due, a heartbeat that is late, a client that
// has waited long for a service.
#include "init/init.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/start.h"
#include "lib/rt/tsc.h"
#include "lib/service/control.h"

enum {
    STABLE_US = 10000000, // a life as long as that is a new beginning for the back-off
    BACKOFF_DOUBLINGS = 6,
    LOOKS = 4,            // at a child, in the time in which it has to beat
    WAITING_US = 3000000, // then a person is told
    SESSIONS_MAX = 64,
    OUTER_SESSIONS_MAX = 16,
    SWEEPER_PRIORITY = 64,
    PSEUDONYM_ORDER = 13,
};

struct child children[CHILDREN_MAX];
unsigned child_count;
struct config config;
struct parent parent;
u64 own_ram;

static sel_t wake;
static struct server control_server, config_server, outer_server;
static u64 beat_at; // TSC of the next heartbeat to our parent

static void report_va(const struct child *child, const char *format, va_list arguments)
{
    char text[256];
    if (child->quiet)
        return;
    text_format_va(text, sizeof(text), format, arguments);
    print("init: child \"%s\": %s\n", child->name, text);
}

void child_report(const struct child *child, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report_va(child, format, arguments);
    va_end(arguments);
}

void child_refused(struct child *child, const char *format, ...)
{
    va_list arguments;
    if (child->refusals_told >= REFUSALS_TOLD)
        return;
    va_start(arguments, format);
    report_va(child, format, arguments);
    va_end(arguments);
    if (++child->refusals_told == REFUSALS_TOLD)
        child_report(child, "what else it is refused in this life is not told");
}

struct child *child_by_name(const char *name)
{
    for (unsigned i = 0; name && i < child_count; i++) {
        if (children[i].present && string_same(children[i].name, name))
            return &children[i];
    }
    return NULL;
}

void child_notify(struct child *child, enum child_note note)
{
    __atomic_fetch_or(&child->notes, note, __ATOMIC_RELEASE);
    hc_sm_up(wake);
}

void main_wake(void)
{
    hc_sm_up(wake);
}

sel_t main_waker(void)
{
    return wake;
}

// Our own parent may watch us too.
static u64 beat(void)
{
    u64 now = rdtsc();
    if (!config.heartbeat_us)
        return 0;
    if (now >= beat_at) {
        parent_signal(SIGNAL_HEARTBEAT, 0);
        beat_at = now + tsc_from_us(config.heartbeat_us);
    }
    return beat_at;
}

void child_state_set(struct child *child, enum child_state state)
{
    mutex_lock(&parent.lock);
    child->state = state;
    mutex_unlock(&parent.lock);
}

void child_begin(struct child *child)
{
    child->restart_at = 0;
    child->lack_told = false;
    if (child_start(child))
        child_state_set(child, CHILD_FAILED);
    report_changed();
    (void)beat(); // there may be many to start
}

static const char *ordinal_ending(u32 number)
{
    if (number / 10 % 10 == 1)
        return "th";
    return number % 10 == 1 ? "st" : number % 10 == 2 ? "nd" : number % 10 == 3 ? "rd" : "th";
}

void child_announce(struct child *child)
{
    child->quiet = false;
    if (child->again)
        child_report(child, "started again, %u%s time", child->restarts,
                     ordinal_ending(child->restarts));
}

// Later, or never again. What it is meanwhile.
static enum child_state wait_in_row(struct child *child)
{
    const struct config_child *c = &child->config;
    if (c->limit && child->in_a_row >= c->limit) {
        child_report(child, "failed %u times in a row: left as it is", child->in_a_row + 1);
        return CHILD_FAILED;
    }
    unsigned shift = child->in_a_row < BACKOFF_DOUBLINGS ? child->in_a_row : BACKOFF_DOUBLINGS;
    child->in_a_row++;
    child->restart_at = deadline_in_us(c->backoff_us << shift);
    return CHILD_WAITING;
}

// After the end of a life.
static enum child_state plan(struct child *child, bool failed, enum child_state otherwise)
{
    const struct config_child *c = &child->config;
    bool again =
        c->restart == CONFIG_RESTART_ALWAYS || (c->restart == CONFIG_RESTART_ON_FAULT && failed);
    if (!again)
        return otherwise;
    if (tsc_to_us(rdtsc() - child->started_at) > STABLE_US)
        child->in_a_row = 0;
    return wait_in_row(child);
}

// A restart is due. What it takes may be with others now: then that is told once, and it waits as
// after a life that failed, not longer than its block allows for.
static void begin_again(struct child *child)
{
    child->restart_at = 0;
    child->again = true;
    child->quiet = child->lack_told;
    error_t error = child_start(child);
    bool lacks = error == EMEM || error == ERESOURCE, told = child->lack_told;
    child->again = child->quiet = false;
    child->lack_told = lacks;
    if (lacks && !told)
        child_report(child, "its next life waits until there is enough for it");
    else if (error && !lacks && told)
        child_report(child, "it cannot begin again: %s", error_name(error));
    if (error)
        child_state_set(child, lacks ? wait_in_row(child) : CHILD_FAILED);
    report_changed();
}

// What KEEP tells of earlier lives: a kill by somebody else says nothing of the child.
static void count_failure(struct child *child, u32 notes)
{
    bool broke = notes & NOTE_FAULT || (notes & NOTE_EXIT && child->exit_code != 0),
         left = notes & NOTE_EXIT && !broke;
    if (left || tsc_to_us(rdtsc() - child->started_at) > STABLE_US)
        child->failures = 0;
    child->failures += broke;
}

// `notes`: why. Nobody sees anything between the life and what comes after it.
static void ended(struct child *child, u32 notes)
{
    child_end(child);
    bool failed = notes & (NOTE_FAULT | NOTE_KILL) || child->exit_code != 0;
    count_failure(child, notes);
    if (notes & NOTE_KILL)
        child_report(child, "killed");
    else if (notes & NOTE_EXIT && child->exit_code)
        child_report(child, "exit code %d", child->exit_code);
    enum child_state state = plan(child, failed,
                                  notes & NOTE_FAULT  ? CHILD_FAULTED
                                  : notes & NOTE_KILL ? CHILD_STOPPED
                                                      : CHILD_EXITED);
    mutex_lock(&parent.lock);
    child->state = state;
    child->restarts += state == CHILD_WAITING;
    mutex_unlock(&parent.lock);
    report_changed();
}

// How long to wait between two looks at a child that beats.
static u64 look_ticks(const struct child *child)
{
    return tsc_from_us(child->config.heartbeat_us / LOOKS + 1);
}

// Whether it has not beaten for so long. What passes between two looks counts as one wait between
// them at most: where we stood still ourselves, on a machine that did or beside threads that come
// before ours, so did the child, and may be about to beat.
static bool is_silent(struct child *child)
{
    u64 heard = child->heartbeat_at, now = rdtsc(), step = look_ticks(child),
        since = heard != child->silence.beat ? heard : child->silence.looked_at;
    u64 passed = since < now ? now - since : 0; // it may have begun, or beaten, just now
    if (heard != child->silence.beat)
        child->silence.ticks = 0;
    child->silence.beat = heard;
    child->silence.looked_at = now;
    child->silence.ticks += passed < step ? passed : step;
    return child->silence.ticks >= LOOKS * step;
}

static void attend(struct child *child)
{
    debuggee_attend(child);
    // A start is taken together with a look at what was noted before it: whoever asked for it while
    // an end was noted gets a life after that end. An end stays noted until it has come.
    u32 notes = __atomic_fetch_and(&child->notes, ~(u32)NOTE_START, __ATOMIC_ACQ_REL);
    if (notes & NOTES_END && child->state == CHILD_RUNNING)
        ended(child, notes);
    if (notes & NOTE_START && child->state != CHILD_RUNNING) {
        child->in_a_row = 0;
        child_begin(child);
    }
    if (child->restart_at && child->restart_at <= rdtsc())
        begin_again(child);
    u64 most = child->config.heartbeat_us;
    if (child->state == CHILD_RUNNING && most && is_silent(child)) {
        child_report(child, "no heartbeat for %lums", most / 1000);
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
        if (!child->present)
            continue;
        next = earlier(next, child->restart_at);
        if (child->state == CHILD_RUNNING && child->config.heartbeat_us)
            next = earlier(next, child->silence.looked_at + look_ticks(child));
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
                     parent_pseudonym_name(p), of ? "child \"" : "the parent", of ? of->name : "",
                     of ? "\"" : "");
    }
    parent_unlock(&parent);
    return next;
}

NORETURN static void supervise(void)
{
    u64 taken;
    for (;;) {
        source_attend();
        for (unsigned i = 0; i < child_count; i++) {
            if (children[i].present)
                attend(&children[i]);
        }
        u64 next = earlier(next_event(), report_waiting());
        next = earlier(next, beat());
        // A client that begins to wait wakes nobody: look now and then.
        next = earlier(next, deadline_in_us(WAITING_US));
        (void)!hc_sm_down_zero(wake, next, &taken);
    }
}

static void sweep(void *server)
{
    server_run(server);
}

static void fail(const char *what, error_t error)
{
    print("init: %s: %s\n", what, error_name(error));
}

static error_t start_services(void)
{
    struct parent_config role = {
        .pseudonym_order = PSEUDONYM_ORDER, .policy = &init_policy, .has_parent = true};
    error_t error = parent_start(&parent, &role);
    if (!error)
        error = self_start();
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

void service_offer(struct server *server, const struct server_config *service,
                   struct thread *sweeper)
{
    if (server_start(server, service))
        return; // it is not in our provides
    if (thread_create(sweeper, thread_cpu(), SWEEPER_PRIORITY, "sweep", sweep, server))
        server_stop(server);
}

// An init below an init may be looked into from above, if that one lets it.
static void offer_control(void)
{
    static struct thread sweeper;
    struct server_config control = {
        .name = "init", .sessions_max = OUTER_SESSIONS_MAX, .ops = &control_ops};
    service_offer(&outer_server, &control, &sweeper);
}

static error_t create_wake(void)
{
    return semaphore_create(0, &wake);
}

// Of what an init has it keeps a part for its own books, stacks and the children's config blocks.
static error_t own_ram_set(void)
{
    u64 ram = 0, caps = 0;
    error_t error = env_quota(&ram, &caps);
    own_ram = ram / INIT_RAM_PART < INIT_RAM_MOST ? ram / INIT_RAM_PART : INIT_RAM_MOST;
    if (own_ram < INIT_RAM_LEAST)
        own_ram = INIT_RAM_LEAST;
    return error;
}

int main(void)
{
    error_t error = own_ram_set();
    if (!error)
        error = create_wake();
    if (!error)
        error = start_services();
    if (!error)
        error = source_start();
    if (error) {
        fail("cannot begin", error);
        return 1;
    }
    offer_control();
    supervise();
}
