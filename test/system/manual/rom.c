// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The examples of doc/rom.md.
#include "lib/core/dataspace.h"
#include "lib/core/rm.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "test/system/manual/manual.h"

// doc: open begin
// A module, mapped: our own program's file.
error_t example_rom(size_t *bytes)
{
    struct rom rom;
    error_t error = rom_open(&rom, "manual-test");
    if (error)
        return error; // ENOTFOUND: the log says which modules there are
    if (memcmp(rom.data, "\177ELF", 4))
        error = EPROTO;
    *bytes = rom.size;
    rom_close(&rom);
    return error;
}
// doc: open end

// doc: dataspace begin
// The same as a dataspace, attached in another domain. RM_WRITE adds nothing: writing is not among
// a module's rights, so the worker's attempt ends with a page fault.
error_t example_rom_dataspace(struct worker *w)
{
    struct rm_window window = {.address = 4 * HERE, .flags = RM_WRITE};
    struct service_quota nothing = {0, 0};
    struct service_client rom;
    struct thread_exception e = {0};
    sel_t ds;
    error_t error = service_init(&rom, "rom", "", "manual-test", nothing);
    if (error)
        return error;
    error = rom_dataspace(&rom, &ds, NULL);
    if (!error)
        error = rm_attach(&w->pd, w->domain.space, ds, &window, NULL);
    if (!error)
        error = worker_run(w, 4 * HERE + 64, &e);
    service_close(&rom); // and it is gone from there
    selector_drop(ds);
    return error || (e.vector == EXC_PAGE_FAULT && e.address == 4 * HERE + 64) ? error : EABORT;
}
// doc: dataspace end
