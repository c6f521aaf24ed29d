// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// doc/operations.md says what lib/service/protocol.h does: made anew into build/operations.md and
// compared.
#include "lib/service/protocol.h"
#include "test/host/check.h"
#include <string.h>

enum { TEXT_MAX = 65536 };

struct operation {
    const char *name;
    unsigned number;
    const char *request, *response, *meaning;
};

#define X(name, number, request, response, meaning) {#name, number, request, response, meaning},
#define LIST(title, list)                                                                          \
    {                                                                                              \
        title, (const struct operation[])                                                          \
        {                                                                                          \
            list(X)                                                                                \
            {                                                                                      \
                0                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
static const struct {
    const char *title;
    const struct operation *operations;
} services[] = {
    LIST("The parent", PARENT_OPERATIONS),
    LIST("Every service", SERVICE_OPERATIONS),
    LIST("log", LOG_OPERATIONS),
    LIST("rom", ROM_OPERATIONS),
    LIST("pd", PD_OPERATIONS),
    LIST("rm, pd: region maps", RM_OPERATIONS),
    LIST("cpu", CPU_OPERATIONS),
    LIST("trace", TRACE_OPERATIONS),
    LIST("io_port", IO_PORT_OPERATIONS),
    LIST("irq", IRQ_OPERATIONS),
    LIST("io_mem", IO_MEM_OPERATIONS),
    LIST("timer", TIMER_OPERATIONS),
    LIST("init (control)", INIT_OPERATIONS),
    LIST("debug (init's children)", DEBUG_OPERATIONS),
    LIST("serial", SERIAL_OPERATIONS),
    LIST("config", CONFIG_OPERATIONS),
    LIST("report", REPORT_OPERATIONS),
    LIST("power", POWER_OPERATIONS),
};

// A cell of a table, in which a bar would end it.
static void cell(FILE *f, const char *text)
{
    fputs(" ", f);
    for (; *text; text++)
        fprintf(f, *text == '|' ? "\\%c" : "%c", *text);
    fputs(" |", f);
}

static void write_all(FILE *f)
{
    fprintf(f, "# Operations\n\n"
               "Made from `lib/service/protocol.h`; the test host/doc_operations keeps the two the "
               "same (it leaves what it expects in\n`build/operations.md`). The numbers before "
               "request and response data are the message words that hold them; `translate` and\n"
               "`delegate` are typed items, `obj`, `mem` and `io` what arrives in the caller's "
               "windows. [protocols.md](protocols.md) says what they mean\ntogether, "
               "[sigma0.md](sigma0.md) which arguments and errors sigma0's services have.\n");
    for (unsigned i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        fprintf(f,
                "\n## %s\n\n| operation | number | request | response | |\n|---|---|---|---|---|\n",
                services[i].title);
        for (const struct operation *o = services[i].operations; o->name; o++) {
            fprintf(f, "| %s | %u |", o->name, o->number);
            cell(f, o->request);
            cell(f, o->response);
            cell(f, o->meaning);
            fputs("\n", f);
        }
    }
}

static size_t read_all(const char *path, char *text)
{
    FILE *f = fopen(path, "r");
    size_t length = f ? fread(text, 1, TEXT_MAX, f) : 0;
    if (f)
        fclose(f);
    return length;
}

static void manual_has_all_operations(void)
{
    static char made[TEXT_MAX], manual[TEXT_MAX];
    FILE *f = fopen("build/operations.md", "w");
    CHECK(f);
    if (!f)
        return;
    write_all(f);
    fclose(f);
    size_t length = read_all("build/operations.md", made);
    CHECK(length > 4096 && length < TEXT_MAX);
    CHECK(read_all("doc/operations.md", manual) == length && !memcmp(made, manual, length));
}

int main(void)
{
    RUN(manual_has_all_operations);
    return check_failures != 0;
}
