// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// ROM: the archive's modules, read-only, never copied (protocol.h, ROM_OPERATIONS). Each session
// has a view of its own of its module, aligned in sigma0's space, from which pages go to the
// client: so the end of a session takes back what it gave, and nothing else.
#include "lib/rt/address.h"
#include "lib/rt/heap.h"
#include "sigma0/echo.h"
#include "sigma0/physical.h"
#include "lib/rt/range.h"
#include "sigma0/services.h"

enum {
    PIECE_ORDER = 6
}; // the view may consist of single pages, of which the kernel takes 64 an item

struct rom_session {
    u64 bytes, pages;
    word_t view;
};

static error_t rom_session_open(struct server_session *session, const char *label, const char *args)
{
    (void)label;
    struct archive_file file = {0};
    if (archive_find(physical_archive(), args, &file))
        return ENOTFOUND;
    struct rom_session *rom = heap_zalloc(sizeof(*rom));
    if (!rom)
        return EMEM;
    rom->bytes = file.size;
    rom->pages = (file.size + PAGE_SIZE - 1) / PAGE_SIZE;
    error_t error = rom->pages ? SUCCESS : ENOTFOUND;
    if (!error && (rom->view = address_alloc(rom->pages * PAGE_SIZE)) == 0)
        error = EMEM;
    if (!error) {
        u64 from = ((u64)file.data - PHYSICAL_WINDOW) / PAGE_SIZE;
        error = echo_take(CRD_MEM, from, rom->view / PAGE_SIZE, rom->pages, MEM_R | MEM_X, 0);
        if (error) {
            range_revoke(CRD_MEM, rom->view / PAGE_SIZE, rom->pages, true);
            address_free(rom->view, rom->pages * PAGE_SIZE);
        }
    }
    if (error) {
        heap_free(rom);
        return error;
    }
    session->user = rom;
    return SUCCESS;
}

static void rom_session_close(struct server_session *session)
{
    struct rom_session *rom = session->user;
    range_revoke(CRD_MEM, rom->view / PAGE_SIZE, rom->pages, true);
    address_free(rom->view, rom->pages * PAGE_SIZE);
    heap_free(rom);
}

static error_t rom_dispatch(struct server_session *session, struct server_cpu *cpu,
                            word_t operation, struct msg *m)
{
    (void)cpu;
    struct rom_session *rom = session->user;
    if (operation == ROM_WATCH)
        return EFEATURE; // what has been booted stays
    if (operation != ROM_SIZE && operation != ROM_DATASPACE)
        return EPROTO;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, rom->bytes);
    if (operation == ROM_SIZE)
        return SUCCESS;
    return range_put(m, CRD_MEM, rom->view / PAGE_SIZE, 0, rom->pages, MEM_R | MEM_X, 0,
                     PIECE_ORDER);
}

const struct server_ops rom_ops = {
    .open = rom_session_open, .close = rom_session_close, .dispatch = rom_dispatch};
