// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Shelves (shelf.h). A handler may be preempted, or a thread of another CPU empty the shelf: so
// there is a lock, which in the usual case nobody else holds.
#include "sigma0/shelf.h"
#include "lib/rt/heap.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"

void *shelf_take(struct shelf *shelf)
{
    void *item = NULL;
    unsigned cpu = thread_cpu();
    if (!mutex_try(&shelf->cpu[cpu].lock))
        return NULL;
    if (shelf->cpu[cpu].count)
        item = shelf->cpu[cpu].item[--shelf->cpu[cpu].count];
    mutex_unlock(&shelf->cpu[cpu].lock);
    return item;
}

bool shelf_put(struct shelf *shelf, void *item)
{
    unsigned cpu = thread_cpu();
    if (!mutex_try(&shelf->cpu[cpu].lock))
        return false;
    bool room = shelf->cpu[cpu].count < SHELF_ITEMS;
    if (room)
        shelf->cpu[cpu].item[shelf->cpu[cpu].count++] = item;
    mutex_unlock(&shelf->cpu[cpu].lock);
    return room;
}

unsigned shelf_empty(struct shelf *shelf, void (*take)(void *item))
{
    unsigned found = 0;
    for (unsigned cpu = 0; cpu < hip()->cpu_count; cpu++) {
        mutex_lock(&shelf->cpu[cpu].lock);
        for (; shelf->cpu[cpu].count; found++)
            take(shelf->cpu[cpu].item[--shelf->cpu[cpu].count]);
        mutex_unlock(&shelf->cpu[cpu].lock);
    }
    return found;
}

void *shelf_object(struct shelf *shelf, size_t bytes)
{
    void *object = shelf_take(shelf);
    if (!object)
        return heap_zalloc(bytes);
    memset(object, 0, bytes);
    return object;
}

void shelf_object_free(struct shelf *shelf, void *object)
{
    if (!object || !shelf_put(shelf, object))
        heap_free(object);
}
