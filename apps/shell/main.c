// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The shell: reads lines from the service "serial" and runs the command that they name.
#include "apps/shell/shell.h"
#include "apps/shell/editor.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/control.h"
#include "lib/service/env.h"

enum { OUT_MAX = 512, IN_MAX = 64, FULL_WAIT_US = 2000 };

static struct service_client serial;
static struct editor editor;
static sel_t input;
static char completion[EDITOR_LINE_MAX];

// All of it, waiting a little where the driver's buffer is full. A driver that is gone loses it.
static void send(const char *text, size_t length)
{
    while (length > 0) {
        struct msg m;
        size_t part = length < OUT_MAX ? length : OUT_MAX;
        service_begin(&serial, &m, SERIAL_WRITE);
        msg_put_bytes(&m, text, part);
        if (service_call(&serial, &m))
            return;
        word_t taken = msg_get_word(&m);
        if (msg_error(&m) || taken > part)
            return;
        text += taken;
        length -= taken;
        if (!taken)
            (void)!hc_sm_down(input,
                              deadline_in_us(FULL_WAIT_US)); // a key would wake us: look again
    }
}

void say_bytes(const char *text, size_t length)
{
    char out[OUT_MAX]; // a line goes out in one piece: nobody else's comes between it and its end
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        if (used + 2 > sizeof(out)) {
            send(out, used);
            used = 0;
        }
        if (text[i] == '\n')
            out[used++] = '\r';
        out[used++] = text[i];
    }
    send(out, used);
}

void say(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    size_t length = text_format_va(text, sizeof(text), format, arguments);
    va_end(arguments);
    say_bytes(text, length < sizeof(text) ? length : sizeof(text) - 1);
}

static void editor_write(void *context, const char *text, size_t length)
{
    (void)context;
    send(text, length);
}

static bool contains(const char *text, const char *word)
{
    for (size_t length = strlen(word); *text; text++) {
        if (!strncmp(text, word, length))
            return true;
    }
    return false;
}

struct search {
    const char *word;
    size_t length;
    unsigned found;
};

static void consider(struct search *s, const char *candidate)
{
    if (strncmp(candidate, s->word, s->length))
        return;
    if (!s->found++) {
        strlcpy(completion, candidate + s->length, sizeof(completion) - 1);
        size_t end = strlen(completion);
        completion[end] = ' ';
        completion[end + 1] = 0;
        return;
    }
    size_t same = 0; // what all of them share
    while (completion[same] && completion[same] == candidate[s->length + same])
        same++;
    completion[same] = 0;
}

static bool consider_child(const struct control_child *child, void *context)
{
    consider(context, child->name);
    return true;
}

// The verbs of the line's command, if the word at the cursor is the one after it. False if there is
// nothing to choose from.
static bool consider_verbs(struct search *s)
{
    char command[EDITOR_LINE_MAX + 1];
    const char *rest = strchr(editor.line, ' ');
    strlcpy(command, editor.line, rest ? (size_t)(rest - editor.line) + 1 : sizeof(command));
    while (rest && *rest == ' ')
        rest++;
    const char *verbs = rest == s->word ? command_verbs(command) : NULL;
    while (verbs && *verbs) {
        char verb[16];
        size_t length = 0;
        while (verbs[length] && verbs[length] != ' ')
            length++;
        strlcpy(verb, verbs, length + 1 < sizeof(verb) ? length + 1 : sizeof(verb));
        consider(s, verb);
        verbs += length + (verbs[length] == ' ');
    }
    return verbs != NULL;
}

static const char *complete(void *context, const char *word, size_t length, bool first)
{
    (void)context;
    struct search s = {word, length, 0};
    completion[0] = 0;
    for (unsigned i = 0; i < command_count && first; i++)
        consider(&s, commands[i].name);
    if (!first && !consider_verbs(&s) && control_visit(client_init(), consider_child, &s))
        return NULL;
    return s.found && completion[0] ? completion : NULL;
}

static void run_command(const struct command *command, const char *argument)
{
    if (*argument && !*command->arguments)
        say("shell: %s: found \"%.64s\", expected nothing after it\n", command->name, argument);
    else
        command->run(argument);
}

static void run(char *line)
{
    while (*line == ' ')
        line++;
    size_t length = strlen(line);
    while (length > 0 && line[length - 1] == ' ')
        line[--length] = 0;
    if (!*line)
        return;
    char *argument = strchr(line, ' ');
    if (argument) {
        *argument++ = 0;
        while (*argument == ' ')
            argument++;
    }
    for (unsigned i = 0; i < command_count; i++) {
        if (!strcmp(commands[i].name, line)) {
            run_command(&commands[i], argument ? argument : "");
            return;
        }
    }
    say("shell: there is no command \"%s\"; \"help\" lists them\n", line);
}

// The driver's semaphore of a fresh session.
static error_t serial_open(void)
{
    struct msg m;
    service_begin(&serial, &m, SERIAL_OPEN);
    hc_drop(input);
    utcb()->window = crd(CRD_OBJ, input, 0, RIGHT_ALL);
    error_t error = service_call(&serial, &m);
    utcb()->window = 0;
    return error;
}

static error_t read_input(char *bytes, size_t *count)
{
    struct msg m;
    service_begin(&serial, &m, SERIAL_READ);
    msg_put_word(&m, IN_MAX);
    error_t error = service_call(&serial, &m);
    if (error)
        return error;
    *count = msg_get_bytes(&m, bytes, IN_MAX);
    return msg_error(&m);
}

static void feed(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (editor_feed(&editor, (unsigned char)bytes[i])) {
            run(editor.line);
            editor_begin(&editor);
        }
    }
}

// `bench=prompt` on the kernel's command line: how long it took to get here.
static void report_boot(void)
{
    u64 now = rdtsc() - hip()->boot_tsc;
    if (!contains(hip()->cmdline, "bench=prompt"))
        return;
    say("\nbench: boot_to_prompt %lu %lu instructions\nbench: DONE\n", now, now);
    (void)!service_call0(client_power(), POWER_OFF);
}

int main(void)
{
    input = selector_alloc();
    error_t error = service_init(&serial, "serial", "", "", (struct service_quota){0, 0});
    if (!error)
        error = serial_open();
    if (error) {
        print("shell: no terminal: session \"serial\": %s\n", error_name(error));
        return 1;
    }
    editor_init(&editor, "tessera> ");
    editor.write = editor_write;
    editor.complete = complete;
    say("\nThis is Tessera. \"help\" lists the commands, \"poweroff\" leaves.\n");
    editor_begin(&editor);
    report_boot();
    for (;;) {
        char bytes[IN_MAX];
        size_t count = 0;
        error = read_input(bytes, &count);
        if (error) { // the driver died: its next life gives another semaphore
            error = serial_open();
            if (error)
                return 1;
            continue;
        }
        feed(bytes, count);
        if (!count && hc_sm_down(input, DEADLINE_NEVER) == ECAP && serial_open())
            return 1;
    }
}
