# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
"""The names of trace events, errors and operations, read from the tables (X-macros) of the C headers, so that each is written once."""
import os, re

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def table(text, macro):
    """The rows of the table `macro`: a list of arguments each, strings without their quotes."""
    m = re.search(rf"^#define {macro}\(X\)((?:.*\\\n)*.*)\n", text, re.M)
    if not m:
        raise ValueError(f"found no table {macro}")
    body, rows, at = m.group(1).replace("\\\n", " "), [], 0
    while m := re.compile(r"\bX\(").search(body, at):
        row, word, depth = [], "", 0
        for token in re.compile(r'"(?:[^"\\]|\\.)*"|[(),]|[^"(),]+').finditer(body, m.end()):
            text = token.group()
            if depth == 0 and text in ",)":
                row, word = row + [word.strip()], ""
                if text == ")":
                    break
                continue
            depth += {"(": 1, ")": -1}.get(text, 0)
            word += text[1:-1] if text[0] == '"' else text.strip() if word and not text.strip() else text
        rows.append(row)
        at = token.end()
    return rows


def header(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


class Event:
    def __init__(self, name, number, first, second, meaning):
        self.name, self.number, self.fields, self.meaning = name, int(number, 0), (first, second), meaning


def events():
    """Events by number."""
    return {e.number: e for e in (Event(*row) for row in table(header("include/tessera/trace.h"), "TESSERA_TRACE_EVENTS"))}


def errors():
    """Names of errors by value."""
    return {int(row[1], 0): row[0] for row in table(header("include/tessera/error.h"), "TESSERA_ERRORS")}


def operations():
    """Names of operations by number, by the service's name in lower case; "parent" is the parent protocol, "service" what all
    understand."""
    text = header("lib/service/protocol.h")
    return {name.lower(): {int(row[1], 0): row[0] for row in table(text, name + "_OPERATIONS")}
            for name in re.findall(r"^#define (\w+)_OPERATIONS\(X\)", text, re.M)}
