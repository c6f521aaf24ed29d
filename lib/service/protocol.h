// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The parent and service protocols (001_5c4c3d5892c9ef36.txt): operations and message formats, one
// table each, from which come the enums, the names and the manual.
//
// Request:  word 0 operation, word 1 client identifier (0: the caller itself, or whoever the items
//           name), words 2… data.
// Response: word 0 error_t, words 1… data (only if word 0 is SUCCESS).
// `string` is a length word and the bytes, padded to words (msg_put_string).
// `translate x` and `delegate x` are typed items, in that order, first item = item 0. An item that
// comes back lands in the caller's window: obj in the one of CRD_OBJ, mem in the one of CRD_MEM.
//
// An exhausted account is answered with ERESOURCE. If what the session was given falls short, and
// that alone, two words follow: 1 bytes of RAM, 2 capability slots that are missing; an UPGRADE by
// them lets the same request succeed (doc/quotas.md).
#pragma once

#include <tessera/error.h>

enum {
    SERVICE_NAME_MAX = 32,   // bytes of a service's name, with the terminating zero
    SERVICE_LABEL_MAX = 128, // of a session's label
    SERVICE_ARGS_MAX = 256,  // of its arguments
    KEEP_NAME_MAX = 32,      // of a kept dataspace's name
};

// What a client donates with every session at least: most services' price of one (server.h).
// Slots: client.h, service_caps_least.
enum { SESSION_RAM_LEAST = 768 };
// What a parent's own books of a session cost who opens it, beside what it donates.
enum { PSEUDONYM_COST = 512 };

// Flags of a service, given to REGISTER and told to clients by GET_PORTAL.
enum service_flag {
    SERVICE_SESSION_PORTALS = 1, // each session has portals of its own; else sessions are named by
                                 // a translated capability (item 0 of each request)
    SERVICE_SINGLETON = 2,       // one session a client
    SERVICE_STATELESS = 4,       // no sessions: calls need no open
};

// To the parent, on portal SEL_PARENT + cpu. X(name, number, request, response, meaning)
#define PARENT_OPERATIONS(X)                                                                       \
    X(OPEN, 1,                                                                                     \
      "2 ram bytes, 3 caps, string name, string label, string args; optional: open_places",        \
      "1 enum service_flag + 1 if the portal came too, else 0, 2 the pseudonym's selector at the " \
      "parent; obj: pseudonym (SM_UP | SM_DOWN), "                                                 \
      "maybe obj: portal",                                                                         \
      "get a pseudonym for a service; EPERM if denied")                                            \
    X(CLOSE, 2, "translate pseudonym, or 2 its selector at the parent, if it found no room", "",   \
      "give it back; the donated quota returns")                                                   \
    X(GET_PORTAL, 3, "2 cpu; translate pseudonym", "1 enum service_flag; obj: the portal",         \
      "ERETRY: down the pseudonym, then ask again; ENOTFOUND: no such pseudonym")                  \
    X(REGISTER, 4,                                                                                 \
      "2 cpu, 3 enum service_flag, string name; delegate portal (hotspot 0), delegate event "      \
      "semaphore (hotspot 1)",                                                                     \
      "", "offer a service on one CPU; EINUSE if offered already")                                 \
    X(UNREGISTER, 5, "string name", "", "on no CPU any more; its portals are revoked")             \
    X(GET_QUOTA, 6,                                                                                \
      "optional: 2 if not 0, without the strings; translate pseudonym as the service holds it, "   \
      "or "                                                                                        \
      "nothing: about the caller",                                                                 \
      "1 ram bytes, 2 caps, string label, string args; about the caller then: ram limit, caps of " \
      "the parent's own domain, all RAM that the parent has, what of it is the kernel's and boot " \
      "modules'",                                                                                  \
      "what a client gave, EPERM if it is none of ours or gone; what is left to the caller. ECAP " \
      "(likewise of SINGLETON and REQ_KILL): ask again and delegate the pseudonym, which was "     \
      "given out further up")                                                                      \
    X(SINGLETON, 7, "2 release; translate pseudonym", "",                                          \
      "2 = 0: EINUSE if its client has a session already; 2 = 1: it has none any more")            \
    X(REQ_KILL, 8, "string name (\"\": the pseudonym's client); translate pseudonym", "",          \
      "ask that a child be ended")                                                                 \
    X(SIGNAL, 9, "2 enum parent_signal, 3 value", "", "report an event")                           \
    X(UPGRADE, 10, "2 ram bytes, 3 caps, 4 least ram, 5 least caps; translate pseudonym",          \
      "1 ram, 2 caps",                                                                             \
      "donate more to a session, of each what is asked for or the least; tell the service "        \
      "afterwards; ENOTFOUND, ERESOURCE")                                                          \
    X(KEEP, 11, "2 bytes (0: as many as there are), string name",                                  \
      "1 bytes in whole pages, 2 enum kept_flag, 3 failures (doc/keeping.md); obj: dataspace",     \
      "a dataspace of the caller's that outlives it, zeroed at first; the same for the same name " \
      "in each life; EPERM it may keep nothing, ENOTFOUND there is none and 0 bytes were asked "   \
      "for, ERESOURCE, EMEM, EFEATURE this parent keeps nothing; EPARAM: word 1 is how many "      \
      "bytes it has instead")                                                                      \
    X(DROP, 12, "string name", "", "gone everywhere, and the account has it back; ENOTFOUND")      \
    X(SESSIONS, 13, "2 position, string name",                                                     \
      "1 next position (0: the end, and nothing else follows), 2 number, 3 ram bytes, 4 caps, "    \
      "string label, string args; obj: pseudonym",                                                 \
      "the sessions that clients have with the caller's service of that name, one a call, in no "  \
      "order; positions begin with 0")                                                             \
    X(NUMBER, 14, "2 0; translate pseudonym", "1 number of the session, which no other ever has",  \
      "EPERM, ECAP as of GET_QUOTA")

// Where in the caller's window OPEN's answer goes, as hotspots: the pseudonym; the portal on `cpu`,
// if the service exists, by whether its sessions have portals of their own.
static inline u64 open_places(unsigned cpu, unsigned pseudonym, unsigned portal_own,
                              unsigned portal)
{
    return cpu | (u64)pseudonym << 8 | (u64)portal_own << 16 | (u64)portal << 24 | 1ul << 32;
}

// What KEEP tells of a dataspace.
enum kept_flag {
    KEPT_EARLIER = 1, // it was there in an earlier life of the caller's
};
// What a parent's own books of a kept dataspace cost who keeps it, beside the dataspace.
enum { KEPT_COST = 512 };

enum parent_operation {
#define X(name, number, request, response, meaning) PARENT_##name = (number),
    PARENT_OPERATIONS(X)
#undef X
};

#define PARENT_SIGNALS(X)                                                                          \
    X(EXIT, 1, "the program has ended; value is its exit code")                                    \
    X(READY, 2, "the program is up; value is its own affair")                                      \
    X(HEARTBEAT, 3, "still alive")                                                                 \
    X(RESOURCE, 4, "its own domain lacked slots or kernel memory: the parent looks how many")
enum parent_signal {
#define X(name, number, meaning) SIGNAL_##name = (number),
    PARENT_SIGNALS(X)
#undef X
};

// What every service understands. A service's own operations begin at SERVICE_FIRST. An unknown
// session is answered with EEXISTS: the client then sends OPEN.
#define SERVICE_OPERATIONS(X)                                                                      \
    X(OPEN, 0, "delegate pseudonym, translate pseudonym (for who is its parent)",                  \
      "1 enum service_flag; obj: session (SM), or with SERVICE_SESSION_PORTALS the session's "     \
      "portals of all CPUs at once (hotspot = CPU)",                                               \
      "open a session; EPERM, ERESOURCE, EINUSE")                                                  \
    X(CLOSE, 1, "session", "", "end it")                                                           \
    X(UPGRADE, 2, "session", "", "ask the parent anew what the session was given (GET_QUOTA)")
enum service_operation {
#define X(name, number, request, response, meaning) SERVICE_##name = (number),
    SERVICE_OPERATIONS(X)
#undef X
        SERVICE_FIRST = 16
};

// The services' own operations. X(name, number, request, response, meaning). With translated
// sessions all items listed here come after item 0, the session.

#define LOG_OPERATIONS(X)                                                                          \
    X(WRITE, 16, "string text", "", "append text; whole lines are printed with the label before")  \
    X(READ, 17, "2 position", "1 next position, string text",                                      \
      "from the ring of what was written; args \"read\" or \"read,LABEL\"; empty at the end; "     \
      "position "                                                                                  \
      "LOG_UNPRINTED: the first line that the log did not print itself since it gave its line "    \
      "away")                                                                                      \
    X(WATCH, 18, "", "obj: semaphore (SM_DOWN), upped when there is more to read",                 \
      "for who reads on; EFEATURE where the log has none")
#define LOG_UNPRINTED (~0ul)

// args: module name
#define ROM_OPERATIONS(X)                                                                          \
    X(SIZE, 16, "", "1 bytes", "size of the module")                                               \
    X(DATASPACE, 17, "", "1 bytes; mem: the module's pages (R X) from hotspot 0 on",               \
      "map it; needs a window of its size rounded up to a power of two")                           \
    X(WATCH, 18, "", "obj: semaphore (SM_DOWN), upped when the module has changed",                \
      "EFEATURE where modules never change")                                                       \
    X(OBJECT, 19, "", "1 bytes; obj: dataspace (R X)",                                             \
      "the module as a dataspace, to be attached and passed on; sigma0's modules only")            \
    X(READ, 20, "2 position", "1 bytes in all, 2 number of the version, string part",              \
      "a copy, part by part; position 0 begins with the newest version, which all further parts "  \
      "are of; EPROTO where modules never change")

// quota: what was donated at OPEN, less the price of the session, is the session's account
enum pd_flag {
    PD_ATTACH = 1,     // ALLOC also attaches
    PD_UNCACHED = 2,   // memory type
    PD_EXECUTABLE = 4, // attach R X in place of R W
    PD_READ_ONLY = 8,  // attach R
};
// What each thing costs a session on top of its pages: bytes, sigma0's books of it, and capability
// slots, for what stands in sigma0's space, whose kernel memory they bring along (CAP_KMEM).
enum {
    PD_DATASPACE_COST = 384,
    PD_DATASPACE_CAPS = 1,
    PD_REGION_COST = 192, // of each attachment, paid by who made the region map
    PD_REGION_MAP_COST = 512,
    PD_REGION_MAP_CAPS = 2,
    PD_THREAD_COST = 512, // of a thread in a domain, paid by who made that
    PD_THREAD_CAPS = 4,
    PD_SIGNAL_CAPS = 1,    // of each semaphore that sigma0 is given, and of ASSIGN_PARENT
    PD_DOMAIN_COST = 1024, // without its three region maps
    // Without those, and three a CPU beside. To this comes what the domain is given: its slots, or
    // its kernel memory in units of CAP_KMEM, whichever is more.
    PD_DOMAIN_CAPS = 26,
    CPU_SC_COST = 512, // of CREATE_SC and the thread that sigma0 then knows, paid by the session
    CPU_SC_CAPS = 4,
};
enum { PD_MEMORY_MAX = 2048 };
#define PD_OPERATIONS(X)                                                                           \
    X(ALLOC, 16, "2 bytes, 3 enum pd_flag", "1 bytes, rounded; obj: dataspace; PD_ATTACH: mem",    \
      "zeroed, physically contiguous RAM; ERESOURCE: the account is empty; EMEM: the machine is")  \
    X(ATTACH, 17, "2 enum pd_flag; translate dataspace", "1 bytes; mem: its pages, hotspot 0",     \
      "map a dataspace into the caller's window")                                                  \
    X(FREE, 18, "translate dataspace", "", "gone everywhere; the account has it back")             \
    X(INFO, 19, "",                                                                                \
      "1 used, 2 limit, 3 highest use, in bytes; 4 used, 5 limit, 6 highest use, capability "      \
      "slots",                                                                                     \
      "the accounts")                                                                              \
    X(PHYS, 20, "translate dataspace", "1 physical address, 2 bytes", "for DMA")                   \
    X(RENEW, 21, "translate dataspace", "obj: dataspace",                                          \
      "taken from everybody, as FREE does, but its content goes on in another one, which nobody "  \
      "else has; EMEM: nothing has happened")                                                      \
    X(REFERENCE, 22, "translate another pd session", "",                                           \
      "the reference account, with which quota is exchanged from now on; EINUSE: it has one; "     \
      "EDEADLOCK: that one's leads back here")                                                     \
    X(TRANSFER, 23, "2 bytes, 3 back (0 or 1); optional: 4 capability slots",                      \
      "1 limit of the session, in bytes, 2 in capability slots",                                   \
      "from the reference account, or back to it; ERESOURCE: not so much unused there")            \
    X(DOMAIN, 24,                                                                                  \
      "2 bytes of kernel memory, 3 capability slots; optional: delegate kernel's PD (PD_CREATE | " \
      "PD_ACCOUNT)",                                                                               \
      "obj: domain (hotspot 0), kernel's PD (PD_CREATE | PD_GRANT, 1), region maps: address "      \
      "space (2), stack area (3), linker area (4)",                                                \
      "make a protection domain; that PD's account gives it kernel memory and slots and gets "     \
      "them back (then PD_ACCOUNT comes with it), or else the session pays")                       \
    X(ASSIGN_PARENT, 25, "2 cpu; translate domain, delegate portal", "",                           \
      "puts the one capability that it begins with at SEL_PARENT + cpu; EBUSY")                    \
    X(DESTROY_DOMAIN, 26, "translate domain", "", "its threads end, its memory is unmapped")       \
    X(READ_MEMORY, 27, "2 address, 3 bytes; translate domain", "string bytes",                     \
      "what the domain's address space shows there, from the address on as much as is there, at "  \
      "most PD_MEMORY_MAX; ENOTFOUND nothing at the address, EFEATURE device memory")              \
    X(WRITE_MEMORY, 28, "2 address, string bytes; translate domain", "1 bytes written",            \
      "likewise; EPERM it is read-only there")                                                     \
    X(RECALL_THREADS, 29, "translate domain", "",                                                  \
      "takes back all capabilities to its threads that were handed out; by the session that made " \
      "it (EPERM)")

// Region maps and managed dataspaces, on sessions of "rm" and of "pd". A region map is named by its
// capability; who holds that may attach and detach.
enum rm_flag {
    RM_WRITE = 1,
    RM_EXECUTE = 2,
    RM_POPULATE = 4, // fill the page table at once
};
#define RM_ANYWHERE (~0ul)
#define RM_OPERATIONS(X)                                                                           \
    X(CREATE, 32, "2 bytes", "obj: region map (hotspot 0), its dataspace (1)",                     \
      "a region map that stands by itself; ERESOURCE, EMEM")                                       \
    X(ATTACH, 33,                                                                                  \
      "2 offset in the dataspace, 3 bytes (0: the rest), 4 address or RM_ANYWHERE, 5 enum "        \
      "rm_flag; translate region map, translate dataspace",                                        \
      "1 address, 2 bytes",                                                                        \
      "show a dataspace; EPARAM range or alignment, or both writable and executable, EINUSE "      \
      "something is there, ERESOURCE, "                                                            \
      "EDEADLOCK the map would show itself or is nested too deep")                                 \
    X(DETACH, 34, "2 address; translate region map", "", "take out what covers the address")       \
    X(SIGNAL, 35, "translate region map, delegate semaphore (SM_UP)", "",                          \
      "up it when a thread touches a page of the managed dataspace that shows nothing")            \
    X(NEXT_FAULT, 36, "translate region map",                                                      \
      "1 address in the map, 2 access (MEM_R, W or X), "                                           \
      "3 threads that wait",                                                                       \
      "the next fault not yet told; ENOTFOUND")                                                    \
    X(DESTROY, 37, "translate region map", "", "by the session that made it")

// args: "PRIORITY", the highest priority that the client may give, then any of: "all", the
// statistics show everybody's figures; "cpus=MASK", where its threads may run;
// "budget=US,period=US,pool=NAME", of each period all threads of all sessions with that pool (or
// label) together run this long.
#define CPU_OPERATIONS(X)                                                                          \
    X(CREATE_SC, 16,                                                                               \
      "2 priority, maybe | CPU_MAIN, 3 quantum us, 4 budget us, 5 period us (0 = no limit), "      \
      "string name; delegate ec (EC_SC)",                                                          \
      "obj: scheduling context (SC_CTRL)",                                                         \
      "let a global EC run; priority and budget are cut to the session's; ECPU not there")         \
    X(DESTROY_SC, 17, "translate sc", "", "take it back")                                          \
    X(STATISTICS, 18, "2 first index",                                                             \
      "1 number of entries in all, 2 entries here, then each: 1 word TSC ticks used, 1 word "      \
      "cpu | priority << 32, string name (label and name)",                                        \
      "what all scheduling contexts have used; args \"all\", else the session's own")              \
    X(INFO, 19, "",                                                                                \
      "1 highest priority, 2 mask of CPUs, 3 budget us, 4 period us (0: no limit), 5 threads "     \
      "that share it",                                                                             \
      "the session's limits")                                                                      \
    X(CREATE_THREAD, 20, "2 cpu, 3 priority, 4 UTCB's address, string name; translate domain",     \
      "obj: thread", "a thread in a domain, at rest; the domain pays for it; ECPU not there")      \
    X(START, 21, "2 ip, 3 sp, 4 argument (in rdi); translate thread", "", "once; EINUSE")          \
    X(PAUSE, 22, "translate thread", "", "it stops wherever it is")                                \
    X(RESUME, 23, "translate thread", "", "it goes on, at an unresolved exception once more")      \
    X(READ_STATE, 24, "translate thread", "1 enum thread_state, then struct exc_state",            \
      "of a paused thread; EBUSY while it runs, and until one that has executed a breakpoint "     \
      "stands at it; vector, error code and fault address are those of the exception that "        \
      "stopped it")                                                                                \
    X(WRITE_STATE, 25, "2 enum mtd, then struct exc_state; translate thread", "",                  \
      "the registers that mtd names, of a paused thread; EBUSY while it runs")                     \
    X(STEP, 26, "translate thread", "", "resume for one instruction; then it stops with vector 1") \
    X(KILL, 27, "translate thread", "", "for good; the capability goes too")                       \
    X(EXCEPTION_SIGNAL, 28, "translate thread or domain, delegate semaphore (SM_UP)", "",          \
      "up it when one of its exceptions finds no answer: the thread is paused then")               \
    X(NEXT_EXCEPTION, 29, "translate domain",                                                      \
      "1 vector, 2 error code, 3 fault address, 4 ip, 5 sp, 6 cpu, 7 1 if a thread came; maybe "   \
      "obj: thread",                                                                               \
      "what stopped a thread of the domain, the oldest not yet told; ENOTFOUND")                   \
    X(NEXT_THREAD, 30, "2 number; translate domain",                                               \
      "1 number, 2 cpu | priority << 32, 3 enum thread_state, string name; obj: thread",           \
      "of the domain's threads the one with the lowest number above that one, 0: the first of "    \
      "all; numbers grow and never come again; ENOTFOUND: no more")                                \
    X(HANDLER, 31, "string name; delegate ec (EC_CTRL | EC_SC)", "",                               \
      "let a local EC be seen by those who trace; costs as CREATE_SC, until the EC or the "        \
      "session "                                                                                   \
      "ends")                                                                                      \
    X(READ_FPU, 32, "translate thread", "struct fpu_state",                                        \
      "FPU and SSE of a paused thread, initial if it never used them; EBUSY while it runs")        \
    X(WRITE_FPU, 33, "struct fpu_state; translate thread", "",                                     \
      "likewise; EFEATURE it never used them, and has no place for them")                          \
    X(PRIORITY, 34, "2 priority; translate thread or sc", "",                                      \
      "another priority for what the session made, at once; cut to the session's; EPERM another "  \
      "session's thread")                                                                          \
    X(LIMIT, 35, "2 highest priority, 3 bound on it (0 = as it is), string label",                 \
      "1 sessions found",                                                                          \
      "of the sessions with that label below the session's own (\"init -> a\" has \"a\"): cut to " \
      "the "                                                                                       \
      "session's own; what runs there follows, as far as it asked for more")
// With CREATE_SC's priority: the EC is the main thread of a component that bears the name.
enum { CPU_MAIN = 1 << 16 };
#define THREAD_STATES(X) X(NEW, 0) X(RUNNING, 1) X(PAUSED, 2) X(STOPPED, 3) X(WAITING, 4)
enum thread_state {
#define X(name, number) THREAD_##name = (number),
    THREAD_STATES(X)
#undef X
};

// Threads are all that "cpu" sessions made or admitted whose label is the session's own or lies
// below it ("init -> a" is below "init"); they are named by numbers, which are never used twice.
// For others there is ENOTFOUND. Tracing ends with the thread, the dataspace or the session. An
// entry is 1 word id, 1 word cpu | priority << 8 | enum thread_state << 16 | enum trace_status <<
// 24, 1 word TSC ticks used, string label, string name. A handler has priority 0 and no ticks: it
// runs on its callers' time. Events, ring and policy: include/tessera/trace.h. quota: TRACE_COST of
// each thread that is traced.
#define TRACE_OPERATIONS(X)                                                                        \
    X(SUBJECTS, 16, "2 least id", "1 next id (0: the end), 2 entries here, then the entries",      \
      "the threads, the oldest first")                                                             \
    X(INFO, 17, "2 id", "the entry", "of one thread")                                              \
    X(ENABLE, 18, "2 id, 3 offset, 4 bytes, 5 policy, 6 filter; translate dataspace",              \
      "1 capacity, in records",                                                                    \
      "trace a thread into a ring in that part of a dataspace; EINUSE it is traced already, "      \
      "EPARAM no ring fits there or the policy is unknown, EFEATURE it is no RAM, ERESOURCE")      \
    X(POLICY, 19, "2 id, 3 policy, 4 filter", "", "another policy from now on")                    \
    X(PAUSE, 20, "2 id", "", "no events until RESUME")                                             \
    X(RESUME, 21, "2 id", "", "as before PAUSE")                                                   \
    X(DISABLE, 22, "2 id", "", "the end: nothing is written after the answer")
enum { TRACE_COST = 256 };
// Whether a thread is traced: not at all, by this session, likewise but paused, by another one.
#define TRACE_STATUS(X) X(OFF, 0) X(MINE, 1) X(PAUSED, 2) X(OTHERS, 3)
enum trace_status {
#define X(name, number) TRACE_STATUS_##name = (number),
    TRACE_STATUS(X)
#undef X
};

// args: "BASE,SIZE" (numbers as in C). One owner a port. Ports are absolute; a width is 1, 2 or 4
// bytes (EPARAM else), all of which must lie in the session's range (EPERM else).
#define IO_PORT_OPERATIONS(X)                                                                      \
    X(PORTS, 16, "", "1 base, 2 size; io: the ports (window CRD_IO, all ports, order 16)",         \
      "get access")                                                                                \
    X(READ, 17, "2 port, 3 width", "1 value", "in, done by sigma0")                                \
    X(WRITE, 18, "2 port, 3 width | value << 32", "", "out, done by sigma0")

// args: "GSI" or "GSI,level" or "msi". One owner an interrupt.
#define IRQ_OPERATIONS(X)                                                                          \
    X(SEMAPHORE, 16, "2 cpu",                                                                      \
      "1 address, 2 data that a device writes (0, 0 where it has a line); obj: the interrupt's "   \
      "semaphore (gsi_ctrl, down, bind)",                                                          \
      "route the interrupt to a CPU, masked")

// args: "PHYSICAL,SIZE" or "PHYSICAL,SIZE,wc", in bytes. Never RAM. One owner a byte: whose devices
// share a page, share that.
#define IO_MEM_OPERATIONS(X)                                                                       \
    X(DATASPACE, 16, "", "1 bytes; mem: the pages, uncached or write-combining", "map it")         \
    X(OBJECT, 17, "", "1 bytes (whole pages), 2 where in them the range begins; obj: dataspace",   \
      "the pages as a dataspace, to be attached and passed on")

// 000_7d6c79716bf8d028.txt, TimerService
#define TIMER_OPERATIONS(X)                                                                        \
    X(OPEN, 16, "", "1 timer; obj: semaphore (SM_DOWN | SM_UP)",                                   \
      "make the session's semaphore and first timer")                                              \
    X(REQUEST_TIMER, 17, "2 microseconds, 3 timer | TIMER_ABSOLUTE | TIMER_PERIODIC", "",          \
      "ups the semaphore when it fires; arms anew if it is armed; 0 relative: disarm")             \
    X(REQUEST_TIME, 18, "", "1 microseconds since start, 2 wall clock, microseconds since 1970",   \
      "what time it is")                                                                           \
    X(CLONE, 19, "", "1 timer; obj: its own semaphore", "another timer for another thread")        \
    X(FREE, 20, "2 timer", "", "give back what CLONE made")
#define TIMER_ABSOLUTE (1ul << 32)
#define TIMER_PERIODIC (1ul << 33)

// Control and report of init, service "init". A label "A -> B" leads to that of the init B below
// the init A below this one.
#define INIT_OPERATIONS(X)                                                                         \
    X(LIST, 16, "2 first index",                                                                   \
      "1 number of children, 2 entries here, then each: 1 word enum child_state | CHILD_IS_INIT "  \
      "| restarts << 32, ram: 1 word used or given away with sessions, 1 word limit, 1 word the "  \
      "most it was, caps: likewise 3 words, 1 word sessions, 1 word bytes kept, string name",      \
      "the children")                                                                              \
    X(KILL, 17, "string name", "", "end a child; its restart policy applies; ENOTFOUND")           \
    X(START, 18, "string name", "", "start one that has ended; EINUSE if it runs")                 \
    X(REPORT, 19, "2 position", "1 next position, string text", "the state as text")               \
    X(USAGE, 20, "",                                                                               \
      "1 kernel memory used, 2 limit, in bytes; 3 capability slots used, 4 limit; 5 RAM left to "  \
      "give, 6 of how much, in bytes; 7 RAM that init has donated for itself, 8 that its "         \
      "children's sessions have taken above it; 9 slots of its parent's domain, 10 of its "        \
      "children's; 11 all RAM that the parent has, 12 what of it is the kernel's and modules'",    \
      "what init itself has, without its children's domains but with what it holds for them; 5, "  \
      "7 and 8 add up to 6")                                                                       \
    X(SESSIONS, 21, "2 position",                                                                  \
      "1 next position, 2 entries here, then each: string client, string service, string "         \
      "provider (\"\": init itself, \"parent\": its parent), string label",                        \
      "the children's sessions; no entries: the end")                                              \
    X(QUOTA, 22, "string name",                                                                    \
      "RAM: 1 used, 2 limit, 3 the most it was, 4 the most that it was refused to have (0: "       \
      "none), "                                                                                    \
      "5 of the limit what its configuration gives, in bytes; 6–10 capability slots likewise; "  \
      "11–15 kernel memory; 16 refusals, string the last one; then what it keeps: "              \
      "bytes, of how many, how many dataspaces",                                                   \
      "what a child used of its accounts, over all its lives; ENOTFOUND")

// A child of init's, supervised by another one: service "debug" of init. Label: the child's name,
// or "A -> B" of the child B of the init A below. Its block says `debug = yes`; one session a
// child.
#define DEBUG_OPERATIONS(X)                                                                        \
    X(EVENTS, 16, "",                                                                              \
      "obj: semaphore (SM_DOWN), upped when a life of the child begins or ends (hotspot 0); obj: " \
      "semaphore (SM_DOWN), upped when an exception of an attached one finds no answer (1)",       \
      "the same two each time")                                                                    \
    X(STATE, 17, "",                                                                               \
      "1 lives so far, 2 1 if one is not over, 3 how the last that is over ended, enum "           \
      "child_state (STOPPED: by force), 4 exit code, string binary",                               \
      "of the child")                                                                              \
    X(ATTACH, 18, "", "1 number of the life, 2 address of its entry; obj: domain",                 \
      "supervise it: exceptions that find no answer wait for the session; ENOTFOUND it does not "  \
      "run, EINUSE it is attached already")                                                        \
    X(RELEASE, 19, "", "",                                                                         \
      "the end of that, as of the session: its program's read-only parts are as they were, all "   \
      "its threads go on, the domain's capability is taken back")                                  \
    X(WRITE, 20, "2 address, string bytes", "1 bytes written",                                     \
      "a read-only part of the program of an attached one, up to its end; EPERM nothing such is "  \
      "there")                                                                                     \
    X(KILL, 21, "", "", "end the child; its restart policy applies; ENOTFOUND")
#define CHILD_STATES(X)                                                                            \
    X(STOPPED, 0) X(RUNNING, 1) X(FAULTED, 2) X(EXITED, 3) X(WAITING, 4) X(FAILED, 5) X(ENDING, 6)
enum child_state {
#define X(name, number) CHILD_##name = (number),
    CHILD_STATES(X)
#undef X
};
enum { CHILD_IS_INIT = 1 << 8 }; // it offers "init" itself: label "CHILD" leads there

// A text or bytes that others may read as a ROM module (doc/report.md). args: the report's name.
// quota: its memory, module_cost of it twice while there is a version that the next one replaces.
#define REPORT_OPERATIONS(X)                                                                       \
    X(WRITE, 16, "2 position, 3 bytes in all, string part",                                        \
      "1 number of the version (0: there is more to come)",                                        \
      "a report in pieces from position 0 on; readers see it when the last one is there; "         \
      "ERESOURCE: the session cannot pay for it")                                                  \
    X(CLEAR, 17, "", "", "there is no report any more; readers get ENOTFOUND")

// A byte stream to a person.
#define SERIAL_OPERATIONS(X)                                                                       \
    X(OPEN, 16, "", "obj: semaphore (SM_DOWN | SM_UP), upped when input arrives",                  \
      "get the semaphore")                                                                         \
    X(READ, 17, "2 most bytes", "string bytes", "what has come, maybe nothing")                    \
    X(WRITE, 18, "string bytes", "1 bytes taken", "send; all, or 0 while the buffer is full")

// The configuration compiler. A session's donated RAM is what a text that LOAD brings takes.
#define CONFIG_OPERATIONS(X)                                                                       \
    X(SHOW, 16, "2 position", "1 next position, 2 version, string text",                           \
      "the text in force, empty at its end; the version counts changes")                           \
    X(LOAD, 17, "2 position, 3 bytes in all, string text",                                         \
      "1 version (0: there is more to come, or refused), string errors",                           \
      "another text, in pieces from position 0 on; the last one puts it in force if it is right")  \
    X(SET, 18, "string path, string value", "1 version (0: refused), string errors",               \
      "give one item another value; empty: remove it")

#define POWER_OPERATIONS(X)                                                                        \
    X(OFF, 16, "", "", "turn the machine off")                                                     \
    X(RESET, 17, "", "", "and on again")

#define X(name, number, request, response, meaning) LOG_##name = (number),
enum log_operation { LOG_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) ROM_##name = (number),
enum rom_operation { ROM_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) PD_SERVICE_##name = (number),
enum pd_operation { PD_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) RM_##name = (number),
enum rm_operation { RM_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) CPU_##name = (number),
enum cpu_operation { CPU_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) TRACE_SERVICE_##name = (number),
enum trace_operation { TRACE_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) IO_PORT_##name = (number),
enum io_port_operation { IO_PORT_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) IRQ_##name = (number),
enum irq_operation { IRQ_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) IO_MEM_##name = (number),
enum io_mem_operation { IO_MEM_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) TIMER_##name = (number),
enum timer_operation { TIMER_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) INIT_##name = (number),
enum init_operation { INIT_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) DEBUG_##name = (number),
enum debug_operation { DEBUG_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) SERIAL_##name = (number),
enum serial_operation { SERIAL_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) CONFIG_##name = (number),
enum config_operation { CONFIG_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) REPORT_##name = (number),
enum report_operation { REPORT_OPERATIONS(X) };
#undef X
#define X(name, number, request, response, meaning) POWER_##name = (number),
enum power_operation { POWER_OPERATIONS(X) };
#undef X
