"""What a client of the daemon checks: counted by area, told line by line, kept for the table."""

import asyncio
import json
import sys
import time

PATIENCE = 20
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


def finish(*all_checks):
    for checks in all_checks:
        checks.left_out()
    sys.exit(1 if any(checks.wrong for checks in all_checks) else 0)
