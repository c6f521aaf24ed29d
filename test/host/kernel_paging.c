// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Page tables: random ranges, superpages among them, mapped and unmapped, against an array of what
// each page should be; tables are charged, and leave with their last entry; running out of memory
// changes nothing.
// needs: kernel/arch/x86_64/paging.c kernel/memory.c kernel/tree.c
#include "kernel/paging.h"
#include "test/host/kernel_stubs.h"
#include <tessera/hip.h>

enum { SPACE = 4096, ROUNDS = 4000, PTE_P = 1, PTE_W = 2, PTE_PS = 128 };

static struct pd pd;
static struct {
    u64 frame; // 0: nothing
    bool writable, executable;
} model[SPACE];
static u64 base; // first page of the space under test

static u64 *below(u64 entry)
{
    return phys_to_virt(entry & 0x000ffffffffff000);
}

// The leaf entry that the processor would use, as one for a 4 KiB page; 0 if there is none.
static u64 walk(u64 page)
{
    u64 *table = pd.page_table;
    for (unsigned level = 3;; level--) {
        u64 entry = table[page >> (9 * level) & 511];
        if (!(entry & PTE_P))
            return 0;
        if (level == 0)
            return entry;
        if (entry & PTE_PS) {
            CHECK(level == 1);
            return (entry & ~(u64)PTE_PS) + (page & 511) * PAGE_SIZE;
        }
        table = below(entry);
    }
}

static unsigned tables_below(u64 *table, unsigned level, unsigned *superpages)
{
    unsigned tables = 1, present = 0;
    for (unsigned i = 0; i < 512; i++) {
        if (level == 3 && (i == 256 || i == 511))
            continue;
        present += table[i] & PTE_P;
        if (!(table[i] & PTE_P) || level == 0)
            continue;
        if (table[i] & PTE_PS)
            ++*superpages;
        else
            tables += tables_below(below(table[i]), level - 1, superpages);
    }
    CHECK(table_use(table)->count == present);
    CHECK(level == 3 || present > 0); // an empty one is not kept
    return tables;
}

static void check_space(u64 pool_all)
{
    unsigned superpages = 0;
    for (u64 i = 0; i < SPACE; i++) {
        u64 entry = walk(base + i);
        CHECK(!entry == !model[i].frame);
        if (!entry)
            continue;
        CHECK((entry & 0x000ffffffffff000) / PAGE_SIZE == model[i].frame);
        CHECK(!(entry & PTE_W) == !model[i].writable);
        CHECK(!(entry >> 63) == model[i].executable);
    }
    unsigned tables = tables_below(pd.page_table, 3, &superpages);
    CHECK(pd.account.kmem.used == (u64)(tables + superpages) * PAGE_SIZE);
    CHECK(pool_free_pages() == pool_all - tables);
}

static void random_range(u64 *first, u64 *count)
{
    bool large = random_below(3) == 0;
    *first = large ? random_below(SPACE / 512) * 512 : random_below(SPACE);
    *count = 1 + (random_below(3) ? random_below(20) : random_below(1600));
    if (large)
        *count = ALIGN_UP(*count, 512);
    if (*count > SPACE - *first)
        *count = SPACE - *first;
}

static void map_range(u64 first, u64 count)
{
    u64 frame = 0x100000 + first +
                (random_below(2) ? 0 : random_below(5000)); // congruent, so superpages fit, or not
    unsigned rights = MEM_R | (random_below(2) ? MEM_W : 0) | (random_below(2) ? MEM_X : 0);
    for (u64 i = 0; i < count; i++) {
        if (model[first + i].frame)
            return;
    }
    u64 used = pd.account.kmem.used, limit = pd.account.kmem.limit;
    if (random_below(2))
        pd.account.kmem.limit = used + random_below(6) * PAGE_SIZE;
    pd.account.kmem.most = used;
    bool done = space_map(&pd, base + first, frame, count, rights, 0);
    CHECK(done || pd.account.kmem.used == used);
    CHECK(done || pd.account.kmem.limit < limit);
    pd.account.kmem.limit = limit;
    for (u64 i = 0; done && i < count; i++) {
        model[first + i].frame = frame + i;
        model[first + i].writable = rights & MEM_W;
        model[first + i].executable = rights & MEM_X;
    }
}

static void unmap_range(u64 first, u64 count)
{
    struct tlb_batch batch = {0};
    space_unmap(&pd, base + first, count, &batch);
    CHECK(batch.entries > 0);
    tlb_flush(&batch);
    for (u64 i = 0; i < count; i++)
        model[first + i].frame = 0;
}

static void page_tables_match_the_model(void)
{
    const u64 bases[] = {0, 512 * 512 - SPACE / 2, 512ul * 512 * 512 - SPACE / 2,
                         USER_END / PAGE_SIZE + 1 - SPACE};
    cpu_features = HIP_NX;
    pd.account.kmem.limit = HOST_MEMORY;
    const u64 pool_all = pool_free_pages();
    for (unsigned round = 0; round < ROUNDS && !check_failures; round++) {
        u64 first, count;
        if (round % 1000 == 0) {
            base = bases[round / 1000 % ARRAY_SIZE(bases)];
            CHECK(space_create(&pd));
        }
        random_range(&first, &count);
        random_below(2) ? map_range(first, count) : unmap_range(first, count);
        if (round % 8 == 0)
            check_space(pool_all);
        if (round % 1000 == 999) {
            unmap_range(0, SPACE);
            check_space(pool_all);
            CHECK(pd.account.kmem.used == PAGE_SIZE);
            space_destroy(&pd);
            CHECK(pd.account.kmem.used == 0 && pool_free_pages() == pool_all);
        }
    }
}

int main(void)
{
    pool_init(PAGE_SIZE, HOST_MEMORY - PAGE_SIZE);
    RUN(page_tables_match_the_model);
    return check_failures != 0;
}
