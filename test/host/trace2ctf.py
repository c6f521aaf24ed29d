#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
"""tools/trace2ctf: babeltrace2 reads what was in the log, with the names of the headers' tables; the JSON parses and its slices nest;
a log that is cut, mixed, forged or nonsense gives a message and never a traceback."""
import json, os, random, re, shutil, subprocess, sys
sys.path.insert(0, "tools")
from checks import check, run

WORK = "build/host/trace2ctf"
LOG, CTF, JSON = f"{WORK}/log", f"{WORK}/ctf", f"{WORK}/trace.json"
KHZ = 2000000


def line(text):
    """A line of the dump, as the shell prints it."""
    a = b = 0
    for byte in text.encode():
        a = (a + byte) % 256
        b = (b + a) % 256
    return f"@trace {text} *{b:02x}{a:02x}\r\n"


def record(thread, tsc, event, first=0, second=0, cpu=0):
    return line(f"r {thread:x} {tsc:x} {event:x} {cpu:x} {first:x} {second:x}")


def dump(*records, begin=f"begin 1 tsc_khz={KHZ} cpus=2 events=3fe", end=None):
    """A log with a dump of these lines, two threads of alice's and one of timer's."""
    return ("[alice] hello\r\ntessera> trace dump\r\n" + line(begin) +
            line('thread 1 0 64 1000 "init -> alice" "main"') + line('thread 2 1 70 0 "init -> timer" "handler 0"') +
            line(r'thread 1f 1 64 ff "init -> \x22odd\x22" "w\xe4rk\x2a"') + "".join(records) +
            (line(f"end {len([r for r in records if r.startswith('@trace r ')])}") if end is None else end) + "tessera> ")


def convert(log, *options, ctf=CTF):
    """Exit code, standard output, standard error."""
    with open(LOG, "w", newline="") as f:
        f.write(log)
    shutil.rmtree(CTF, ignore_errors=True)
    p = subprocess.run(["tools/trace2ctf", *options, LOG, *([ctf] if ctf else [])], capture_output=True, text=True)
    check("Traceback" not in p.stderr, f"no traceback: {p.stderr[-500:]}")
    return p.returncode, p.stdout, p.stderr


def babeltrace(path=CTF):
    """What it prints: (tsc, event's name, fields) a record; and its warnings."""
    p = subprocess.run(["babeltrace2", "--clock-cycles", "--no-delta", path], capture_output=True, text=True)
    check(p.returncode == 0, f"babeltrace2 takes it: {p.stderr[-500:]}")
    found = []
    for text in p.stdout.splitlines():
        m = re.match(r"\[(\d+)\] (?:\w+ )?(\w+): (.*)", text)
        check(m, f"a record: {text}")
        if m:
            fields = re.findall(r'(\w+) = (?:\( (?:"(\w+)"|<unknown>) : container = (\d+) \)|"((?:[^"\\]|\\.)*)"|(\w+))',
                                m.group(3))
            found.append((int(m.group(1)), m.group(2), {f[0]: next(filter(None, f[1:]), "") for f in fields}))
    return found, p.stderr


def c_table(include, table, parameters, form, arguments):
    """A table as C has it, not as the tool reads it."""
    source = (f'#include {include}\n#include <stdio.h>\n#define X({parameters}) printf("{form}\\n", {arguments});\n'
              f'int main(void) {{ {table}(X) }}\n')
    subprocess.run(["gcc", "-w", "-Iinclude", "-I.", "-xc", "-", "-o", f"{WORK}/table"], input=source, text=True, check=True)
    return [row.split() for row in subprocess.run([f"{WORK}/table"], capture_output=True, text=True, check=True).stdout.splitlines()]


def number(text):
    return int(text, 16) if text.lower().startswith("0x") else int(text)


def every_record_arrives():
    events = c_table("<tessera/trace.h>", "TESSERA_TRACE_EVENTS", "name, n, a, b, meaning", "%s %d %s %s", "#name, n, #a, #b")
    errors = c_table("<tessera/error.h>", "TESSERA_ERRORS", "name, n, meaning", "%s %d", "#name, name")
    errors = {name: int(value) for name, value in errors}
    check(len(events) >= 9 and len(errors) >= 17, "tables")
    sent, expected = [], []
    for i in range(500):
        name, event, a, b = events[i % len(events)]
        thread, owner, named = [(1, "init -> alice", "main"), (2, "init -> timer", "handler 0"), (0x1f, '"odd"', "w\u00e4rk*")][i % 3]
        first, second, cpu = (1 << 64) - 1 - i if i % 5 == 0 else i, list(errors.values())[i % len(errors)], i % 2
        sent.append((i % 3, i, record(thread, 5000 + 100 * i, int(event), first, second, cpu)))
        expected.append((5000 + 100 * i, name,
                         {"thread_id": thread, "component": owner, "thread": named, "cpu_id": cpu, a: first, b: second}))
    sent.sort()  # a thread after the other, as the shell reads their rings
    code, out, err = convert(dump(*[text for _, _, text in sent]), "--strict")
    check(code == 0 and err == "" and "500 records of 3 threads in 3 components" in out, f"converted: {code} {out} {err}")
    found, warnings = babeltrace()
    check(len(found) == 500 and warnings == "", f"500 records, no warning: {len(found)} {warnings}")
    check([f[0] for f in found] == sorted(f[0] for f in found), "in the order of time")
    for (tsc, name, fields), (want_tsc, want_name, want) in zip(found, expected):
        same = (tsc, name) == (want_tsc, want_name)
        for key, value in want.items():
            text = fields.get(key, "")
            same = same and (value in text.replace('\\"', '"') if isinstance(value, str) else errors.get(text, -1) == value or
                             re.fullmatch(r"\d+|0x[0-9a-fA-F]+", text) is not None and number(text) == value)
        check(same, f"{tsc} {name} {fields}, expected {want_tsc} {want_name} {want}")


def times_are_by_the_clock():
    convert(dump(record(1, 3 * KHZ * 1000, 9), record(1, 4 * KHZ * 1000 + KHZ, 9)))
    p = subprocess.run(["babeltrace2", "--clock-seconds", CTF], capture_output=True, text=True)
    check(re.findall(r"^\[(\S+)\]", p.stdout, re.M) == ["3.000000000", "4.001000000"], f"seconds: {p.stdout}")


def lost_records_are_told():
    code, out, _ = convert(dump(line("lost 1f 4711"), record(1, 100, 9), record(0x1f, 900, 9), record(0x1f, 950, 9)), "--strict")
    found, warnings = babeltrace()
    check(code == 0 and "4711 older ones lost" in out and len(found) == 3, out)
    check("discarded 4711 events" in warnings and "thread-001f" in warnings, f"told: {warnings}")


CALL, RETURN, DISPATCH, REPLY, SIGNAL, WAIT, WAKE, FAULT, MARK = range(1, 10)
TALK = [record(1, 1000, CALL, 0x403, 17), record(1, 2000, RETURN, 0, 0),    # asks timer
        record(1, 2500, CALL, 0x101, 3), record(1, 2600, RETURN, 33, 0),    # asks the parent
        record(1, 3000, CALL, 0x999, 16), record(1, 3050, FAULT, 14, 0x10), record(1, 3100, RETURN, 0, 0),  # whom, is not seen
        record(1, 4000, WAIT, 5, 1), record(1, 4400, WAKE), record(1, 5000, CALL, 0x403, 17),               # no end
        record(2, 1100, DISPATCH, 77, 17), record(2, 1200, CALL, 0x100, 6), record(2, 1300, RETURN), record(2, 1900, REPLY, 0, 1),
        record(2, 6000, REPLY, 0, 0), record(0x1f, 500, RETURN), record(0x1f, 7000, MARK, 1, 2)]


def slices(events):
    """By thread. They must nest."""
    threads = {}
    for e in events:
        if e["ph"] == "X":
            threads.setdefault((e["pid"], e["tid"]), []).append((e["ts"], e["ts"] + e["dur"], e))
    for list_ in threads.values():
        open_ = []
        for begin, end, e in sorted(list_, key=lambda s: (s[0], -s[1])):
            while open_ and open_[-1] <= begin:
                open_.pop()
            check(end >= begin and (not open_ or end <= open_[-1] + 1e-6), f"nests: {e}")
            open_.append(end)
    return threads


def json_events():
    with open(JSON) as f:
        return json.load(f)["traceEvents"]


def json_tells_calls_and_their_answers():
    code, _, err = convert(dump(*TALK), "--strict", "--json", JSON, ctf=None)
    check(code == 0 and err == "", f"converted: {err}")
    events = json_events()
    processes = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    check(sorted(processes.values()) == ['init -> "odd"', "init -> alice", "init -> timer"], f"processes {processes}")
    check(sorted(names.values()) == ["handler 0", "main", "w\u00e4rk*"], f"threads {names}")
    found = {(processes[p], e["name"], round(a * 2000), round(b * 2000)) for (p, _), l in slices(events).items() for a, b, e in l}
    check(found == {("init -> alice", "call timer.REQUEST_TIMER", 1000, 2000), ("init -> alice", "call parent.GET_PORTAL", 2500, 2600),
                    ("init -> alice", "call operation 16", 3000, 3100), ("init -> alice", "wait", 4000, 4400),
                    ("init -> alice", "call operation 17", 5000, 7000), ("init -> timer", "serve timer.REQUEST_TIMER", 1100, 1900),
                    ("init -> timer", "call parent.GET_QUOTA", 1200, 1300)}, f"slices {sorted(found)}")
    points = sorted(e["name"] for e in events if e["ph"] == "i")
    check(points == ["FAULT", "MARK", "REPLY", "RETURN"], f"points {points}")
    arrows = [(e["ph"], e["pid"], round(e["ts"] * 2000)) for e in events if e["ph"] in "sf"]
    check(arrows == [("s", 1, 1000), ("f", 2, 1100)], f"one arrow: {arrows}")


def no_arrow_without_proof():
    for change in [(4, record(2, 1100, DISPATCH, 77, 18)),                 # another operation
                   (4, record(2, 1100, DISPATCH, 77, 17, cpu=1)),          # another CPU
                   (5, record(2, 2300, REPLY, 0, 1)),                      # answered after the caller went on
                   (5, record(2, 1900, REPLY, 38, 1)),                     # answered something else
                   (1, record(1, 2000, RETURN, 0, 2)),                     # the caller got no answer
                   (2, record(0x1f, 1050, MARK))]:                         # something in between
        lines = [record(1, 1000, CALL, 0x403, 17), record(1, 2000, RETURN, 0, 0), record(0x1f, 3000, MARK), record(0x1f, 3001, MARK),
                 record(2, 1100, DISPATCH, 77, 17), record(2, 1900, REPLY, 0, 1)]
        lines[change[0]] = change[1]
        convert(dump(*lines), "--json", JSON, ctf=None)
        check(not [e for e in json_events() if e["ph"] in "sf"], f"no arrow: {change}")


def what_has_no_end_is_a_point():
    convert(dump(record(1, 1000, CALL, 1, 4), record(1, 1100, WAIT), record(1, 1200, CALL, 1, 3), record(1, 1300, RETURN)),
            "--json", JSON, ctf=None)
    found = [(e["ph"], e["name"], round(e["ts"] * 2000)) for e in json_events() if e["ph"] in "Xi"]
    check(found == [("i", "call operation 4", 1000), ("i", "wait", 1100), ("X", "call operation 3", 1200)], f"found {found}")


def what_was_not_traced_opens_no_slice():
    convert(dump(*[r for r in TALK if " 2 0 " not in r], begin=f"begin 1 tsc_khz={KHZ} cpus=2 events=2"), "--json", JSON, ctf=None)
    check(not [e for e in json_events() if e["ph"] == "X"], "calls without returns are points")


GOOD = record(1, 100, MARK)


def bad_lines_are_left_out_and_counted():
    for lines, reason in [
            ([record(1, 200, 77), record(1, 201, 78)], "left out 2 with an event's number that include/tessera/trace.h does not have"),
            ([record(1, 200, 0)], "left out 1 with an event's number"),
            ([record(9, 200, MARK)], "left out 1 with a thread's number that no thread line has told"),
            ([record(1, 200, MARK, cpu=2)], "left out 1 with a CPU beyond the 2 that there are"),
            ([line("lost 9 1")], "left out 1 with a thread's number that no thread line has told"),
            ([line('thread 1 0 0 0 "twice" "main"')], "left out 1 with a thread's number that another thread has"),
            ([line("r 1 200 9 0 1")], 'left out 1 with "r", expected r ID TSC EVENT CPU FIRST SECOND'),
            ([line("r 1 200 9 0 1 11112222333344445")], 'left out 1 with "r", expected'),
            ([line("r 1 -1 9 0 1 1")], 'left out 1 with "r", expected'),
            ([line("thread 7 0 0 0 alice main")], 'left out 1 with "thread", expected thread ID'),
            ([line("lost 1 99999999999999999999")], 'left out 1 with "lost", expected lost ID COUNT'),
            ([line("dance")], "left out 1 with a word after @trace that means nothing"),
            ([GOOD[:20] + "\r\n"], "left out 1 with a line that is cut or mixed with another"),
            ([GOOD[:12] + "[alice] hi" + GOOD[12:]], "left out 1 with a line that is cut or mixed with another"),
            ([GOOD.replace("*", "* ")], "left out 1 with a line that is cut or mixed with another"),
            ([record(1, 99, MARK)], "1 times that go back within a thread (put in order)")]:
        code, out, err = convert(dump(GOOD, *lines))
        check("says that it has" not in err or "cut or mixed" in reason or 'with "r"' in reason, f"{lines}: counted as found: {err}")
        check(code == 0 and reason in err and f"{LOG}:" in err, f"{lines}: {code} {err!r}, expected {reason}")
        check(len(babeltrace()[0]) == (2 if "go back" in reason else 1), f"{lines}: the rest is there")
        check(convert(dump(GOOD, *lines), "--strict")[0] == 1, f"{lines}: strict")


def other_lines_do_no_harm():
    between = ["[bob] @trace r 1 1 9 0 0 0 *0000\r\n", "\r\n", "@trac\r\n", "tessera> \r\n", "\0\0\x1b[K\r\n", "\ufffd\ufffd\r\n",
               "[x] " + GOOD]
    code, out, err = convert(dump(*between, GOOD[:-2] + "[alice] a line that came before the return\r\n", *between), "--strict")
    check(code == 0 and err == "" and "1 records" in out, f"{code} {out} {err}")


def a_cut_log_gives_what_it_has():
    code, out, err = convert(dump(GOOD, end=""))
    check(code == 0 and "this dump has no end" in err and len(babeltrace()[0]) == 1, f"{code} {err}")
    code, out, err = convert(dump(GOOD, end=line("end 3")))
    check(code == 0 and "says that it has 3 records, 1 were found" in err, f"{code} {err}")
    check(convert(dump(GOOD, end=""), "--strict")[0] == 1 and convert(dump(GOOD, end=line("end 3")), "--strict")[0] == 1, "strict")


def what_cannot_be_read_is_refused():
    for log, message in [("", 'found no line that begins with "@trace begin"'),
                         ("[alice] hello\r\n" + GOOD, "found no line that begins with"),
                         (dump(begin="begin 2 tsc_khz=1 cpus=1"), f"{LOG}:3: found version 2, expected 1"),
                         (dump(begin="begin 1 cpus=1"), 'expected tsc_khz=NUMBER and cpus=NUMBER'),
                         (dump(begin="begin 1 tsc_khz=x cpus=1"), 'expected tsc_khz=NUMBER and cpus=NUMBER'),
                         (dump(begin="begin 1 tsc_khz=0 cpus=1"), "expected a frequency above 0"),
                         (dump(begin="begin 1 tsc_khz=1 cpus=0"), "expected a frequency above 0 and 1 to 1024 CPUs"),
                         (dump(begin="begin one"), f"{LOG}:3: found '@trace begin one"),
                         ("@trace begin 1 tsc_khz=1 cpus=1\r\n", "*CHECKSUM")]:
        code, out, err = convert(log)
        check(code == 1 and message in err and out == "", f"{log[:40]!r}: {code} {err!r}, expected {message}")
    for words, code, message in [([], 2, "found 0 names"), ([LOG], 2, "found 1 names"), ([LOG, CTF, CTF], 2, "found 3 names"),
                                 (["--json"], 2, "--json: found nothing"), (["--dump", "0", LOG, CTF], 2, '--dump: found "0"'),
                                 (["--nonsense", LOG, CTF], 2, 'found "--nonsense"'),
                                 (["--dump", "2", LOG, CTF], 1, "found 1 dumps, expected at least 2"),
                                 ([f"{WORK}/none", CTF], 1, "No such file"), ([WORK, CTF], 1, "Is a directory"),
                                 ([LOG, LOG], 1, "File exists"),
                                 ([LOG, "tools/tracing"], 1, "expected a new directory"), ([LOG, f"{LOG}/x"], 1, "Not a directory"),
                                 (["--json", f"{WORK}/no/where", LOG], 1, "No such file")]:
        convert(dump(GOOD))
        p = subprocess.run(["tools/trace2ctf", *words], capture_output=True, text=True)
        check(p.returncode == code and message in p.stderr and "Traceback" not in p.stderr, f"{words}: {p.returncode} {p.stderr!r}")


def the_latest_dump_is_taken():
    log = dump(GOOD) + dump(GOOD, record(1, 300, MARK), end="") + dump(GOOD, record(2, 300, MARK), record(2, 301, MARK))
    check("3 records" in convert(log)[1] and "1 records" in convert(log, "--dump", "1")[1], "the last, the first")
    check("1 records" in convert(dump(GOOD) + "\r\n" + record(1, 500, MARK), "--strict")[1], "nothing after the end")
    code, out, err = convert(log, "--dump", "2")  # the next one's begin ends it
    check(code == 0 and "2 records" in out and "has no end" in err, f"the second: {out} {err}")
    babeltrace()


def an_earlier_trace_is_replaced():
    convert(dump(line('thread 5 0 0 0 "init" "main"'), GOOD, record(5, 300, MARK)))
    with open(LOG, "w", newline="") as f:
        f.write(dump(record(1, 4000, FAULT, 14, 1)))
    check(subprocess.run(["tools/trace2ctf", LOG, CTF], capture_output=True).returncode == 0, "again")
    check([name for _, name, _ in babeltrace()[0]] == ["FAULT"], "nothing of the first is left")


def nothing_in_it_is_fine():
    code, out, err = convert(dump(), "--strict", "--json", JSON)
    check(code == 0 and "0 records" in out and babeltrace()[0] == [] and slices(json_events()) == {}, f"{code} {out} {err}")


def random_damage_is_survived():
    random.seed(1)
    whole = dump(line("lost 1 3"), *TALK)
    for i in range(120):
        log = list(whole)
        for _ in range(random.choice([1, 3, 30])):
            at = random.randrange(len(log))
            kind = random.randrange(4)
            if kind == 0:
                log[at] = chr(random.choice([0, 10, 13, 32, 34, 42, 92, 64, 0x30, 0x66, 0x7f, 0xe4, 0x3042]))
            elif kind == 1:
                del log[at:at + random.choice([1, 8, 100])]
            elif kind == 2:
                log[at:at] = log[random.randrange(len(log)):][:random.choice([1, 40])]
            else:
                log[at:at] = "@trace "
        text = "".join(log)
        if i % 2:  # with sums that hold, so that the fields are what is wrong
            text = re.sub(r"@trace (.*?) \*....\r\n", lambda m: line(m.group(1)), text)
        code, out, err = convert(text, "--json", JSON)
        check(code == 0 and out or code == 1 and err and not out, f"{i}: {code} {out} {err}")
        if code == 0:
            slices(json_events())
            if i % 4 == 1:
                babeltrace()


os.makedirs(WORK, exist_ok=True)
raise SystemExit(not run([every_record_arrives, times_are_by_the_clock, lost_records_are_told, json_tells_calls_and_their_answers,
                          no_arrow_without_proof, what_has_no_end_is_a_point, what_was_not_traced_opens_no_slice, bad_lines_are_left_out_and_counted,
                          other_lines_do_no_harm, a_cut_log_gives_what_it_has, what_cannot_be_read_is_refused, the_latest_dump_is_taken,
                          an_earlier_trace_is_replaced, nothing_in_it_is_fine, random_damage_is_survived]))
