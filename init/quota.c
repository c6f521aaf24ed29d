// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Quotas and shares of children that run, when the configuration changes them (init.h). Less is
// taken as far as it is unused: what is in use stays with the child until its next life. What is
// more than there is is refused in words and the old limit stays.
#include "init/init.h"
#include "lib/rt/range.h"

// All RAM that init may give to its children: what its own parent still has for it and what went
// from there to the children already, less what it keeps for itself.
static u64 ram_total(void)
{
    u64 ram = 0, caps = 0, image = 0;
    mutex_lock(&parent.lock);
    if (env_quota(&ram, &caps))
        ram = 0;
    for (u32 i = 0; i < parent.pseudonyms_made; i++) {
        const struct parent_pseudonym *p = parent_pseudonym_at(&parent, i);
        if (p->client && p->forwarded && p->client != self.client)
            ram += p->ram;
    }
    for (unsigned i = 0; i < child_count; i++)
        image += children[i].image_ram + keep_donated(&children[i]);
    parent_unlock(&parent);
    u64 own = service_donated.ram - image, kept = own_ram > own ? own_ram - own : 0;
    ram += image;
    return ram > kept ? ram - kept : 0;
}

static void ram_lower(struct child *child)
{
    u64 wanted = child->config.ram_bytes;
    if (!child->reserved || wanted >= child->ram_limit)
        return;
    mutex_lock(&parent.lock);
    u64 used = child->ram_used;
    child->ram_limit = used > wanted ? used : wanted;
    parent_unlock(&parent);
    if (used > wanted)
        child_report(child, "ram %luKb is less than the %luKb in use, which it keeps until it ends",
                     wanted / 1024, used / 1024);
}

static void ram_raise(struct child *child, u64 *left)
{
    u64 wanted = child->config.ram_bytes, has = child->reserved ? child->ram_limit : 0;
    if (child->reserved && wanted <= has)
        return;
    if (wanted - has <= *left) {
        *left -= wanted - has;
        child->ram_limit = wanted;
        child->reserved = true;
        return;
    }
    child_report(child, "ram %luKb exceeds the %luKb that are left; %s", wanted / 1024,
                 (has + *left) / 1024,
                 child->reserved ? "it keeps what it has" : "lower it or free some");
}

static void rams(void)
{
    u64 reserved = 0, total = ram_total();
    for (unsigned i = 0; i < child_count; i++) {
        if (!children[i].present)
            continue;
        ram_lower(&children[i]);
        reserved += children[i].reserved ? children[i].ram_limit : 0;
    }
    u64 left = total > reserved ? total - reserved : 0;
    for (unsigned i = 0; i < child_count; i++) {
        if (children[i].present)
            ram_raise(&children[i], &left);
    }
}

static void caps_change(struct child *child, u64 new)
{
    u64 old = child->caps_own;
    mutex_lock(&parent.lock);
    peaks_sample(child);
    u64 moved = account_caps_change(child, old, new);
    child->caps_own = new > old ? old + moved : old - moved;
    peaks_restart(child);
    parent_unlock(&parent);
    if (new > old && moved < new - old)
        child_report(child, "caps %lu instead of %lu are more than are left; it keeps what it has",
                     new, old);
    else if (new < old && moved < old - new)
        child_report(child, "caps %lu are less than it has in use; it keeps %lu until it ends", new,
                     old - moved);
}

static void kmem_change(struct child *child, u64 new)
{
    u64 old = child->kmem_own, used = 0, limit = 0;
    u64 change = ALIGN_DOWN(new > old ? new - old : old - new, 64ul);
    mutex_lock(&parent.lock);
    peaks_sample(child);
    error_t error = hc_pd_read(child->sel_pd, PD_READ_KMEM, &used, &limit);
    if (!error && new < old && change > limit - used)
        change = limit - used;
    if (!error && change)
        error = new > old ? hc_pd_give(child->sel_pd, PD_GIVE_KMEM, SEL_PD, change)
                          : hc_pd_give(SEL_PD, PD_GIVE_KMEM, child->sel_pd, change);
    if (!error)
        child->kmem_own = new > old ? old + change : old - change;
    peaks_restart(child);
    parent_unlock(&parent);
    if (error)
        child_report(child, "kmem %luKb instead of %luKb: %s; it keeps what it has", new / 1024,
                     old / 1024, error_name(error));
    else if (new < old && change < ALIGN_DOWN(old - new, 64ul))
        child_report(child, "kmem %luKb is less than it has in use; it keeps %luKb until it ends",
                     new / 1024, (old - change) / 1024);
}

// A session with the new budget sets that of the whole pool (sigma0/cpu.c).
static void budget(struct child *child)
{
    struct service_client cpu;
    char args[SERVICE_ARGS_MAX];
    share_args(child, "", "", args, sizeof(args));
    error_t error = service_init(&cpu, "cpu", child->name, args, (struct service_quota){0, 0});
    if (!error) {
        error = service_open(&cpu);
        service_close(&cpu);
    }
    if (error)
        child_report(child, "budget not changed: %s", error_name(error));
}

void quota_apply(const u32 change[CHILDREN_MAX])
{
    rams();
    for (int more = 0; more < 2; more++) { // first those that give back
        for (unsigned i = 0; i < child_count; i++) {
            struct child *child = &children[i];
            const struct config_child *c = &child->config;
            if (!child->present || child->state != CHILD_RUNNING || !(change[i] & CHANGE_KERNEL))
                continue;
            if (c->caps != child->caps_own && (c->caps > child->caps_own) == more)
                caps_change(child, c->caps);
            if (c->kmem_bytes != child->kmem_own && (c->kmem_bytes > child->kmem_own) == more)
                kmem_change(child, c->kmem_bytes);
        }
    }
    for (unsigned i = 0; i < child_count; i++) {
        if (!children[i].present || children[i].state != CHILD_RUNNING)
            continue;
        if (change[i] & CHANGE_PRIORITY) // before the budget, whose session has the new one
            priority_apply(&children[i]);
        if (change[i] & CHANGE_BUDGET && children[i].config.budget_us)
            budget(&children[i]);
    }
}
