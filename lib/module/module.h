// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A ROM module that changes, for servers that offer such ones (protocol.h, ROM_OPERATIONS).
//
// Each version has pages of its own, that are never written again: what a reader has mapped stays
// as it is. SIZE settles which version the session's next DATASPACE maps; a session keeps what it
// mapped last and what it mapped before that, so that it can compare the two. READ copies the
// newest version part by part, whole however long that takes. Whoever has WATCHed is woken when
// there is another one.
//
// Who keeps a version pays for it: who publishes pays for the newest (its affair), and a reader for
// those that it keeps, if it has been entered with the session that is to pay.
#pragma once

#include "lib/service/server.h"

struct module_version;

struct module {
    struct mutex lock; // guards versions and readers; never held while anything is compiled
    struct list readers;
    struct module_version *latest; // NULL: there is none
    u64 number;                    // of the latest; counts versions
};
#define MODULE_INIT(name)                                                                          \
    {                                                                                              \
        .lock = MUTEX_INIT, .readers = LIST_INIT((name).readers), .latest = NULL                   \
    }

struct module_reader {
    struct list link;
    struct module *module;
    struct server *server;
    struct server_session *payer;                     // NULL: nobody
    struct module_version *settled, *mapped, *before; // NULL: none
    sel_t changed;                                    // SEL_NONE: does not watch
};

// What a version of so many bytes costs who keeps it.
u64 module_cost(size_t bytes);

void module_init(struct module *module);
// Makes a copy of `data` the newest version and wakes the watchers. EMEM: it stays as it was.
MUST_CHECK error_t module_publish(struct module *module, const void *data, size_t size);
// There is no version any more: readers get ENOTFOUND, what they keep stays theirs.
void module_withdraw(struct module *module);
// Likewise, unless somebody reads it, as who comes at this moment does.
void module_withdraw_unread(struct module *module);
// Whether there is a version.
bool module_is_there(struct module *module);

// A session of the service "rom", of that server, begins to read; `payer` as above. It ends with
// module_reader_remove, before which the module must not go.
void module_reader_add(struct module *module, struct module_reader *reader, struct server *server,
                       struct server_session *payer);
void module_reader_remove(struct module_reader *reader);
// Whether anybody reads it, or would be told of a change.
bool module_is_read(struct module *module);
bool module_is_watched(struct module *module);

// Answers SIZE, DATASPACE, READ and WATCH. ENOTFOUND there is no version, ERESOURCE the reader
// cannot pay for it, EPROTO.
MUST_CHECK error_t module_dispatch(struct module_reader *reader, word_t operation, struct msg *m);
