// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What `trace` prints: the threads; records for people (`show`); records for tools/trace2ctf
// (`dump`, doc/trace-tools.md, "The text"). While records are printed nothing is traced, since
// printing is what many of the traced threads would do.
#include "apps/shell/shell.h"
#include "apps/shell/trace.h"
#include "apps/shell/trace_words.h"
#include "lib/rt/heap.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"

enum { LINE_MAX = 1024, DUMP_VERSION = 1 };

static const char *const states[] = {
#define X(name, number) [number] = #name,
    THREAD_STATES(X)
#undef X
};
static const char *const statuses[] = {
#define X(name, number) [number] = #name,
    TRACE_STATUS(X)
#undef X
};

static const char *lower_case(const char *text, char *out, size_t size)
{
    strlcpy(out, text, size);
    for (char *c = out; *c; c++)
        *c |= 0x20;
    return out;
}

void trace_path(const struct trace_subject *subject, char *path, size_t size)
{
    static const char above[] = "init -> ";
    const char *label = subject->label;
    size_t length = 0;
    if (!strncmp(label, above, sizeof(above) - 1))
        label += sizeof(above) - 1;
    for (; *label && length + 1 < size; length++) {
        bool arrow = !strncmp(label, " -> ", 4);
        path[length] = arrow ? '/' : *label;
        label += arrow ? 4 : 1;
    }
    path[length] = 0;
    text_format(path + length, size - length, "/%s", subject->name);
}

static bool list_row(const struct trace_subject *s, void *context)
{
    char path[TRACE_PATH_MAX], state[16], status[16];
    u64 us = s->ticks * 1000 / hip()->tsc_khz;
    (void)context;
    trace_path(s, path, sizeof(path));
    lower_case(s->state < ARRAY_SIZE(states) ? states[s->state] : "?", state, sizeof(state));
    lower_case(s->status < ARRAY_SIZE(statuses) ? statuses[s->status] : "?", status,
               sizeof(status));
    say("%5lu %3u %4u %-8s %8lu.%03lu %-7s %s\n", s->id, s->cpu, s->priority, state, us / 1000,
        us % 1000, status, path);
    return true;
}

void trace_list(void)
{
    say("   ID CPU PRIO STATE       TIME ms    TRACED  COMPONENT/THREAD    (PRIO 0: a handler, on "
        "its callers' time)\n");
    failed(client_trace(), "trace", trace_visit(client_trace(), list_row, NULL));
}

// A reader of one thread's ring, one record ahead.
struct cursor {
    const struct traced *thread;
    struct trace_reader reader;
    struct trace_record record;
    bool more;
};

static void cursor_next(struct cursor *cursor)
{
    cursor->more = trace_read(&cursor->reader, &cursor->record, 1) == 1;
}

// Cursors at the beginnings of the rings of those that `name` names; *count is how many, *records
// how many records they have. If there are none it says so.
static struct cursor *cursors_open(const char *name, unsigned *count, u64 *records)
{
    unsigned all = 0;
    *count = 0;
    *records = 0;
    LIST_FOREACH (node, &trace_batches)
        all += LIST_ENTRY(node, struct trace_batch, link)->count;
    struct cursor *cursors = heap_alloc(all * sizeof(*cursors));
    LIST_FOREACH (node, &trace_batches) {
        struct trace_batch *batch = LIST_ENTRY(node, struct trace_batch, link);
        for (unsigned i = 0; cursors && i < batch->count; i++) {
            const struct traced *thread = &batch->threads[i];
            if (!trace_matches(thread->subject.label, name))
                continue;
            struct cursor *cursor = &cursors[(*count)++];
            *cursor = (struct cursor){.thread = thread, .reader = trace_reader(thread->ring, 0)};
            cursor_next(cursor);
            if (cursor->more)
                *records += thread->ring->written - cursor->reader.position + 1;
        }
    }
    if (!cursors)
        say("shell: trace: no memory for %u readers; give the shell more ram\n", all);
    else if (!*count)
        say("shell: trace: nothing %s%s was traced; \"trace start\" begins\n",
            *name ? "of " : "so far", name);
    return cursors;
}

static struct cursor *earliest(struct cursor *cursors, unsigned count)
{
    struct cursor *first = NULL;
    for (unsigned i = 0; i < count; i++) {
        if (cursors[i].more && (!first || cursors[i].record.tsc < first->record.tsc))
            first = &cursors[i];
    }
    return first;
}

// "error ECAP", "operation 17", "portal 0x41d".
static void field_format(char *text, size_t size, const char *name, u64 value)
{
    bool error = !strcmp(name, "error") || !strcmp(name, "result");
    if (error && error_name(value)[1] != '?')
        text_format(text, size, "%s %s", name, error_name(value));
    else
        text_format(text, size, strcmp(name, "operation") ? "%s 0x%lx" : "%s %lu", name, value);
}

static void show_record(const struct cursor *cursor)
{
    const struct trace_record *r = &cursor->record;
    char path[TRACE_PATH_MAX], first[64], second[64];
    u64 ns = r->tsc / hip()->tsc_khz * 1000000 +
             r->tsc % hip()->tsc_khz * 1000000 / hip()->tsc_khz; // of the clock since power on
    trace_path(&cursor->thread->subject, path, sizeof(path));
    field_format(first, sizeof(first), trace_first_name(r->event), r->first);
    field_format(second, sizeof(second), trace_second_name(r->event), r->second);
    say("%4lu.%09lu %2u %-24s %-8s %s, %s\n", ns / 1000000000, ns % 1000000000, r->cpu, path,
        trace_event_name(r->event), first, second);
}

static void show_all(struct cursor *cursors, unsigned count, u64 records, u64 latest)
{
    struct cursor *next;
    u64 lost = 0, skip = records > latest ? records - latest : 0;
    for (unsigned i = 0; i < count; i++)
        lost += cursors[i].reader.lost;
    say("%lu records of %u thread%s", records, count, count == 1 ? "" : "s");
    if (lost)
        say(", %lu older ones are lost", lost);
    if (skip)
        say("; the latest %lu", latest);
    say("\n");
    while ((next = earliest(cursors, count))) {
        if (skip)
            skip--;
        else
            show_record(next);
        cursor_next(next);
    }
}

void trace_show(const char *name, u64 latest)
{
    unsigned count;
    u64 records;
    trace_hold();
    struct cursor *cursors = cursors_open(name, &count, &records);
    if (count)
        show_all(cursors, count, records, latest);
    heap_free(cursors);
    trace_go_on();
}

// A line of the dump, with its checksum: two sums, so that the order of the bytes counts too.
static void dump_line(const char *format, ...) PRINTF_LIKE(1, 2);
static void dump_line(const char *format, ...)
{
    static const char begin[] = "@trace ";
    char line[LINE_MAX];
    unsigned a = 0, b = 0;
    va_list arguments;
    strlcpy(line, begin, sizeof(line));
    va_start(arguments, format);
    size_t length = sizeof(begin) - 1;
    length += text_format_va(line + length, sizeof(line) - length - 8, format, arguments);
    va_end(arguments);
    for (size_t i = sizeof(begin) - 1; i < length; i++) {
        a = (a + (u8)line[i]) & 0xff;
        b = (b + a) & 0xff;
    }
    length += text_format(line + length, sizeof(line) - length, " *%02x%02x\n", b, a);
    say_bytes(line, length);
}

// What a line cannot hold as it is becomes \xNN.
static void quote(char *out, size_t size, const char *text)
{
    size_t length = 0;
    out[0] = 0;
    for (; *text && length + 5 <= size; text++) {
        bool plain = *text >= 0x20 && *text < 0x7f && !strchr("\"\\*", *text);
        length += text_format(out + length, size - length, plain ? "%c" : "\\x%02x", (u8)*text);
    }
}

static void dump_thread(const struct trace_subject *subject)
{
    struct trace_subject now = *subject;
    char label[4 * SERVICE_LABEL_MAX + 1], name[4 * TRACE_NAME_MAX + 1];
    quote(label, sizeof(label), subject->label);
    quote(name, sizeof(name), subject->name);
    if (trace_info(client_trace(), subject->id, &now)) // it has ended
        now = *subject;
    dump_line("thread %lx %u %u %lx \"%s\" \"%s\"", subject->id, subject->cpu, subject->priority,
              now.ticks, label, name);
}

static u64 dump_records(struct cursor *c)
{
    u64 id = c->thread->subject.id, printed = 0;
    for (; c->more; cursor_next(c)) {
        const struct trace_record *r = &c->record;
        dump_line("r %lx %lx %x %x %lx %lx", id, r->tsc, r->event, r->cpu, r->first, r->second);
        printed++;
    }
    if (c->reader.lost)
        dump_line("lost %lx %lu", id, c->reader.lost);
    return printed;
}

void trace_dump(void)
{
    unsigned count;
    u64 records, printed = 0;
    trace_hold();
    struct cursor *cursors = cursors_open("", &count, &records);
    if (count) {
        dump_line("begin %u tsc_khz=%lu cpus=%u events=%x", DUMP_VERSION, hip()->tsc_khz,
                  hip()->cpu_count, trace_events);
        for (unsigned i = 0; i < count; i++)
            dump_thread(&cursors[i].thread->subject);
        for (unsigned i = 0; i < count; i++)
            printed += dump_records(&cursors[i]);
        dump_line("end %lu", printed);
    }
    heap_free(cursors);
    trace_go_on();
}
