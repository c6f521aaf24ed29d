// needs:
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0's domains and their threads, in the one moment that no system test can hit: a domain ends,
// and another takes its selector, between the kernel's word for where a thread is and the look at
// who is there.
#define RT_HOST_TEST
#include "lib/rt/hypercall.h"
#include "test/host/rt_stubs.h"

#include "lib/rt/selector.c"
#include "lib/rt/sync.c"
#include "sigma0/domain.c"
#include "sigma0/named.c"
#include "sigma0/shelf.c"

// The kernel: one thread, which is in the PD at `home` while that is alive.
static sel_t home;
static bool alive;
static void (*meanwhile)(void); // after its first answer

error_t hc_raw(enum hypercall number, word_t a0, word_t a1, word_t a2, word_t a3, word_t a4,
               word_t a5, word_t *second)
{
    (void)a2, (void)a3, (void)a4, (void)a5;
    *second = 0;
    if (number == HC_revoke && crd_base(a1) == home)
        alive = false; // and with it all threads in it
    if (number != HC_ec_ctrl)
        return SUCCESS;
    (void)a0;
    *second = home;
    error_t error = alive ? SUCCESS : ECAP;
    void (*then)(void) = meanwhile;
    meanwhile = NULL;
    if (then)
        then();
    return error;
}

void *heap_zalloc(size_t bytes)
{
    return calloc(1, bytes);
}
void heap_free(void *object)
{
    free(object);
}
error_t server_charge_cost(struct server_session *session, struct server_cost cost)
{
    (void)session, (void)cost;
    return SUCCESS;
}
void server_withdraw(struct server *server, enum crd_kind kind, u64 first, u64 count)
{
    (void)server, (void)kind, (void)first, (void)count;
}

void server_uncharge_cost(struct server_session *session, struct server_cost cost)
{
    (void)session, (void)cost;
}
error_t exceptions_prepare(void)
{
    return SUCCESS;
}
error_t exception_portals(unsigned cpu, sel_t first, word_t domain)
{
    (void)cpu, (void)first, (void)domain;
    return SUCCESS;
}
static void map_release(struct named *named)
{
    free(CONTAINER_OF(named, struct region_map, named));
}
error_t region_map_create(struct server_session *payer, u64 pages, sel_t pd,
                          struct region_map **out)
{
    (void)payer, (void)pages, (void)pd;
    *out = calloc(1, sizeof(**out));
    (*out)->named.refs = 1;
    (*out)->named.release = map_release;
    return SUCCESS;
}
void region_map_destroy(struct region_map *map)
{
    region_map_put(map);
}
error_t region_map_attach(struct region_map *map, struct dataspace *ds,
                          const struct region_request *request, u64 *at)
{
    (void)map, (void)ds, (void)request;
    *at = 0;
    return SUCCESS;
}

static struct server_session payer;
static struct domain *first, *second;

static error_t make_domain(struct domain **out)
{
    return domain_create(&payer, SEL_NONE, 4096, 16, out);
}

static void replace(void)
{
    sel_t sel = first->pd;
    domain_destroy(first);
    CHECK(!make_domain(&second));
    CHECK(second->pd == sel); // or this shows nothing
}

static void end(void)
{
    domain_destroy(first);
}

static void a_thread_is_of_the_domain_that_it_is_in(void)
{
    CHECK(!make_domain(&first));
    home = first->pd;
    alive = true;
    struct domain *found = domain_of_thread(1);
    CHECK(found == first && first->named.refs > 1);
    domain_put(found);
    domain_destroy(first);
    CHECK(!domain_of_thread(1));
}

static void a_thread_is_of_no_domain_that_came_later(void)
{
    CHECK(!make_domain(&first));
    home = first->pd;
    alive = true;
    meanwhile = replace;
    CHECK(!domain_of_thread(1));
    CHECK(second->named.refs == 2); // its maker's and its PD's
    domain_destroy(second);
}

static void a_thread_whose_domain_ends_is_of_none(void)
{
    CHECK(!make_domain(&first));
    home = first->pd;
    alive = true;
    meanwhile = end;
    CHECK(!domain_of_thread(1));
}

int main(void)
{
    RUN(a_thread_is_of_the_domain_that_it_is_in);
    RUN(a_thread_is_of_no_domain_that_came_later);
    RUN(a_thread_whose_domain_ends_is_of_none);
    return check_failures != 0;
}
