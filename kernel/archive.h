// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Just enough of the boot archive (cpio, newc) to find the root program in it.
#pragma once

#include <tessera/types.h>

// Returns the contents of `name` in the archive of `size` bytes at `archive`, or NULL; *length is
// its size.
const void *archive_find(const void *archive, u64 size, const char *name, u64 *length);
