// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The memory of a program that is put into a domain: what lib/rt's program_map asks for comes from
// a "pd" session, a dataspace a piece, each mapped here too, writable, as long as the image is
// kept. Where the domain has its address space as a region map, the pieces are attached there, and
// who supervises the domain sees them; else they are delegated.
#pragma once

#include "lib/rt/program.h"
#include "lib/service/env.h"

enum { IMAGE_PIECES = 16 };

struct program_image {
    struct service_client *pd; // that pays; must stay
    sel_t space;               // region map, or SEL_NONE: delegate
    struct {
        char *here;     // as we see it
        word_t address; // in the program, of what is attached
        size_t bytes;
        sel_t ds;
    } piece[IMAGE_PIECES];
    unsigned pieces;
};

// For program_map. With a space all is copied, since what we have of ROM modules is none of the
// session's. `image` must stay until program_map has returned.
struct program_memory program_image_memory(struct program_image *image);
// Where we see what the program has at `address`: *bytes is how much from there on. NULL: that is
// not among what was attached.
char *program_image_view(const struct program_image *image, word_t address, size_t *bytes);
// Gives addresses and selectors back; the session has given the memory back before.
void program_image_free(struct program_image *image);
