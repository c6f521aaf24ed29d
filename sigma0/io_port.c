// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// IO_PORT: ranges of I/O ports, one owner each (protocol.h, IO_PORT_OPERATIONS;
// 002_8bbc1eeec7f51661.txt, Port I/O): access for the client itself, or reads and writes that
// sigma0 does for it. While COM1 has an owner, sigma0 keeps quiet on it.
#include "lib/rt/heap.h"
#include "sigma0/console.h"
#include "lib/rt/range.h"
#include "sigma0/services.h"
#include "sigma0/uart.h"

enum { PORTS = 1 << 16 };

struct port_session {
    struct list link;
    u64 base, size;
};

static struct mutex lock = MUTEX_INIT;
static struct list owned = LIST_INIT(owned);

static bool overlaps(const struct port_session *p, u64 base, u64 size)
{
    return p->base < base + size && base < p->base + p->size;
}

static error_t port_open(struct server_session *session, const char *label, const char *args)
{
    (void)label;
    u64 number[2];
    const char *rest;
    if (args_numbers(args, number, 2, &rest) != 2 || *rest)
        return EPROTO;
    if (number[0] >= PORTS || number[1] == 0 || number[1] > PORTS - number[0])
        return EPARAM;
    struct port_session *port = heap_zalloc(sizeof(*port));
    if (!port)
        return EMEM;
    port->base = number[0];
    port->size = number[1];
    error_t error = SUCCESS;
    mutex_lock(&lock);
    LIST_FOREACH (node, &owned) {
        if (overlaps(LIST_ENTRY(node, struct port_session, link), port->base, port->size))
            error = EINUSE;
    }
    if (!error)
        list_push_back(&owned, &port->link);
    mutex_unlock(&lock);
    if (error) {
        heap_free(port);
        return error;
    }
    if (overlaps(port, UART_PORT, UART_PORTS))
        console_yield(true);
    session->user = port;
    return SUCCESS;
}

static void port_close(struct server_session *session)
{
    struct port_session *port = session->user;
    server_withdraw(session->server, CRD_IO, port->base, port->size);
    range_revoke(CRD_IO, port->base, port->size, false);
    if (overlaps(port, UART_PORT, UART_PORTS))
        console_yield(false);
    mutex_lock(&lock);
    list_remove(&port->link);
    mutex_unlock(&lock);
    heap_free(port);
}

static word_t port_in(u16 port, u64 width)
{
    u32 value = 0;
    if (width == 1)
        __asm__ volatile("inb %w1, %b0" : "+a"(value) : "Nd"(port));
    else if (width == 2)
        __asm__ volatile("inw %w1, %w0" : "+a"(value) : "Nd"(port));
    else
        __asm__ volatile("inl %w1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void port_out(u16 port, u64 width, u32 value)
{
    if (width == 1)
        __asm__ volatile("outb %b0, %w1" ::"a"(value), "Nd"(port));
    else if (width == 2)
        __asm__ volatile("outw %w0, %w1" ::"a"(value), "Nd"(port));
    else
        __asm__ volatile("outl %0, %w1" ::"a"(value), "Nd"(port));
}

// Whether the session may access `width` bytes from `port` on.
static error_t access_check(const struct port_session *session, u64 port, u64 width)
{
    if (width != 1 && width != 2 && width != 4)
        return EPARAM;
    bool inside = port >= session->base && port - session->base < session->size &&
                  width <= session->size - (port - session->base);
    return inside ? SUCCESS : EPERM;
}

// READ and WRITE: registers alone.
static bool port_fast(struct server_session *session, word_t w[4])
{
    word_t operation = w[0], port = w[2], width = w[3];
    if (operation != IO_PORT_READ && operation != IO_PORT_WRITE)
        return false;
    u32 value = (u32)(width >> 32);
    if (operation == IO_PORT_WRITE)
        width = (u32)width;
    w[0] = access_check(session->user, port, width);
    w[1] = 0;
    if (w[0] == SUCCESS && operation == IO_PORT_READ)
        w[1] = port_in((u16)port, width);
    else if (w[0] == SUCCESS)
        port_out((u16)port, width, value);
    return true;
}

static error_t port_dispatch(struct server_session *session, struct server_cpu *cpu,
                             word_t operation, struct msg *m)
{
    (void)cpu;
    struct port_session *port = session->user;
    if (operation != IO_PORT_PORTS)
        return EPROTO;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, port->base);
    msg_put_word(m, port->size);
    return range_put(m, CRD_IO, port->base, port->base, port->size, IO_RW, 0, CRD_ORDER_MAX);
}

const struct server_ops io_port_ops = {
    .open = port_open, .close = port_close, .dispatch = port_dispatch, .fast = port_fast};
