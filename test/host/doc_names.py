#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
"""What README.md and doc/*.md name exists: tests (all that doc/features.md lists, and whatever elsewhere looks like one), files, links and
their anchors, targets of make, jobs of `make test T=...`; and its figures are not far from those of test/budgets."""
import glob, os, re, sys
sys.path.insert(0, "tools")
from checks import check, run

DOCS = ["README.md", *sorted(glob.glob("doc/*.md"))]


def read(path):
    return open(path, errors="replace").read()


def variables(path):
    return {m[1]: m[2].split() for m in re.finditer(r"^(\w+) :?= ?(.*)$", read(path).replace("\\\n", " "), re.M)}


def named_in(folder):
    """Tests that a program's sources run: RUN(name), and in the kernel's rows {"name", function, ...}."""
    text = "".join(read(path) for path in glob.glob(f"{folder}/*.c"))
    return set(re.findall(r"\bRUN\w*\(\s*(\w+)", text)) | set(re.findall(r'\{"(\w+)",\s*\w+,', text))


def tests():
    """All names as `make test` prints them, without the CPU count. A scenario's programs are those of its BINS."""
    folders = {}
    for path in glob.glob("test/system/*/component.mk") + glob.glob("*/*/component.mk") + glob.glob("*/component.mk"):
        folders[variables(path)["NAME"][0]] = os.path.dirname(path)
    names = set()
    for path in glob.glob("scenarios/*/scenario.mk"):
        scenario, v = path.split("/")[1], variables(path)
        for program in v.get("BINS", []) + v.get("ROOT", []) + v.get("INIT", []):
            names |= {f"{scenario}/{name}" for name in named_in(folders[program])}
        if os.path.exists(f"scenarios/{scenario}/expect"):
            names.add(f"{scenario}/expect")
        for program in ["check", "drive"]:
            if os.path.exists(judge := f"scenarios/{scenario}/{program}"):
                prefix = f"{scenario}/check" if program == "check" else scenario
                text = read(judge) + (read("tools/quotas.py") if "from quotas import" in read(judge) else "")
                names |= {f"{prefix}/{name}" for name in re.findall(r"\b(?:result|check|run|passed|step|judge)\(\s*\"(\w+)\"|^def (\w+)", text, re.M)
                          for name in name if name}
    for path in glob.glob("test/host/*.c") + glob.glob("test/host/*.py"):
        name, text = os.path.splitext(os.path.basename(path))[0], read(path)
        names.add(f"host/{name}")
        names |= {f"host/{name}/{test}" for test in re.findall(r"\b(?:RUN|run)\((\w+)\)", text)}
    names |= {f"model/{os.path.basename(path)[:-4]}" for path in glob.glob("test/models/*.pml")}
    names |= {f"budget/{line.split()[0]}" for line in read("test/budgets").splitlines() if line and line[0] != "#"}
    return names


TESTS = tests()
JOBS = {name.split("/")[0] for name in TESTS} | {os.path.basename(os.path.dirname(s)) for s in glob.glob("scenarios/*/scenario.mk")}


def exists(name):
    """A test, a job with all its tests, or a pattern with stars."""
    name = name.replace("\\*", "*")
    name = re.sub(r"^(\w+)@1-quotas", r"\1", name)
    name = re.sub(r"^tour-(bios|uefi)", "tour", name)
    pattern = re.compile(re.escape(name).replace(r"\*", r"[\w/]*") + "$")
    return name in JOBS or any(pattern.match(test) for test in TESTS)


def features_have_their_tests():
    before, after = read("doc/features.md").split("## 002, sentence by sentence")
    count = 0
    for part, prefix in [(before, ""), (after, "core/")]:
        for row in re.findall(r"^\|(.*)\|$", part, re.M):
            cell = re.split(r"(?<!\\)\|", row)[-1]
            cell = re.sub(r"\([^)]*\)", "", cell)
            for name in cell.split(","):
                name = name.strip()
                if name in ("test", "---", "not yet", "the same"):
                    continue
                count += 1
                known = exists(name) or prefix and exists(prefix + name)
                check(known, f'doc/features.md: "{name}" is no test')
    check(count > 150, f"doc/features.md: found {count} tests, expected more")


def tests_named_elsewhere_exist():
    count = 0
    for path in DOCS:
        for name in re.findall(r"`((?:%s)(?:@\d[\w-]*)?/[\w/*]+)`" % "|".join(map(re.escape, sorted(JOBS))), read(path)):
            if os.path.exists(name) or glob.glob(name + ".*"):
                continue
            count += 1
            check(exists(re.sub(r"@\d[\w-]*", "", name)), f'{path}: "{name}" is no test')
    check(count > 20, f"found {count} tests in the manual, expected more")


def links_lead_somewhere():
    def anchors(path):
        return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in re.findall(r"^#+ (.*)$", read(path), re.M)}
    count = 0
    for path in DOCS:
        text = re.sub(r"^```.*?^```", "", read(path), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in target:
                continue
            count += 1
            file, _, anchor = target.partition("#")
            file = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
            check(os.path.exists(file), f"{path}: there is no {file}")
            if anchor and os.path.exists(file):
                check(anchor in anchors(file), f"{path}: {file} has no heading #{anchor}")
    check(count > 40, f"found {count} links, expected more")


def files_exist():
    roots = "kernel|include|lib|sigma0|init|drivers|servers|apps|ports|scenarios|test|tools|doc"
    for path in DOCS:
        for name in re.findall(r"(?<![\w/.-])((?:%s)/[\w./*-]+)" % roots, read(path)):
            name = name.rstrip(".")
            good = bool(glob.glob(name)) or bool(glob.glob(name + ".*")) or name.split("/")[1] in ("NAME", "hello", "clock") or exists(name)
            check(good, f"{path}: there is no {name}")


def readme_lists_each_chapter():
    text = read("README.md")
    for path in glob.glob("doc/*.md"):
        check(f"({path})" in text or f"({os.path.basename(path)})" in text, f"README.md: no link to {path}")


def targets_exist():
    text = read("Makefile")
    targets = set(re.findall(r"^([\w-]+):", text, re.M))
    jobs = JOBS | {f"host/{t.split('/')[1]}" for t in TESTS if t.startswith("host/")}
    for path in DOCS:
        for target in re.findall(r"(?:`|^    (?:\w+=\S+ )*)make ([a-z][a-z-]*)\b", read(path), re.M):
            check(target in targets, f'{path}: the Makefile has no target "{target}"')
        for pattern in re.findall(r"make test T='?([^`' ]+)", read(path)):
            check(pattern == "..." or any(re.search(pattern.split("@")[0], job) for job in jobs), f"{path}: no job is named like T={pattern}")


def figures_agree_with_the_budgets():
    """The table of doc/benchmarks.md, within a tenth of what test/budgets holds (which is two per cent above what was measured)."""
    budgets = {k: int(v) / 1.02 for k, v in (l.split() for l in read("test/budgets").splitlines() if l and l[0] != "#")}
    rows = re.findall(r"^(\w+) +\d+ +(\d+) +[\d-]+ +[\d-]+ ", read("doc/benchmarks.md"), re.M)
    for key, median in rows:
        measured = budgets.get(key, int(median))
        check(abs(int(median) - measured) <= measured / 10 + 5, f"doc/benchmarks.md: {key}: found {median}, measured is about {measured:.0f}")
    check(len(rows) > 30 and budgets.keys() <= {key for key, _ in rows}, "doc/benchmarks.md: not all that test/budgets holds")


def the_kernel_is_as_small_as_said():
    lines = sum(read(path).count("\n") for path in glob.glob("kernel/**/*.[chS]", recursive=True))
    said = re.search(r"microkernel of less than\s+([\d,]+) lines", read("README.md"))
    check(said and lines < int(said[1].replace(",", "")), f"README.md: less than {said and said[1]}, found {lines}")


run([features_have_their_tests, tests_named_elsewhere_exist, links_lead_somewhere, files_exist, readme_lists_each_chapter,
     targets_exist, figures_agree_with_the_budgets, the_kernel_is_as_small_as_said])
