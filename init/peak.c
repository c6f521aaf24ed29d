// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What children used at most of their accounts, and what they were refused, by init or by the
// kernel in their own domain (doc/quotas.md). The kernel keeps the peaks: what a domain had left at
// least is what its own `caps` or `kmem` had more than it needed, whatever came in and went out
// with sessions. A child that says that its domain ran dry is not believed but looked at, and a
// person is told again only if it is an eighth more than before, so that it fills no log. All under
// parent.lock.
#include "init/init.h"

static void at_least(u64 *value, u64 least)
{
    if (*value < least)
        *value = least;
}

// What the domains hold that the child has made of its own, as an init does: the kernel counts it
// as theirs. `limit` is what its own domain has.
static u64 amount_below(u64 has, u64 away, u64 limit)
{
    return has > away + limit ? has - away - limit : 0;
}

struct amount peaks_amount(const struct child *child, enum pd_op what)
{
    u64 unit = what == PD_READ_KMEM ? CAP_KMEM : 1, // a slot that is away took it along
        own = what == PD_READ_KMEM ? child->kmem_own : child->caps_own,
        away = (child->caps_given + child->fee_slots) * unit, configured;
    struct amount a = {0, 0};
    if (!child->domain_up || hc_pd_read(child->sel_pd, what, &a.used, &a.limit)) {
        configured = what == PD_READ_KMEM ? child->config.kmem_bytes : child->config.caps;
        return (struct amount){away, configured > away ? configured : away};
    }
    u64 below = amount_below(own + child->caps_received * unit, away, a.limit);
    return (struct amount){a.used + below + away, a.limit + below + away};
}

static void sample(const struct child *child, enum pd_op operation, u64 own, struct peak *p)
{
    u64 left, lacked;
    if (!child->domain_up || hc_pd_peak(child->sel_pd, operation, &left, &lacked))
        return;
    at_least(&p->most, own > left ? own - left : 0);
    at_least(&p->lacked, lacked);
    if (lacked)
        at_least(&p->wanted, own + lacked);
}

void peaks_sample(struct child *child)
{
    sample(child, PD_PEAK_CAPS, child->caps_own, &child->caps_peak);
    sample(child, PD_PEAK_KMEM, child->kmem_own, &child->kmem_peak);
    at_least(&child->caps_peak.most, peaks_amount(child, PD_READ_CAPS).used);
    at_least(&child->ram_high, child->ram_used);
}

void peaks_restart(const struct child *child)
{
    u64 left, lacked;
    if (child->domain_up) {
        (void)!hc_pd_peak(child->sel_pd, PD_PEAK_CAPS, &left, &lacked);
        (void)!hc_pd_peak(child->sel_pd, PD_PEAK_KMEM, &left, &lacked);
    }
}

void peaks_forget_lack(struct child *child)
{
    struct peak caps = child->caps_peak, kmem = child->kmem_peak;
    peaks_sample(child);
    child->caps_peak.wanted = caps.wanted;
    child->caps_peak.lacked = caps.lacked;
    child->kmem_peak.wanted = kmem.wanted;
    child->kmem_peak.lacked = kmem.lacked;
}

static u64 kib(u64 bytes)
{
    return bytes / 1024 + (bytes % 1024 != 0);
}

struct shortage {
    const char *what, *unit;
    u64 wanted, used, limit;
};

// What it is about: `kind` and name, or with NULL the child's own domain.
static void refuse(struct child *child, const char *kind, const char *name,
                   const struct shortage *s)
{
    struct refusal *r = &child->refusal;
    size_t length = kind ? text_format(r->text, sizeof(r->text), "%s \"%s\"", kind, name)
                         : text_format(r->text, sizeof(r->text), "its own domain");
    length += text_format(r->text + length, sizeof(r->text) - length,
                          " wants %lu%s more of %s, %lu%s of %lu%s are used", s->wanted, s->unit,
                          s->what, s->used, s->unit, s->limit, s->unit);
    if (s->used + s->wanted >= s->used && length < sizeof(r->text))
        text_format(r->text + length, sizeof(r->text) - length, "; %s = %lu%s would do", s->what,
                    s->used + s->wanted, s->unit);
    r->count++;
    child_refused(child, "%s", r->text);
}

error_t account_refuse_ram(struct child *child, const char *kind, const char *name, u64 bytes)
{
    if (bytes < ~0ul - child->ram_used)
        at_least(&child->ram_wanted, child->ram_used + bytes);
    refuse(child, kind, name,
           &(struct shortage){"ram", "Kb", kib(bytes), kib(child->ram_used),
                              kib(account_ram_limit(child))});
    return ERESOURCE;
}

error_t account_refuse_caps(struct child *child, const char *kind, const char *name, u64 caps)
{
    u64 used = 0, limit = 0, kmem = 0, kmem_limit = 0;
    if (hc_pd_read(child->sel_pd, PD_READ_CAPS, &used, &limit))
        used = limit = 0;
    peaks_forget_lack(child); // it is told here
    // Each slot takes kernel memory along: that may be what is missing.
    u64 memory = caps * CAP_KMEM, own = child->kmem_own;
    if (limit - used >= caps && !hc_pd_read(child->sel_pd, PD_READ_KMEM, &kmem, &kmem_limit) &&
        kmem_limit - kmem < memory && kmem_limit - kmem <= own) {
        u64 in_use = own - (kmem_limit - kmem);
        at_least(&child->kmem_peak.wanted, in_use + memory);
        refuse(child, kind, name,
               &(struct shortage){"kmem", "Kb", kib(memory), kib(in_use), kib(own)});
        return ERESOURCE;
    }
    u64 given = child->caps_given + child->fee_slots;
    if (caps < ~0u)
        at_least(&child->caps_peak.wanted, used + given + caps);
    refuse(child, kind, name, &(struct shortage){"caps", "", caps, used + given, limit + given});
    return ERESOURCE;
}

error_t account_refuse_keep(struct child *child, const char *name, u64 bytes)
{
    refuse(child, "kept dataspace", name,
           &(struct shortage){"keep", "Kb", kib(bytes), kib(child->kept_bytes),
                              kib(child->config.keep_bytes)});
    return ERESOURCE;
}

// `used` and `limit` are those of its own share: what came from clients goes back to them.
static void tell(struct child *child, struct peak *p, struct shortage s)
{
    u64 lacked = p->lacked, wanted = s.limit + lacked;
    p->lacked = 0;
    if (!lacked)
        return;
    if (wanted <= p->told + p->told / 8) {
        child->refusal.count++;
        return;
    }
    p->told = wanted;
    bool bytes = *s.unit;
    s.wanted = bytes ? kib(lacked) : lacked;
    s.used = s.limit = bytes ? kib(s.limit) : s.limit;
    refuse(child, NULL, NULL, &s);
}

void peaks_dry(struct child *child)
{
    peaks_sample(child);
    tell(child, &child->caps_peak, (struct shortage){"caps", "", .limit = child->caps_own});
    tell(child, &child->kmem_peak, (struct shortage){"kmem", "Kb", .limit = child->kmem_own});
}
