// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// KEEP and DROP (keep.h).
#include "lib/service/keep.h"
#include "lib/rt/address.h"
#include "lib/rt/range.h"
#include "lib/rt/selector.h"
#include "lib/service/env.h"

static error_t ask(struct kept *kept, size_t bytes)
{
    struct msg m;
    crd_t window = utcb()->window, window2 = utcb()->window2;
    parent_begin(&m, PARENT_KEEP);
    msg_put_word(&m, bytes);
    msg_put_string(&m, kept->name);
    utcb()->window = crd(CRD_OBJ, kept->ds, 0, RIGHT_ALL);
    utcb()->window2 = 0;
    error_t error = parent_call(&m);
    utcb()->window = window;
    utcb()->window2 = window2;
    if (error && error != EPARAM)
        return error;
    kept->bytes = msg_get_word(&m);
    if (error)
        return msg_error(&m) ? msg_error(&m) : error;
    kept->earlier = msg_get_word(&m) & KEPT_EARLIER;
    kept->failures = (u32)msg_get_word(&m);
    if (msg_error(&m))
        return EPROTO;
    return crd_kind(msg_get_item(&m).crd) == CRD_OBJ ? SUCCESS : EMEM;
}

error_t kept_open(struct kept *kept, const char *name, size_t bytes)
{
    *kept = (struct kept){.name = name, .ds = selector_alloc()};
    if (kept->ds == SEL_NONE)
        return ERESOURCE;
    error_t error = ask(kept, bytes);
    if (!error) {
        word_t address = address_alloc(kept->bytes);
        error = address ? dataspace_attach(kept->ds, (void *)address, kept->bytes, 0) : EMEM;
        kept->data = error ? NULL : (void *)address;
        if (error && address) {
            range_revoke(CRD_MEM, address / PAGE_SIZE, kept->bytes / PAGE_SIZE, true);
            address_free(address, kept->bytes);
        }
    }
    if (error) {
        selector_drop(kept->ds);
        kept->ds = SEL_NONE;
    }
    return error;
}

void kept_close(struct kept *kept)
{
    if (kept->ds == SEL_NONE)
        return;
    range_revoke(CRD_MEM, (word_t)kept->data / PAGE_SIZE, kept->bytes / PAGE_SIZE, true);
    address_free((word_t)kept->data, kept->bytes);
    selector_drop(kept->ds);
    kept->ds = SEL_NONE;
    kept->data = NULL;
}

void kept_drop(struct kept *kept)
{
    if (kept->ds == SEL_NONE)
        return;
    (void)!kept_forget(kept->name);
    kept_close(kept);
}

error_t kept_forget(const char *name)
{
    struct msg m;
    parent_begin(&m, PARENT_DROP);
    msg_put_string(&m, name);
    return parent_call(&m);
}
