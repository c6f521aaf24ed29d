// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Where the configuration comes from: the ROM module "config" of init's parent, or of whoever that
// one routes it to. If it may change, a thread of its own follows it, since a call to such a server
// may take as long as it likes: it copies each version and hands it to the main thread. A server
// that dies leaves the version in force; its next life's is compared with it as any other.
#include "init/init.h"
#include "lib/rt/memory.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/rom_watch.h"

enum {
    SIZE_MAX_BYTES = 128 * 1024, // of a version; more is refused
    DONATION = SIZE_MAX_BYTES + 2 * PAGE_SIZE,
    FOLLOWER_PRIORITY = 64,
    PAUSE_US = 100000, // after an error
};

static struct rom_watch source;
static struct thread follower;
static struct rom fixed;
static sel_t never; // a semaphore to sleep at

// The version that has come and is not in force yet.
static struct mutex lock = MUTEX_INIT;
static void *next_blob;
static size_t next_size;

static void hand_over(void *blob, size_t size)
{
    mutex_lock(&lock);
    void *old = next_blob;
    size_t old_size = next_size;
    next_blob = blob;
    next_size = size;
    mutex_unlock(&lock);
    if (old) // nobody has seen it
        memory_free(old, old_size + 1);
    main_wake();
}

// Says once in a row why there is no version.
static void tell(error_t error)
{
    static error_t told;
    if (error && error != told)
        print("init: the ROM module \"config\" has changed and cannot be read: %s%s; the old one "
              "stays in force\n",
              error_name(error),
              error == ERESOURCE ? " (more than 128Kb, or than we can pay)" : "");
    told = error;
}

static void follow(void *argument)
{
    (void)argument;
    for (;;) {
        void *blob = NULL;
        size_t size = 0;
        error_t error = rom_copy(&source, SIZE_MAX_BYTES, &blob, &size);
        if (!error)
            hand_over(blob, size);
        if (error != ENOTFOUND && error != EABORT && error != ERETRY)
            tell(error);
        bool soon = error && error != ENOTFOUND;
        error = rom_watch_wait(&source, soon ? deadline_in_us(PAUSE_US) : DEADLINE_NEVER);
        while (error == EABORT && rom_watch_begin(&source))
            (void)!hc_sm_down(never, deadline_in_us(PAUSE_US));
    }
}

void source_attend(void)
{
    mutex_lock(&lock);
    void *blob = next_blob;
    size_t size = next_size;
    next_blob = NULL;
    mutex_unlock(&lock);
    if (blob)
        (void)!change_apply(blob, size, true); // it has been told
}

static error_t read_fixed(void)
{
    rom_watch_close(&source);
    error_t error = rom_open(&fixed, "config");
    if (error) {
        print("init: there is no ROM module \"config\": %s\n", error_name(error));
        return error;
    }
    return change_apply((void *)(word_t)fixed.data, fixed.size, false);
}

error_t source_start(void)
{
    error_t error = rom_watch_init(&source, "config", "", (struct service_quota){DONATION, 0});
    if (!error)
        error = rom_watch_begin(&source);
    if (error)
        return read_fixed();
    error = semaphore_create(0, &never);
    if (error)
        return error;
    return thread_create(&follower, thread_cpu(), FOLLOWER_PRIORITY, "follower", follow, NULL);
}
