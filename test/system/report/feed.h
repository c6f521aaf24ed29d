// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The tests of feed.c, in their order: each goes on where the one before has ended.
#pragma once

void first_configuration_comes_late(void);
void garbage_is_refused_in_words(void);
void truncated_trees_are_refused(void);
void size_is_bounded(void);
void children_are_counted_first(void);
void absurd_quotas_are_refused(void);
void a_removed_server_leaves_nobody_poorer(void);
void an_init_that_falls_silent_begins_anew(void);
void flipped_bits_end_no_init(void);
