# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
"""Types into a guest (tools/qemu talk) what a script says, a line each: `WAIT regex` until it appears after what was matched before,
`AND regex` until it does so too, before or after what the WAIT above it (or another AND) was for, `UNTIL regex` as WAIT, but what was sent
last is sent again every second (for what the guest does in its own time), `SEND text` (with a return at its end; \\t is a tab, \\e an
escape; \\ac goes to QEMU's monitor and back), `SLEEP seconds`; other lines are comments."""
import os, re, subprocess, time


def talk(command, environment, script, limit, linger=True):
    """The guest's whole output. If a WAIT is not met, typing ends there. The guest is ended after `limit` seconds, or, without
    `linger`, when the script ends."""
    p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    os.set_blocking(p.stdout.fileno(), False)
    log, begin, at, end = "", 0, 0, time.time() + limit
    def read():
        nonlocal log
        if part := p.stdout.read():
            log += part.decode(errors="replace")
        else:
            time.sleep(0.02)
    def send(text):
        try:
            p.stdin.write(text.replace("\\t", "\t").replace("\\e", "\x1b").replace("\\a", "\x01").encode() + b"\r")
            p.stdin.flush()
        except OSError:
            pass  # it has ended, which the next WAIT finds
    last, again = "", 0
    for line in open(script):
        verb, _, text = line.rstrip("\n").partition(" ")
        if verb == "SEND":
            last, again = text, time.time() + 1
            send(text)
        elif verb == "SLEEP":
            until = min(end, time.time() + float(text))
            while p.poll() is None and time.time() < until:
                read()
        elif verb in ("WAIT", "AND", "UNTIL"):
            begin = begin if verb == "AND" else at
            while not (m := re.compile(text).search(log, begin)) and p.poll() is None and time.time() < end:
                read()
                if verb == "UNTIL" and time.time() > again:
                    again = time.time() + 1
                    send(last)
            if not m:
                break
            at = max(at, m.end())
    while linger and p.poll() is None and time.time() < end:
        read()
    if p.poll() is None:
        p.terminate()  # `timeout` passes it on
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            p.kill()
    read()
    return log
