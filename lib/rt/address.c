// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The address allocator (address.h): a border that only moves up, and for each order a list of what
// came back. Ranges are neither split nor merged, for addresses are plenty; what is scarce, memory,
// is not here. The nodes of the lists are heap objects; where there is no memory for one, the range
// is simply not used again.
#include "lib/rt/address.h"
#include "lib/rt/heap.h"
#include "lib/rt/locks.h"
#include <tessera/selector.h>

enum { ORDERS = 32 };

struct node {
    struct node *next;
    word_t address;
};

struct mutex rt_address_lock = MUTEX_INIT;
static word_t border = HEAP_BASE;
static struct node *returned[ORDERS];
static struct node *spare; // nodes without a range

unsigned address_order(size_t bytes)
{
    size_t pages = (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
    return pages <= 1 ? 0 : 64 - (unsigned)__builtin_clzl(pages - 1);
}

static word_t take_returned(unsigned order)
{
    struct node *node = returned[order];
    if (!node)
        return 0;
    returned[order] = node->next;
    node->next = spare;
    spare = node;
    return node->address;
}

static word_t take_fresh(unsigned order)
{
    word_t size = PAGE_SIZE << order, address = ALIGN_UP(border, size);
    if (address > HEAP_END || size > HEAP_END - address)
        return 0;
    border = address + size;
    return address;
}

word_t address_alloc(size_t bytes)
{
    if (bytes > HEAP_END - HEAP_BASE)
        return 0;
    unsigned order = address_order(bytes);
    mutex_lock(&rt_address_lock);
    word_t address = take_returned(order);
    if (!address)
        address = take_fresh(order);
    mutex_unlock(&rt_address_lock);
    return address;
}

static struct node *take_spare(void)
{
    mutex_lock(&rt_address_lock);
    struct node *node = spare;
    if (node)
        spare = node->next;
    mutex_unlock(&rt_address_lock);
    return node;
}

void address_free(word_t address, size_t bytes)
{
    unsigned order = address_order(bytes);
    struct node *node = take_spare();
    if (!node)
        node = heap_alloc(sizeof(*node)); // outside the lock: the heap takes addresses, too
    if (!node)
        return;
    node->address = address;
    mutex_lock(&rt_address_lock);
    node->next = returned[order];
    returned[order] = node;
    mutex_unlock(&rt_address_lock);
}
