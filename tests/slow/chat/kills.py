"""The daemon is killed at every step of the journal, each time it comes there, and then looked at.

`kills.py short` kills once at each step; otherwise at every step each time that a request comes to it
(of the pieces of an answer every fifth), for every kind of tool, and once more while the next daemon
takes it up again.
"""

import concurrent.futures
import sys
import threading
import time

import journal
from checks import expect, expect_all, expect_in, report, told
from home import FIXTURES, Home, Refused, until
from scripted import Provider, text_of

POINTS = ["chat-started", "chat-duty", "chat-committed", "chat-piece", "chat-intended", "chat-called"]
MODEL = {"modelId": "ranker:12", "gate": "production"}
ANSWER = "It is done, or it is not, and whoever asked is told which of the two it was "
# What the model calls; and whether somebody says yes before the kill.
KINDS = {
    "only reads": ([("files__peek", {})], True),
    "changes something": ([("files__append", {"token": "one"})], True),
    "is asked about": ([("files__ask_append", {"token": "one"})], True),
    "waits for a yes": ([("files__ask_append", {"token": "one"})], False),
    "is the daemon's own": ([("ops__promote_model", MODEL)], True),
    "is one of three": ([("files__append", {"token": "one"}), ("files__peek", {}),
                         ("files__ask_append", {"token": "two"})], True),
}
unknown, killed = 0, 0


class Talk:
    """One request in a home of its own."""

    def __init__(self, kind):
        self.calls, self.is_answered = KINDS[kind]
        self.faults = []
        self.provider = Provider(self.script)
        config = {"llm": {"providers": {"one": self.provider.settings()}}}
        # The pieces of an answer are written down at once.
        config["chat"] = {"service": {"streaming": {"backoff": {"flush_every_n_deltas": 2}}}}
        self.home = Home(config)
        self.counted = self.home.path / "counted"
        self.home.write_servers({"files": {
            "command": "python3",
            "args": [str(FIXTURES / "counting_server.py"), str(self.counted)],
            "tools": {"append": "allow", "ask_append": "ask", "peek": "allow"},
        }})

    def script(self, request):
        self.faults += journal.faults_of(request["messages"])
        last = request["messages"][-1]
        return self.calls if last["role"] == "user" else ANSWER.strip()

    def status(self):
        rows = self.home.rows("SELECT status FROM chat_turns")
        return rows[0]["status"] if rows else None

    def pending(self):
        rows = self.home.rows("SELECT id FROM chat_approvals WHERE status = 'pending'")
        return [row["id"] for row in rows]

    def run(self, point, hits):
        """Talks to a daemon that stops at a point; whether it came there, or waits for somebody."""
        daemon = self.home.start(FAILPOINTS=f"{point}={hits}*off->pause" if hits else f"{point}=pause")
        threading.Thread(target=self.talk, args=(daemon,), daemon=True).start()
        asked = set()

        def is_there():
            if daemon.is_paused():
                time.sleep(0.05)
                if daemon.is_paused():
                    return "paused"
            if self.status() not in (None, "queued", "running"):
                return "over"
            for approval in self.pending():
                if not self.is_answered:
                    return "waiting"
                if approval not in asked:
                    asked.add(approval)
                    decision = {"approvalId": approval, "decision": "once"}
                    daemon.tool("decide_approval", decision, 10)
            return None

        state = until(f"{point} {hits}", is_there, pause=0.01)
        before = self.pending()
        daemon.kill()
        # The kernel ends what the daemon had started; the next one would do so as well.
        until("the end of all programs", lambda: not self.home.programs())
        return state, before

    def talk(self, daemon):
        try:
            daemon.say("c", "r", "go", 0)
        except (OSError, Refused):
            pass  # It was killed meanwhile.

    def take_up(self, what, before):
        """The next daemon, and all that has to hold then."""
        daemon = self.home.start()
        open_now = [approval["approvalId"] for approval in daemon.approvals("c")]
        expect_all(f"{what}: questions that are gone", set(before) - set(open_now))
        answer = daemon.say("c", "r", "go", 20)
        while answer["status"] == "running":
            for approval in answer["approvals"]:
                daemon.decide(approval, "once")
            answer = daemon.say("c", "r", "go", 20)
        expect(f"{what}: how it ended", "complete", answer["status"])
        self.look(what, answer, daemon)
        expect(f"{what}: how the daemon ended", 0, daemon.stop())
        expect_all(f"{what}: programs that still run", self.home.programs())

    def look(self, what, answer, daemon):
        global unknown
        journal.look(what, self.home, "c")
        expect_all(f"{what}: prompts that no provider would take", self.faults)
        said = journal.events_of(self.home, "c")[-2]["content"].strip()
        expect(f"{what}: the answer is whole, once", ANSWER.strip(), said)
        lines = self.counted.read_text().split() if self.counted.exists() else []
        moves = daemon.tool("model_history", {"gate": "production"})["moves"]
        wanted = list(journal.outcomes(self.home, "c"))
        expect(f"{what}: the calls that were wanted", len(self.calls), len(wanted))
        for name, arguments, outcome, text in wanted:
            call = f"{what}: {name}"
            if name == "files__peek":
                expect(f"{call}, which does no harm twice", "ok", outcome)
                continue
            done = len(moves) if name.startswith("ops") else lines.count(arguments["token"])
            if outcome == "unknown":
                unknown += 1
                expect_in(f"{call} of which nobody knows", [0, 1], done)
                expect(f"{call}: the model is told so", True, "not known" in text)
            else:
                expect(f"{call} is told as it is", ("ok", 1), (outcome, done))
        kept = daemon.tool("list_conversations", {})["conversations"]
        expect(f"{what}: conversations", 1, len(kept))


def kill(point, hits, kind, again=None):
    """One kill; whether the request came to that point so often."""
    global killed
    what, talk = f"{point} {hits}, {kind}", Talk(kind)
    state, before = talk.run(point, hits)
    if state == "over":
        talk.home.end()
        return False
    killed += 1
    if again and state == "paused":
        state, before = talk.run(*again)
        what += f", then {again[0]} {again[1]}"
        killed += 1
    talk.take_up(what, before)
    talk.home.end()
    # Whoever waits for a yes comes no further.
    return state == "paused"


def at_point(point, kind):
    """Kills each time that a request comes to a point."""
    hits = 0
    while kill(point, hits, kind):
        # One piece of an answer is much like the next.
        hits += 5 if point == "chat-piece" and 3 < hits else 1
    is_reached = point not in ("chat-intended", "chat-called") or KINDS[kind][1]
    expect(f"{point}, {kind}: was reached", is_reached, hits > 0)
    told(f"{point}, {kind}: up to {hits} times")


def once(point, kind):
    expect(f"{point}, {kind}: was reached", True, kill(point, 0, kind))


def main():
    kinds, todo = list(KINDS), []
    if sys.argv[1:] == ["short"]:
        todo += [(once, point, kinds[n % len(kinds)]) for n, point in enumerate(POINTS)]
        todo += [(once, point, kind) for point in ("chat-intended", "chat-called")
                 for kind in ("changes something", "only reads", "is asked about")]
        todo += [(kill, "chat-called", 0, "waits for a yes"),
                 (kill, "chat-committed", 4, "is one of three", ("chat-duty", 1))]
    else:
        todo += [(at_point, point, kind) for point in POINTS for kind in kinds]
        todo += [(kill, "chat-committed", hits, kind, (again, hits - 2))
                 for kind in kinds for again in POINTS for hits in (2, 3)]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for one in [pool.submit(*it) for it in todo]:
            one.result()
    told(f"{killed} kills, {unknown} calls of which nobody knows")
    expect("some calls were told as unknown", True, unknown > 0)
    report()


main()
