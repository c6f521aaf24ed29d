// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A child's life: its program from ROM, memory, protection domain, capabilities
// (000_7d6c79716bf8d028.txt, last paragraph), main thread; and the end of it all. Memory is charged
// to the child's RAM by way of a "pd" session that is opened in its name; kernel memory and
// capability slots go into the account of its domain.
#include "init/init.h"
#include "lib/rt/program.h"
#include "lib/rt/range.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"

// A child may create objects in its own domain and delegate to itself, not scheduling contexts.
enum { OWN_PD_RIGHTS = PD_CREATE | PD_GRANT | PD_ACCOUNT };

unsigned child_cpu(const struct child *child)
{
    return child->config.affinity_count ? child->config.affinity[0] : 0;
}

static error_t open_program(struct child *child)
{
    strlcpy(child->binary, child->config.binary, sizeof(child->binary)); // a ROM handle keeps it
    error_t error = rom_open(&child->rom, child->binary);
    if (error) {
        child_report(child, "there is no binary \"%s\" (%s); is it among the scenario's BINS?",
                     child->config.binary, error_name(error));
        return error;
    }
    child->rom_open = true;
    error = elf_open(&child->elf, child->rom.data, child->rom.size);
    if (error)
        child_report(child, "binary \"%s\" cannot be run: %s", child->config.binary,
                     child->elf.fault);
    return error;
}

static error_t open_memory(struct child *child)
{
    struct service_quota quota = {program_bytes(&child->elf, false) +
                                      IMAGE_PIECES * PD_DATASPACE_COST,
                                  IMAGE_PIECES * PD_DATASPACE_CAPS};
    if (child->config.debug)
        quota = debuggee_quota(child);
    u64 bytes = quota.ram;
    quota.caps += service_caps_least();
    u64 kept = child->kept_bytes;
    if (bytes > child->ram_limit || kept > child->ram_limit - bytes) {
        char beside[48] = "";
        if (kept)
            text_format(beside, sizeof(beside), ", beside the %luKb that it keeps", kept / 1024);
        child_report(child, "ram %luKb does not hold program and stack, which take %luKb%s",
                     child->ram_limit / 1024, bytes / 1024, beside);
        return EPARAM; // nor will it
    }
    error_t error = service_init(&child->pd, "pd", child->name, "", quota);
    if (error)
        return error;
    child->pd_open = true;
    error = service_open(&child->pd);
    if (error)
        child_report(child, "%luKb for program and stack refused: %s", bytes / 1024,
                     error_name(error));
    mutex_lock(&parent.lock);
    account_image(child, error ? 0 : bytes);
    parent_unlock(&parent);
    return error;
}

static error_t domain_up(struct child *child)
{
    if (child->config.debug)
        return debuggee_domain(child);
    mutex_lock(&parent.lock);
    error_t error = account_up(child);
    parent_unlock(&parent);
    return error;
}

static error_t create_domain(struct child *child)
{
    error_t error = domain_up(child);
    if (error) {
        u64 used = 0, limit = 0, caps_used = 0, caps = 0;
        (void)!hc_pd_read(SEL_PD, PD_READ_KMEM, &used, &limit);
        (void)!hc_pd_read(SEL_PD, PD_READ_CAPS, &caps_used, &caps);
        child_report(child, "no domain (%s): kmem %luKb of %luKb left, caps %u of %lu left",
                     error_name(error), child->config.kmem_bytes / 1024, (limit - used) / 1024,
                     child->config.caps, caps - caps_used);
        return error;
    }
    const struct program_memory memory = program_image_memory(&child->image);
    error = program_map(child->sel_pd, &child->elf, &memory);
    if (error)
        child_report(child, "program not loaded (%s): ram %luKb, kmem %luKb", error_name(error),
                     child->config.ram_bytes / 1024, child->config.kmem_bytes / 1024);
    return error;
}

static error_t give(const struct child *child, sel_t from, sel_t to, unsigned rights)
{
    return range_delegate(child->sel_pd, CRD_OBJ, from, to, 1, rights);
}

// All vectors that a program can raise are the child's one exception portal of a CPU. Each costs it
// a capability slot, so those that it cannot raise are left out.
static error_t give_exceptions(const struct child *child, unsigned cpu, sel_t base)
{
    static const u8 vectors[] = {0,  1,  3,  6,           13,        EXC_PAGE_FAULT,
                                 16, 17, 19, EXC_STARTUP, EXC_RECALL};
    struct utcb *u = utcb();
    for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++)
        *utcb_item(u, i) =
            item_delegate(crd(CRD_OBJ, child->exceptions + cpu, 0, PT_EVENT), base + vectors[i], 0);
    return hc_delegate(child->sel_pd, ARRAY_SIZE(vectors));
}

static error_t give_selectors(struct child *child)
{
    error_t error = give(child, child->sel_pd, SEL_PD, OWN_PD_RIGHTS);
    if (!error)
        error = give(child, child->sel_ec, SEL_EC, RIGHT_ALL);
    if (!error)
        error = give(child, child->sel_identity, SEL_IDENTITY, RIGHT_ALL);
    if (!error)
        error = give_exceptions(child, child_cpu(child), SEL_EXC_BASE);
    for (unsigned cpu = 0; cpu < hip()->cpu_count && !error; cpu++) {
        error = give(child, child->client->portals + cpu, SEL_PARENT + cpu, PT_CALL);
        if (!error)
            error = give_exceptions(child, cpu, SEL_EXC_CPU + EXC_COUNT * cpu);
    }
    return error;
}

static error_t create_objects(struct child *child)
{
    error_t error = hc_create_sm(child->sel_identity, 0, SEL_PD);
    if (!error && child->config.debug)
        return debuggee_create(child);
    if (!error)
        error = faults_create(child);
    if (!error)
        error = hc_create_ec(child->sel_ec, UTCB_ADDR, STACK_TOP, child_cpu(child), EC_GLOBAL,
                             SEL_EXC_BASE, child->sel_pd);
    if (!error)
        error = give_selectors(child);
    if (error)
        child_report(child, "no main thread: %s; caps %u, kmem %luKb", error_name(error),
                     child->config.caps, child->config.kmem_bytes / 1024);
    return error;
}

static error_t run(struct child *child)
{
    const struct config_child *c = &child->config;
    error_t error = SUCCESS;
    if (c->debug) {
        return debuggee_run(child);
    } else if (c->budget_us) { // with the child's own threads in one pool
        struct service_quota none = {0, 0};
        share_args(child, "", "", child->cpu_args, sizeof(child->cpu_args));
        error = service_init(&child->cpu, "cpu", child->name, child->cpu_args, none);
        child->cpu_open = !error;
        if (!error)
            error =
                sc_create_in(&child->cpu, child->sel_ec, c->priority, 0, 0, 0, "", &child->sel_sc);
    } else {
        error = env_sc_create(child->sel_ec, c->priority | CPU_MAIN, 0, 0, 0, child->name,
                              &child->sel_sc);
    }
    if (error)
        child_report(child, "no scheduling context: %s", error_name(error));
    return error;
}

error_t child_start(struct child *child)
{
    sel_t *sels[] = {&child->sel_identity, &child->sel_pd, &child->sel_ec};
    error_t error = SUCCESS;
    child->sel_sc = SEL_NONE;
    child->image = (struct program_image){.pd = &child->pd, .space = SEL_NONE};
    for (unsigned i = 0; i < (child->config.debug ? 1 : ARRAY_SIZE(sels)); i++) {
        *sels[i] = selector_alloc();
        if (*sels[i] == SEL_NONE)
            error = ERESOURCE;
    }
    if (child_cpu(child) >= hip()->cpu_count) {
        child_report(child, "affinity names CPU %u of %u", child_cpu(child), hip()->cpu_count);
        error = ECPU;
    }
    if (!error)
        error = open_program(child);
    if (!error)
        error = open_memory(child);
    if (!error)
        error = create_domain(child);
    if (!error)
        error = create_objects(child);
    child->refusals_told = 0;
    child->exit_code = 0;
    child->started_at = child->heartbeat_at = rdtsc();
    if (!error) {
        child_announce(child);
        child_state_set(child, CHILD_RUNNING);
        error = run(child);
    }
    if (error)
        child_end(child);
    return error;
}

// First the thread stops, then its sessions end, then its domain, last the memory it lay in.
void child_end(struct child *child)
{
    if (child->state == CHILD_RUNNING)
        child_state_set(child, CHILD_ENDING); // a start may be asked for from now on
    debug_ends(child);
    if (child->sel_sc != SEL_NONE && child->cpu_open)
        sc_destroy_in(&child->cpu, child->sel_sc);
    else if (child->sel_sc != SEL_NONE)
        env_sc_destroy(child->sel_sc);
    if (child->cpu_open)
        service_close(&child->cpu);
    selector_drop(child->sel_ec);
    if (parent_client_restart(&parent, child->client))
        child_report(child, "no kernel memory for its portals: it cannot call its parent");
    mutex_lock(&parent.lock);
    account_down(child);
    parent_unlock(&parent);
    if (child->domain.domain != SEL_NONE)
        debuggee_end(child);
    else
        selector_drop(child->sel_pd);
    faults_destroy(child);
    selector_drop(child->sel_identity);
    if (child->pd_open)
        service_close(&child->pd);
    program_image_free(&child->image);
    keep_life_over(child);
    if (child->rom_open)
        rom_close(&child->rom);
    child->pd_open = child->rom_open = child->cpu_open = false;
    child->sel_sc = child->sel_ec = child->sel_pd = child->sel_identity = SEL_NONE;
    mutex_lock(&parent.lock);
    child->life++;
    // What it has done in its last moments is not its next life's.
    __atomic_fetch_and(&child->notes, ~(u32)NOTES_END, __ATOMIC_ACQ_REL);
    account_image(child, 0);
    u64 least =
        child->config.ram_bytes > child->ram_used ? child->config.ram_bytes : child->ram_used;
    if (child->ram_limit > least)
        child->ram_limit = least; // it was more than that in use
    parent_unlock(&parent);
}
