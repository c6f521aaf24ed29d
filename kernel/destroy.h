// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The end of objects: what mapping.c calls when an object's root capability goes. Under
// mapping_lock.
#pragma once

#include "kernel/mapping.h"

void object_destroy(struct object *object, struct tlb_batch *batch);
// Marks the PD dying, kills its ECs one a call, then returns the mappings in its spaces until none
// is left (NULL).
struct mapping *pd_next_content(struct pd *pd);
