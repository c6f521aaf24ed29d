// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Protection domains and accounts (002_8bbc1eeec7f51661.txt, Protection domains; doc/domains.md),
// by way of sessions of "pd". These functions use the calling thread's UTCB and its windows.
#pragma once

#include "lib/service/client.h"

struct domain_client {
    sel_t domain;                         // names it to sigma0
    sel_t pd;                             // the kernel's object: PD_CREATE | PD_GRANT
    sel_t space, stack_area, linker_area; // region maps
};

// Makes a domain with `kmem_bytes` (a multiple of 64) of kernel memory and `caps` capability slots,
// paid by the session. It is empty but for its stack area and linker area, which are attached at
// STACK_AREA_BASE and LINKER_AREA_BASE. ERESOURCE, EMEM, EPARAM.
MUST_CHECK error_t domain_open(struct service_client *pd, u64 kmem_bytes, u64 caps,
                               struct domain_client *domain);
// The same with what the account of `account` (a PD, PD_CREATE | PD_ACCOUNT) gives and gets back,
// in place of the session's: quota may then be traded in and out of the domain (PD_ACCOUNT). EMEM:
// it does not have that.
MUST_CHECK error_t domain_open_from(struct service_client *pd, sel_t account, u64 kmem_bytes,
                                    u64 caps, struct domain_client *domain);
// Ends it: its threads stop, all of it comes back to the session. Frees the selectors.
void domain_close(struct service_client *pd, struct domain_client *domain);
// Takes back all capabilities to its threads, from whoever has some. By the session that made it:
// EPERM. ENOTFOUND.
MUST_CHECK error_t domain_recall_threads(struct service_client *pd,
                                         const struct domain_client *domain);
// The capability that it begins with: puts `portal` at SEL_PARENT + cpu. EINUSE or EBUSY if one is
// there.
MUST_CHECK error_t domain_assign_parent(struct service_client *pd,
                                        const struct domain_client *domain, unsigned cpu,
                                        sel_t portal);

// Reads or writes what the domain's address space shows at `address`, page boundaries and regions
// across, with the rights that its threads have there. *bytes is what is asked for, and then what
// was done: less if something else stands in the way. Who holds the domain's capability may. Errors
// (of the first byte): ENOTFOUND nothing is there; EPERM it is read-only; EFEATURE device memory.
// What the domain has by windows (lib/core/domain_program.h) or from the kernel (UTCBs) is not
// seen.
MUST_CHECK error_t domain_read(struct service_client *pd, sel_t domain, word_t address, void *data,
                               size_t *bytes);
MUST_CHECK error_t domain_write(struct service_client *pd, sel_t domain, word_t address,
                                const void *data, size_t *bytes);

// Makes `reference` the account with which `pd` exchanges quota. EINUSE it has one, EDEADLOCK that
// leads back here, ENOTFOUND not an open session.
MUST_CHECK error_t pd_reference(struct service_client *pd, const struct service_client *reference);
// Moves bytes and capability slots from the reference account, or what came from there back.
// ERESOURCE.
MUST_CHECK error_t pd_transfer(struct service_client *pd, struct service_quota amount, bool back);
// The accounts of a session: bytes of RAM, capability slots; the most that was in use at once.
struct pd_accounts {
    struct service_quota used, limit, high;
};
MUST_CHECK error_t pd_accounts(struct service_client *pd, struct pd_accounts *accounts);
