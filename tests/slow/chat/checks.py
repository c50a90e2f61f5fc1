"""Counts what is looked at. Every part of the suite ends with `report`."""

import os
import sys
import threading

lock = threading.Lock()
counts = {"passed": 0, "failed": 0, "skipped": 0}


def expect(what, expected, actual):
    """One check: `actual` has to be `expected`."""
    with lock:
        counts["passed" if expected == actual else "failed"] += 1
    if expected != actual:
        print(f"  WRONG {what}: {actual!r} instead of {expected!r}", flush=True)
    return expected == actual


def expect_in(what, expected, actual):
    """One check: `actual` has to be one of `expected`."""
    return expect(what, actual if actual in expected else expected, actual)


def expect_all(what, items):
    """One check: nothing is in the list of what is wrong."""
    return expect(what, [], list(items))


def skipped(what, why):
    """Something that cannot be looked at here."""
    counts["skipped"] += 1
    print(f"SKIPPED: {what}: {why}", flush=True)


def told(line):
    """What the checks were made of."""
    print(f"  {line}", flush=True)


def report():
    """Says how many there were, to whoever started this too, and ends accordingly."""
    line = " ".join(str(counts[name]) for name in ("passed", "failed", "skipped"))
    if "CHECKS" in os.environ:
        with open(os.environ["CHECKS"], "a") as file:
            file.write(line + "\n")
    told(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)
