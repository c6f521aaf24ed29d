// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A program in a domain of sigma0's making (domain.h), for a parent that wants to look into it: it
// finds all that a program finds (doc/memory-map.md), image, stack and HIP by way of its address
// space, and in addition that address space at SEL_SPACE, so that lib/service attaches what the
// program allocates there too. Its exceptions go to sigma0 and from there to who supervises the
// domain (threads.h). The parent keeps every piece mapped, writable, also the text, which the
// program itself cannot write.
#pragma once

#include "lib/core/domain.h"
#include "lib/core/program_image.h"

struct domain_program {
    struct service_client pd, cpu;
    struct domain_client domain;
    struct rom rom;
    struct elf elf;
    sel_t identity, thread;
    struct program_image image;
    const char *fault; // what went wrong, for a person
};

struct domain_request {
    const char *binary;     // ROM module
    const char *name;       // label of the sessions that pay for it, name of its main thread
    u64 kmem_bytes, caps;   // of its domain, out of our own (domain_open_from)
    u64 books_bytes;        // set aside for what sigma0 keeps of its regions and threads
    unsigned cpu, priority; // of its main thread
    sel_t portals;          // + CPU: its parent (lib/service/parent.h, client->portals)
};

// Loads the program and makes its main thread, which waits for domain_program_start. Memory comes
// from a "pd" session that is opened for it with what it takes. `request` is not kept, its strings
// must stay. On failure program->fault says what failed, and nothing is left. Errors: ENOTFOUND no
// such module, EPARAM no program, ERESOURCE, EMEM, ECPU.
MUST_CHECK error_t domain_program_load(struct domain_program *program,
                                       const struct domain_request *request);
// Lets the main thread begin at the program's entry.
MUST_CHECK error_t domain_program_start(struct domain_program *program);
// Ends the program and gives back all that it had.
void domain_program_end(struct domain_program *program);

// Parts of this for who makes a program's domain and main thread by itself (init/child.c).
// What a domain with a program of that size costs the session that pays for it, as long as the
// program has allocated nothing: kernel memory and slots of the domain itself are not in it.
struct service_quota domain_program_cost(const struct elf *elf);
// Gives it what a program finds but its main thread: own PD, address space, identity, parent.
MUST_CHECK error_t domain_program_selectors(const struct domain_client *domain, sel_t identity,
                                            sel_t portals);
