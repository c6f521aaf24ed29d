// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Memory at fresh addresses (memory.h).
#include "lib/rt/memory.h"
#include "lib/rt/address.h"

error_t (*rt_memory_grow)(void *address, size_t bytes);
void (*rt_memory_release)(void *address, size_t bytes);

void *memory_alloc(size_t bytes)
{
    size_t size = ALIGN_UP(bytes, PAGE_SIZE);
    if (!rt_memory_grow || !size)
        return NULL;
    word_t address = address_alloc(size);
    if (!address)
        return NULL;
    if (rt_memory_grow((void *)address, size)) {
        address_free(address, size);
        return NULL;
    }
    return (void *)address;
}

void memory_free(void *address, size_t bytes)
{
    size_t size = ALIGN_UP(bytes, PAGE_SIZE);
    if (!address || !rt_memory_release)
        return;
    rt_memory_release(address, size);
    address_free((word_t)address, size);
}
