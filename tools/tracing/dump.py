# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
"""Reads what the shell's `trace dump` prints (doc/trace-tools.md, "The text") from a log of the serial line, where other lines stand
between and within its lines. Nothing that stands there is trusted: a line that is not as it should be is left out and counted, by
reason, and the first line number of each reason is kept."""
import collections, re

VERSION = 1
WORD = r"([0-9a-f]{1,16})"
COUNT = r"(\d{1,18})"
STRING = r'"((?:[^"\\]|\\x[0-9a-f]{2})*)"'
LINE = re.compile(r"@trace (.*?) \*([0-9a-f]{4})")
FORMS = {
    "begin": (re.compile(rf"begin {COUNT}((?: \w+=\w{{1,18}})*)", re.A), "begin VERSION KEY=VALUE..."),
    "thread": (re.compile(rf"thread {WORD} {COUNT} {COUNT} {WORD} {STRING} {STRING}", re.A),
               'thread ID CPU PRIORITY TICKS "COMPONENT" "THREAD"'),
    "lost": (re.compile(rf"lost {WORD} {COUNT}", re.A), "lost ID COUNT"),
    "r": (re.compile(rf"r {WORD} {WORD} {WORD} {WORD} {WORD} {WORD}"), "r ID TSC EVENT CPU FIRST SECOND"),
    "end": (re.compile(rf"end {COUNT}", re.A), "end COUNT"),
}

Record = collections.namedtuple("Record", "tsc event cpu first second")


class BadDump(Exception):
    """There is nothing to convert; the text says where and why."""


class Thread:
    def __init__(self, number, cpu, priority, ticks, component, name):
        self.number, self.cpu, self.priority, self.ticks = number, cpu, priority, ticks
        self.component, self.name = component, name
        self.lost, self.records = 0, []


class Dump:
    def __init__(self, line):
        self.line = line  # where it begins
        self.tsc_khz, self.cpus, self.events = 0, 0, None
        self.threads = {}
        self.seen, self.promised = 0, None  # records; what the end said
        self.skipped = {}                   # reason: [count, number of the first line]

    def skip(self, line, reason):
        self.skipped.setdefault(reason, [0, line])[0] += 1

    def records(self):
        return sum(len(t.records) for t in self.threads.values())


def checksum(text):
    """Two sums, so that order counts too: as apps/shell/trace_dump.c makes it."""
    a = b = 0
    for c in text.encode():
        a = a + c & 0xff
        b = b + a & 0xff
    return b << 8 | a


def unquoted(text):
    return re.sub(r"\\x(..)", lambda m: chr(int(m.group(1), 16)), text)


def begin(where, line, version, pairs):
    values = dict(p.split("=") for p in pairs.split())
    if int(version) != VERSION:
        raise BadDump(f"{where}: found version {version}, expected {VERSION}: the log is of another version of Tessera than this tool")
    dump = Dump(line)
    try:
        dump.tsc_khz, dump.cpus = int(values["tsc_khz"]), int(values["cpus"])
        dump.events = int(values["events"], 16) if "events" in values else None
    except (KeyError, ValueError):
        raise BadDump(f"{where}: found \"begin {version}{pairs}\", expected tsc_khz=NUMBER and cpus=NUMBER in it") from None
    if not 0 < dump.tsc_khz < 1 << 32 or not 0 < dump.cpus <= 1024:
        raise BadDump(f"{where}: found tsc_khz={dump.tsc_khz} cpus={dump.cpus}, expected a frequency above 0 and 1 to 1024 CPUs")
    return dump


def take(dump, line, kind, groups, known):
    """One line of a dump, other than its begin."""
    if kind == "end":
        dump.promised = int(groups[0])
        return
    number = int(groups[0], 16)
    if kind == "thread":
        cpu, priority, ticks = int(groups[1]), int(groups[2]), int(groups[3], 16)
        if number in dump.threads:
            dump.skip(line, "a thread's number that another thread has")
        else:
            dump.threads[number] = Thread(number, cpu, priority, ticks, unquoted(groups[4]), unquoted(groups[5]))
    elif number not in dump.threads:
        dump.seen += kind == "r"
        dump.skip(line, "a thread's number that no thread line has told")
    elif kind == "lost":
        dump.threads[number].lost = int(groups[1])
    else:
        dump.seen += 1
        record = Record(*(int(g, 16) for g in groups[1:]))
        if record.event not in known:
            dump.skip(line, "an event's number that include/tessera/trace.h does not have")
        elif record.cpu >= dump.cpus:
            dump.skip(line, f"a CPU beyond the {dump.cpus} that there are")
        else:
            dump.threads[number].records.append(record)


def finish(dump):
    """A ring is in the order of time. What is not (a ring that was overtaken while it was read) is put in order, and counted."""
    for thread in dump.threads.values():
        late = sum(a.tsc > b.tsc for a, b in zip(thread.records, thread.records[1:]))
        if late:
            thread.records.sort(key=lambda r: r.tsc)
            dump.skipped["times that go back within a thread (put in order)"] = [late, dump.line]
    return dump


def read(path, known):
    """All dumps in a log, the latest last; `known`: numbers of events. Raises BadDump if there is none."""
    dumps, dump = [], None
    with open(path, errors="replace", newline="\n") as log:
        for number, text in enumerate(log, 1):
            text = text.strip("\r\n\0")
            if not text.startswith("@trace "):
                continue
            m = LINE.match(text)
            kind = m and m.group(1).split(" ", 1)[0]
            fields = m and kind in FORMS and FORMS[kind][0].fullmatch(m.group(1))
            good = m and checksum(m.group(1)) == int(m.group(2), 16)
            if good and fields and kind == "begin":
                dump = begin(f"{path}:{number}", number, *fields.groups())
                dumps.append(dump)
            elif dump is None:
                if text.startswith("@trace begin"):
                    raise BadDump(f"{path}:{number}: found {text[:60]!r}, expected @trace {FORMS['begin'][1]} *CHECKSUM")
            elif not good:
                dump.skip(number, "a line that is cut or mixed with another")
            elif not fields:
                dump.skip(number, f"\"{kind}\", expected {FORMS[kind][1]}" if kind in FORMS else "a word after @trace that means nothing")
            else:
                take(dump, number, kind, fields.groups(), known)
                dump = None if kind == "end" else dump
    if not dumps:
        raise BadDump(f"{path}: found no line that begins with \"@trace begin\", expected what the shell's `trace dump` prints")
    return [finish(d) for d in dumps]
