// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Physical memory of the machine (physical.h). The firmware's map may list ranges that overlap;
// what is not free in any entry is not free. Pages are zeroed when they are handed out, not when
// they come back: so what was never used costs nothing, and no path can forget it.
//
// Single pages, which come and go most, rest on shelves (shelf.h) for a while. They are as good as
// free: what cannot be had without them, or not as well aligned, is tried again once they are back.
#include "sigma0/physical.h"
#include "lib/rt/assert.h"
#include "lib/rt/memory.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/sync.h"
#include "sigma0/echo.h"
#include "sigma0/shelf.h"
#include "lib/rt/range.h"
#include "sigma0/sigma0.h"

static struct ram ram;
static struct mutex ram_lock = {{1, SEL_MEMORY_LOCK}};
static struct shelf spare_pages = SHELF_INIT;
static struct archive archive;

static bool entry_free(const struct hip_memory *entry)
{
    return entry->kind == HIP_MEM_FREE;
}

// Maps and adds what of [first, end) no entry from `index` on reserves; cuts around the first that
// does.
static void add_free(u64 first, u64 end, unsigned index)
{
    const struct hip *h = hip();
    for (; first < end && index < h->memory_count; index++) {
        const struct hip_memory *other = &h->memory[index];
        u64 low = other->base / PAGE_SIZE,
            high = ALIGN_UP(other->base + other->size, PAGE_SIZE) / PAGE_SIZE;
        if (entry_free(other) || other->size == 0 || high <= first || low >= end)
            continue;
        if (low > first)
            add_free(first, low, index + 1);
        first = high;
    }
    if (first >= end)
        return;
    error_t error = echo_take(CRD_MEM, first, physical_page(first), end - first, MEM_R | MEM_W, 0);
    if (error)
        return; // the kernel keeps part of it: then all of that stays unused
    ram_add(&ram, first, end - first);
}

static void map_archive(void)
{
    const struct hip *h = hip();
    u64 first = h->archive_base / PAGE_SIZE;
    u64 count = ALIGN_UP(h->archive_base + h->archive_size, PAGE_SIZE) / PAGE_SIZE - first;
    if (h->archive_size == 0)
        rt_panic("the boot loader gave no archive; boot with one that holds sigma0 and init\n");
    error_t error = echo_take(CRD_MEM, first, physical_page(first), count, MEM_R | MEM_X, 0);
    if (error)
        rt_panic("cannot map the boot archive at 0x%lx: %s\n", h->archive_base, error_name(error));
    archive_open(&archive, (const char *)physical_address(0) + h->archive_base, h->archive_size);
}

static u64 preferred_alignment(u64 count)
{
    enum { HUGE = 512 * 512 };
    u64 align = 1ul << (63 - __builtin_clzl(count));
    return align < HUGE ? align : HUGE;
}

static void give_back(u64 page, u64 count)
{
    mutex_lock(&ram_lock);
    bool freed = ram_free(&ram, page, count);
    mutex_unlock(&ram_lock);
    ASSERT(freed);
}

static u64 page_at(const void *address)
{
    return ((u64)address - PHYSICAL_WINDOW) / PAGE_SIZE;
}

static void give_back_spare(void *address)
{
    give_back(page_at(address), 1);
}

static u64 take(u64 count, u64 align, u64 limit)
{
    mutex_lock(&ram_lock);
    u64 page = ram_alloc(&ram, count, align, limit);
    mutex_unlock(&ram_lock);
    return page;
}

// What the shelves hold may be what is missing.
static u64 take_best(u64 count, u64 limit)
{
    u64 align = preferred_alignment(count), page = take(count, align, limit);
    if (LIKELY(page != RAM_NONE && page % align == 0))
        return page;
    if (!shelf_empty(&spare_pages, give_back_spare))
        return page;
    if (page != RAM_NONE)
        give_back(page, count);
    return take(count, align, limit);
}

u64 physical_alloc(u64 count, u64 limit)
{
    if (count == 0)
        return RAM_NONE;
    void *spare = count == 1 && limit == RAM_ANYWHERE ? shelf_take(&spare_pages) : NULL;
    u64 page = spare ? page_at(spare) : take_best(count, limit);
    if (page != RAM_NONE)
        memset(physical_address(page), 0, count * PAGE_SIZE);
    return page;
}

void physical_free(u64 page, u64 count)
{
    if (count != 1 || !shelf_put(&spare_pages, physical_address(page)))
        give_back(page, count);
}

struct physical_usage physical_usage(void)
{
    (void)shelf_empty(&spare_pages, give_back_spare);
    mutex_lock(&ram_lock);
    struct physical_usage usage = {ram.free_pages, ram.total_pages, ram_largest(&ram)};
    mutex_unlock(&ram_lock);
    return usage;
}

bool physical_is_ram(u64 base, u64 size)
{
    const struct hip *h = hip();
    for (unsigned i = 0; i < h->memory_count; i++) {
        const struct hip_memory *m = &h->memory[i];
        bool ours =
            m->kind == HIP_MEM_FREE || m->kind == HIP_MEM_KERNEL || m->kind == HIP_MEM_ARCHIVE;
        // By pages: a byte range must not drag a page of memory along.
        u64 low = ALIGN_DOWN(m->base, PAGE_SIZE), high = ALIGN_UP(m->base + m->size, PAGE_SIZE);
        if (ours && base < high && base + size > low)
            return true;
    }
    return false;
}

// lib/rt's heap and stacks: pages of our own, mapped a second time at the address it chose.
static error_t grow(void *address, size_t bytes)
{
    u64 count = bytes / PAGE_SIZE;
    u64 page = physical_alloc(count, RAM_ANYWHERE);
    if (page == RAM_NONE)
        return EMEM;
    error_t error = range_delegate(SEL_PD, CRD_MEM, physical_page(page), (u64)address / PAGE_SIZE,
                                   count, MEM_R | MEM_W);
    if (error) {
        range_revoke(CRD_MEM, physical_page(page), count, false);
        physical_free(page, count);
    }
    return error;
}

const struct archive *physical_archive(void)
{
    return &archive;
}

void physical_init(void)
{
    const struct hip *h = hip();
    ram_init(&ram, physical_address(0));
    for (unsigned i = 0; i < h->memory_count; i++) {
        const struct hip_memory *entry = &h->memory[i];
        u64 first = ALIGN_UP(entry->base, PAGE_SIZE) / PAGE_SIZE,
            end = (entry->base + entry->size) / PAGE_SIZE;
        if (entry_free(entry) && first < end)
            add_free(first, end, 0);
    }
    map_archive();
    rt_memory_grow = grow;
}
