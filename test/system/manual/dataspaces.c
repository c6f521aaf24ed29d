// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The examples of doc/region-maps.md on dataspaces.
#include "lib/core/dataspace.h"
#include "lib/rt/address.h"
#include "test/system/manual/manual.h"

// doc: map begin
// RAM of any account, mapped in our own domain: the caller has the dataspace and the memory.
error_t memory_map(struct service_client *pd, size_t bytes, sel_t *ds, u64 **at)
{
    error_t error = ds_alloc(pd, bytes, ds);
    if (error)
        return error;
    word_t address = address_alloc(bytes);
    error = address ? dataspace_attach(*ds, (void *)address, bytes, 0) : EMEM;
    if (error) {
        if (address)
            address_free(address, bytes);
        ds_free(pd, *ds); // from everybody who has it
        return error;
    }
    *at = (u64 *)address;
    return SUCCESS;
}
// doc: map end

error_t example_share(void)
{
    struct service_client pd;
    sel_t ds;
    u64 *first, *second = (u64 *)address_alloc(PAGE_SIZE);
    error_t error = service_init(&pd, "pd", "share", "", (struct service_quota){1 << 20, 100});
    if (!error)
        error = memory_map(&pd, PAGE_SIZE, &ds, &first);
    if (!error)
        error = dataspace_attach(ds, second, PAGE_SIZE, PD_READ_ONLY);
    if (error)
        return error;
    first[7] = 0x1234;
    if (second[7] != 0x1234)
        error = EABORT;
    service_close(&pd);
    return error;
}

// doc: physical begin
// A buffer for a device that does DMA: contiguous, and one may know where it is.
error_t example_physical(u64 *physical)
{
    struct service_client pd;
    sel_t ds;
    u64 bytes;
    error_t error = service_init(&pd, "pd", "buffers", "", (struct service_quota){1 << 20, 100});
    if (error)
        return error;
    error = ds_alloc(&pd, 5 * PAGE_SIZE, &ds);
    if (!error)
        error = ds_phys(&pd, ds, physical, &bytes);
    service_close(&pd); // and with the session all that it has allocated
    return error;
}
// doc: physical end
