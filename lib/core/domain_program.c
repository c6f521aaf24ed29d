// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A program in a domain (program.h).
#include "lib/core/domain_program.h"
#include "lib/core/rm.h"
#include "lib/core/threads.h"
#include "lib/rt/address.h"
#include "lib/rt/program.h"
#include "lib/rt/range.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"

enum { OWN_PD_RIGHTS = PD_CREATE | PD_GRANT | PD_ACCOUNT };
// What sigma0 keeps in its books for a domain with a program that has allocated nothing yet.
enum {
    BOOKS_BYTES = PD_DOMAIN_COST + 3 * PD_REGION_MAP_COST + PD_THREAD_COST +
                  DOMAIN_PIECES * (PD_DATASPACE_COST + PD_REGION_COST) + 2 * PD_REGION_COST
};

// program_map's source of memory.
static void *take_memory(void *context, size_t bytes)
{
    struct domain_program *program = context;
    struct utcb_copy copy;
    if (program->pieces == DOMAIN_PIECES)
        return NULL;
    word_t address = address_alloc(bytes);
    sel_t ds = selector_alloc();
    error_t error = address && ds != SEL_NONE ? SUCCESS : ERESOURCE;
    utcb_save(&copy);
    if (!error)
        error =
            dataspace_alloc_at(&program->pd, bytes, PD_ATTACH, ds, address, address_order(bytes));
    utcb_restore(&copy);
    if (error) {
        if (address)
            address_free(address, bytes);
        if (ds != SEL_NONE)
            selector_free(ds);
        return NULL;
    }
    program->piece[program->pieces++] =
        (struct domain_piece){.here = (char *)address, .bytes = bytes, .ds = ds};
    return (void *)address;
}

static error_t give_memory(void *context, const void *from, u64 to, u64 bytes, unsigned rights)
{
    struct domain_program *program = context;
    for (unsigned i = 0; i < program->pieces; i++) {
        struct domain_piece *p = &program->piece[i];
        if (p->here != from)
            continue;
        struct rm_window w = {0, bytes, to,
                              RM_POPULATE | (rights & MEM_W ? RM_WRITE : 0u) |
                                  (rights & MEM_X ? RM_EXECUTE : 0u)};
        p->address = to;
        return rm_attach(&program->pd, program->domain.space, p->ds, &w, NULL);
    }
    return ENOTFOUND;
}

char *domain_program_view(const struct domain_program *program, word_t address, size_t *bytes)
{
    for (unsigned i = 0; i < program->pieces; i++) {
        const struct domain_piece *p = &program->piece[i];
        if (!p->address || address < p->address || address - p->address >= p->bytes)
            continue;
        *bytes = p->bytes - (address - p->address);
        return p->here + (address - p->address);
    }
    return NULL;
}

static error_t failed(struct domain_program *program, const char *what, error_t error)
{
    if (error)
        program->fault = what;
    return error;
}

static error_t open_sessions(struct domain_program *program, const struct domain_request *q)
{
    u64 ram = program_bytes(&program->elf, true) + q->kmem_bytes + BOOKS_BYTES + q->books_bytes;
    struct service_quota quota = {ALIGN_UP(ram, PAGE_SIZE), 0}, none = {0, 0};
    error_t error = service_init(&program->pd, "pd", q->name, "", quota);
    if (!error)
        error = service_open(&program->pd);
    if (error)
        return failed(program, "no \"pd\" session for its memory", error);
    error = service_init(&program->cpu, "cpu", q->name, "", none);
    if (!error)
        error = service_open(&program->cpu);
    return failed(program, "no \"cpu\" session", error);
}

static error_t give(const struct domain_program *program, sel_t from, sel_t to, unsigned rights)
{
    return range_delegate(program->domain.pd, CRD_OBJ, from, to, 1, rights);
}

static error_t give_selectors(struct domain_program *program, sel_t portals)
{
    error_t error = give(program, program->domain.pd, SEL_PD, OWN_PD_RIGHTS);
    if (!error)
        error = give(program, program->domain.space, SEL_SPACE, RIGHT_ALL);
    if (!error)
        error = semaphore_create(0, &program->identity);
    if (!error)
        error = give(program, program->identity, SEL_IDENTITY, RIGHT_ALL);
    for (unsigned cpu = 0; cpu < hip()->cpu_count && !error; cpu++)
        error = give(program, portals + cpu, SEL_PARENT + cpu, PT_CALL);
    return error;
}

static error_t fill_domain(struct domain_program *program, const struct domain_request *q)
{
    error_t error = domain_open(&program->pd, q->kmem_bytes, q->caps, &program->domain);
    if (error)
        return failed(program, "no domain", error);
    const struct program_memory memory = {
        .alloc = take_memory, .context = program, .give = give_memory, .copy_all = true};
    error = program_map(program->domain.pd, &program->elf, &memory);
    if (error)
        return failed(program, "its image does not go into its domain", error);
    error = give_selectors(program, q->portals);
    if (error)
        return failed(program, "no room for its first capabilities", error);
    error = cpu_thread_create(&program->cpu, program->domain.domain, q->cpu, q->priority, UTCB_ADDR,
                              q->name, &program->thread);
    return failed(program, "no main thread", error);
}

error_t domain_program_load(struct domain_program *program, const struct domain_request *q)
{
    *program = (struct domain_program){.pd = SERVICE_CLIENT_NONE,
                                       .cpu = SERVICE_CLIENT_NONE,
                                       .identity = SEL_NONE,
                                       .thread = SEL_NONE};
    program->domain.domain = SEL_NONE;
    error_t error = rom_open(&program->rom, q->binary);
    if (error)
        return failed(program, "there is no such ROM module", error);
    error = elf_open(&program->elf, program->rom.data, program->rom.size);
    if (error)
        program->fault = program->elf.fault;
    else
        error = open_sessions(program, q);
    if (!error)
        error = fill_domain(program, q);
    if (error)
        domain_program_end(program);
    return error;
}

error_t domain_program_start(struct domain_program *program)
{
    return cpu_thread_start(&program->cpu, program->thread, program->elf.entry, STACK_TOP,
                            HIP_ADDR);
}

void domain_program_end(struct domain_program *program)
{
    if (program->domain.domain != SEL_NONE)
        domain_close(&program->pd, &program->domain);
    service_close(&program->cpu);
    service_close(&program->pd);
    for (unsigned i = 0; i < program->pieces; i++) {
        address_free((word_t)program->piece[i].here, program->piece[i].bytes);
        selector_drop(program->piece[i].ds);
    }
    selector_drop(program->identity);
    selector_drop(program->thread);
    rom_close(&program->rom);
    program->pieces = 0;
    program->identity = program->thread = SEL_NONE;
}
