// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// See trace_words.h.
#include "apps/shell/trace_words.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"
#include <tessera/trace.h>

static const char *const event_names[TRACE_EVENTS] = {
#define X(name, number, first, second, meaning) [number] = #name,
    TESSERA_TRACE_EVENTS(X)
#undef X
};

static bool read_number(const char *text, u64 *number)
{
    u64 value = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 18; digits++)
        value = value * 10 + (u64)(text[digits] - '0');
    *number = value;
    return digits > 0 && !text[digits];
}

// Cuts the first word off: its length is returned, *text is what follows it and the blanks after
// it.
static size_t next_word(const char **text, const char *separators)
{
    size_t length = 0;
    while ((*text)[length] && !strchr(separators, (*text)[length]))
        length++;
    *text += length;
    while (**text && strchr(separators, **text))
        (*text)++;
    return length;
}

bool trace_words_read(const char *text, const char *key, u64 least, u64 most,
                      struct trace_words *words, char *wrong, size_t size)
{
    size_t key_length = strlen(key);
    memset(words, 0, sizeof(*words));
    while (*text) {
        const char *word = text;
        size_t length = next_word(&text, " ");
        char copy[TRACE_WORD_MAX];
        strlcpy(copy, word, length + 1 < sizeof(copy) ? length + 1 : sizeof(copy));
        if (length > key_length && !strncmp(copy, key, key_length) && copy[key_length] == '=') {
            u64 *number = &words->number;
            if (read_number(copy + key_length + 1, number) && *number >= least && *number <= most)
                continue;
            text_format(wrong, size, "found \"%s\", expected %s=NUMBER from %lu to %lu", copy, key,
                        least, most);
            return false;
        }
        if (length >= TRACE_WORD_MAX || words->count == TRACE_NAMES_MAX) {
            text_format(wrong, size, "found %s at \"%s\", expected up to %u names of up to %u",
                        length >= TRACE_WORD_MAX ? "a long name" : "too many names", copy,
                        TRACE_NAMES_MAX, TRACE_WORD_MAX - 1);
            return false;
        }
        strlcpy(words->word[words->count++], copy, TRACE_WORD_MAX);
    }
    return true;
}

// What follows `name` in `label`, NULL if the label does not begin with it.
static const char *after_name(const char *label, const char *name)
{
    for (; *name; name++) {
        if (*name == '/' && !strncmp(label, " -> ", 4))
            label += 4;
        else if (*name == *label)
            label++;
        else
            return NULL;
    }
    return label;
}

bool trace_matches(const char *label, const char *name)
{
    static const char above[] = "init -> ";
    const char *rest = after_name(label, name);
    bool below_init = !strncmp(label, above, sizeof(above) - 1);
    if (!*name || (rest && (!*rest || !strncmp(rest, " -> ", 4))))
        return true;
    rest = below_init ? after_name(label + sizeof(above) - 1, name) : NULL;
    return rest && (!*rest || !strncmp(rest, " -> ", 4));
}

static u32 event_mask(const char *name, size_t length)
{
    for (unsigned i = 1; i < TRACE_EVENTS; i++) {
        size_t same = 0;
        while (same < length && event_names[i] &&
               (event_names[i][same] | 0x20) == (name[same] | 0x20))
            same++;
        if (event_names[i] && same == length && !event_names[i][same])
            return 1u << i;
    }
    return length == 3 && !strncmp(name, "all", 3) ? TRACE_ALL : 0;
}

bool trace_events_read(const char *list, u32 *mask, char *wrong, size_t size)
{
    *mask = 0;
    while (*list) {
        const char *name = list;
        size_t length = next_word(&list, ", ");
        u32 one = event_mask(name, length);
        if (!one) {
            size_t used = text_format(wrong, size, "found \"%.*s\", expected all or some of ",
                                      length < 20 ? (int)length : 20, name);
            trace_events_format(TRACE_ALL, wrong + used, size - used);
            return false;
        }
        *mask |= one;
    }
    return true;
}

void trace_events_format(u32 mask, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (unsigned i = 1; i < TRACE_EVENTS; i++) {
        if (mask & 1u << i && used < size)
            used += text_format(text + used, size - used, "%s%s", used ? "," : "", event_names[i]);
    }
}
