// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The configuration in force (current.h).
#include "servers/config/current.h"
#include "lib/conf/conf.h"
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"
#include "servers/config/module.h"

enum { TREE_MAX = 128 * 1024, LEFT_OUT_ROOM = 48 };

struct current current;
static _Alignas(8) char tree[TREE_MAX];

static void report_line(void *context, const char *text)
{
    struct report *r = context;
    size_t length = strlen(text);
    if (r->left_out || r->length + length + 1 > sizeof(r->text) - LEFT_OUT_ROOM) {
        r->left_out++;
        return;
    }
    memcpy(r->text + r->length, text, length);
    r->text[r->length + length] = '\n';
    r->length += length + 1;
}

static void report_end(struct report *r)
{
    if (r->left_out)
        r->length += text_format(r->text + r->length, sizeof(r->text) - r->length,
                                 "config: and %u more\n", r->left_out);
}

static struct conf_log log_into(struct report *r)
{
    r->length = r->left_out = 0;
    return (struct conf_log){.name = "config", .line = report_line, .context = r};
}

static size_t compile(const char *text, size_t length, const struct conf_log *log)
{
    struct conf_text *parsed = conf_parse(text, length, log);
    size_t size = parsed ? conf_compile(parsed, tree, sizeof(tree), log) : 0;
    conf_free(parsed);
    return size;
}

error_t current_load(char *text, size_t length, struct report *report)
{
    struct conf_log log = log_into(report);
    size_t size = 0;
    if (length > TEXT_MAX)
        log.line(report, "config: text: found more than 64Kb, expected less");
    else
        size = compile(text, length, &log);
    error_t error = size ? module_publish(&config_module, tree, size) : SUCCESS;
    report_end(report);
    if (error || !size) {
        heap_free(text);
        return error;
    }
    heap_free(current.text);
    current = (struct current){text, length, current.version + 1};
    return SUCCESS;
}

error_t current_set(const char *path, const char *value, struct report *report)
{
    struct conf_log log = log_into(report);
    struct conf_text *parsed = conf_parse(current.text ? current.text : "", current.length, &log);
    char *text = NULL;
    bool changed = parsed && conf_set(parsed, path, value, &log);
    if (changed)
        text = conf_write(parsed); // malloc is the heap (ports/newlib/glue.c)
    conf_free(parsed);
    if (text)
        return current_load(text, strlen(text), report);
    report_end(report);
    return changed || !report->length ? EMEM : SUCCESS;
}
