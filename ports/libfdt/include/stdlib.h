// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// libfdt's headers include it and use nothing of it.
#pragma once
#include <stddef.h>
