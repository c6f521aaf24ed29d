# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
"""For the `check` of a scenario with a shell: what that suggests at poweroff if the kernel's command line says quotas=1 (make run QUOTAS=1): a
line for each component that `tree` showed, below inits too, no less than the most that it used; and the scenario runs with these values."""
import os, re, subprocess, sys, tempfile
from talk import talk

LIMIT = 600


def result(name, good, what):
    print(f"{'PASS' if good else 'FAIL'} {name} {'' if good else what}")


def read_suggested(log):
    """ram (KiB), caps, kmem (KiB) by path, as "apps/clock"."""
    return {m[1]: tuple(map(int, m.groups()[1:]))
            for m in re.finditer(r"^child (\S+) \{ ram = (\d+)Kb; caps = (\d+); kmem = (\d+)Kb; \}\r?$", log, re.M)}


def read_tree(log):
    """The most that each used of RAM (KiB) and slots, by path, from the rows that `tree` showed last."""
    most, path = {}, []
    rows = log[log.rfind("init               STATE"):]
    for m in re.finditer(r"^((?:  )+)(\w+) +[a-z]+ +\d+/ *\d+/(\d+) +\d+/ *\d+/(\d+) ", rows, re.M):
        path[len(m[1]) // 2 - 1:] = [m[2]]
        most["/".join(path)] = int(m[3]), int(m[4])
    return most


def rewrite(text, suggested, above):
    """A configuration whose children, which are those below `above`, have what was suggested."""
    for path, (ram, caps, kmem) in suggested.items():
        if path.rpartition("/")[0] != above:
            continue
        name = path.rpartition("/")[2]
        text, n = re.subn(rf"(\bchild {name} {{[^}}]*?)\bram = \w+; caps = \d+;(?: kmem = \w+;?)?",
                          rf"\g<1>ram = {ram}Kb; caps = {caps}; kmem = {kmem}Kb;", text)
        if n != 1:
            sys.exit(f"check: no ram and caps of {path} in its text")
    return text


def boot_with(scenario, suggested, texts, conversation):
    """The log of the scenario whose children get what was suggested. `texts`: the file that describes the children below each init."""
    home = f"scenarios/{scenario}"
    make = open(f"{home}/scenario.mk").read()
    names = lambda key: (re.search(rf"^{key} := (.*)", make, re.M) or ["", ""])[1].split()
    with tempfile.TemporaryDirectory() as folder:
        for above, text in texts.items():
            open(f"{folder}/{text}", "w").write(rewrite(open(f"{home}/{text}").read(), suggested, above))
        open(f"{folder}/input", "w").write("\n".join(conversation) + "\n")
        modules = [f"{m}=build/boot/{m}" for m in ["sigma0", "init", *names("BINS")]] + [f"config={folder}/config"]
        modules += [f"{f}={folder if f in texts.values() else home}/{f}" for f in names("FILES")]
        subprocess.run(["build/tools/conf", "-o", f"{folder}/config", f"{folder}/{texts['']}"], check=True)
        subprocess.run(["build/tools/mkarchive", f"{folder}/all.cpio", *modules], check=True)
        return talk(["tools/qemu", "talk", "build/kernel.elf", f"{folder}/all.cpio", "", str(LIMIT)], {**os.environ, "CPUS": "1"},
                    f"{folder}/input", LIMIT)


def check(scenario, path, texts, conversation):
    label = path.rsplit("/", 1)[-1].removesuffix(".log")
    log = open(path, errors="replace").read()
    suggested, most = read_suggested(log), read_tree(log)
    if not label.endswith("-quotas"):
        result("suggests_only_if_asked", not suggested and "Quotas by" not in log, label)
        return
    result("suggests_for_each_component", len(most) > 5 and suggested.keys() == most.keys(), f"{sorted(suggested)}; tree: {sorted(most)}")
    # An init's are those of its children too.
    leaves = [n for n in suggested.keys() & most.keys() if not any(other.startswith(n + "/") for other in suggested)]
    few = [f"{n}: {suggested[n]} of {most[n]}" for n in leaves
           if not (most[n][0] < suggested[n][0] <= 2 * most[n][0] + 64 and most[n][1] <= suggested[n][1] <= 2 * most[n][1] + 16)]
    result("suggestions_cover_the_most_used", not few, "; ".join(few) or "ram and caps of each")
    again = boot_with(scenario, suggested, texts, conversation)
    refused = [line for line in again.splitlines() if "wants" in line or "exceeds" in line or re.search(r"\bE(MEM|RESOURCE)\b", line)]
    result("suggestions_suffice", "Good bye" in again and not refused, "\n".join([str(suggested), *refused]) or again[-3000:])
