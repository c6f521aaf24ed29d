// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// newlib's configuration, which its configure script would write: C99's formats, no wide
// characters, no locales but "C", nothing to be done at exit.
#pragma once

#define _NEWLIB_VERSION "3.3.0"
#define __NEWLIB__ 3
#define __NEWLIB_MINOR__ 3
#define __NEWLIB_PATCHLEVEL__ 0
#define _WANT_IO_C99_FORMATS 1
#define _WANT_IO_LONG_LONG 1
#define _HAVE_LONG_DOUBLE 1
#define _MB_LEN_MAX 1
#define _LITE_EXIT 1
#define _UNBUF_STREAM_OPT 1
