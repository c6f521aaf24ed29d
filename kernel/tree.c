// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The kernel's own copy of the interval tree, with its compiler flags.
#include <tessera/tree_code.h>
