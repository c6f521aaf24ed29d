// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// `trace`: starts and stops tracing of threads, by way of the service "trace" (lib/core/trace.h),
// and chooses which events are wanted. trace_text.c prints what came of it.
#include "apps/shell/trace.h"
#include "apps/shell/shell.h"
#include "apps/shell/trace_words.h"
#include "lib/rt/address.h"
#include "lib/rt/heap.h"
#include "lib/rt/string.h"
#include "lib/service/env.h"

enum {
    THREADS_MAX = 256, // traced at a time: their price is donated with the session
    RECORDS_DEFAULT = 256,
    RECORDS_MIN = 16,
    RECORDS_MAX = 1 << 20,
    SHOW_LATEST = 100,
    WRONG_MAX = 256,
};

struct list trace_batches = LIST_INIT(trace_batches);
u32 trace_events;
static u32 wanted = TRACE_ALL;

struct service_client *client_trace(void)
{
    static struct service_client client = SERVICE_CLIENT_NONE;
    if (client.base == SEL_NONE && trace_init(&client, THREADS_MAX))
        say("shell: no selectors left for a session \"trace\"\n");
    return &client;
}

static struct traced *find(u64 id)
{
    LIST_FOREACH (node, &trace_batches) {
        struct trace_batch *batch = LIST_ENTRY(node, struct trace_batch, link);
        for (unsigned i = 0; i < batch->count; i++) {
            if (batch->threads[i].subject.id == id)
                return &batch->threads[i];
        }
    }
    return NULL;
}

// Calls `act` for each thread that is traced; returns how many there are.
static unsigned each_traced(void (*act)(struct traced *thread))
{
    unsigned count = 0;
    LIST_FOREACH (node, &trace_batches) {
        struct trace_batch *batch = LIST_ENTRY(node, struct trace_batch, link);
        for (unsigned i = 0; i < batch->count; i++) {
            if (!batch->threads[i].on)
                continue;
            act(&batch->threads[i]);
            count++;
        }
    }
    return count;
}

// What these answer is no news: a thread that has ended is not traced any more.
static void pause(struct traced *thread)
{
    (void)!trace_pause(client_trace(), thread->subject.id);
}

static void resume(struct traced *thread)
{
    (void)!trace_resume(client_trace(), thread->subject.id);
}

static void disable(struct traced *thread)
{
    (void)!trace_disable(client_trace(), thread->subject.id);
    thread->on = false;
}

static void change_policy(struct traced *thread)
{
    (void)!trace_policy(client_trace(), thread->subject.id, (struct trace_wish){wanted, 0});
}

static void nothing(struct traced *thread)
{
    (void)thread;
}

void trace_hold(void)
{
    each_traced(pause);
}

void trace_go_on(void)
{
    each_traced(resume);
}

static void batch_free(struct trace_batch *batch)
{
    if (batch->ds != SEL_NONE)
        dataspace_free(batch->ds);
    if (batch->address)
        address_free(batch->address, batch->bytes);
    heap_free(batch->threads);
    heap_free(batch);
}

static void forget(void)
{
    while (!list_empty(&trace_batches)) {
        struct trace_batch *batch = LIST_ENTRY(trace_batches.next, struct trace_batch, link);
        list_remove(&batch->link);
        batch_free(batch);
    }
}

// What `start` finds.
struct search {
    const struct trace_words *words;
    bool found[TRACE_NAMES_MAX];
    struct trace_batch *batch;
    unsigned others; // traced by somebody else
    bool full, no_memory;
};

static bool consider(const struct trace_subject *subject, void *context)
{
    struct search *s = context;
    struct trace_batch *batch = s->batch;
    const struct trace_words *words = s->words;
    struct traced *earlier = find(subject->id);
    bool match = !words->count && strcmp(subject->label, "sigma0") != 0; // which is to be named
    for (unsigned i = 0; i < words->count; i++) {
        bool this = trace_matches(subject->label, words->word[i]);
        s->found[i] |= this;
        match |= this;
    }
    if (!match || (earlier && earlier->on))
        return true;
    if (subject->status != TRACE_STATUS_OFF) {
        s->others++;
        return true;
    }
    if (batch->count == THREADS_MAX) {
        s->full = true;
        return false;
    }
    if (batch->count % 16 == 0) { // grows by 16
        size_t size = (batch->count + 16) * sizeof(batch->threads[0]);
        struct traced *more = heap_resize(batch->threads, size);
        if (!more) {
            s->no_memory = true;
            return false;
        }
        batch->threads = more;
    }
    batch->threads[batch->count++] = (struct traced){.subject = *subject};
    return true;
}

static size_t ring_bytes(u64 records)
{
    return sizeof(struct trace_ring) + records * sizeof(struct trace_record);
}

// In the shell's account, and what it may still put there.
static u64 ram_left(void)
{
    u64 used = 0, limit = 0, high, ram = 0, caps;
    if (memory_info(&used, &limit, &high) || limit < used || env_quota(&ram, &caps))
        return 0;
    return limit - used + ram;
}

// How many records a ring: what was asked for, as a power of two; or the default, or less, so that
// the rings take half of what is left to the shell.
static u64 choose_records(u64 asked, unsigned threads)
{
    u64 records = RECORDS_MIN;
    if (asked) {
        while (records < asked)
            records *= 2;
        return records;
    }
    for (records = RECORDS_DEFAULT; records > RECORDS_MIN; records /= 2) {
        if (threads * ring_bytes(records) <= ram_left() / 2)
            break;
    }
    return records;
}

static error_t make_rings(struct trace_batch *batch, u64 records)
{
    size_t bytes = batch->count * ring_bytes(records);
    batch->bytes = (bytes + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ul);
    batch->address = address_alloc(batch->bytes);
    if (!batch->address)
        return ERESOURCE;
    error_t error = dataspace_alloc(batch->bytes, 0, &batch->ds);
    if (!error)
        error = dataspace_attach(batch->ds, (void *)batch->address, batch->bytes, 0);
    return error;
}

// Has all threads of the batch traced; those that are gone meanwhile are taken out of it.
static error_t enable(struct trace_batch *batch, u64 records)
{
    unsigned kept = 0;
    error_t error = SUCCESS;
    for (unsigned i = 0; i < batch->count && !error; i++) {
        struct traced *thread = &batch->threads[i];
        u64 offset = i * ring_bytes(records);
        error = trace_enable(client_trace(), thread->subject.id, batch->ds, offset,
                             ring_bytes(records), (struct trace_wish){wanted, 0});
        thread->ring = (struct trace_ring *)(batch->address + offset);
        thread->on = !error;
        if (!error)
            batch->threads[kept++] = *thread;
        else if (error == ENOTFOUND || error == EINUSE)
            error = SUCCESS;
    }
    batch->count = kept;
    return error;
}

// Says what stands in the way of tracing what was found. True if something does.
static bool refuse(const struct search *s, error_t error)
{
    if (failed(client_trace(), "trace start", error))
        return true;
    for (unsigned i = 0; i < s->words->count; i++) {
        if (s->found[i])
            continue;
        say("shell: trace start: there is no thread of \"%s\"; \"trace\" lists them\n",
            s->words->word[i]);
        return true;
    }
    if (s->no_memory)
        say("shell: trace start: no memory for the list of threads; give the shell more ram\n");
    else if (s->full)
        say("shell: trace start: more than %u threads; name components\n", THREADS_MAX);
    else if (!s->batch->count)
        say("shell: trace start: no more threads than are traced already%s\n",
            s->others ? ", some of them by somebody else" : "");
    return s->no_memory || s->full || !s->batch->count;
}

static void started(const struct search *s, u64 records)
{
    const struct trace_batch *batch = s->batch;
    say("tracing %u thread%s, %lu records each (%lu KiB)", batch->count,
        batch->count == 1 ? "" : "s", records, batch->bytes / 1024);
    if (s->others)
        say("; %u others are traced by somebody else", s->others);
    say("\n");
}

static void no_rings(const struct trace_batch *batch, u64 records, error_t error)
{
    say("shell: trace start: %u rings of %lu records need %lu KiB: %s; %lu KiB of the shell's ram "
        "are left: name fewer components, or less than records=%lu\n",
        batch->count, records, batch->bytes / 1024, error_name(error), ram_left() / 1024, records);
}

static void start(const char *rest)
{
    static struct trace_words words;
    struct search s = {.words = &words};
    char wrong[WRONG_MAX];
    if (!trace_words_read(rest, "records", 1, RECORDS_MAX, &words, wrong, sizeof(wrong))) {
        say("shell: trace start: %s\n", wrong);
        return;
    }
    if (!each_traced(nothing)) {
        forget();
        trace_events = 0;
    }
    s.batch = heap_zalloc(sizeof(*s.batch));
    if (!s.batch) {
        say("shell: trace start: no memory; give the shell more ram\n");
        return;
    }
    s.batch->ds = SEL_NONE;
    if (refuse(&s, trace_visit(client_trace(), consider, &s))) {
        batch_free(s.batch);
        return;
    }
    u64 records = choose_records(words.number, s.batch->count);
    error_t error = make_rings(s.batch, records);
    if (error) {
        no_rings(s.batch, records, error);
        batch_free(s.batch);
        return;
    }
    trace_events |= wanted;
    error = enable(s.batch, records);
    list_push_back(&trace_batches, &s.batch->link);
    started(&s, records);
    failed(client_trace(), "trace start: not all threads", error);
}

static void stop(void)
{
    unsigned count = each_traced(disable);
    if (count)
        say("stopped; \"trace show\" and \"trace dump\" print what %u thread%s did\n", count,
            count == 1 ? "" : "s");
    else
        say("shell: trace stop: nothing is traced\n");
}

static void events(const char *list)
{
    char text[WRONG_MAX];
    u32 mask = 0;
    if (!trace_events_read(list, &mask, text, sizeof(text))) {
        say("shell: trace events: %s\n", text);
        return;
    }
    if (mask) {
        wanted = mask;
        if (each_traced(change_policy))
            trace_events |= wanted;
    }
    trace_events_format(wanted, text, sizeof(text));
    say("events: %s\n", text);
}

static void show(const char *rest)
{
    static struct trace_words words;
    char wrong[WRONG_MAX];
    if (!trace_words_read(rest, "last", 1, ~0u, &words, wrong, sizeof(wrong)))
        say("shell: trace show: %s\n", wrong);
    else if (words.count > 1)
        say("shell: trace show: found %u names, expected one at most\n", words.count);
    else
        trace_show(words.word[0], words.number ? words.number : SHOW_LATEST);
}

void command_trace(const char *argument)
{
    char verb[TRACE_WORD_MAX];
    size_t length = 0;
    while (argument[length] && argument[length] != ' ')
        length++;
    strlcpy(verb, argument, length + 1 < sizeof(verb) ? length + 1 : sizeof(verb));
    const char *rest = argument + length;
    while (*rest == ' ')
        rest++;
    if (!*verb)
        trace_list();
    else if (!strcmp(verb, "start"))
        start(rest);
    else if (!strcmp(verb, "show"))
        show(rest);
    else if (!strcmp(verb, "events"))
        events(rest);
    else if (!strcmp(verb, "stop") && !*rest)
        stop();
    else if (!strcmp(verb, "dump") && !*rest)
        trace_dump();
    else
        say("shell: trace: found \"%s\", expected nothing, start [NAME...] [records=N], stop, "
            "show [NAME] [last=N], dump or events [EVENT,...]\n",
            argument);
}
