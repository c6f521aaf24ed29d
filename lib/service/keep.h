// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Memory that outlives a component (design section 8; doc/keeping.md): its parent keeps it, by
// name, and the component's next life finds it as it was left, wherever that was. How much a
// component may keep is the `keep` of its block; it is a part of its `ram` in all its lives and
// between them. Between two lives nobody has it: whoever it was passed on to has lost it, and DMA
// to it ends.
#pragma once

#include "lib/service/client.h"

struct kept {
    const char *name; // of less than KEEP_NAME_MAX bytes, the caller keeps it
    sel_t ds;         // the dataspace, which may be passed on; SEL_NONE: not open
    void *data;       // where it is mapped
    size_t bytes;     // whole pages
    bool earlier;     // an earlier life had it: it has content; else it is zeroed
    // How many lives in a row have faulted, fallen silent or ended with an exit code since the last
    // that said READY, left with 0 or ran for ten seconds. Who finds some here may have been killed
    // by what it has kept, and does well to begin anew.
    u32 failures;
};
#define KEPT_NONE                                                                                  \
    {                                                                                              \
        .ds = SEL_NONE                                                                             \
    }

// Has `bytes` kept (rounded up to pages; 0: as many as there are), and maps them, readable and
// writable. Errors: EPERM the block has no `keep`; ERESOURCE `keep`, `ram` or `caps` do not allow
// for it, which the parent has reported, or no selectors; EPARAM there is one of that name with
// kept->bytes bytes; ENOTFOUND there is none, and 0 bytes were asked for; EMEM no room for it in
// this domain, or no memory; EPROTO no such name; EFEATURE the parent keeps nothing (sigma0).
MUST_CHECK error_t kept_open(struct kept *kept, const char *name, size_t bytes);
// What one of so many bytes takes of the accounts of who keeps it: its pages and session, the books
// of its parent and of that one's parent.
static inline struct service_quota kept_price(size_t bytes)
{
    return (struct service_quota){ALIGN_UP(bytes, (size_t)PAGE_SIZE) + SESSION_RAM_LEAST +
                                      PD_DATASPACE_COST + PSEUDONYM_COST + KEPT_COST,
                                  3 * service_caps_least() + PD_DATASPACE_CAPS + 1};
}
// Unmaps it and lets go of it. It stays kept.
void kept_close(struct kept *kept);
// Likewise, and the parent gives it up: everybody has lost it, and the account has it back.
void kept_drop(struct kept *kept);
// Gives up what is kept by that name, without having it open. ENOTFOUND.
MUST_CHECK error_t kept_forget(const char *name);
