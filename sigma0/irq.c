// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// IRQ: interrupts as semaphores, one owner each (protocol.h, IRQ_OPERATIONS;
// 002_8bbc1eeec7f51661.txt, Reception of device interrupts). The client unmasks one when it waits
// for it, and the kernel masks it when it arrives (hypercall.h, gsi_op). The end of a session ends
// all waiting for it.
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "sigma0/echo.h"
#include "sigma0/services.h"

struct irq_session {
    struct list link;
    u64 gsi;
    bool level;
    sel_t sm;
};

static struct mutex lock = MUTEX_INIT;
static struct list owned = LIST_INIT(owned);

// Under `lock`.
static bool is_owned(u64 gsi)
{
    LIST_FOREACH (node, &owned) {
        if (LIST_ENTRY(node, struct irq_session, link)->gsi == gsi)
            return true;
    }
    return false;
}

// Makes it the session's; of those without a line any that is free.
static error_t claim(struct irq_session *irq, bool message)
{
    error_t error = SUCCESS;
    mutex_lock(&lock);
    if (message) {
        irq->gsi = hip()->msi_first;
        while (irq->gsi < hip()->gsi_count && is_owned(irq->gsi))
            irq->gsi++;
        error = irq->gsi < hip()->gsi_count ? SUCCESS : ERESOURCE;
    } else if (is_owned(irq->gsi)) {
        error = EINUSE;
    }
    if (!error)
        list_push_back(&owned, &irq->link);
    mutex_unlock(&lock);
    return error;
}

static void release(struct irq_session *irq)
{
    mutex_lock(&lock);
    list_remove(&irq->link);
    mutex_unlock(&lock);
}

static error_t irq_session_open(struct server_session *session, const char *label, const char *args)
{
    (void)label;
    u64 gsi = 0;
    const char *rest = "";
    bool message = !strcmp(args, "msi");
    if (!message && (args_numbers(args, &gsi, 1, &rest) != 1 || (*rest && strcmp(rest, "level"))))
        return EPROTO;
    if (!message && gsi >= hip()->msi_first)
        return EPARAM;
    struct irq_session *irq = heap_zalloc(sizeof(*irq));
    if (!irq)
        return EMEM;
    irq->gsi = gsi;
    irq->level = *rest != 0;
    irq->sm = selector_alloc();
    error_t error = irq->sm == SEL_NONE ? ERESOURCE : claim(irq, message);
    if (error)
        goto free_selector;
    error = echo_take(CRD_OBJ, irq->gsi, irq->sm, 1, RIGHT_ALL, 0);
    if (error)
        goto release_gsi;
    session->user = irq;
    return SUCCESS;
release_gsi:
    release(irq);
free_selector:
    if (irq->sm != SEL_NONE)
        selector_free(irq->sm);
    heap_free(irq);
    return error;
}

static void irq_session_close(struct server_session *session)
{
    struct irq_session *irq = session->user;
    u64 msi;
    (void)!hc_gsi_ctrl(irq->sm, GSI_RESET, 0, &msi);
    server_withdraw(session->server, CRD_OBJ, irq->sm, 1);
    selector_drop(irq->sm);
    release(irq);
    heap_free(irq);
}

static error_t irq_dispatch(struct server_session *session, struct server_cpu *cpu,
                            word_t operation, struct msg *m)
{
    (void)cpu;
    struct irq_session *irq = session->user;
    u64 target = msg_get_word(m), msi;
    if (operation != IRQ_SEMAPHORE || msg_error(m))
        return EPROTO;
    if (target >= hip()->cpu_count)
        return ECPU;
    error_t error =
        hc_gsi_ctrl(irq->sm, irq->level ? GSI_BIND_LEVEL : GSI_BIND, (unsigned)target, &msi);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, (u32)msi);
    msg_put_word(m, msi >> 32);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, irq->sm, 0, SM_DOWN), 0, 0));
    return SUCCESS;
}

const struct server_ops irq_ops = {
    .open = irq_session_open, .close = irq_session_close, .dispatch = irq_dispatch};
