// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// LOG for the children of a sub-tree (protocol.h, LOG_OPERATIONS; 001_5c4c3d5892c9ef36.txt,
// tracebuffer): whole lines with the label of their session before them go into a ring of the
// latest, which sessions with the argument "read" (or "read,LABEL" for the lines of one label and
// of what is below it) see, and on to the service "serial" if there is a route to it, else to the
// log that this program itself was given.
//
// The ring stands in memory that is kept for the server's next life (doc/keeping.md), if its block
// allows for that: what was logged before it died is read after it, by positions that stay what
// they were, and what comes from above goes on where it was.
//
// One lock guards ring and output, so lines stay whole. A full serial buffer drops text rather than
// hold a client up; the ring has it all the same.
#include "lib/core/log.h"
#include "lib/log/ring.h"
#include "lib/rt/heap.h"
#include "lib/rt/memory.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/service/client.h"
#include "lib/service/keep.h"
#include "lib/service/server.h"

enum {
    RING_BYTES = 64 * 1024,
    TEXT_MAX = 2048,
    SERIAL_TRIES = 4,
    FORWARD_PRIORITY = 64,
    FAILURES_MAX = 3
};
#define KEPT_MAGIC 0x676e69726c6f6701ul // the version of the layout in the lowest byte

struct log_session {
    struct log_line line;
    bool reader;
    char filter[LOG_LABEL_SIZE]; // "": everything
};

static struct server server;
static struct mutex lock = MUTEX_INIT;
static struct log_ring ring;
// What is kept: the ring, and how far it and the reading of what is above had come.
struct kept_log {
    u64 magic, end, above;
    char bytes[RING_BYTES];
};
static struct kept_log *log_kept;
static struct service_client serial = SERVICE_CLIENT_NONE;
static bool to_serial;

// Under `lock`.
static void send_serial(const char *text, size_t length)
{
    for (unsigned i = 0; i < SERIAL_TRIES && length > 0; i++) {
        struct msg m;
        service_begin(&serial, &m, SERIAL_WRITE);
        msg_put_bytes(&m, text, length);
        if (service_call(&serial, &m))
            return;
        word_t taken = msg_get_word(&m);
        if (msg_error(&m) || taken > length)
            return;
        text += taken;
        length -= taken;
    }
}

static void emit(const char *line, size_t length, void *context)
{
    (void)context;
    log_ring_append(&ring, line, length);
    __atomic_store_n(&log_kept->end, ring.end, __ATOMIC_RELEASE); // after the line
    if (to_serial)
        send_serial(line, length);
    else
        print("%.*s", (int)length, line);
}

// Keeps the lines whose label is `filter` or begins with it and goes on with a space; returns the
// new length.
static size_t filter_lines(char *text, size_t length, const char *filter)
{
    size_t kept = 0, want = strlen(filter);
    for (size_t at = 0; at < length;) {
        char *end = memchr(text + at, '\n', length - at);
        size_t size = end ? (size_t)(end - (text + at)) + 1 : length - at;
        const char *label = text + at + 1;
        bool match = size > want + 2 && memcmp(label, filter, want) == 0 &&
                     (label[want] == ']' || label[want] == ' ');
        if (match) {
            memmove(text + kept, text + at, size);
            kept += size;
        }
        at += size;
    }
    return kept;
}

static error_t read_lines(const struct log_session *log, struct msg *m)
{
    char text[TEXT_MAX];
    u64 position = msg_get_word(m);
    size_t length, kept;
    if (msg_error(m))
        return EPROTO;
    if (!log->reader)
        return EPERM;
    do { // empty means the end, so go on where a filter leaves nothing
        mutex_lock(&lock);
        length = log_ring_read(&ring, &position, text, sizeof(text));
        mutex_unlock(&lock);
        kept = log->filter[0] ? filter_lines(text, length, log->filter) : length;
    } while (length > 0 && kept == 0);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, position);
    msg_put_bytes(m, text, kept);
    return SUCCESS;
}

// Above us there is a log too, to which our parent writes, and drivers that were there before us.
// Once the serial line is a driver's nobody prints it: we do.
static void forward_all(struct service_client *above, u64 *position)
{
    char text[TEXT_MAX];
    size_t length = 1;
    while (length && !log_read(above, position, text, sizeof(text), &length)) {
        mutex_lock(&lock);
        emit(text, length, NULL);
        log_kept->above = *position;
        mutex_unlock(&lock);
    }
}

static void forward(void *argument)
{
    (void)argument;
    struct service_client above;
    u64 position = log_kept->above, taken;
    sel_t more;
    if (service_init(&above, "log", "", "read", (struct service_quota){0, 0}))
        return;
    error_t error = log_watch(&above, &more);
    while (!error) {
        error = hc_sm_down_zero(more, DEADLINE_NEVER, &taken);
        forward_all(&above, &position);
    }
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    struct log_session *log = session->user;
    if (operation == LOG_READ)
        return read_lines(log, m);
    if (operation != LOG_WRITE)
        return EPROTO;
    char text[TEXT_MAX];
    size_t length = msg_get_bytes(m, text, sizeof(text));
    if (msg_error(m))
        return EPROTO;
    mutex_lock(&lock);
    log_line_write(&log->line, text, length, emit, NULL);
    mutex_unlock(&lock);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

static error_t open(struct server_session *session, const char *label, const char *args)
{
    struct log_session *log = heap_zalloc(sizeof(*log));
    if (!log)
        return EMEM;
    log_line_init(&log->line, label);
    log->reader = strncmp(args, "read", 4) == 0 && (args[4] == 0 || args[4] == ',');
    if (log->reader && args[4] == ',')
        strlcpy(log->filter, args + 5, sizeof(log->filter));
    session->user = log;
    return SUCCESS;
}

static void close(struct server_session *session)
{
    struct log_session *log = session->user;
    mutex_lock(&lock);
    log_line_finish(&log->line, emit, NULL);
    mutex_unlock(&lock);
    heap_free(log);
}

static const struct server_ops ops = {.open = open, .close = close, .dispatch = dispatch};

static error_t ring_open(void)
{
    static struct kept kept;
    error_t error = kept_open(&kept, "ring", sizeof(struct kept_log));
    log_kept = error ? memory_alloc(sizeof(struct kept_log)) : kept.data;
    if (!log_kept)
        return EMEM;
    if (!error && kept.failures <= FAILURES_MAX && log_kept->magic == KEPT_MAGIC) {
        log_ring_resume(&ring, log_kept->bytes, RING_BYTES, log_kept->end);
        return SUCCESS;
    }
    log_ring_init(&ring, log_kept->bytes, RING_BYTES);
    log_kept->end = 0;
    log_kept->above = LOG_UNPRINTED;
    log_kept->magic = KEPT_MAGIC;
    return SUCCESS;
}

int main(void)
{
    struct service_quota quota = {0, 0};
    struct server_config config = {
        .name = "log", .session_bytes = sizeof(struct log_session), .ops = &ops};
    error_t error = ring_open();
    to_serial = !service_init(&serial, "serial", "log", "", quota) && !service_open(&serial);
    if (!error)
        error = server_start(&server, &config);
    if (error) {
        print("log: cannot offer the service: %s\n", error_name(error));
        return 1;
    }
    static struct thread forwarder;
    if (to_serial &&
        thread_create(&forwarder, thread_cpu(), FORWARD_PRIORITY, "forward", forward, NULL))
        print("log: no thread to show the log above us\n");
    server_run(&server);
}
