#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
"""What `make` says to wrong arguments: which one, what was found, what is expected; and nothing is written then. In a copy of the tree."""
import os, shutil, subprocess, sys, tempfile
sys.path.insert(0, "tools")
from checks import check, run


def make(*arguments):
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "S", "T", "NAME")}
    p = subprocess.run(["make", *arguments], cwd=tree, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return p.returncode, p.stdout + p.stderr


def refused(arguments, *words):
    code, text = make(*arguments.split())
    check(code != 0, f"make {arguments} succeeds")
    for word in words:
        check(word in text, f'make {arguments}: no "{word}" in: {text.strip()}')


def new_components_have_a_name():
    before = sorted(os.listdir(f"{tree}/apps"))
    refused("new", 'NAME: found ""', "make new NAME=hello")
    refused("new NAME=Big", 'NAME: found "Big"', "lower-case")
    refused("new NAME=shell", "apps/shell exists already")
    check(sorted(os.listdir(f"{tree}/apps")) == before, "something was written")
    code, text = make("new", "NAME=fresh")
    check(code == 0 and os.path.exists(f"{tree}/apps/fresh/component.mk") and "make run S=fresh" in text, text)
    code, text = make("-n", "build/scenarios/fresh.cpio")
    check(code == 0 and "apps/fresh/main.c" in text, text[-300:])


def scenarios_are_those_there_are():
    refused("run S=toru", 'S: found "toru"', "scenario.mk: ", " tour")
    refused("graph S=kernel", 'S: found "kernel"', "scenarios/kernel/kernel.ucl", " tour")
    path = f"{tree}/scenarios/tour/scenario.mk"
    text = open(path).read()
    open(path, "w").write(text.replace("greeter", "greater"))
    refused("run", "scenarios/tour/scenario.mk", 'BINS, ROOT or INIT: found "greater"', " greeter")
    open(path, "w").write(text)


def patterns_match_a_job():
    code, text = make("-n", "test", "T=tour@1$|core@2$")
    check("tools/test -m 'tour@1$|core@2$'" in text, f"T=tour@1$|core@2$ arrives as: {text[-300:]}")
    for pattern, words in [("nope", ["T: found 'nope'", "tour@1", "host/tree"]), ("[", ["T: found '['", "a regular expression"])]:
        p = subprocess.run(["tools/test", "-m", pattern, "tour:1"], cwd=tree, capture_output=True, text=True)
        check(p.returncode != 0, f"T={pattern} succeeds")
        for word in words + ["test: "]:
            check(word in p.stderr and "Traceback" not in p.stderr, f'T={pattern}: no "{word}" in: {p.stderr}')


with tempfile.TemporaryDirectory() as folder:
    tree = f"{folder}/tree"
    shutil.copytree(".", tree, ignore=shutil.ignore_patterns("build", ".git"))
    os.mkdir(f"{tree}/build")
    for package in ["run", "graph", "test", "iso"]:
        open(f"{tree}/build/packages.{package}", "w").close()
    run([new_components_have_a_name, scenarios_are_those_there_are, patterns_match_a_job])
