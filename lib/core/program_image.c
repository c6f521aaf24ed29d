// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A program's memory (program_image.h).
#include "lib/core/program_image.h"
#include "lib/core/rm.h"
#include "lib/rt/address.h"
#include "lib/rt/selector.h"

static void *take(void *context, size_t bytes)
{
    struct program_image *image = context;
    struct utcb_copy copy;
    if (image->pieces == IMAGE_PIECES)
        return NULL;
    word_t address = address_alloc(bytes);
    sel_t ds = selector_alloc();
    error_t error = address && ds != SEL_NONE ? SUCCESS : ERESOURCE;
    utcb_save(&copy);
    if (!error)
        error = dataspace_alloc_at(image->pd, bytes, PD_ATTACH, ds, address, address_order(bytes));
    utcb_restore(&copy);
    if (error) {
        if (address)
            address_free(address, bytes);
        if (ds != SEL_NONE)
            selector_free(ds);
        return NULL;
    }
    image->piece[image->pieces].here = (char *)address;
    image->piece[image->pieces].address = 0;
    image->piece[image->pieces].bytes = bytes;
    image->piece[image->pieces++].ds = ds;
    return (void *)address;
}

static error_t attach(void *context, const void *from, u64 to, u64 bytes, unsigned rights)
{
    struct program_image *image = context;
    for (unsigned i = 0; i < image->pieces; i++) {
        if (image->piece[i].here != from)
            continue;
        struct rm_window w = {0, bytes, to,
                              RM_POPULATE | (rights & MEM_W ? RM_WRITE : 0u) |
                                  (rights & MEM_X ? RM_EXECUTE : 0u)};
        image->piece[i].address = to;
        return rm_attach(image->pd, image->space, image->piece[i].ds, &w, NULL);
    }
    return ENOTFOUND;
}

struct program_memory program_image_memory(struct program_image *image)
{
    bool attached = image->space != SEL_NONE;
    return (struct program_memory){
        .alloc = take, .context = image, .give = attached ? attach : NULL, .copy_all = attached};
}

char *program_image_view(const struct program_image *image, word_t address, size_t *bytes)
{
    for (unsigned i = 0; i < image->pieces; i++) {
        word_t first = image->piece[i].address;
        if (!first || address < first || address - first >= image->piece[i].bytes)
            continue;
        *bytes = image->piece[i].bytes - (address - first);
        return image->piece[i].here + (address - first);
    }
    return NULL;
}

void program_image_free(struct program_image *image)
{
    for (unsigned i = 0; i < image->pieces; i++) {
        address_free((word_t)image->piece[i].here, image->piece[i].bytes);
        selector_drop(image->piece[i].ds);
    }
    image->pieces = 0;
}
