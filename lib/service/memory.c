// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Memory from the program's own "pd" session (env.h): dataspaces for whoever asks, and lib/rt's
// source of pages. The session begins with little and is upgraded as it needs (client.h), so what
// the program has taken of its account is what it uses, but for a step.
//
// Where the program has its address space as a region map (SEL_SPACE), memory is attached there,
// so that who supervises it sees it; else it comes through windows.
//
// lib/rt grows ranges of any shape; a receive window is a power of two and aligned, so a range is
// cut into such pieces, a dataspace each. Which selector stands for which address is kept in blocks
// of a page, the first of them static.
#include "lib/rt/memory.h"
#include "lib/rt/dry.h"
#include "lib/rt/address.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/service/env.h"

enum { FIRST_RECORDS = 64, FIRST_RAM = 64 * 1024, FIRST_CAPS = 12 };

struct record {
    u64 page; // 0: free
    sel_t ds;
};

struct record_block {
    struct record_block *next;
    u64 count;
    struct record *record;
};

static struct record first_records[FIRST_RECORDS];
static struct record_block first = {.count = FIRST_RECORDS, .record = first_records};
enum { RECORDS_A_PAGE = (PAGE_SIZE - sizeof(struct record_block)) / sizeof(struct record) };

static struct mutex lock = MUTEX_INIT; // the records
struct service_client env_pd = SERVICE_CLIENT_NONE;
static bool in_space; // we have our address space as a region map

static void free_quietly(struct service_client *pd, sel_t ds)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_FREE);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, ds, 0, RIGHT_ALL)));
    (void)!service_call(pd, &m);
    hc_drop(ds);
}

error_t dataspace_alloc_at(struct service_client *pd, size_t bytes, unsigned flags, sel_t sel,
                           word_t address, unsigned order)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_ALLOC);
    msg_put_word(&m, bytes);
    msg_put_word(&m, flags);
    utcb()->window = crd(CRD_OBJ, sel, 0, RIGHT_ALL);
    utcb()->window2 = flags & PD_ATTACH ? crd(CRD_MEM, address / PAGE_SIZE, order, RIGHT_ALL) : 0;
    error_t error = service_call(pd, &m);
    if (error)
        return error;
    (void)msg_get_word(&m);
    if (!crd_kind(msg_get_item(&m).crd))
        return EMEM;
    for (unsigned i = 1; i < m.in_items; i++) {
        if (crd_kind(msg_get_item(&m).crd))
            continue;
        free_quietly(pd, sel); // no kernel memory for the mapping
        return EMEM;
    }
    return SUCCESS;
}

// The address-space region map has it where `address` is, filled at once.
static error_t attach_in_space(sel_t ds, word_t address, unsigned flags)
{
    struct msg m;
    service_begin(&env_pd, &m, RM_ATTACH);
    msg_put_word(&m, 0);
    msg_put_word(&m, 0);
    msg_put_word(&m, address);
    msg_put_word(&m, RM_POPULATE | (flags & PD_EXECUTABLE  ? RM_EXECUTE
                                    : flags & PD_READ_ONLY ? 0u
                                                           : RM_WRITE));
    msg_put_item(&m, item_translate(crd(CRD_OBJ, SEL_SPACE, 0, RIGHT_ALL)));
    msg_put_item(&m, item_translate(crd(CRD_OBJ, ds, 0, RIGHT_ALL)));
    utcb()->window = utcb()->window2 = 0;
    return service_call(&env_pd, &m);
}

static error_t attach_by_window(sel_t ds, word_t address, size_t bytes, unsigned flags)
{
    struct msg m;
    service_begin(&env_pd, &m, PD_SERVICE_ATTACH);
    msg_put_word(&m, flags & ~(unsigned)PD_ATTACH);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, ds, 0, RIGHT_ALL)));
    utcb()->window = crd(CRD_MEM, address / PAGE_SIZE, address_order(bytes), RIGHT_ALL);
    utcb()->window2 = 0;
    error_t error = service_call(&env_pd, &m);
    for (unsigned i = 0; !error && i < m.in_items; i++)
        error = crd_kind(msg_get_item(&m).crd) ? SUCCESS : rt_refused(EMEM);
    return error;
}

// Who made the map pays for what is attached: where that is all used, a window serves as well.
static error_t attach(sel_t ds, word_t address, size_t bytes, unsigned flags)
{
    if (in_space && !(flags & PD_UNCACHED) && !attach_in_space(ds, address, flags))
        return SUCCESS;
    return attach_by_window(ds, address, bytes, flags);
}

error_t dataspace_alloc(size_t bytes, unsigned flags, sel_t *ds)
{
    struct utcb_copy copy;
    sel_t sel = selector_alloc();
    if (sel == SEL_NONE)
        return ERESOURCE;
    utcb_save(&copy);
    error_t error = dataspace_alloc_at(&env_pd, bytes, flags & ~(unsigned)PD_ATTACH, sel, 0, 0);
    utcb_restore(&copy);
    if (error)
        selector_free(sel);
    else
        *ds = sel;
    return error;
}

error_t dataspace_attach(sel_t ds, void *address, size_t bytes, unsigned flags)
{
    struct utcb_copy copy;
    utcb_save(&copy);
    error_t error = attach(ds, (word_t)address, bytes, flags);
    utcb_restore(&copy);
    return error;
}

error_t dataspace_phys(sel_t ds, u64 *physical)
{
    struct utcb_copy copy;
    struct msg m;
    utcb_save(&copy);
    service_begin(&env_pd, &m, PD_SERVICE_PHYS);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, ds, 0, RIGHT_ALL)));
    error_t error = service_call(&env_pd, &m);
    if (!error) {
        *physical = msg_get_word(&m);
        error = msg_error(&m);
    }
    utcb_restore(&copy);
    return error;
}

void dataspace_free(sel_t ds)
{
    struct utcb_copy copy;
    utcb_save(&copy);
    free_quietly(&env_pd, ds);
    selector_free(ds);
    utcb_restore(&copy);
}

error_t memory_info(u64 *used, u64 *limit, u64 *high)
{
    struct msg m;
    service_begin(&env_pd, &m, PD_SERVICE_INFO);
    error_t error = service_call(&env_pd, &m);
    if (error)
        return error;
    *used = msg_get_word(&m);
    *limit = msg_get_word(&m);
    *high = msg_get_word(&m);
    return msg_error(&m);
}

// Under `lock`: a record whose page is `page` (0: a free one).
static struct record *record_find(u64 page)
{
    for (struct record_block *b = &first; b; b = b->next) {
        for (u64 i = 0; i < b->count; i++) {
            if (b->record[i].page == page)
                return &b->record[i];
        }
    }
    return NULL;
}

// Under `lock`: one piece of memory, a dataspace of its own, without a record.
static error_t piece_map(word_t address, unsigned order, sel_t *ds)
{
    *ds = selector_alloc();
    if (*ds == SEL_NONE)
        return ERESOURCE;
    error_t error = dataspace_alloc_at(&env_pd, PAGE_SIZE << order, in_space ? 0 : PD_ATTACH, *ds,
                                       address, order);
    if (error) {
        selector_free(*ds);
        return error;
    }
    if (in_space && (error = attach(*ds, address, PAGE_SIZE << order, 0))) {
        free_quietly(&env_pd, *ds);
        selector_free(*ds);
    }
    return error;
}

// Under `lock`.
static error_t records_extend(void)
{
    word_t address = address_alloc(PAGE_SIZE);
    sel_t ds;
    if (!address)
        return EMEM;
    error_t error = piece_map(address, 0, &ds);
    if (error) {
        address_free(address, PAGE_SIZE);
        return error;
    }
    struct record_block *block = (struct record_block *)address;
    block->count = RECORDS_A_PAGE;
    block->record = (struct record *)(block + 1);
    block->next = first.next;
    first.next = block;
    return SUCCESS;
}

// Under `lock`.
static error_t piece_grow(word_t address, unsigned order)
{
    error_t error = SUCCESS;
    struct record *record = record_find(0);
    if (!record && !(error = records_extend()))
        record = record_find(0);
    if (error)
        return error;
    error = piece_map(address, order, &record->ds);
    if (!error)
        record->page = address / PAGE_SIZE;
    return error;
}

// The largest aligned piece at the beginning of a range.
static unsigned piece_order(word_t address, size_t bytes)
{
    unsigned order = 0;
    while (order < CRD_ORDER_MAX && !(address & (PAGE_SIZE << order)) &&
           PAGE_SIZE << (order + 1) <= bytes)
        order++;
    return order;
}

// Under `lock`.
static void record_free(struct record *record)
{
    free_quietly(&env_pd, record->ds);
    selector_free(record->ds);
    record->page = 0;
}

// Under `lock`: the pieces in the first `done` bytes of a range. They are cut as those of the
// whole.
static void pieces_release(word_t address, size_t bytes, size_t done)
{
    for (size_t at = 0; at < done;) {
        unsigned order = piece_order(address + at, bytes - at);
        struct record *record = record_find((address + at) / PAGE_SIZE);
        if (record)
            record_free(record);
        at += PAGE_SIZE << order;
    }
}

static error_t grow(void *at, size_t bytes)
{
    struct utcb_copy copy;
    word_t address = (word_t)at;
    size_t done = 0;
    error_t error = SUCCESS;
    utcb_save(&copy);
    mutex_lock(&lock);
    while (done < bytes && !error) {
        unsigned order = piece_order(address + done, bytes - done);
        error = piece_grow(address + done, order);
        if (!error)
            done += PAGE_SIZE << order;
    }
    if (error)
        pieces_release(address, bytes, done);
    mutex_unlock(&lock);
    utcb_restore(&copy);
    return error;
}

static void release(void *at, size_t bytes)
{
    struct utcb_copy copy;
    utcb_save(&copy);
    mutex_lock(&lock);
    pieces_release((word_t)at, bytes, bytes);
    mutex_unlock(&lock);
    utcb_restore(&copy);
}

void env_memory_init(void)
{
    struct service_quota first_steps = {FIRST_RAM, FIRST_CAPS};
    if (service_init(&env_pd, "pd", "", "", first_steps))
        return;
    crd_t found;
    in_space = !hc_lookup(crd(CRD_OBJ, SEL_SPACE, 0, RIGHT_ALL), &found);
    rt_memory_grow = grow;
    rt_memory_release = release;
}
