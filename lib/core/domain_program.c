// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A program in a domain (program.h).
#include "lib/core/domain_program.h"
#include "lib/core/threads.h"
#include "lib/rt/range.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"

enum { OWN_PD_RIGHTS = PD_CREATE | PD_GRANT | PD_ACCOUNT };
// What sigma0 keeps in its books for a domain with a program that has allocated nothing yet.
enum {
    BOOKS_BYTES = PD_DOMAIN_COST + 3 * PD_REGION_MAP_COST + PD_THREAD_COST +
                  IMAGE_PIECES * (PD_DATASPACE_COST + PD_REGION_COST) + 2 * PD_REGION_COST,
    PORTALS_A_CPU = 3, // for exceptions
    SLOTS = PD_DOMAIN_CAPS + 3 * PD_REGION_MAP_CAPS + PD_THREAD_CAPS + PD_SIGNAL_CAPS +
            IMAGE_PIECES * PD_DATASPACE_CAPS
};

struct service_quota domain_program_cost(const struct elf *elf)
{
    return (struct service_quota){program_bytes(elf, true) + BOOKS_BYTES,
                                  SLOTS + PORTALS_A_CPU * (u64)hip()->cpu_count};
}

static error_t failed(struct domain_program *program, const char *what, error_t error)
{
    if (error)
        program->fault = what;
    return error;
}

static error_t open_sessions(struct domain_program *program, const struct domain_request *q)
{
    struct service_quota quota = domain_program_cost(&program->elf), none = {0, 0};
    quota.ram = ALIGN_UP(quota.ram + q->books_bytes, PAGE_SIZE);
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

static error_t give(const struct domain_client *domain, sel_t from, sel_t to, unsigned rights)
{
    return range_delegate(domain->pd, CRD_OBJ, from, to, 1, rights);
}

error_t domain_program_selectors(const struct domain_client *domain, sel_t identity, sel_t portals)
{
    error_t error = give(domain, domain->pd, SEL_PD, OWN_PD_RIGHTS);
    if (!error)
        error = give(domain, domain->space, SEL_SPACE, RIGHT_ALL);
    if (!error)
        error = give(domain, identity, SEL_IDENTITY, RIGHT_ALL);
    for (unsigned cpu = 0; cpu < hip()->cpu_count && !error; cpu++)
        error = give(domain, portals + cpu, SEL_PARENT + cpu, PT_CALL);
    return error;
}

static error_t fill_domain(struct domain_program *program, const struct domain_request *q)
{
    error_t error =
        domain_open_from(&program->pd, SEL_PD, q->kmem_bytes, q->caps, &program->domain);
    if (error)
        return failed(program, "no domain", error);
    program->image.space = program->domain.space;
    const struct program_memory memory = program_image_memory(&program->image);
    error = program_map(program->domain.pd, &program->elf, &memory);
    if (error)
        return failed(program, "its image does not go into its domain", error);
    error = semaphore_create(0, &program->identity);
    if (!error)
        error = domain_program_selectors(&program->domain, program->identity, q->portals);
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
                                       .thread = SEL_NONE,
                                       .image = {.pd = &program->pd, .space = SEL_NONE}};
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
    program_image_free(&program->image);
    selector_drop(program->identity);
    selector_drop(program->thread);
    rom_close(&program->rom);
    program->identity = program->thread = SEL_NONE;
}
