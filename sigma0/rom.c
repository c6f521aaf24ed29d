// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// ROM: the archive's modules, read-only, never copied (protocol.h, ROM_OPERATIONS;
// 002_8bbc1eeec7f51661.txt, Access to boot modules). A session is a dataspace of its module's
// pages, with a view of its own in sigma0's space: so the end of a session takes back what it gave,
// and nothing else.
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/range.h"
#include "lib/rt/string.h"
#include "sigma0/dataspace.h"
#include "sigma0/physical.h"
#include "sigma0/services.h"

enum {
    PIECE_ORDER = 6, // the view may consist of single pages, of which the kernel takes 64 an item
    // What the kernel keeps for a view, a page table and as much for its mappings' slots, is paid
    // in slots. Views lie side by side, so small ones share their tables.
    TABLE_PAGES = 512,
    VIEW_PAGES_A_SLOT = TABLE_PAGES / (2 * PAGE_SIZE / CAP_KMEM),
};

struct rom_session {
    u64 bytes;
    struct dataspace *ds;
};

static struct dataspace *held[MAX_CPUS];

// Tells a person which modules there are.
static void report_unknown(const char *label, const char *name)
{
    char list[256] = "";
    size_t length = 0;
    struct archive_file file = {0};
    while (length < sizeof(list) && !archive_next(physical_archive(), &file))
        length += text_format(list + length, sizeof(list) - length, "%s\"%s\"", length ? ", " : "",
                              file.name);
    print("%s: there is no ROM module \"%s\"; there are %s%s\n", label, name, list,
          length < sizeof(list) ? "" : "…");
}

static error_t rom_session_open(struct server_session *session, const char *label, const char *args)
{
    struct archive_file file = {0};
    if (archive_find(physical_archive(), args, &file) || file.size == 0) {
        report_unknown(label, args);
        return ENOTFOUND;
    }
    struct rom_session *rom = heap_zalloc(sizeof(*rom));
    if (!rom)
        return EMEM;
    rom->bytes = file.size;
    u64 page = ((u64)file.data - PHYSICAL_WINDOW) / PAGE_SIZE;
    u64 count = ALIGN_UP(file.size, PAGE_SIZE) / PAGE_SIZE;
    error_t error = server_charge_caps(session, count / VIEW_PAGES_A_SLOT);
    if (!error)
        error = dataspace_create_physical(page, count, MEM_R | MEM_X, 0, &rom->ds);
    if (error)
        heap_free(rom);
    else
        session->user = rom;
    return error;
}

static void rom_session_close(struct server_session *session)
{
    struct rom_session *rom = session->user;
    dataspace_destroy(rom->ds);
    heap_free(rom);
}

static error_t rom_dispatch(struct server_session *session, struct server_cpu *cpu,
                            word_t operation, struct msg *m)
{
    const struct rom_session *rom = session->user;
    struct dataspace **mine = &held[cpu->cpu];
    dataspace_hold(mine, NULL);
    if (operation == ROM_WATCH)
        return EFEATURE; // what has been booted stays
    if (operation != ROM_SIZE && operation != ROM_DATASPACE && operation != ROM_OBJECT)
        return EPROTO;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, rom->bytes);
    if (operation == ROM_SIZE)
        return SUCCESS;
    if (operation == ROM_OBJECT) {
        msg_put_item(m, named_item(&rom->ds->named, 0));
        return SUCCESS;
    }
    dataspace_hold(mine, rom->ds);
    return range_put(m, CRD_MEM, rom->ds->view, 0, rom->ds->count, MEM_R | MEM_X, 0, PIECE_ORDER);
}

const struct server_ops rom_ops = {
    .open = rom_session_open, .close = rom_session_close, .dispatch = rom_dispatch};
