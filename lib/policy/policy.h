// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Services resolved by policy on the server's side (doc/configuration.md, "policy"): a server's
// `config` block has `policy` blocks, each for some labels, and what it says of them is the
// server's to read. conf has checked them and made of them the node "policy" with members 0, 1, ...
#pragma once

#include <tessera/types.h>

// The node, in the tree `config` (a checked flattened tree, as the ROM module "config" has it), of
// the policy for a session with that label: the one with exactly this `label`; else of those whose
// `label_prefix` it begins with, or else whose `label_suffix` it ends with, the one with the
// longest text; else the one with `default`. Negative: none, so the session is to be denied.
int policy_match(const void *config, const char *label);
// A text of a policy, NULL if it has none. It lies in the tree.
const char *policy_text(const void *config, int policy, const char *name);
