// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Protection domains (domain.h).
#include "lib/core/domain.h"
#include "lib/core/message.h"
#include "lib/rt/selector.h"

enum { DOMAIN_ORDER = 3, DOMAIN_ITEMS = 5 };

static void request_destroy(struct service_client *pd, sel_t domain)
{
    struct msg m;
    (void)!core_request(pd, &m, PD_SERVICE_DESTROY_DOMAIN, domain);
}

error_t domain_open_from(struct service_client *pd, sel_t account, u64 kmem_bytes, u64 caps,
                         struct domain_client *d)
{
    struct msg m;
    sel_t base = selector_alloc_range(DOMAIN_ORDER);
    if (base == SEL_NONE)
        return ERESOURCE;
    service_begin(pd, &m, PD_SERVICE_DOMAIN);
    msg_put_word(&m, kmem_bytes);
    msg_put_word(&m, caps);
    if (account != SEL_NONE)
        msg_put_item(&m, item_delegate(crd(CRD_OBJ, account, 0, PD_CREATE | PD_ACCOUNT), 0, 0));
    error_t error = core_call(pd, &m, base, DOMAIN_ORDER);
    if (!error && !core_arrived(&m, DOMAIN_ITEMS)) {
        request_destroy(pd, base);
        error = EMEM;
    }
    if (error) {
        core_drop_range(base, DOMAIN_ORDER);
        return error;
    }
    *d = (struct domain_client){base, base + 1, base + 2, base + 3, base + 4};
    return SUCCESS;
}

error_t domain_open(struct service_client *pd, u64 kmem_bytes, u64 caps, struct domain_client *d)
{
    return domain_open_from(pd, SEL_NONE, kmem_bytes, caps, d);
}

void domain_close(struct service_client *pd, struct domain_client *d)
{
    request_destroy(pd, d->domain);
    core_drop_range(d->domain, DOMAIN_ORDER);
    d->domain = SEL_NONE;
}

error_t domain_recall_threads(struct service_client *pd, const struct domain_client *d)
{
    struct msg m;
    return core_request(pd, &m, PD_SERVICE_RECALL_THREADS, d->domain);
}

error_t domain_assign_parent(struct service_client *pd, const struct domain_client *d, unsigned cpu,
                             sel_t portal)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_ASSIGN_PARENT);
    msg_put_word(&m, cpu);
    core_name(&m, d->domain);
    msg_put_item(&m, item_delegate(crd(CRD_OBJ, portal, 0, PT_CALL), 0, 0));
    return core_call(pd, &m, SEL_NONE, 0);
}

error_t pd_reference(struct service_client *pd, const struct service_client *reference)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_REFERENCE);
    msg_put_item(&m, item_translate(service_session_name(reference)));
    return core_call(pd, &m, SEL_NONE, 0);
}

error_t pd_transfer(struct service_client *pd, struct service_quota amount, bool back)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_TRANSFER);
    msg_put_word(&m, amount.ram);
    msg_put_word(&m, back);
    msg_put_word(&m, amount.caps);
    return core_call(pd, &m, SEL_NONE, 0);
}

error_t pd_accounts(struct service_client *pd, struct pd_accounts *accounts)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_INFO);
    error_t error = core_call(pd, &m, SEL_NONE, 0);
    accounts->used.ram = msg_get_word(&m);
    accounts->limit.ram = msg_get_word(&m);
    accounts->high.ram = msg_get_word(&m);
    accounts->used.caps = msg_get_word(&m);
    accounts->limit.caps = msg_get_word(&m);
    accounts->high.caps = msg_get_word(&m);
    return error ? error : msg_error(&m);
}

static error_t read_part(struct service_client *pd, sel_t domain, word_t address, u8 *data,
                         size_t bytes, size_t *done)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_READ_MEMORY);
    msg_put_word(&m, address);
    msg_put_word(&m, bytes);
    core_name(&m, domain);
    error_t error = core_call(pd, &m, SEL_NONE, 0);
    *done = error ? 0 : msg_get_bytes(&m, data, bytes);
    return error ? error : msg_error(&m);
}

static error_t write_part(struct service_client *pd, sel_t domain, word_t address, const u8 *data,
                          size_t bytes, size_t *done)
{
    struct msg m;
    service_begin(pd, &m, PD_SERVICE_WRITE_MEMORY);
    msg_put_word(&m, address);
    msg_put_bytes(&m, data, bytes < PD_MEMORY_MAX ? bytes : PD_MEMORY_MAX);
    core_name(&m, domain);
    error_t error = core_call(pd, &m, SEL_NONE, 0);
    *done = error ? 0 : msg_get_word(&m);
    return error ? error : msg_error(&m);
}

error_t domain_read(struct service_client *pd, sel_t domain, word_t address, void *data,
                    size_t *bytes)
{
    size_t done = 0, part = 0;
    error_t error = SUCCESS;
    do {
        error = read_part(pd, domain, address + done, (u8 *)data + done, *bytes - done, &part);
        done += part;
    } while (!error && part && done < *bytes);
    *bytes = done;
    return done ? SUCCESS : error;
}

error_t domain_write(struct service_client *pd, sel_t domain, word_t address, const void *data,
                     size_t *bytes)
{
    size_t done = 0, part = 0;
    error_t error = SUCCESS;
    do {
        error =
            write_part(pd, domain, address + done, (const u8 *)data + done, *bytes - done, &part);
        done += part;
    } while (!error && part && done < *bytes);
    *bytes = done;
    return done ? SUCCESS : error;
}
