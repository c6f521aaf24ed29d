// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The interval tree for programs.
#include <tessera/tree_code.h>
