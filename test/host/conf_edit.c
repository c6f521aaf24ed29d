// needs: lib/conf/child.c lib/conf/compile.c lib/conf/edit.c lib/conf/init.c lib/conf/policy.c lib/conf/parse.c lib/conf/route.c
// needs: lib/conf/value.c lib/conf/write.c build/ports/ucl/libucl.a -lfdt -lm
// flags: -isystem build/ports/ucl/libucl
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// lib/conf as the component uses it: texts are written anew so that they compile to the same tree;
// items are set, made and removed by their path; what does not go is told; depth is bounded.
#include "lib/conf/conf.h"
#include "test/host/check.h"
#include <glob.h>
#include <string.h>

#define GOOD "ram = 1Mb; caps = 64; "

static char told[65536];

static void tell(void *context, const char *text)
{
    (void)context;
    strncat(told, text, sizeof(told) - strlen(told) - 2);
    strcat(told, "\n");
}
static const struct conf_log log_ = {.name = "t", .line = tell};

static struct conf_text *parse(const char *text)
{
    told[0] = 0;
    return conf_parse(text, strlen(text), &log_);
}

// The text, changed, as it is written; "" if that did not go. The caller's.
static char *changed(const char *text, const char *path, const char *value)
{
    struct conf_text *parsed = parse(text);
    char *anew = parsed && conf_set(parsed, path, value, &log_) ? conf_write(parsed) : NULL;
    conf_free(parsed);
    return anew ? anew : strdup("");
}

static bool gives(const char *text, const char *path, const char *value, const char *expected)
{
    char *anew = changed(text, path, value);
    bool good = !strcmp(anew, expected);
    if (!good)
        printf("  %s = %s\n  found: %s%s\n", path, value, anew, told);
    free(anew);
    return good;
}

static bool refused(const char *text, const char *path, const char *value, const char *message)
{
    char *anew = changed(text, path, value);
    bool good = !*anew && !strcmp(told, message);
    if (!good)
        printf("  %s = %s\n  found: %s%s\n", path, value, anew, told);
    free(anew);
    return good;
}

static size_t compile(const char *text, void *tree, size_t size)
{
    struct conf_text *parsed = parse(text);
    size_t length = parsed ? conf_compile(parsed, tree, size, &log_) : 0;
    conf_free(parsed);
    return length;
}

static bool same_tree(const char *text)
{
    enum { SIZE = 65536 };
    char *one = calloc(1, SIZE), *two = calloc(1, SIZE);
    struct conf_text *parsed = parse(text);
    char *anew = parsed ? conf_write(parsed) : NULL;
    size_t length = compile(text, one, SIZE);
    bool good = anew && length && compile(anew, two, SIZE) == length && !memcmp(one, two, length);
    if (!good)
        printf("  of: %s\n  written: %s\n  %s", text, anew ? anew : "nothing", told);
    conf_free(parsed);
    free(anew);
    free(one);
    free(two);
    return good;
}

static void scenarios_are_written_to_the_same_tree(void)
{
    glob_t found;
    CHECK(!glob("scenarios/*/*.ucl", 0, NULL, &found) && found.gl_pathc > 5);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *text = calloc(1, 65536);
        FILE *file = fopen(found.gl_pathv[i], "r");
        CHECK(file && fread(text, 1, 65535, file) > 0);
        fclose(file);
        CHECK(same_tree(text));
        free(text);
    }
    globfree(&found);
}

static void odd_values_are_written_to_the_same_tree(void)
{
    CHECK(same_tree("child \"a b\" { " GOOD "args = \"q\\\"\\\\ \\n \\u0007 #;}{\" }"));
    CHECK(same_tree("child a { " GOOD "args = \"${CURDIR} $x $$\"; heartbeat = 30min }"));
    CHECK(same_tree("child a { " GOOD "args = \"null\"; config { a = \"inf\"; b = \"7\"; c = 1us;"
                    "d = [ [ 1, { x = y } ], \"1e3\" ]; e = \"0x10\"; f = 9007199254740992 } }"));
    CHECK(same_tree("child { a { " GOOD " } b { " GOOD "route { x = parent; } } }"));
    CHECK(same_tree("child a { " GOOD "route { x { to = parent; for_label = y } x = any } }"));
    CHECK(same_tree("child a { " GOOD "provides = [ ]; config { z = 2s; y = 0.25s; n = \"\" } }"));
}

static void items_are_set(void)
{
    CHECK(gives("child a { ram = 1Mb }", "a.ram", "2Mb", "child a {\n    ram = 2Mb;\n}\n"));
    CHECK(gives("child a { ram = 1Mb }", "a.caps", "64",
                "child a {\n    ram = 1Mb;\n    caps = 64;\n}\n"));
    CHECK(gives("child a { }", "a.config.deep.er", "10ms",
                "child a {\n    config {\n        deep {\n            er = 10ms;\n        }\n    "
                "}\n}\n"));
    CHECK(gives("child a { x { y = 1; z = 2 } }", "a.x", "[ p, \"q r\" ]",
                "child a {\n    x = [ p, \"q r\" ];\n}\n"));
    CHECK(gives("child a { x = 1; x = 2 }", "a.x", "some words",
                "child a {\n    x = \"some words\";\n}\n"));
    CHECK(gives("child a.b { } child a { }", "a.b.n", "1",
                "child \"a.b\" {\n    n = 1;\n}\nchild a {\n}\n"));
}

static void children_come_and_go(void)
{
    CHECK(
        gives("child a { }", "b", "{ ram = 1Mb }", "child a {\n}\nchild b {\n    ram = 1Mb;\n}\n"));
    CHECK(gives("", "b.ram", "1Mb", "child b {\n    ram = 1Mb;\n}\n"));
    CHECK(gives("child a { } child b { }", "a", "", "child b {\n}\n"));
    CHECK(gives("child a { x = 1; y = 2 }", "a.x", " ", "child a {\n    y = 2;\n}\n"));
}

static void what_does_not_go_is_told(void)
{
    CHECK(refused("child a { ram = 1Mb; }", "a.ram.x", "1",
                  "t: a.ram: found \"1048576\", expected a block\n"));
    CHECK(refused("child a { }", "a.x", "", "t: a.x: found nothing that could be removed\n"));
    CHECK(refused("child a { }", "b.x", "", "t: b.x: found no such child\n"));
    CHECK(refused("child a { }", "a.x.y", "", "t: a.x: found nothing, expected a block\n"));
    CHECK(refused("child a { }", "", "1",
                  "t: : found an empty name in the path, expected CHILD.ITEM\n"));
    CHECK(refused("child a { }", "a..b", "1",
                  "t: a..b: found an empty name in the path, expected CHILD.ITEM\n"));
    CHECK(refused("child a { }", "a.x", "1; y = 2", "t: value: found several, expected one\n"));
    CHECK(refused("child a { }", "a.x", "1\nvalue = 2", "t: value: found several, expected one\n"));
    char *anew = changed("child a { }", "a.x", "{ y = ;");
    CHECK(!*anew && strstr(told, "line: "));
    free(anew);
}

static void syntax_errors_have_their_place(void)
{
    CHECK(!parse("child a {\n    ram = ;\n}\n"));
    CHECK(strstr(told, "t: text: ") == told && strstr(told, "line: 2, column: 10"));
}

static void deep(char *text, const char *part, unsigned count, const char *end)
{
    *text = 0;
    for (unsigned i = 0; i < count; i++)
        text += sprintf(text, "%s", part);
    strcpy(text, end);
}

static void depth_is_bounded(void)
{
    static char text[65536];
    static const char *const parts[] = {"a {", "[", "a ", "a # {\n", "a /* [ */", "a b{ c "};
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        deep(text, parts[i], 5000, "{");
        struct conf_text *parsed = parse(text);
        bool good =
            !parsed &&
            !strcmp(told, "t: child: found more than 64 blocks in each other, expected fewer\n");
        if (!good)
            printf("  of %s...: %.200s\n", parts[i], told);
        CHECK(good);
        conf_free(parsed);
    }
    deep(text, "a = 1; b 2\n # {\n c { d = \"{{{\"; } /* {{ */ \n", 1000, "");
    struct conf_text *parsed = parse(text);
    if (!parsed)
        printf("  %s", told);
    CHECK(parsed);
    conf_free(parsed);
}

static void changed_bytes_do_no_harm(void)
{
    static const char whole[] =
        "child a { " GOOD "provides = [ x, y ]; restart { when = always; limit = 3 }\n"
        "  route { log = parent; x { to = b; label = \"q\" } # {\n } config { a b { c = 10ms } } "
        "}\n"
        "child b { " GOOD " /* { */ provides = x; budget = 1ms; period = 2ms }\n";
    static char tree[8192];
    unsigned good = 0;
    for (unsigned i = 0; i < 20000; i++) {
        char text[sizeof(whole)];
        memcpy(text, whole, sizeof(whole));
        for (unsigned k = random_below(4); k < 4; k++)
            text[random_below(sizeof(whole) - 1)] = " {}[]=;\"#ab1\n.$/*'\\"[random_below(19)];
        struct conf_text *parsed = parse(text);
        if (parsed && conf_set(parsed, "a.config.n", "5", &log_))
            free(conf_write(parsed));
        good += parsed && conf_compile(parsed, tree, sizeof(tree), &log_);
        conf_free(parsed);
    }
    CHECK(good > 100);
}

static void a_list_is_no_configuration(void)
{
    static char tree[1024];
    CHECK(!compile("[ a, b ]", tree, sizeof(tree)));
    CHECK(!strcmp(told, "t: child: found a list, expected `child NAME { ... }`\n"));
}

static void a_full_tree_is_told_once(void)
{
    static char tree[128];
    CHECK(!compile("child a { " GOOD " } child b { " GOOD " } child c { " GOOD " }", tree, 128));
    CHECK(!strcmp(told, "t: child: found a tree of more than 128 bytes, expected a smaller one\n"));
}

// A whole block comes with all items of one name.
static void blocks_keep_what_stands_there_twice(void)
{
    CHECK(gives("child b { " GOOD "}", "a",
                "{ " GOOD "route { x { to = parent; for_label = y } x = any; x = deny } }",
                "child b {\n    ram = 1Mb;\n    caps = 64;\n}\n"
                "child a {\n    ram = 1Mb;\n    caps = 64;\n    route {\n        x {\n"
                "            to = parent;\n            for_label = y;\n        }\n"
                "        x = any;\n        x = deny;\n    }\n}\n"));
}

int main(void)
{
    RUN(scenarios_are_written_to_the_same_tree);
    RUN(blocks_keep_what_stands_there_twice);
    RUN(odd_values_are_written_to_the_same_tree);
    RUN(items_are_set);
    RUN(children_come_and_go);
    RUN(what_does_not_go_is_told);
    RUN(syntax_errors_have_their_place);
    RUN(depth_is_bounded);
    RUN(changed_bytes_do_no_harm);
    RUN(a_list_is_no_configuration);
    RUN(a_full_tree_is_told_once);
    return check_failures != 0;
}
