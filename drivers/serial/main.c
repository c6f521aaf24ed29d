// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// SERIAL for one serial port (protocol.h, SERIAL_OPERATIONS): the first, with the I/O ports
// 0x3f8–0x3ff and the interrupt 4, unless the component's configuration says `port` and `irq`.
//
// Input goes to one session, the foreground: the one that did OPEN last, and when it ends the one
// before it. Each that did OPEN has a ring of its own, so nobody reads what another was sent. Input
// that comes before anybody did OPEN waits for the first. What does not fit is lost, and counted.
// The semaphore is above zero while there is something to read.
//
// A WRITE goes into the transmit ring in one piece, or not at all: a line is not mixed with others'
// lines. If there is no room for all of it the handler waits, but no longer than WRITE_WAIT_US, and
// nobody else writes meanwhile (write_lock).
//
// Locks: write_lock, then lock. `lock` guards chip, rings and the list of openers, and is held for
// a bounded time only.
#include "drivers/serial/uart.h"
#include "lib/rt/heap.h"
#include "lib/rt/list.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "lib/service/server.h"
#include <libfdt.h>

enum {
    COM1_PORT = 0x3f8,
    COM1_GSI = 4,
    RECEIVE_BYTES = 1024,
    TRANSMIT_BYTES = 16384,
    MESSAGE_MAX = UTCB_WORDS * 8,
    WRITE_WAIT_US = 2000000,
    LOST_INTERRUPT_US =
        100000,      // a chip that forgets an interrupt is asked this often while it sends
    ROUNDS_MAX = 64, // of service before the lock is let go
};

struct serial_session {
    struct list opener; // in `openers`, the foreground first
    struct ring receive;
    sel_t sm; // SEL_NONE: did no OPEN
    u8 bytes[RECEIVE_BYTES];
};

static struct server server;
static struct io_port ports;
static struct irq irq;
static struct thread interrupt_thread;
static struct mutex lock = MUTEX_INIT, write_lock = MUTEX_INIT;
static struct list openers = LIST_INIT(openers);
static struct uart uart;
static struct ring early; // input before the first OPEN
static u8 early_bytes[RECEIVE_BYTES], transmit_bytes[TRANSMIT_BYTES];
static struct semaphore room = SEMAPHORE_INIT(0);
static bool room_wanted;
static u64 lost;

// Under `lock`.
static void deliver(const u8 *bytes, size_t length)
{
    if (list_empty(&openers)) {
        lost += length - ring_put(&early, bytes, length);
        return;
    }
    struct serial_session *s = LIST_ENTRY(openers.next, struct serial_session, opener);
    lost += length - ring_put(&s->receive, bytes, length);
    hc_sm_up(s->sm);
}

// Under `lock`: what the chip has and wants. True if it is not done yet.
static bool serve_chip(void)
{
    u8 bytes[64];
    for (unsigned i = 0; i < ROUNDS_MAX; i++) {
        bool pending = uart_pending(&uart);
        size_t length = uart_receive(&uart, bytes, sizeof(bytes));
        if (length)
            deliver(bytes, length);
        uart_transmit(&uart);
        // The interrupt is an edge: all causes must have gone once, or there is no next one.
        if (!pending && !length)
            return false;
    }
    return true;
}

static void interrupts(void *unused)
{
    (void)unused;
    for (;;) {
        irq_acknowledge(&irq); // before the chip is looked at: an edge while masked may be lost
        mutex_lock(&lock);
        bool more = serve_chip(), sending = ring_used(&uart.transmit) > 0;
        if (room_wanted && ring_room(&uart.transmit) >= MESSAGE_MAX) {
            room_wanted = false;
            semaphore_up(&room);
        }
        mutex_unlock(&lock);
        if (more)
            continue;
        u64 deadline = sending ? deadline_in_us(LOST_INTERRUPT_US) : DEADLINE_NEVER;
        error_t error = hc_sm_down(irq.sm, deadline);
        if (error && error != ETIMEOUT)
            return; // the interrupt was taken away from us
    }
}

static error_t session_open(struct server_session *session, const char *label, const char *args)
{
    (void)label, (void)args;
    struct serial_session *s = heap_zalloc(sizeof(*s));
    if (!s)
        return EMEM;
    list_init(&s->opener);
    ring_init(&s->receive, s->bytes, sizeof(s->bytes));
    s->sm = SEL_NONE;
    session->user = s;
    return SUCCESS;
}

static void session_close(struct server_session *session)
{
    struct serial_session *s = session->user;
    mutex_lock(&lock);
    list_remove(&s->opener);
    mutex_unlock(&lock);
    selector_drop(s->sm);
    heap_free(s);
}

// The semaphore is made once; each OPEN brings its session to the foreground. Under `lock`.
static error_t to_foreground(struct serial_session *s)
{
    u8 byte;
    if (s->sm == SEL_NONE) {
        error_t error = semaphore_create(0, &s->sm);
        if (error)
            return error;
    }
    list_remove(&s->opener);
    list_push_front(&openers, &s->opener);
    while (ring_room(&s->receive) && ring_take(&early, &byte, 1))
        ring_put(&s->receive, &byte, 1);
    if (ring_used(&s->receive))
        hc_sm_up(s->sm);
    return SUCCESS;
}

static error_t serial_open(struct serial_session *s, struct msg *m)
{
    mutex_lock(&lock);
    error_t error = to_foreground(s);
    mutex_unlock(&lock);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, s->sm, 0, SM_DOWN | SM_UP), 0, 0));
    return SUCCESS;
}

static error_t serial_read(struct serial_session *s, struct msg *m)
{
    u8 bytes[RECEIVE_BYTES];
    u64 most = msg_get_word(m);
    if (msg_error(m))
        return EPROTO;
    mutex_lock(&lock);
    size_t length = ring_take(&s->receive, bytes, most < sizeof(bytes) ? most : sizeof(bytes));
    if (ring_used(&s->receive))
        hc_sm_up(s->sm); // who took less than all is to come again
    mutex_unlock(&lock);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_bytes(m, bytes, length);
    return SUCCESS;
}

static error_t serial_write(struct msg *m)
{
    u8 bytes[MESSAGE_MAX];
    size_t length = msg_get_bytes(m, bytes, sizeof(bytes));
    if (msg_error(m))
        return EPROTO;
    mutex_lock(&write_lock);
    mutex_lock(&lock);
    if (ring_room(&uart.transmit) < length) {
        room_wanted = true;
        mutex_unlock(&lock);
        (void)!semaphore_down(&room, deadline_in_us(WRITE_WAIT_US));
        mutex_lock(&lock);
        room_wanted = false;
        (void)semaphore_try(&room); // an up that came just too late must not end the next wait
    }
    size_t taken = ring_room(&uart.transmit) < length ? 0 : ring_put(&uart.transmit, bytes, length);
    uart_transmit(&uart);
    mutex_unlock(&lock);
    mutex_unlock(&write_lock);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, taken);
    return SUCCESS;
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    switch (operation) {
    case SERIAL_OPEN: return serial_open(session->user, m);
    case SERIAL_READ: return serial_read(session->user, m);
    case SERIAL_WRITE: return serial_write(m);
    default: return EPROTO;
    }
}

static const struct server_ops ops = {
    .open = session_open, .close = session_close, .dispatch = dispatch};

static int fail(const char *what, error_t error)
{
    print("serial: %s: %s\n", what, error_name(error));
    return 1;
}

static u64 number(const void *tree, const char *name, u64 otherwise)
{
    int length;
    const void *value = fdt_getprop(tree, 0, name, &length);
    return value && length == sizeof(u64) ? fdt64_ld(value) : otherwise;
}

// Which port it is: from the configuration, if there is any.
static void configure(u64 *port, u64 *gsi)
{
    struct rom rom;
    *port = COM1_PORT;
    *gsi = COM1_GSI;
    if (rom_open(&rom, "config"))
        return;
    if (!fdt_check_full(rom.data, rom.size)) {
        *port = number(rom.data, "port", *port);
        *gsi = number(rom.data, "irq", *gsi);
    }
    rom_close(&rom);
}

static error_t open_devices(void)
{
    u64 port, gsi;
    configure(&port, &gsi);
    if (port > 0x10000 - UART_PORTS || gsi > 255) {
        print("serial: found port 0x%lx and irq %lu, expected a port up to 0x%x and an irq up to "
              "255\n",
              port, gsi, 0x10000 - UART_PORTS);
        return EPARAM;
    }
    error_t error = io_port_open(&ports, (u16)port, UART_PORTS);
    if (error) {
        print("serial: no session io_port \"0x%lx,%u\" (%s); give the component a route to it\n",
              port, UART_PORTS, error_name(error));
        return error;
    }
    if (!uart_init(&uart, (u16)port, transmit_bytes, sizeof(transmit_bytes))) {
        print("serial: no 16550 at port 0x%lx\n", port);
        return EFEATURE;
    }
    error = irq_open(&irq, (unsigned)gsi, false, thread_cpu());
    if (error)
        print("serial: no session irq \"%lu\" (%s); give the component a route to it\n", gsi,
              error_name(error));
    return error;
}

int main(void)
{
    struct server_config config = {.name = "serial",
                                   .session_bytes = sizeof(struct serial_session),
                                   .session_caps = 1, // its semaphore
                                   .ops = &ops};
    ring_init(&early, early_bytes, sizeof(early_bytes));
    error_t error = open_devices();
    if (error)
        return 1;
    error = semaphore_prepare(&room);
    if (!error)
        error = mutex_prepare(&lock);
    if (!error)
        error = mutex_prepare(&write_lock);
    if (!error)
        error = thread_create(&interrupt_thread, thread_cpu(), PRIORITY_MAX, "interrupt",
                              interrupts, NULL);
    if (error)
        return fail("cannot start the interrupt thread", error);
    error = server_start(&server, &config);
    if (error)
        return fail("cannot offer the service", error);
    server_run(&server);
}
