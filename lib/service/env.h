// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The environment of a normal program: rt_main_init opens what lib/rt needs (log for print, pd for
// memory, cpu for threads), rt_exit tells the parent. Then the clients of sigma0's services.
//
// All sessions are opened at first use, so a program pays for what it uses. A service that the
// parent denies leaves that feature out: no log, no output.
#pragma once

#include "lib/service/client.h"

// The heap, print and thread_create may be used anywhere, also between msg_put_* calls: what they
// ask of services leaves the thread's UTCB as it was.

extern struct service_client env_log, env_pd, env_cpu;

// Puts the calling thread's UTCB (message and windows) aside and back. For code that calls services
// where its caller may be building a message. 4 KiB of stack.
struct utcb_copy {
    word_t words[sizeof(struct utcb) / sizeof(word_t)];
};
void utcb_save(struct utcb_copy *copy);
void utcb_restore(const struct utcb_copy *copy);

// Gives a global EC a scheduling context; `budget_us` of each `period_us`, both 0 = no limit. The
// priority is cut to the session's. *sc is a selector of the caller's. ERESOURCE, EMEM.
MUST_CHECK error_t env_sc_create(sel_t ec, unsigned priority, u32 quantum_us, u32 budget_us,
                                 u32 period_us, const char *name, sel_t *sc);
// The same by way of another "cpu" session than the program's own.
MUST_CHECK error_t sc_create_in(struct service_client *cpu, sel_t ec, unsigned priority,
                                u32 quantum_us, u32 budget_us, u32 period_us, const char *name,
                                sel_t *sc);
// Shows a handler to those who trace the program (doc/trace.md). ERESOURCE, EMEM.
MUST_CHECK error_t env_handler(sel_t ec, const char *name);
// Takes it back and frees the selector.
void env_sc_destroy(sel_t sc);

void sc_destroy_in(struct service_client *cpu, sel_t sc);
// What the program's "cpu" session allows.
struct cpu_limits {
    u64 priority, cpus;       // cpus: mask
    u64 budget_us, period_us; // of all its threads together; 0: no limit
    u64 threads;              // that share it
};
MUST_CHECK error_t env_cpu_limits(struct cpu_limits *limits);

// What the program may still donate, by its parent's word (GET_QUOTA).
MUST_CHECK error_t env_quota(u64 *ram, u64 *caps);
// All that it says: of how much RAM that is left; the slots of the parent's own domain.
struct env_account {
    u64 ram_left, ram_limit; // bytes
    u64 caps_left, parent_caps;
    u64 parent_ram, system_ram; // all that the parent has; the kernel's and boot modules' of it
};
MUST_CHECK error_t env_account(struct env_account *account);

// Dataspaces of the program's own pd session.
// `flags`: enum pd_flag, without PD_ATTACH. *ds is a selector of the caller's.
MUST_CHECK error_t dataspace_alloc(size_t bytes, unsigned flags, sel_t *ds);
// Maps it at `address`, aligned to the size rounded up to a power of two (address_alloc). If
// another thread frees it meanwhile, the answer may show its pages once more after that, until the
// next request on this CPU: unmap them (hc_revoke) before the address is used again.
MUST_CHECK error_t dataspace_attach(sel_t ds, void *address, size_t bytes, unsigned flags);
// From any "pd" session, into the selector `sel` of the caller's, which stays the caller's if this
// fails; with PD_ATTACH mapped at `address`, in an aligned window of 2^order pages that is large
// enough. Leaves the windows changed: utcb_save.
MUST_CHECK error_t dataspace_alloc_at(struct service_client *pd, size_t bytes, unsigned flags,
                                      sel_t sel, word_t address, unsigned order);
MUST_CHECK error_t dataspace_phys(sel_t ds, u64 *physical);
void dataspace_free(sel_t ds);
// For rt_main_init: sets up memory.c.
void env_memory_init(void);
MUST_CHECK error_t memory_info(u64 *used, u64 *limit, u64 *high);

// A ROM module, mapped. The name must stay.
struct rom {
    struct service_client client;
    const void *data;
    size_t size;
};
MUST_CHECK error_t rom_open(struct rom *rom, const char *name);
void rom_close(struct rom *rom);

// Ports `base` to `base + size - 1`, for `in` and `out`. EINUSE, EPERM.
struct io_port {
    struct service_client client;
    char args[32];
};
MUST_CHECK error_t io_port_open(struct io_port *port, u16 base, u16 size);
void io_port_close(struct io_port *port);
// The same done by sigma0, with a session that is open: no trap, and no I/O bitmap in this domain
// (002_8bbc1eeec7f51661.txt, Port I/O). `port` is absolute, `width` is 1, 2 or 4 bytes. EPARAM
// another width; EPERM not every byte lies in the session's range: then nothing was done.
MUST_CHECK error_t io_port_read(struct service_client *io_port, u64 port, unsigned width,
                                u32 *value);
MUST_CHECK error_t io_port_write(struct service_client *io_port, u64 port, unsigned width,
                                 u32 value);

// An interrupt, masked but while it is waited for (002_8bbc1eeec7f51661.txt, Reception of device
// interrupts; doc/devices.md).
struct irq {
    struct service_client client;
    char args[32];
    sel_t sm; // upped when it arrives; may be made a signal context (lib/core/signal.h)
    u64 message_address;
    u32 message_data; // what the device writes, of a message-signalled one
};
// Interrupt line `gsi`, to arrive at `cpu`; edge-triggered or level-triggered, unless the firmware
// says otherwise of that line. EINUSE, EPARAM no such line, ECPU, EPERM.
MUST_CHECK error_t irq_open(struct irq *irq, unsigned gsi, bool level, unsigned cpu);
// Any message-signalled one: the device is to be told irq->message_address and message_data. It
// can never be lost. ERESOURCE: none is free.
MUST_CHECK error_t irq_open_message(struct irq *irq, unsigned cpu);
// The driver is done with the last one and wants the next: it may arrive once. An edge of a line
// that comes before this may be lost: look at the device once more afterwards.
void irq_acknowledge(struct irq *irq);
// Acknowledges and waits until it comes or the TSC passes `deadline` (DEADLINE_NEVER); it is masked
// again when this returns. ETIMEOUT; EABORT the session is closed; ECAP likewise, before.
MUST_CHECK error_t irq_wait(struct irq *irq, u64 deadline);
// Who waits for it gets EABORT.
void irq_close(struct irq *irq);

// Device memory, mapped.
struct io_mem {
    struct service_client client;
    char args[64];
    volatile void *data;
    size_t size;
};
MUST_CHECK error_t io_mem_open(struct io_mem *memory, u64 physical, size_t size,
                               bool write_combine);
void io_mem_close(struct io_mem *memory);
