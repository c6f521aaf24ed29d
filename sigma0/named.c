// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The table of named objects (named.h), by selector: pages of pointers, made when first needed.
#include "sigma0/named.h"
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/sync.h"

enum { PAGE_SLOTS = 512, LOCKS = 64 };

static struct named **pages[SEL_LIMIT / PAGE_SLOTS];
static struct mutex page_lock = MUTEX_INIT;
static struct mutex locks[LOCKS] = {[0 ... LOCKS - 1] = MUTEX_INIT};

static struct mutex *lock_of(sel_t sel)
{
    return &locks[sel % LOCKS];
}

static inline __attribute__((always_inline)) struct named **slot_of(sel_t sel)
{
    struct named **page = __atomic_load_n(&pages[sel / PAGE_SLOTS], __ATOMIC_ACQUIRE);
    return page ? &page[sel % PAGE_SLOTS] : NULL;
}

static __attribute__((noinline)) struct named **slot_make(sel_t sel)
{
    struct named **page = heap_zalloc(PAGE_SLOTS * sizeof(struct named *));
    mutex_lock(&page_lock);
    if (page && !pages[sel / PAGE_SLOTS]) {
        __atomic_store_n(&pages[sel / PAGE_SLOTS], page, __ATOMIC_RELEASE);
        page = NULL;
    }
    mutex_unlock(&page_lock);
    heap_free(page); // somebody was faster
    return slot_of(sel);
}

static error_t enter(struct named *named, sel_t sel, u64 life, void (*release)(struct named *named))
{
    struct named **slot = slot_of(sel);
    if (UNLIKELY(!slot) && !(slot = slot_make(sel)))
        return EMEM;
    named->life = life;
    named->refs = 1;
    named->release = release;
    named->sel = sel;
    __atomic_store_n(slot, named, __ATOMIC_RELEASE); // nobody else has this selector
    return SUCCESS;
}

error_t named_enter(struct named *named, sel_t sel, enum named_type type,
                    void (*release)(struct named *named))
{
    return enter(named, sel, type, release);
}

error_t named_create(struct named *named, enum named_type type,
                     void (*release)(struct named *named))
{
    static u64 lives;
    u64 generation = __atomic_add_fetch(&lives, 1, __ATOMIC_RELAXED);
    sel_t sel;
    error_t error = semaphore_create(generation, &sel);
    if (error)
        return error;
    error = enter(named, sel, generation << ITEM_TAG_SHIFT | type, release);
    if (error)
        selector_drop(sel);
    return error;
}

struct named *named_find(struct typed_item name, enum named_type type)
{
    u64 sel = crd_base(name.crd);
    if (crd_kind(name.crd) != CRD_OBJ || sel >= SEL_LIMIT)
        return NULL;
    struct named **slot = slot_of((sel_t)sel);
    if (!slot)
        return NULL;
    mutex_lock(lock_of((sel_t)sel));
    struct named *found = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    if (LIKELY(found && found->life == (name.how | type)))
        named_get(found);
    else
        found = NULL;
    mutex_unlock(lock_of((sel_t)sel));
    return found;
}

struct named *named_find_word(word_t name, enum named_type type)
{
    u64 sel = name & ((1u << NAMED_SEL_BITS) - 1);
    struct typed_item item = {crd(CRD_OBJ, sel, 0, 0), name >> NAMED_SEL_BITS << ITEM_TAG_SHIFT};
    return named_find(item, type);
}

void named_put(struct named *named)
{
    if (__atomic_sub_fetch(&named->refs, 1, __ATOMIC_ACQ_REL) == 0)
        named->release(named);
}

bool named_leave(struct named *named)
{
    sel_t sel = named->sel;
    struct named **slot = slot_of(sel);
    mutex_lock(lock_of(sel));
    bool mine = *slot == named;
    if (mine)
        *slot = NULL;
    mutex_unlock(lock_of(sel));
    return mine;
}

bool named_withdraw(struct named *named)
{
    sel_t sel = named->sel;
    bool mine = named_leave(named);
    if (mine)
        selector_drop(sel);
    return mine;
}
