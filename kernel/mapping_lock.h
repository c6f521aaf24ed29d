// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Who may change the mapping tree, objects' links to each other, and the spaces of PDs.
//
//   alone     mapping_lock: no other CPU is inside. For all that is rare or reaches far: creating
//             and destroying, cutting ranges, descending to grandchildren.
//   together  mapping_enter with one PD, and mapping_also for a second: others may be inside too,
//   but
//             not with these. For what is done all the time between two spaces: deriving a mapping,
//             removing one that has no children.
//
// A PD's lock guards its spaces and their indexes, and the children (list, tree, their links) of
// every mapping in its spaces; those of the kernel's own mappings, which are in no PD, change only
// alone. A mapping does not go, and its parent neither, while the lock of its PD is held. What
// never changes in a mapping's life (parent, but when a range is cut; pd, base, object, rights) may
// be read under that as far up as one likes.
//
// Order: mapping_enter waits for its PD and holds none then; mapping_also waits only for a while.
// Who does not get the second leaves and comes back alone. Inside: a semaphore's lock, then others.
#pragma once

#include "kernel/pd.h"

void mapping_lock(void);
void mapping_unlock(void);

void mapping_enter(struct pd *pd);
void mapping_leave(struct pd *pd);
// Takes a second PD beside `held`, which may be the same. False: not now.
MUST_CHECK bool mapping_also(struct pd *second, struct pd *held);
void mapping_done(struct pd *second, struct pd *held);
