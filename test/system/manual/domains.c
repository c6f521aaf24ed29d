// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The examples of doc/domains.md.
#include "lib/core/dataspace.h"
#include "lib/core/rm.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "test/system/manual/manual.h"

// doc: worker begin
// A domain with a page of code and an account of its own, and a semaphore for its exceptions.
error_t worker_open(struct worker *w)
{
    static const u8 code[] = {
        0x48, 0x89, 0x3f, // mov %rdi, (%rdi)
        0x0f, 0x0b,       // ud2
        0xeb, 0xfe,       // jmp to itself
    };
    struct service_quota some = {512 << 10, 800}, nothing = {0, 0};
    struct rm_window executable = {.address = CODE, .flags = RM_EXECUTE};
    sel_t ds;
    u64 *page;
    w->threads = 0;
    error_t error = service_init(&w->pd, "pd", "worker", "", some);
    if (!error)
        error = service_init(&w->cpu, "cpu", "worker", "20", nothing);
    if (!error)
        error = domain_open(&w->pd, 128 << 10, 200, &w->domain);
    if (!error)
        error = memory_map(&w->pd, PAGE_SIZE, &ds, &page);
    if (error)
        return error;
    memcpy(page, code, sizeof(code));
    error = rm_attach(&w->pd, w->domain.space, ds, &executable, NULL);
    if (!error)
        error = semaphore_create(0, &w->trouble);
    return error ? error : cpu_exception_signal(&w->cpu, w->domain.domain, w->trouble);
}

void worker_close(struct worker *w)
{
    service_close(&w->cpu); // its threads end
    domain_close(&w->pd, &w->domain);
    service_close(&w->pd); // its memory goes, everywhere
    selector_drop(w->trouble);
}
// doc: worker end

// doc: accounts begin
// An account that begins with nothing gets half of another's, gives a part back, and leaves the
// rest to it when it ends.
error_t example_accounts(void)
{
    struct service_client rich, poor;
    struct service_quota some = {1 << 20, 200}, nothing = {0, 0}, half = {512 << 10, 100},
                         part = {128 << 10, 20};
    struct pd_accounts before, after;
    sel_t ds;
    error_t error = service_init(&rich, "pd", "rich", "", some);
    if (!error)
        error = service_init(&poor, "pd", "poor", "", nothing);
    poor.fixed = true; // when it has nothing, our own parent is not asked for more
    if (!error)
        error = pd_accounts(&rich, &before);
    if (!error)
        error = pd_reference(&poor, &rich);
    if (!error && ds_alloc(&poor, PAGE_SIZE, &ds) != ERESOURCE)
        error = EABORT; // it has nothing yet
    if (!error)
        error = pd_transfer(&poor, half, false);
    if (!error)
        error = ds_alloc(&poor, PAGE_SIZE, &ds);
    if (!error)
        error = pd_transfer(&poor, part, true);
    service_close(&poor);
    if (!error)
        error = pd_accounts(&rich, &after);
    service_close(&rich);
    return error || after.limit.ram == before.limit.ram ? error : EABORT;
}
// doc: accounts end

// doc: upgrade begin
// A session that has too little for what it is asked to do gets more, by who opened it.
error_t example_upgrade(void)
{
    struct service_quota little = {PAGE_SIZE, 20}, more = {256 << 10, 20};
    struct service_client pd;
    sel_t ds;
    error_t error = service_init(&pd, "pd", "little", "", little);
    if (error)
        return error;
    pd.fixed = true; // else the call itself would get from our account what is missing
    error = service_open(&pd);
    if (!error && ds_alloc(&pd, 128 << 10, &ds) != ERESOURCE)
        error = EABORT;
    if (!error)
        error = service_upgrade(&pd, more);
    if (!error)
        error = ds_alloc(&pd, 128 << 10, &ds);
    service_close(&pd); // and all of it is ours again
    return error;
}
// doc: upgrade end
