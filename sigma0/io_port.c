// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// IO_PORT: ranges of I/O ports, one owner each (protocol.h, IO_PORT_OPERATIONS). While COM1 has an
// owner, sigma0 keeps quiet on it.
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
    range_revoke(CRD_IO, port->base, port->size, false);
    if (overlaps(port, UART_PORT, UART_PORTS))
        console_yield(false);
    mutex_lock(&lock);
    list_remove(&port->link);
    mutex_unlock(&lock);
    heap_free(port);
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
    .open = port_open, .close = port_close, .dispatch = port_dispatch};
