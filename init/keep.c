// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What a child keeps for its next life (doc/keeping.md): dataspaces by name, each in a "pd" session
// of its own that init opens in the child's name and on its account, so that giving one back
// returns all of it. They end with the child's block or by its own wish, not with its life.
//
// Between two lives nobody has them: when a life is over, what it had passed on is taken back by
// giving the content to another dataspace (sigma0's RENEW). Where there is no memory for that, it
// is tried again before the next life gets it.
//
// The list changes under parent.lock, by requests of the child that lives, and by the main thread.
// What a life's end does to it is the main thread's alone: nobody can ask then.
#include "init/init.h"
#include "lib/core/dataspace.h"
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/service/keep.h"

struct kept_ds {
    struct kept_ds *next;
    char name[KEEP_NAME_MAX];
    struct service_client pd; // whose memory it is
    sel_t ds;                 // SEL_NONE: out of reach
    u64 bytes;                // whole pages
    bool earlier;             // a life before this one had it
    bool shared;              // whom that one gave it may have it still
};
_Static_assert(sizeof(struct kept) + 64 <= KEPT_COST, "what it costs, with the heap's books");

// The dataspace and its session.
static struct service_quota donation(u64 bytes)
{
    return (struct service_quota){SESSION_RAM_LEAST + bytes + PD_DATASPACE_COST,
                                  service_caps_least() + PD_DATASPACE_CAPS};
}

// With our books, and those of our own parent: slots for the pseudonym and a portal a CPU in both,
// and for the dataspace here.
static struct keep_price price(u64 bytes)
{
    struct service_quota all = kept_price(bytes);
    return (struct keep_price){bytes, all.ram, all.caps};
}

static struct kept_ds *find(const struct child *child, const char *name)
{
    struct kept_ds *k = child->kept;
    while (k && !string_same(k->name, name))
        k = k->next;
    return k;
}

static void destroy(struct child *child, struct kept_ds *k)
{
    struct keep_price paid = price(k->bytes);
    struct kept_ds **link = &child->kept;
    while (*link && *link != k)
        link = &(*link)->next;
    if (*link)
        *link = k->next;
    service_close(&k->pd); // and with the session the dataspace, everywhere
    if (k->ds != SEL_NONE) {
        parent_withdraw(&parent, k->ds);
        selector_drop(k->ds);
    }
    account_keep_return(child, &paid);
    heap_free(k);
}

// Our own parent is asked; who has paid is the child.
static error_t fill(struct child *child, struct kept_ds *k)
{
    error_t error = service_init(&k->pd, "pd", child->name, "", donation(k->bytes));
    if (error)
        return error;
    k->pd.fixed = k->pd.impatient = true;
    error = service_open(&k->pd);
    return error ? error : ds_alloc(&k->pd, k->bytes, &k->ds);
}

static error_t make(struct child *child, const char *name, u64 bytes, struct kept_ds **out)
{
    struct keep_price wanted = price(bytes);
    struct kept_ds *k = heap_zalloc(sizeof(*k));
    if (!k)
        return EMEM;
    strlcpy(k->name, name, sizeof(k->name));
    k->bytes = bytes;
    k->ds = SEL_NONE;
    k->pd.base = SEL_NONE;
    error_t error = account_keep(child, name, &wanted);
    if (error) {
        heap_free(k);
        return error;
    }
    error = fill(child, k);
    if (error) {
        child_refused(child, "%luKb to keep as \"%s\" refused: %s", bytes / 1024, name,
                      error_name(error));
        destroy(child, k);
        return error;
    }
    k->next = child->kept;
    child->kept = k;
    *out = k;
    return SUCCESS;
}

static error_t renew(struct kept_ds *k)
{
    error_t error = k->ds == SEL_NONE ? EMEM : ds_renew(&k->pd, &k->ds);
    k->shared = error;
    return error;
}

static error_t keep(struct child *child, struct parent_kept *want)
{
    struct kept_ds *k = find(child, want->name);
    u64 bytes = want->bytes > ~0ul - PAGE_SIZE ? ALIGN_DOWN(~0ul, (u64)PAGE_SIZE)
                                               : ALIGN_UP(want->bytes, (u64)PAGE_SIZE);
    error_t error = SUCCESS;
    if (!k && !bytes)
        return ENOTFOUND;
    if (k && bytes && bytes != k->bytes) {
        want->bytes = k->bytes;
        return EPARAM;
    }
    if (!k)
        error = make(child, want->name, bytes, &k);
    else if (k->shared)
        error = renew(k);
    if (error)
        return error;
    want->bytes = k->bytes;
    want->earlier = k->earlier;
    want->failures = child->failures;
    want->dataspace = k->ds;
    return SUCCESS;
}

error_t keep_asked(struct parent *p, struct parent_client *client, struct parent_kept *want)
{
    (void)p;
    struct child *child = client->user;
    crd_t window = utcb()->window, window2 = utcb()->window2; // the handler's
    if (!child->config.keep_bytes) {
        child_refused(child, "may not keep \"%s\": its block has no `keep`", want->name);
        return EPERM;
    }
    error_t error = keep(child, want);
    utcb()->window = window;
    utcb()->window2 = window2;
    return error;
}

error_t keep_drop_asked(struct parent *p, struct parent_client *client, const char *name)
{
    (void)p;
    struct child *child = client->user;
    struct kept_ds *k = find(child, name);
    if (!k)
        return ENOTFOUND;
    destroy(child, k);
    return SUCCESS;
}

void keep_life_over(struct child *child)
{
    for (struct kept_ds *k = child->kept; k; k = k->next) {
        k->earlier = true;
        error_t error = renew(k);
        if (error)
            child_report(child,
                         "kept dataspace \"%s\" is not taken back from whom it was given: %s",
                         k->name, error_name(error));
    }
}

void keep_end(struct child *child, const char *why)
{
    mutex_lock(&parent.lock);
    if (child->kept && why)
        child_report(child, "the %luKb that it kept end: %s", child->kept_bytes / 1024, why);
    while (child->kept)
        destroy(child, child->kept);
    parent_unlock(&parent);
}

u64 keep_donated(const struct child *child)
{
    u64 ram = 0;
    for (const struct kept_ds *k = child->kept; k; k = k->next)
        ram += k->pd.quota.ram;
    return ram;
}

u64 keep_count(const struct child *child)
{
    u64 count = 0;
    for (const struct kept_ds *k = child->kept; k; k = k->next)
        count++;
    return count;
}
