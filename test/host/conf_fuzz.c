// needs: init/config.c -lfdt
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// init/config.c with a scenario's compiled configuration whose bytes were changed at random, in
// memory that ends at a page that cannot be read.
#define _GNU_SOURCE
#include "init/config.h"
#include "lib/rt/heap.h"
#include "test/host/check.h"
#include <libfdt.h>
#include <string.h>
#include <sys/mman.h>

enum { BLOB_MAX = 64 * 1024, MUTATIONS = 100000 };

static u8 blob[BLOB_MAX];
static size_t blob_size;

void *heap_zalloc(size_t bytes)
{
    return calloc(1, bytes);
}

static unsigned opened, extracted;

static void read_all(const struct config *config, struct config_child *c)
{
    struct config_route r;
    CHECK(strlen(c->name) < CONFIG_NAME_MAX && c->affinity_count <= CONFIG_CPUS_MAX);
    CHECK(strlen(c->binary) + strlen(c->args) < BLOB_MAX && c->restart <= CONFIG_RESTART_ALWAYS);
    config_provides(config, c, "echo");
    for (u32 i = 0; i < c->route_count; i++) {
        const char *service = c->routes[i].service;
        config_route(c, service ? service : "echo", "gold", "", &r);
        CHECK(r.kind <= CONFIG_ROUTE_ANY);
        CHECK((r.to ? strlen(r.to) : 0) + (r.label ? strlen(r.label) : 0) +
                  (r.args ? strlen(r.args) : 0) <
              BLOB_MAX);
    }
    size_t size = config_extract(config, c, NULL, 0);
    void *tree = size && size < 16 * BLOB_MAX ? malloc(size) : NULL;
    if (tree && config_extract(config, c, tree, size) == size) {
        CHECK(fdt_check_full(tree, size) == 0);
        extracted++;
    }
    free(tree);
    free(c->routes);
}

static void changed_bytes_do_no_harm(void)
{
    size_t pages = (blob_size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    u8 *room =
        mmap(NULL, pages + PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(room != MAP_FAILED && mprotect(room + pages, PAGE_SIZE, PROT_NONE) == 0);
    size_t size = (blob_size + 7) / 8 * 8;
    u8 *at = room + pages - size;
    for (unsigned i = 0; i < MUTATIONS; i++) {
        struct config config;
        struct config_child c;
        memset(at, 0, size);
        memcpy(at, blob, blob_size);
        for (u64 flips = 1 + random_below(4); flips > 0; flips--)
            at[random_below(i % 4 ? blob_size : sizeof(struct fdt_header))] = (u8)random_next();
        if (config_open(&config, at, size))
            continue;
        opened++;
        for (int node = config_child_first(&config, &c); node >= 0;
             node = config_child_next(&config, &c))
            read_all(&config, &c);
    }
    CHECK(opened > MUTATIONS / 20 && extracted > opened / 4); // else the changes test nothing
    munmap(room, pages + PAGE_SIZE);
}

int main(void)
{
    FILE *file = fopen("build/scenarios/compose.dtb", "r"); // `make test` has built it
    blob_size = file ? fread(blob, 1, sizeof(blob), file) : 0;
    CHECK(blob_size > sizeof(struct fdt_header));
    if (!blob_size)
        return 1;
    fclose(file);
    RUN(changed_bytes_do_no_harm);
    printf("%u changed trees opened, %u blocks extracted\n", opened, extracted);
    return check_failures != 0;
}
