// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Labels of sessions (parent.h).
#include "lib/rt/string.h"
#include "lib/service/parent.h"

void parent_label_below(char *label, const char *prefix)
{
    static const char arrow[] = " -> ";
    size_t name = strlen(prefix), old = strlen(label);
    if (name > SERVICE_LABEL_MAX - sizeof(arrow))
        name = SERVICE_LABEL_MAX - sizeof(arrow);
    if (!old) { // as most
        memcpy(label, prefix, name);
        label[name] = 0;
        return;
    }
    size_t before = name + sizeof(arrow) - 1;
    if (old > SERVICE_LABEL_MAX - 1 - before)
        old = SERVICE_LABEL_MAX - 1 - before;
    memmove(label + before, label, old);
    memcpy(label, prefix, name);
    memcpy(label + name, arrow, before - name);
    label[before + old] = 0;
}
