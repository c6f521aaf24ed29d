// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// init's state as text, in the language of configurations: what the control service shows and what
// goes out as a report (doc/report.md).
#include "init/init.h"
#include "lib/rt/string.h"

static const char *const state_names[] = {
#define X(name, number) [number] = #name,
    CHILD_STATES(X)
#undef X
};

// The part of a text that somebody wants, while all of it is made.
struct part {
    char *text;
    size_t size, from, at; // at: bytes made so far
};

PRINTF_LIKE(2, 3) static void put(struct part *part, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    size_t length = text_format_va(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (length >= sizeof(line))
        length = sizeof(line) - 1;
    for (size_t i = 0; i < length; i++, part->at++) {
        if (part->at >= part->from && part->at - part->from < part->size)
            part->text[part->at - part->from] = line[i];
    }
}

static void put_quotas(struct part *part, struct child *child)
{
    struct amount kmem = peaks_amount(child, PD_READ_KMEM),
                  caps = peaks_amount(child, PD_READ_CAPS);
    peaks_sample(child);
    put(part,
        " ram = %lu; ram_limit = %lu; ram_high = %lu; kmem = %lu; kmem_limit = %lu; "
        "kmem_high = %lu; caps = %lu; caps_limit = %lu; caps_high = %lu; refused = %u; kept = %lu;",
        child->ram_used, account_ram_limit(child), child->ram_high, kmem.used, kmem.limit,
        child->kmem_peak.most, caps.used, caps.limit, child->caps_peak.most, child->refusal.count,
        child->kept_bytes);
}

static void put_child(struct part *part, struct child *child, u32 what)
{
    u32 state = child->state;
    put(part, "child \"%s\" { state = %s; restarts = %u; sessions = %u;", child->name,
        state < ARRAY_SIZE(state_names) ? state_names[state] : "?", child->restarts,
        child->client ? child->client->pseudonym_count : 0);
    if (what & CONFIG_REPORT_QUOTAS)
        put_quotas(part, child);
    put(part, " }\n");
}

static void put_own(struct part *part)
{
    u64 ram = 0, caps = 0, kmem = 0, kmem_limit = 0, slots = 0, slots_limit = 0;
    if (env_quota(&ram, &caps))
        ram = 0;
    (void)!hc_pd_read(SEL_PD, PD_READ_KMEM, &kmem, &kmem_limit);
    (void)!hc_pd_read(SEL_PD, PD_READ_CAPS, &slots, &slots_limit);
    put(part,
        "init { ram_left = %lu; kmem = %lu; kmem_limit = %lu; caps = %lu; caps_limit = %lu; }\n",
        ram, kmem, kmem_limit, slots, slots_limit);
}

static void put_sessions(struct part *part)
{
    for (u32 i = 0; i < parent.pseudonyms_made; i++) {
        const struct parent_pseudonym *p = parent_pseudonym_at(&parent, i);
        if (!p->client)
            continue;
        const struct child *client = p->client->user,
                           *provider = p->provider ? p->provider->user : NULL;
        put(part,
            "session { client = \"%s\"; service = \"%s\"; provider = \"%s\"; label = \"%s\"; }\n",
            client->name, parent_pseudonym_name(p),
            p->forwarded ? "parent"
            : provider   ? provider->name
                         : "init",
            parent_pseudonym_label(p));
    }
}

size_t state_text(char *text, size_t size, size_t from, u32 what)
{
    struct part part = {.text = text, .size = size, .from = from};
    if (what & CONFIG_REPORT_QUOTAS)
        put_own(&part);
    mutex_lock(&parent.lock);
    for (unsigned i = 0; i < child_count && what & (CONFIG_REPORT_CHILDREN | CONFIG_REPORT_QUOTAS);
         i++) {
        if (children[i].present)
            put_child(&part, &children[i], what);
    }
    if (what & CONFIG_REPORT_SESSIONS)
        put_sessions(&part);
    parent_unlock(&parent);
    return part.at;
}
