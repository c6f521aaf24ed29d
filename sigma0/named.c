// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The table of named objects (named.h), by selector: pages of pointers, made when first needed. And
// the semaphores: those of dead objects rest on shelves, each written as the word that will name
// its next object, whose life is the counter already.
#include "sigma0/named.h"
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "sigma0/shelf.h"

enum { PAGE_SLOTS = 512, LOCKS = 64 };

static struct named **pages[SEL_LIMIT / PAGE_SLOTS];
static struct mutex page_lock = MUTEX_INIT;
static struct mutex locks[LOCKS] = {[0 ... LOCKS - 1] = MUTEX_INIT};

static struct shelf spares = SHELF_INIT;
static u64 lives; // of a new semaphore: more than any that was dropped has had

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

static sel_t sel_of(word_t name)
{
    return name & ((1u << NAMED_SEL_BITS) - 1);
}

static void semaphore_drop(word_t name)
{
    u64 life = name >> NAMED_SEL_BITS, most = __atomic_load_n(&lives, __ATOMIC_RELAXED);
    while (most < life && !__atomic_compare_exchange_n(&lives, &most, life, true, __ATOMIC_RELAXED,
                                                       __ATOMIC_RELAXED))
        ;
    selector_drop(sel_of(name));
}

static void drop_spare(void *name)
{
    semaphore_drop((word_t)name);
}

bool named_drain(void)
{
    return shelf_empty(&spares, drop_spare) > 0;
}

static __attribute__((noinline)) error_t semaphore_make(word_t *name)
{
    u64 life = __atomic_add_fetch(&lives, 1, __ATOMIC_RELAXED);
    sel_t sel;
    error_t error = semaphore_create(life, &sel);
    if (error && named_drain())
        error = semaphore_create(life, &sel);
    *name = life << NAMED_SEL_BITS | sel;
    return error;
}

// The object's life ends first, so that a reply that was written before and is delivered now brings
// nothing (item_delegate_life); then nobody has its name any more.
static void semaphore_renew(word_t name)
{
    sel_t sel = sel_of(name);
    word_t next = name + (1ul << NAMED_SEL_BITS);
    if (hc_sm_up(sel) || hc_revoke(SEL_PD, crd(CRD_OBJ, sel, 0, RIGHT_ALL), 0) ||
        !shelf_put(&spares, (void *)next))
        semaphore_drop(next);
}

error_t named_create(struct named *named, enum named_type type,
                     void (*release)(struct named *named))
{
    word_t name = (word_t)shelf_take(&spares);
    error_t error = LIKELY(name) ? SUCCESS : semaphore_make(&name);
    if (error)
        return error;
    error = enter(named, sel_of(name), name >> NAMED_SEL_BITS << ITEM_TAG_SHIFT | type, release);
    if (error)
        semaphore_drop(name);
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
    struct typed_item item = {crd(CRD_OBJ, sel_of(name), 0, 0),
                              name >> NAMED_SEL_BITS << ITEM_TAG_SHIFT};
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
    word_t name = named_word(named);
    bool mine = named_leave(named);
    if (mine)
        semaphore_renew(name);
    return mine;
}
