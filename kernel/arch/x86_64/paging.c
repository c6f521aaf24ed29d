// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Four-level page tables (SDM 3A, 4.5) with 4 KiB and 2 MiB pages, and PCIDs.
//
// table_use() of a table counts its present entries; a table that becomes empty leaves its parent
// at once and is freed after the TLB flush, since the processor may still walk it. Kernel halves
// are shared: entries 256 and 511 of every PML4 are the boot tables'.
//
// A leaf table in which a small mapping was made has a page of slots beside it, an owner an entry,
// until it goes itself. pd->leaf is the leaf table that was last used: who maps a page after the
// other, or takes back what it just gave, does not walk.
#include "kernel/paging.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/layout.h"
#include "kernel/arch/x86_64/x86.h"
#include <tessera/crd.h>
#include <tessera/hip.h>

enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_PWT = 8, PTE_PCD = 16, PTE_PS = 128 };
#define PTE_NX (1ul << 63)
#define PTE_FRAME 0x000ffffffffff000ul

enum { LEVELS = 4, ENTRIES = 512, SUPERPAGE = 512, PCID_COUNT = 4096 };

// Tags are taken in turn, so that a freed one is not seen again before the cursor wraps, when all
// CPUs flush.
static u64 pcid_used[PCID_COUNT / 64] = {1}; // tag 0: no tag, flushed at every switch
static unsigned pcid_cursor = 1;
static struct spinlock pcid_lock;

static u64 *table_of(u64 entry)
{
    return phys_to_virt(entry & PTE_FRAME);
}

static unsigned index_at(u64 page, unsigned level) // level 0 = leaf table
{
    return page >> (9 * level) & (ENTRIES - 1);
}

static u64 leaf_flags(unsigned rights, unsigned attr)
{
    _Static_assert((unsigned)MEM_W == PTE_W, "writable is the same bit to both");
    u64 flags = PTE_P | PTE_U | (rights & MEM_W);
    if (!(rights & MEM_X) && (cpu_features & HIP_NX))
        flags |= PTE_NX;
    if (UNLIKELY(attr & ITEM_UNCACHED))
        flags |= PTE_PCD | PTE_PWT;
    else if (UNLIKELY(attr & ITEM_WRITE_COMBINE))
        flags |= PTE_PWT; // PAT entry 1 is write-combining (features.c)
    return flags;
}

static bool table_charge(struct pd *pd)
{
    return account_charge(&pd->account.kmem, PAGE_SIZE);
}

static u64 *table_new(struct pd *pd)
{
    if (!table_charge(pd))
        return NULL;
    u64 *table = page_alloc();
    if (!table)
        account_refund(&pd->account.kmem, PAGE_SIZE);
    return table;
}

static u64 *entry_table(struct pd *pd, u64 *table, unsigned index)
{
    if (!(table[index] & PTE_P)) {
        u64 *next = table_new(pd);
        if (!next)
            return NULL;
        table[index] = virt_to_phys(next) | PTE_P | PTE_W | PTE_U;
        table_use(table)->count++;
    }
    return table_of(table[index]);
}

// The table of `level` that covers `page`, made if need be.
static u64 *walk_make(struct pd *pd, u64 page, unsigned level)
{
    u64 *table = pd->page_table;
    for (unsigned l = LEVELS - 1; table && l > level; l--)
        table = entry_table(pd, table, index_at(page, l));
    return table;
}

// The leaf table that covers `page`, or NULL where there is none.
static inline u64 *walk(const struct pd *pd, u64 page)
{
    u64 *table = pd->page_table;
    for (unsigned level = LEVELS - 1; level; level--) {
        u64 entry = table[index_at(page, level)];
        if ((entry & (PTE_P | PTE_PS)) != PTE_P)
            return NULL;
        table = table_of(entry);
    }
    return table;
}

static void leaf_set(struct pd *pd, u64 page, u64 *table)
{
    pd->leaf.region = page / ENTRIES;
    pd->leaf.table = table;
    pd->leaf.use = table_use(table);
}

static __attribute__((noinline)) bool leaf_walk(struct pd *pd, u64 page)
{
    u64 *table = page < USER_END / PAGE_SIZE ? walk(pd, page) : NULL;
    if (table)
        leaf_set(pd, page, table);
    return table;
}

// Makes pd->leaf the leaf table that covers `page`; false where there is none.
static inline bool leaf_at(struct pd *pd, u64 page)
{
    return LIKELY(pd->leaf.region == page / ENTRIES) || leaf_walk(pd, page);
}

static void leaf_forget(struct pd *pd)
{
    pd->leaf.region = ~0ul;
}

// The first present page of [first, last], which `table` covers.
static u64 first_in(const u64 *table, unsigned level, u64 first, u64 last)
{
    u64 span = 1ul << (9 * level), found = SPACE_NONE;
    for (u64 page = first; page <= last && found == SPACE_NONE;
         page = ALIGN_DOWN(page, span) + span) {
        u64 entry = table[index_at(page, level)], end = page | (span - 1);
        if (!(entry & PTE_P))
            continue;
        found = level == 0 || (entry & PTE_PS)
                    ? page
                    : first_in(table_of(entry), level - 1, page, end < last ? end : last);
    }
    return found;
}

u64 space_first(struct pd *pd, u64 first, u64 last)
{
    if (first >= USER_END / PAGE_SIZE || !table_use(pd->page_table)->count)
        return SPACE_NONE;
    if (last >= USER_END / PAGE_SIZE)
        last = USER_END / PAGE_SIZE - 1;
    const u64 *table = pd->page_table;
    unsigned level = LEVELS - 1;
    for (; level && first >> (9 * level) == last >> (9 * level); level--) { // one entry covers all
        u64 entry = table[index_at(first, level)];
        if ((entry & (PTE_P | PTE_PS)) != PTE_P)
            return entry & PTE_P ? first : SPACE_NONE;
        table = table_of(entry);
    }
    return first_in(table, level, first, last);
}

struct mapping *space_owner(struct pd *pd, u64 page)
{
    struct mapping **slots = leaf_at(pd, page) ? pd->leaf.use->slots : NULL;
    return slots ? slots[index_at(page, 0)] : NULL;
}

void space_set_owner(struct pd *pd, u64 page, u64 count, struct mapping *owner)
{
    struct mapping **slots = leaf_at(pd, page) ? pd->leaf.use->slots : NULL;
    for (u64 i = 0; i < count; i++)
        slots[index_at(page, 0) + i] = owner;
}

bool space_ready(struct pd *pd, u64 page, u64 count, struct leaf *leaf)
{
    if (!leaf_at(pd, page) || !pd->leaf.use->slots)
        return false;
    *leaf = pd->leaf;
    for (u64 i = 0; i < count; i++) {
        if (leaf->table[index_at(page, 0) + i] & PTE_P)
            return false;
    }
    return true;
}

bool space_make_ready(struct pd *pd, u64 page, struct leaf *leaf)
{
    u64 *table = walk_make(pd, page, 0);
    if (table && !table_use(table)->slots)
        table_use(table)->slots = table_new(pd);
    if (table && table_use(table)->slots) {
        leaf_set(pd, page, table);
        *leaf = pd->leaf;
        return true;
    }
    struct tlb_batch batch = {0};
    space_unmap(pd, page, 1, &batch); // only what was just made
    tlb_flush(&batch);
    return false;
}

void space_map_owned(const struct leaf *leaf, struct mapping *m, u64 count)
{
    u64 entry = m->frame << PAGE_SHIFT | leaf_flags(m->rights, m->attr);
    unsigned index = index_at(m->base, 0);
    struct mapping **slots = leaf->use->slots;
    leaf->use->count += count;
    for (u64 i = 0; i < count; i++) {
        leaf->table[index + i] = entry + (i << PAGE_SHIFT);
        slots[index + i] = m;
    }
}

bool space_map(struct pd *pd, u64 page, u64 frame, u64 count, unsigned rights, unsigned attr)
{
    u64 flags = leaf_flags(rights, attr);
    u64 done = 0;
    if (count == 1 && leaf_at(pd, page)) {
        pd->leaf.table[index_at(page, 0)] = frame << PAGE_SHIFT | flags;
        pd->leaf.use->count++;
        return true;
    }
    while (done < count) {
        u64 at = page + done, from = frame + done;
        bool super = !((at | from) & (SUPERPAGE - 1)) && count - done >= SUPERPAGE;
        u64 *table = walk_make(pd, at, super);
        if (!table || (super && !table_charge(pd)))
            goto undo;
        unsigned index = index_at(at, super);
        unsigned n = 1;
        if (super) {
            // An empty leaf table may hang here from an earlier failure's undo: it never does, undo
            // frees it.
            table[index] = from << PAGE_SHIFT | flags | PTE_PS;
            done += SUPERPAGE;
        } else {
            n = ENTRIES - index < count - done ? ENTRIES - index : (unsigned)(count - done);
            for (unsigned i = 0; i < n; i++)
                table[index + i] = (from + i) << PAGE_SHIFT | flags;
            done += n;
        }
        table_use(table)->count += n;
    }
    return true;
undo:;
    // What was mapped here was never used by anyone: no flush is owed, but empty tables leave the
    // usual way.
    struct tlb_batch batch = {0};
    space_unmap(pd, page, done + 1, &batch); // also the tables made for the page that failed
    tlb_flush(&batch);
    return false;
}

static void table_split(u64 *entry)
{
    u64 *table = page_alloc(); // charged when the superpage was mapped
    u64 first = *entry & ~(u64)PTE_PS;
    for (unsigned i = 0; i < ENTRIES; i++)
        table[i] = first + ((u64)i << PAGE_SHIFT);
    table_use(table)->count = ENTRIES;
    *entry = virt_to_phys(table) | PTE_P | PTE_W | PTE_U;
}

static void table_drop(struct pd *pd, u64 *table, struct tlb_batch *batch)
{
    account_refund(&pd->account.kmem, PAGE_SIZE);
    struct table_use *use = table_use(table);
    if (use->slots) { // no processor reads them
        account_refund(&pd->account.kmem, PAGE_SIZE);
        page_free_zeroed(use->slots);
        use->slots = NULL;
    }
    if (pd->leaf.table == table)
        leaf_forget(pd);
    *table = (u64)batch->tables; // aligned: not present to a walker
    batch->tables = table;
    batch->cpu_mask |= pd->cpu_mask;
}

// Clears [page, page + count), which lies within the reach of `table`.
static void unmap_in(struct pd *pd, u64 *table, unsigned level, u64 page, u64 count,
                     struct tlb_batch *batch)
{
    u64 span = 1ul << (9 * level);
    while (count) {
        unsigned index = index_at(page, level);
        u64 n = span - (page & (span - 1));
        if (n > count)
            n = count;
        u64 *entry = &table[index];
        if (*entry & PTE_P) {
            if (level == 1 && (*entry & PTE_PS) && n < span)
                table_split(entry);
            if (level == 0 || (*entry & PTE_PS)) {
                if (level)
                    account_refund(&pd->account.kmem, PAGE_SIZE);
                *entry = 0;
                table_use(table)->count--;
            } else {
                u64 *below = table_of(*entry);
                unmap_in(pd, below, level - 1, page, n, batch);
                if (table_use(below)->count == 0) {
                    *entry = 0;
                    table_use(table)->count--;
                    table_drop(pd, below, batch);
                }
            }
        }
        page += n;
        count -= n;
    }
}

bool space_unmap_page(struct pd *pd, u64 page)
{
    if (!leaf_at(pd, page) || pd->leaf.use->count <= 1)
        return false;
    u64 *entry = &pd->leaf.table[index_at(page, 0)];
    struct mapping **slots = pd->leaf.use->slots;
    pd->leaf.use->count -= *entry & PTE_P;
    *entry = 0;
    if (LIKELY(slots))
        slots[index_at(page, 0)] = NULL;
    return true;
}

void space_unmap(struct pd *pd, u64 page, u64 count, struct tlb_batch *batch)
{
    tlb_batch_add(batch, pd, page, count);
    if (count != 1 || !space_unmap_page(pd, page))
        unmap_in(pd, pd->page_table, LEVELS - 1, page, count, batch);
}

void space_unmap_owned(struct pd *pd, u64 page, u64 count, struct tlb_batch *batch)
{
    unsigned index = index_at(page, 0);
    tlb_batch_add(batch, pd, page, count);
    if (!leaf_at(pd, page))
        return;
    struct table_use *use = pd->leaf.use;
    struct mapping **slots = use->slots;
    for (u64 i = 0; i < count; i++) {
        pd->leaf.table[index + i] = 0;
        slots[index + i] = NULL;
    }
    use->count -= count;
    if (!use->count)
        unmap_in(pd, pd->page_table, LEVELS - 1, page, 1, batch); // what is empty now goes
}

static u64 pcid_take(void)
{
    u64 pcid = 0;
    bool wrapped = false;
    if (!(cpu_features & HIP_PCID))
        return 0;
    spin_lock(&pcid_lock);
    for (unsigned tried = 1; tried < PCID_COUNT && !pcid; tried++) {
        unsigned i = pcid_cursor++;
        if (pcid_cursor == PCID_COUNT) {
            pcid_cursor = 1;
            wrapped = true;
        }
        if (pcid_used[i / 64] >> i % 64 & 1)
            continue;
        pcid_used[i / 64] |= 1ul << i % 64;
        pcid = i;
    }
    spin_unlock(&pcid_lock);
    if (wrapped)
        tlb_flush(&(struct tlb_batch){.cpu_mask = ~0u, .entries = 2});
    return pcid;
}

static void pcid_give(u64 pcid)
{
    if (!pcid)
        return;
    spin_lock(&pcid_lock);
    pcid_used[pcid / 64] &= ~(1ul << pcid % 64);
    spin_unlock(&pcid_lock);
}

bool space_create(struct pd *pd)
{
    u64 *table = table_new(pd);
    if (!table)
        return false;
    table[256] = kernel_pml4[256];
    table[511] = kernel_pml4[511];
    pd->page_table = table;
    leaf_forget(pd);
    u64 pcid = pcid_take();
    pd->cr3 = virt_to_phys(table) | pcid | (pcid ? CR3_NOFLUSH : 0);
    return true;
}

void space_destroy(struct pd *pd)
{
    pd->page_table[256] = pd->page_table[511] = 0;
    account_refund(&pd->account.kmem, PAGE_SIZE);
    page_free_zeroed(pd->page_table);
    pcid_give(pd->cr3 & (PCID_COUNT - 1));
}

void space_leave(void)
{
    write_cr3(virt_to_phys(kernel_pml4));
}

void paging_init(void)
{
    kernel_pml4[0] = 0;
    space_leave();
}
