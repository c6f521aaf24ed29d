// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What newlib stands on: the heap of lib/rt, text to print, the end of the program. There are no
// files: whatever looks for one finds none. errno and streams are one for the whole program, so one
// thread at a time may be in functions that use them; the heap may be used by all.
#include "lib/rt/assert.h"
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/start.h"
#include <glob.h>
#include <limits.h>
#include <reent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { NO_FILE = 2, BAD_FILE = 9, NO_MEMORY = 12, NO_SYSTEM_CALL = 88 }; // newlib's sys/errno.h

// newlib takes a pointer to its per-thread state everywhere.
void *_malloc_r(struct _reent *state, size_t bytes)
{
    void *object = heap_alloc(bytes);
    if (!object)
        state->_errno = NO_MEMORY;
    return object;
}

void *_calloc_r(struct _reent *state, size_t count, size_t size)
{
    size_t bytes;
    void *object = __builtin_mul_overflow(count, size, &bytes) ? NULL : heap_zalloc(bytes);
    if (!object)
        state->_errno = NO_MEMORY;
    return object;
}

void *_realloc_r(struct _reent *state, void *old, size_t bytes)
{
    void *object = heap_resize(old, bytes);
    if (!object)
        state->_errno = NO_MEMORY;
    return object;
}

void _free_r(struct _reent *state, void *object)
{
    (void)state;
    heap_free(object);
}

void *malloc(size_t bytes)
{
    return _malloc_r(_REENT, bytes);
}

void *calloc(size_t count, size_t size)
{
    return _calloc_r(_REENT, count, size);
}

void *realloc(void *old, size_t bytes)
{
    return _realloc_r(_REENT, old, bytes);
}

void free(void *object)
{
    heap_free(object);
}

// stdout and stderr.
_ssize_t _write_r(struct _reent *state, int file, const void *text, size_t length)
{
    if (file != 1 && file != 2) {
        state->_errno = BAD_FILE;
        return -1;
    }
    for (size_t at = 0; at < length; at += INT_MAX)
        print("%.*s", (int)(length - at < INT_MAX ? length - at : INT_MAX),
              (const char *)text + at);
    return (_ssize_t)length;
}

_ssize_t _read_r(struct _reent *state, int file, void *text, size_t length)
{
    (void)file, (void)text, (void)length;
    state->_errno = BAD_FILE;
    return -1;
}

_off_t _lseek_r(struct _reent *state, int file, _off_t position, int from)
{
    (void)file, (void)position, (void)from;
    state->_errno = BAD_FILE;
    return -1;
}

// Streams that are written to are terminals: stdout goes out by lines.
int _fstat_r(struct _reent *state, int file, struct stat *out)
{
    if (file != 1 && file != 2) {
        state->_errno = BAD_FILE;
        return -1;
    }
    memset(out, 0, sizeof(*out));
    out->st_mode = S_IFCHR;
    return 0;
}

int _isatty_r(struct _reent *state, int file)
{
    (void)state;
    return file == 1 || file == 2;
}

int _close_r(struct _reent *state, int file)
{
    (void)file;
    state->_errno = BAD_FILE;
    return -1;
}

static int no_file(int error)
{
    _REENT->_errno = error;
    return -1;
}

int open(const char *name, int flags, ...);
int open(const char *name, int flags, ...)
{
    (void)name, (void)flags;
    return no_file(NO_FILE);
}

int close(int file);
int close(int file)
{
    (void)file;
    return no_file(BAD_FILE);
}

_READ_WRITE_RETURN_TYPE write(int file, const void *text, size_t length);
_READ_WRITE_RETURN_TYPE write(int file, const void *text, size_t length)
{
    return _write_r(_REENT, file, text, length);
}

int stat(const char *restrict name, struct stat *restrict out)
{
    (void)name, (void)out;
    return no_file(NO_FILE);
}

int fstat(int file, struct stat *out)
{
    return _fstat_r(_REENT, file, out);
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    (void)address, (void)length, (void)protection, (void)flags, (void)file, (void)offset;
    no_file(NO_SYSTEM_CALL);
    return MAP_FAILED;
}

int munmap(void *address, size_t length)
{
    (void)address, (void)length;
    return no_file(NO_SYSTEM_CALL);
}

char *realpath(const char *restrict name, char *restrict resolved)
{
    (void)name, (void)resolved;
    no_file(NO_FILE);
    return NULL;
}

char *getcwd(char *buffer, size_t size);
char *getcwd(char *buffer, size_t size)
{
    return strlcpy(buffer, "/", size) < size ? buffer : NULL;
}

int glob(const char *restrict pattern, int flags, int (*failed)(const char *, int),
         glob_t *restrict found)
{
    (void)pattern, (void)flags, (void)failed;
    memset(found, 0, sizeof(*found));
    return GLOB_ABEND;
}

void globfree(glob_t *found)
{
    (void)found;
}

char *getenv(const char *name)
{
    (void)name;
    return NULL;
}

void exit(int code)
{
    fflush(NULL);
    rt_exit(code);
}

void abort(void)
{
    rt_panic("abort\n");
}

void __assert_func(const char *file, int line, const char *function, const char *condition)
{
    rt_panic("%s:%d: %s: not so: %s\n", file, line, function, condition);
}
