// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What init tells of what was used at most, and of who ran dry in its own domain.
#pragma once

void spikes_between_two_looks_are_seen(void);
void who_runs_dry_in_its_own_domain_is_told(void);
void cries_of_thirst_are_not_believed(void);
void a_new_life_has_what_its_clients_gave(void);
