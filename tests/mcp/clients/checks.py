"""What a client of the daemon checks: counted by area, told line by line, kept for the table."""

import asyncio
import contextlib
import itertools
import json
import os
import sys
import time
import urllib.request
from pathlib import Path

PATIENCE = 20
# How long a turn is waited for, and how long all checks of a client may take with that, in seconds.
TURN = 120
ALL = 240
# How soon the daemon has to notice that nobody waits any more, in seconds; much less than is waited for.
SOON = 5
PROMPTS = ("explain_rollback", "prepare_promotion", "triage_failed_evals", "write_patch")


class Checks:
    """The checks of one client. Each area that is named at the start must be checked."""

    def __init__(self, client, areas):
        self.client, self.checked, self.wrong = client, dict.fromkeys(areas, 0), 0

    def that(self, area, what, holds, found=None):
        """Counts one check, and says what was found where it does not hold."""
        if holds:
            self.checked[area] += 1
            print(f"  ok    {area}: {what}")
        else:
            self.wrong += 1
            print(f"  WRONG {area}: {what}: {str(found)[:1000]}")

    async def area(self, area, checks, patience=PATIENCE + 10):
        """Does the checks of one area; an exception is one that does not hold."""
        try:
            await asyncio.wait_for(checks, patience)
        except Exception as error:
            self.that(area, "goes through", False, repr(error))

    def left_out(self):
        """Says which areas were not checked at all, and keeps the counts of the others."""
        for area, count in self.checked.items():
            if count == 0:
                self.that(area, "was checked", False, "not once")
        with open(sys.argv[4], "a", encoding="utf-8") as out:
            out.write(json.dumps({"client": self.client, "checked": self.checked}) + "\n")


def arguments():
    """The daemon's address, a key, and the names of what there is."""
    with open(sys.argv[3], encoding="utf-8") as file:
        return sys.argv[1], sys.argv[2], json.load(file)


async def until(what, ask):
    """Asks until there is an answer."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        answer = await ask()
        if answer:
            return answer
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{what} did not come about")


turns = Path(sys.argv[3]).parent / "turns"
numbers = itertools.count()


async def turn(there_is_one):
    """Waits until there is a turn."""
    began = time.monotonic()
    while not there_is_one():
        if time.monotonic() - began > TURN:
            raise TimeoutError("no turn came about")
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def gate():
    """Through it goes one after the other, of all programs."""

    def opened():
        try:
            (turns / "gate").mkdir()
            return True
        except FileExistsError:
            return False

    await turn(opened)
    try:
        yield
    finally:
        (turns / "gate").rmdir()


async def among_others(does):
    """Does what has calls that wait, while those of others may wait as well."""
    mine = turns / f"waits-{os.getpid()}-{next(numbers)}"
    async with gate():
        mine.touch()
    try:
        await does
    finally:
        mine.unlink()


@contextlib.asynccontextmanager
async def alone():
    """No call of others waits while it lasts: the daemon tells how many wait, and not whose they are."""
    async with gate():
        await turn(lambda: not any(turns.glob("waits-*")) and waiting() == 0)
        yield


def waiting():
    """How many calls wait at the daemon."""
    request = urllib.request.Request(sys.argv[1] + "/metrics", headers={"X-API-Key": sys.argv[2]})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith("lukhas_mcp_calls_waiting")).split()[1])


async def until_waiting(checks, count, what):
    """Checks that so many calls wait soon."""
    began = time.monotonic()
    while (found := await asyncio.to_thread(waiting)) != count and time.monotonic() - began < SOON:
        await asyncio.sleep(0.05)
    checks.that("cancel", what, found == count, f"{found} calls wait")


async def ends_at_the_daemon(checks, call, cancel):
    """Checks that a call, which is a task, waits at the daemon until it is cancelled, and no longer."""
    await until_waiting(checks, 1, "the call is under way")
    await cancel()
    await until_waiting(checks, 0, "it is ended at the daemon as well")
    # What does not end by that is the client's to end.
    call.cancel()
    (outcome,) = await asyncio.gather(call, return_exceptions=True)
    checks.that("cancel", "there is no answer", isinstance(outcome, BaseException), outcome)


async def told_no_more(checks, told, changed):
    """Checks that nothing is told of what goes on changing."""
    # What was under way has arrived by then.
    await asyncio.sleep(0.3)
    before, was = len(await told()), await changed()
    await asyncio.sleep(1.5)
    after = await told()
    holds = len(after) == before and await changed() != was
    checks.that("subscriptions", "and then no more, while it goes on", holds, after)


def finish(*all_checks):
    for checks in all_checks:
        checks.left_out()
    sys.exit(1 if any(checks.wrong for checks in all_checks) else 0)
