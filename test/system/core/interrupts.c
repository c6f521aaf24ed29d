// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// IRQ (002_8bbc1eeec7f51661.txt, Reception of device interrupts), with the HPET as the device.
#include "lib/core/signal.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/hpet.h"
#include "test/system/wait.h"

enum { PERIOD_US = 200, QUIET_US = 5000 };

static struct io_mem hpet;
static struct irq irq;

static void interrupts_have_one_owner(void)
{
    struct irq other;
    char outside[16];
    CHECK_EQ(try_args("irq", "x"), EPROTO);
    CHECK_EQ(try_args("irq", "4,edge"), EPROTO);
    CHECK_EQ(try_args("irq", "msi,level"), EPROTO);
    CHECK_EQ(try_args("irq", "100000"), EPARAM);
    text_format(outside, sizeof(outside), "%u", hip()->msi_first);
    CHECK_EQ(try_args("irq", outside), EPARAM);
    CHECK_EQ(irq_open(&irq, 8, false, hip()->cpu_count), ECPU);
    CHECK_EQ(irq_open(&irq, 8, false, 0), SUCCESS);
    CHECK_EQ(irq_open(&other, 8, false, 0), EINUSE);
    CHECK_EQ(irq_open(&other, 8, true, 0), EINUSE);
    irq_close(&irq);
    CHECK_EQ(irq_open(&irq, 8, false, hip()->cpu_count - 1), SUCCESS);
    irq_close(&irq);
}

static error_t comes_unasked(void)
{
    return hc_sm_down(irq.sm, deadline_in_us(QUIET_US));
}

// The device goes on all the time; the interrupt comes when it is waited for, and only then.
static void comes_when_waited_for(void)
{
    CHECK_EQ(comes_unasked(), ETIMEOUT);
    for (unsigned i = 0; i < 10; i++) {
        CHECK_EQ(irq_wait(&irq, deadline_in_us(PATIENCE_US)), SUCCESS);
        CHECK_EQ(comes_unasked(), ETIMEOUT);
    }
}

static void pass(void *unused)
{
    (void)unused;
}

// What was on its way to the last CPU has arrived: it comes before a thread's first instruction.
static bool nothing_is_on_its_way(void)
{
    struct thread t;
    if (thread_create(&t, hip()->cpu_count - 1, 20, "passes", pass, NULL))
        return false;
    thread_join(&t);
    return true;
}

// How many come although the device is quiet. Each is waited for, the last one in vain.
static unsigned kept(void)
{
    unsigned count = 0;
    while (count < 5 && !irq_wait(&irq, deadline_in_us(QUIET_US)))
        count++;
    return count;
}

static void edges_come_when_waited_for(void)
{
    CHECK_EQ(io_mem_open(&hpet, HPET_BASE, HPET_BYTES, false), SUCCESS);
    CHECK_EQ(irq_open(&irq, HPET_GSI, false, hip()->cpu_count - 1), SUCCESS);
    hpet_start(hpet.data, HPET_PERIODIC, PERIOD_US, 0);
    comes_when_waited_for();
    CHECK(!test_failed);
    hpet_stop(hpet.data);
    CHECK(nothing_is_on_its_way());
    CHECK(kept() <= 1);                                 // one that the mask came too late for
    hpet_start(hpet.data, HPET_PERIODIC, PERIOD_US, 0); // after a wait that ended by its deadline
    CHECK_EQ(comes_unasked(), ETIMEOUT);
    hpet_stop(hpet.data);
    irq_close(&irq);
    io_mem_close(&hpet);
}

static void levels_come_until_the_device_is_served(void)
{
    CHECK_EQ(io_mem_open(&hpet, HPET_BASE, HPET_BYTES, false), SUCCESS);
    CHECK_EQ(irq_open(&irq, HPET_GSI, true, 0), SUCCESS);
    hpet_start(hpet.data, HPET_LEVEL, PERIOD_US, 0);
    comes_when_waited_for();
    CHECK(!test_failed);
    hpet_acknowledge(hpet.data);
    CHECK_EQ(irq_wait(&irq, deadline_in_us(QUIET_US)), ETIMEOUT);
    hpet_stop(hpet.data);
    irq_close(&irq);
    io_mem_close(&hpet);
}

// Whether the device, which is periodic, has raised another one since this was called.
static bool is_raised_again(void)
{
    volatile u64 *next = hpet_register(hpet.data, HPET_COMPARATOR);
    u64 before = *next, end = deadline_in_us(PATIENCE_US);
    while (*next == before && rdtsc() < end)
        ;
    return *next != before;
}

static void messages_come_when_waited_for(void)
{
    struct irq other;
    CHECK_EQ(io_mem_open(&hpet, HPET_BASE, HPET_BYTES, false), SUCCESS);
    CHECK_EQ(irq_open_message(&other, 0), SUCCESS);
    CHECK_EQ(irq_open_message(&irq, hip()->cpu_count - 1), SUCCESS);
    CHECK(irq.message_data != other.message_data);
    hpet_start(hpet.data, HPET_PERIODIC | HPET_MESSAGES, PERIOD_US,
               irq.message_address | (u64)irq.message_data << 32);
    comes_when_waited_for();
    CHECK(!test_failed);
    CHECK(is_raised_again());
    hpet_stop(hpet.data);
    CHECK(nothing_is_on_its_way());
    CHECK_EQ(kept(), 1); // however many came while it was masked
    CHECK_EQ(irq_wait(&other, deadline_in_us(QUIET_US)), ETIMEOUT);
    irq_close(&other);
    irq_close(&irq);
    io_mem_close(&hpet);
}

// Each is another; what is given back can be had again.
static void messages_have_one_owner(void)
{
    enum { MANY = 40 };
    static struct irq many[MANY];
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            unsigned cpu = i % hip()->cpu_count;
            CHECK_EQ(irq_open_message(&many[i], cpu), SUCCESS);
            CHECK_EQ(many[i].message_address, 0xfee00000 | (u64)hip()->cpu[cpu].apic_id << 12);
            for (unsigned j = 0; j < i; j++)
                CHECK(many[i].message_data != many[j].message_data);
        }
        for (unsigned i = 0; i < MANY; i++)
            irq_close(&many[i]);
    }
}

static volatile u64 signals;
static void count_signal(struct signal_context *context, u64 count)
{
    (void)context;
    signals += count;
    irq_acknowledge(&irq);
}

static void interrupts_can_be_signals(void)
{
    struct signal_receiver receiver;
    struct signal_context context;
    CHECK_EQ(io_mem_open(&hpet, HPET_BASE, HPET_BYTES, false), SUCCESS);
    for (unsigned life = 0; life < 2; life++) { // the second owner finds no trace of the first
        signals = 0;
        CHECK_EQ(signal_receiver_create(&receiver), SUCCESS);
        CHECK_EQ(irq_open(&irq, HPET_GSI, false, 0), SUCCESS);
        CHECK_EQ(signal_context_adopt(&receiver, &context, irq.sm, count_signal, NULL), SUCCESS);
        hpet_start(hpet.data, HPET_PERIODIC, PERIOD_US, 0);
        CHECK_EQ(signal_wait(&receiver, deadline_in_us(QUIET_US)), ETIMEOUT);
        irq_acknowledge(&irq);
        for (unsigned i = 1; i <= 5; i++) {
            CHECK_EQ(signal_wait(&receiver, deadline_in_us(PATIENCE_US)), SUCCESS);
            CHECK_EQ(signals, i);
        }
        hpet_stop(hpet.data);
        irq_close(&irq); // the context is none any more
        CHECK_EQ(irq_open(&irq, HPET_GSI, false, 0), SUCCESS);
        hpet_start(hpet.data, HPET_PERIODIC, PERIOD_US, 0);
        CHECK_EQ(irq_wait(&irq, deadline_in_us(PATIENCE_US)), SUCCESS);
        hpet_stop(hpet.data);
        irq_close(&irq);
        signal_context_destroy(&receiver, &context);
        signal_receiver_destroy(&receiver);
    }
    io_mem_close(&hpet);
}

static volatile error_t ended;
static void wait_for_ever(void *unused)
{
    (void)unused;
    ended = irq_wait(&irq, DEADLINE_NEVER);
}

// Who waits when the session ends is told, and does not take the next owner's interrupt.
static void end_of_the_session_ends_the_waiting(void)
{
    struct thread t;
    crd_t found;
    CHECK_EQ(irq_open(&irq, HPET_GSI, false, 0), SUCCESS);
    service_close(&irq.client);
    CHECK_EQ(hc_lookup(crd(CRD_OBJ, irq.sm, 0, RIGHT_ALL), &found), ECAP); // nothing to wait for
    selector_drop(irq.sm);
    CHECK_EQ(irq_open(&irq, HPET_GSI, false, 0), SUCCESS);
    ended = SUCCESS;
    CHECK_EQ(thread_create(&t, hip()->cpu_count - 1, 100, "waiter", wait_for_ever, NULL), SUCCESS);
    (void)comes_unasked();
    irq_close(&irq);
    thread_join(&t);
    CHECK(ended == EABORT || ended == ECAP);
}

void interrupt_tests(void)
{
    RUN(interrupts_have_one_owner);
    RUN(edges_come_when_waited_for);
    RUN(levels_come_until_the_device_is_served);
    RUN(messages_come_when_waited_for);
    RUN(messages_have_one_owner);
    RUN(interrupts_can_be_signals);
    RUN(end_of_the_session_ends_the_waiting);
}
