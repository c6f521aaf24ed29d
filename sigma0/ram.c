// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The free physical memory (ram.h): a balanced (AVL) tree of maximal free ranges, ordered by
// address, in which every node knows the longest range below it. A range's node lies in the range's
// own first page, so bookkeeping costs no memory, whatever the size of the machine and however it
// is cut up.
//
// Invariants: ranges neither overlap nor touch (neighbours are merged when memory comes back, so
// that whatever the order of frees, the last one leaves one range); a node's page is its address.
// Allocation takes the lowest range that is long enough, which keeps the upper memory in one piece.
// Every operation is O(log n) in the number of free ranges.
#include "sigma0/ram.h"

struct ram_extent {
    struct ram_extent *left, *right;
    u64 count;   // pages
    u64 longest; // in this subtree
    u64 height;
};

static u64 page_of(const struct ram *ram, const struct ram_extent *extent)
{
    return (u64)((const char *)extent - ram->window) / PAGE_SIZE;
}

static struct ram_extent *extent_at(const struct ram *ram, u64 page)
{
    return (struct ram_extent *)(void *)(ram->window + page * PAGE_SIZE);
}

static u64 height(const struct ram_extent *extent)
{
    return extent ? extent->height : 0;
}

static u64 longest(const struct ram_extent *extent)
{
    return extent ? extent->longest : 0;
}

static u64 larger(u64 a, u64 b)
{
    return a > b ? a : b;
}

static void update(struct ram_extent *extent)
{
    extent->height = 1 + larger(height(extent->left), height(extent->right));
    extent->longest = larger(extent->count, larger(longest(extent->left), longest(extent->right)));
}

static struct ram_extent *rotate_left(struct ram_extent *extent)
{
    struct ram_extent *top = extent->right;
    extent->right = top->left;
    top->left = extent;
    update(extent);
    update(top);
    return top;
}

static struct ram_extent *rotate_right(struct ram_extent *extent)
{
    struct ram_extent *top = extent->left;
    extent->left = top->right;
    top->right = extent;
    update(extent);
    update(top);
    return top;
}

// Restores balance and figures at the top of a subtree whose children are in order.
static struct ram_extent *balance(struct ram_extent *extent)
{
    if (height(extent->left) > height(extent->right) + 1) {
        if (height(extent->left->left) < height(extent->left->right))
            extent->left = rotate_left(extent->left);
        return rotate_right(extent);
    }
    if (height(extent->right) > height(extent->left) + 1) {
        if (height(extent->right->right) < height(extent->right->left))
            extent->right = rotate_right(extent->right);
        return rotate_left(extent);
    }
    update(extent);
    return extent;
}

// Each of these returns the new top of the subtree `top`. Depth is bounded by 1.44 log2(ranges).
static struct ram_extent *insert(struct ram_extent *top, struct ram_extent *extent)
{
    if (!top)
        return extent;
    if (extent < top)
        top->left = insert(top->left, extent);
    else
        top->right = insert(top->right, extent);
    return balance(top);
}

static struct ram_extent *remove_first(struct ram_extent *top, struct ram_extent **first)
{
    if (!top->left) {
        *first = top;
        return top->right;
    }
    top->left = remove_first(top->left, first);
    return balance(top);
}

static struct ram_extent *remove(struct ram_extent *top, struct ram_extent *extent)
{
    if (extent < top) {
        top->left = remove(top->left, extent);
    } else if (extent > top) {
        top->right = remove(top->right, extent);
    } else {
        if (!top->right)
            return top->left;
        struct ram_extent *next;
        struct ram_extent *right = remove_first(top->right, &next);
        next->left = top->left;
        next->right = right;
        top = next;
    }
    return balance(top);
}

static void extent_add(struct ram *ram, u64 page, u64 count)
{
    struct ram_extent *extent = extent_at(ram, page);
    extent->left = extent->right = NULL;
    extent->count = count;
    update(extent);
    ram->root = insert(ram->root, extent);
    ram->extents++;
}

static void extent_remove(struct ram *ram, struct ram_extent *extent)
{
    ram->root = remove(ram->root, extent);
    ram->extents--;
}

// The lowest range of at least `count` pages, or NULL.
static struct ram_extent *lowest_of(const struct ram *ram, u64 count)
{
    struct ram_extent *extent = ram->root;
    if (longest(extent) < count)
        return NULL;
    for (;;) {
        if (longest(extent->left) >= count)
            extent = extent->left;
        else if (extent->count >= count)
            return extent;
        else
            extent = extent->right;
    }
}

void ram_init(struct ram *ram, void *window)
{
    *ram = (struct ram){.window = window};
}

void ram_add(struct ram *ram, u64 page, u64 count)
{
    if (ram_free(ram, page, count))
        ram->total_pages += count;
}

// Cuts [page, page + count) out of a free range; what remains on either side stays free.
static u64 carve(struct ram *ram, struct ram_extent *extent, u64 page, u64 count)
{
    u64 first = page_of(ram, extent), end = first + extent->count;
    extent_remove(ram, extent);
    if (page > first)
        extent_add(ram, first, page - first);
    if (page + count < end)
        extent_add(ram, page + count, end - (page + count));
    ram->free_pages -= count;
    return page;
}

// Tries the lowest range that is long enough, then the lowest in which an aligned start always
// fits.
static u64 alloc_aligned(struct ram *ram, u64 count, u64 align, u64 limit)
{
    const u64 enough[] = {count, count + align - 1};
    for (unsigned i = 0; i < ARRAY_SIZE(enough); i++) {
        struct ram_extent *extent = lowest_of(ram, enough[i]);
        if (!extent)
            return RAM_NONE;
        u64 first = page_of(ram, extent);
        u64 page = ALIGN_UP(first, align);
        if (page - first <= extent->count - count && page <= limit && count <= limit - page)
            return carve(ram, extent, page, count);
    }
    return RAM_NONE;
}

u64 ram_alloc(struct ram *ram, u64 count, u64 align, u64 limit)
{
    if (count == 0 || count > ram->free_pages)
        return RAM_NONE;
    for (; align > 0; align /= 2) {
        u64 page = alloc_aligned(ram, count, align, limit);
        if (page != RAM_NONE)
            return page;
    }
    return RAM_NONE;
}

bool ram_free(struct ram *ram, u64 page, u64 count)
{
    if (count == 0)
        return true;
    struct ram_extent *before = NULL, *after = NULL, *extent = ram->root;
    while (extent) {
        if (page_of(ram, extent) <= page) {
            before = extent;
            extent = extent->right;
        } else {
            after = extent;
            extent = extent->left;
        }
    }
    u64 first = page, end = page + count;
    if (before && page_of(ram, before) + before->count > first)
        return false;
    if (after && page_of(ram, after) < end)
        return false;
    if (before && page_of(ram, before) + before->count == first) {
        first = page_of(ram, before);
        extent_remove(ram, before);
    }
    if (after && page_of(ram, after) == end) {
        end += after->count;
        extent_remove(ram, after);
    }
    extent_add(ram, first, end - first);
    ram->free_pages += count;
    return true;
}

u64 ram_largest(const struct ram *ram)
{
    return longest(ram->root);
}

bool ram_charge(struct ram_account *account, u64 amount)
{
    if (amount > account->limit || account->used > account->limit - amount)
        return false;
    account->used += amount;
    account->high = larger(account->high, account->used);
    return true;
}

void ram_refund(struct ram_account *account, u64 amount)
{
    account->used -= amount;
}
