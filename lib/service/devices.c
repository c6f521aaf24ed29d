// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Clients of "rom", "io_port", "irq" and "io_mem" (env.h): open a session with its arguments, take
// what it gives, close it.
#include "lib/rt/dry.h"
#include "lib/rt/address.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/service/env.h"

// Opens `client` for `name` with `args`; closed again if that fails.
static error_t begin(struct service_client *client, const char *name, const char *args)
{
    // Pseudonym, session, and the thing that each holds for us: said at once, it need not be asked
    // for.
    struct service_quota price = {0, 3};
    error_t error = service_init(client, name, "", args, price);
    if (!error && (error = service_open(client)))
        service_close(client);
    return error;
}

// An operation whose response delivers into `window`; value[] gets its words from 1 on.
static error_t take(struct service_client *client, word_t operation, word_t argument, crd_t window,
                    word_t *value, unsigned values)
{
    struct msg m;
    crd_t old = utcb()->window, old2 = utcb()->window2;
    service_begin(client, &m, operation);
    msg_put_word(&m, argument);
    utcb()->window = window;
    utcb()->window2 = 0;
    error_t error = service_call(client, &m);
    utcb()->window = old;
    utcb()->window2 = old2;
    if (error)
        return error;
    for (unsigned i = 0; i < values; i++)
        value[i] = msg_get_word(&m);
    for (unsigned i = 0; i < m.in_items && !error; i++)
        error = crd_kind(msg_get_item(&m).crd) ? SUCCESS : rt_refused(EMEM);
    return error ? error : msg_error(&m);
}

// Maps `bytes` that `operation` delivers at a fresh address.
static error_t map(struct service_client *client, word_t operation, size_t bytes, void **out)
{
    word_t address = address_alloc(bytes);
    if (!address)
        return EMEM;
    error_t error =
        take(client, operation, 0,
             crd(CRD_MEM, address / PAGE_SIZE, address_order(bytes), RIGHT_ALL), NULL, 0);
    if (error) {
        hc_revoke(SEL_PD, crd(CRD_MEM, address / PAGE_SIZE, address_order(bytes), RIGHT_ALL),
                  REVOKE_SELF);
        address_free(address, bytes);
        return error;
    }
    *out = (void *)address;
    return SUCCESS;
}

// The mapping may be there still if the service died before it could take it back.
static void unmap(const volatile void *address, size_t bytes)
{
    hc_revoke(SEL_PD, crd(CRD_MEM, (word_t)address / PAGE_SIZE, address_order(bytes), RIGHT_ALL),
              REVOKE_SELF);
    address_free((word_t)address, bytes);
}

error_t rom_open(struct rom *rom, const char *name)
{
    word_t w[4] = {0};
    void *data = NULL;
    error_t error = begin(&rom->client, "rom", name);
    if (error)
        return error;
    error = service_call_words(&rom->client, ROM_SIZE, w);
    if (!error)
        error = map(&rom->client, ROM_DATASPACE, w[1], &data);
    if (error) {
        service_close(&rom->client);
        return error;
    }
    rom->data = data;
    rom->size = w[1];
    return SUCCESS;
}

void rom_close(struct rom *rom)
{
    service_close(&rom->client);
    unmap(rom->data, rom->size);
    rom->data = NULL;
}

error_t io_port_open(struct io_port *port, u16 base, u16 size)
{
    text_format(port->args, sizeof(port->args), "0x%x,%u", base, size);
    error_t error = begin(&port->client, "io_port", port->args);
    if (error)
        return error;
    error = take(&port->client, IO_PORT_PORTS, 0, crd(CRD_IO, 0, 16, RIGHT_ALL), NULL, 0);
    if (error)
        service_close(&port->client);
    return error;
}

void io_port_close(struct io_port *port)
{
    service_close(&port->client);
}

error_t io_port_read(struct service_client *io_port, u64 port, unsigned width, u32 *value)
{
    word_t w[4] = {0, 0, port, width};
    error_t error = service_call_words(io_port, IO_PORT_READ, w);
    if (!error)
        *value = (u32)w[1];
    return error;
}

error_t io_port_write(struct service_client *io_port, u64 port, unsigned width, u32 value)
{
    return service_call2(io_port, IO_PORT_WRITE, port, width | (word_t)value << 32);
}

// irq->args is set.
static error_t irq_start(struct irq *irq, unsigned cpu)
{
    word_t told[2];
    irq->sm = selector_alloc();
    if (irq->sm == SEL_NONE)
        return ERESOURCE;
    error_t error = begin(&irq->client, "irq", irq->args);
    if (!error) {
        error =
            take(&irq->client, IRQ_SEMAPHORE, cpu, crd(CRD_OBJ, irq->sm, 0, RIGHT_ALL), told, 2);
        if (error)
            service_close(&irq->client);
    }
    if (error) {
        selector_free(irq->sm);
        return error;
    }
    irq->message_address = told[0];
    irq->message_data = (u32)told[1];
    return SUCCESS;
}

error_t irq_open(struct irq *irq, unsigned gsi, bool level, unsigned cpu)
{
    text_format(irq->args, sizeof(irq->args), "%u%s", gsi, level ? ",level" : "");
    return irq_start(irq, cpu);
}

error_t irq_open_message(struct irq *irq, unsigned cpu)
{
    text_format(irq->args, sizeof(irq->args), "msi");
    return irq_start(irq, cpu);
}

void irq_acknowledge(struct irq *irq)
{
    u64 msi;
    (void)!hc_gsi_ctrl(irq->sm, GSI_UNMASK, 0, &msi);
}

error_t irq_wait(struct irq *irq, u64 deadline)
{
    u64 msi;
    irq_acknowledge(irq);
    error_t error = hc_sm_down(irq->sm, deadline);
    if (error == ETIMEOUT)
        (void)!hc_gsi_ctrl(irq->sm, GSI_MASK, 0, &msi);
    return error;
}

void irq_close(struct irq *irq)
{
    service_close(&irq->client);
    selector_drop(irq->sm);
}

error_t io_mem_open(struct io_mem *memory, u64 physical, size_t size, bool write_combine)
{
    void *data = NULL;
    text_format(memory->args, sizeof(memory->args), "0x%lx,%lu%s", physical, size,
                write_combine ? ",wc" : "");
    error_t error = begin(&memory->client, "io_mem", memory->args);
    if (error)
        return error;
    size_t in_page = physical & (PAGE_SIZE - 1);
    memory->size = ALIGN_UP(in_page + size, PAGE_SIZE);
    error = map(&memory->client, IO_MEM_DATASPACE, memory->size, &data);
    if (error) {
        service_close(&memory->client);
        return error;
    }
    memory->data = (volatile char *)data + in_page;
    return SUCCESS;
}

void io_mem_close(struct io_mem *memory)
{
    service_close(&memory->client);
    unmap((const volatile void *)((word_t)memory->data & ~(PAGE_SIZE - 1)), memory->size);
}
