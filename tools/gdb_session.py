# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
"""The stock gdb on the second serial line, for the `drive` of a scenario (tools/test): what a person would type, and what comes back."""
import os, re, signal, subprocess, sys, time

LIMIT = 180
line, log = sys.argv[1:3]
last_cpu = int(os.environ.get("CPUS", "1")) - 1


class Gdb:
    def __init__(self, program="debuggee"):
        self.program = program
        self.process = subprocess.Popen(["gdb", "-q", "-nx", "build/bin/" + program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.text = ""
        self.until(r"\(gdb\) $")
        for setting in ["pagination off", "confirm off", "width 0", "remotetimeout 60"]:
            self.say("set " + setting)

    def until(self, pattern):
        end = time.time() + LIMIT
        while not re.search(pattern, self.text) and time.time() < end and self.process.poll() is None:
            part = self.process.stdout.read()
            if part:
                self.text += part.decode(errors="replace")
            else:
                time.sleep(0.01)

    def send(self, command):
        self.text = ""
        self.process.stdin.write(command.encode() + b"\n")

    def say(self, command):
        """Types a command and returns what gdb prints until it asks for the next one."""
        self.send(command)
        self.until(r"\(gdb\) $")
        print(f"> {command}\n{self.text}")
        return self.text

    def tell(self, rounds):
        """The program says so when it has done that many rounds more; returns what it says."""
        at = self.value("rounds") + rounds
        self.say(f"set var tell_at = {at}")
        return rf"{self.program}: {at} rounds are done"

    def interrupt(self, meanwhile=None):
        """Ctrl-C while the program runs, when `meanwhile` has returned, or the program has done some rounds."""
        if not meanwhile:
            told = self.tell(1000)
            meanwhile = lambda: logged(told)
        self.send("continue")
        meanwhile()
        os.kill(self.process.pid, signal.SIGINT)
        self.until(r"\(gdb\) $")
        print(f"> continue, Ctrl-C\n{self.text}")
        return self.text

    def value(self, expression):
        m = re.search(r"\$\d+ = (?:\(.*?\) )?(0x[0-9a-f]+|-?\d+)", self.say("print " + expression))
        return int(m.group(1), 0) if m else None

    def thread(self, name):
        """The number that gdb gives the thread of that name."""
        m = re.search(rf"^[* ] (\d+) .*\({name}, CPU (\d+)[,)]", self.say("info threads"), re.M)
        return (m.group(1), int(m.group(2))) if m else (None, None)

    def quit(self):
        self.send("quit")
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()


def judge(name, good):
    print(f"{'PASS' if good else 'FAIL'} {name}", flush=True)


def until(holds):
    """Whether it comes to hold."""
    end = time.time() + LIMIT
    while time.time() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


def logged(pattern, times=1):
    """Whether the guest says it, so often."""
    return until(lambda: len(re.findall(pattern, open(log, errors="replace").read())) >= times)
