// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Reports that survive (kept.h). A report is in one of two dataspaces, "NUMBER.0" and "NUMBER.1":
// a new one goes into the other of the two, then the table's record says that it counts, then the
// old one is given up. Whoever dies in between leaves one of them whole and the record right.
#include "servers/report/kept.h"
#include "lib/rt/memory.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"
#include "lib/service/keep.h"
#include "lib/service/kept_table.h"

enum { FAILURES_MAX = 3 };

struct record {
    u64 which; // 0 or 1
    u64 bytes;
    u64 claimed; // by a session of this life; written by it alone
};

static struct mutex lock = MUTEX_INIT; // the table, and who changes what it names
static struct kept kept = KEPT_NONE;
static struct kept_table table;
static bool keeping;

static const char *name_of(u64 number, u64 which, char name[KEEP_NAME_MAX])
{
    text_format(name, KEEP_NAME_MAX, "%lu.%lu", number, which & 1);
    return name;
}

static void forget_both(u64 number)
{
    char name[KEEP_NAME_MAX];
    for (u64 which = 0; which < 2; which++)
        (void)!kept_forget(name_of(number, which, name));
}

// For all in the table; `unclaimed`: only for those that no session has asked for.
static void forget_all(bool unclaimed)
{
    size_t position = 0;
    u64 number;
    while ((number = kept_table_next(&table, &position))) {
        const struct record *r = kept_table_find(&table, number);
        if (unclaimed && r->claimed)
            continue;
        kept_table_remove(&table, number);
        forget_both(number);
    }
}

static void unclaim_all(void)
{
    size_t position = 0;
    u64 number;
    while ((number = kept_table_next(&table, &position))) {
        struct record r = *(const struct record *)kept_table_find(&table, number);
        r.claimed = 0;
        (void)!kept_table_put(&table, number, &r); // in its place
    }
}

bool reports_open(unsigned sessions_max)
{
    size_t bytes = kept_table_bytes(sizeof(struct record), sessions_max);
    keeping = !kept_open(&kept, "reports", bytes);
    if (!keeping)
        return false;
    kept_table_open(&table, kept.data, kept.bytes, sizeof(struct record));
    if (kept.failures > FAILURES_MAX) {
        print("report: %u lives have failed in a row: reports of earlier ones are given up\n",
              kept.failures);
        forget_all(false);
    }
    unclaim_all();
    return true;
}

struct server_cost report_kept_cost(size_t bytes)
{
    if (!keeping)
        return (struct server_cost){0, 0};
    struct service_quota price = kept_price(bytes ? bytes : 1);
    return (struct server_cost){price.ram + kept_table_bytes(sizeof(struct record), 1), price.caps};
}

static error_t write(u64 number, u64 which, const char *text, size_t bytes)
{
    struct kept copy;
    char name[KEEP_NAME_MAX];
    (void)!kept_forget(name_of(number, which, name)); // one that did not come to count
    error_t error = kept_open(&copy, name, bytes ? bytes : 1);
    if (error)
        return error;
    memcpy(copy.data, text, bytes);
    kept_close(&copy);
    return SUCCESS;
}

error_t report_keep(u64 number, const char *text, size_t bytes)
{
    char name[KEEP_NAME_MAX];
    if (!keeping)
        return SUCCESS;
    mutex_lock(&lock);
    const struct record *old = kept_table_find(&table, number);
    struct record now = {old ? ~old->which & 1 : 0, bytes, 1};
    error_t error = write(number, now.which, text, bytes);
    if (!error)
        error = kept_table_put(&table, number, &now);
    if (!error) {
        (void)!kept_forget(name_of(number, ~now.which, name));
    } else {
        kept_table_remove(&table,
                          number); // readers of the next life get none rather than an old one
        forget_both(number);
    }
    mutex_unlock(&lock);
    return error;
}

static error_t copy_out(const struct kept *copy, const struct record *r, char **text)
{
    if (r->bytes > copy->bytes)
        return ENOTFOUND; // this is not what we left
    *text = memory_alloc(r->bytes + 1);
    if (!*text)
        return EMEM;
    memcpy(*text, copy->data, r->bytes);
    return SUCCESS;
}

error_t report_kept_read(u64 number, char **text, size_t *bytes)
{
    struct kept copy;
    char name[KEEP_NAME_MAX];
    error_t error = ENOTFOUND;
    if (!keeping)
        return error;
    mutex_lock(&lock);
    const struct record *found = kept_table_find(&table, number);
    if (found) {
        struct record r = *found;
        error = kept_open(&copy, name_of(number, r.which, name), 0);
        if (!error) {
            error = copy_out(&copy, &r, text);
            kept_close(&copy);
        }
        *bytes = r.bytes;
        r.claimed = 1;
        if (!error)
            error = kept_table_put(&table, number, &r);
    }
    mutex_unlock(&lock);
    return error;
}

void report_forget(u64 number)
{
    if (!keeping)
        return;
    mutex_lock(&lock);
    kept_table_remove(&table, number);
    forget_both(number);
    mutex_unlock(&lock);
}

void reports_review(void)
{
    if (!keeping)
        return;
    mutex_lock(&lock);
    forget_all(true);
    mutex_unlock(&lock);
}
