# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
"""For tests in Python (test/host/*.py): checks, and tests that are judged by them, printed as tools/test reads it."""
SHOWN = 20  # of the checks that failed
failures = 0


def check(condition, what):
    global failures
    if not condition:
        failures += 1
        if failures <= SHOWN:
            print(f"  not so: {what}")


def run(tests):
    """Each in turn; whether all have passed."""
    for test in tests:
        before = failures
        test()
        print(f"{'PASS' if failures == before else 'FAIL'} {test.__name__}", flush=True)
    return failures == 0
