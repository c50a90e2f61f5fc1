"""Providers of others that fail on purpose, and a daemon that talks to them: every request ends in a
state that is told, the next one works, and llmock finds nothing to complain of.

`faults.py short` asks fewer questions. AIMOCK is the script of aimock, LLMOCK the program llmock.
"""

import concurrent.futures
import json
import os
import random
import subprocess
import sys
import time
import urllib.request

import journal
from checks import expect, expect_all, expect_in, report, told
from home import Home, free_port, until

TRIES = 6
# A provider for each wire, and where llmock has it.
WIRES = {"one": ("openai", "/v1"), "two": ("anthropic", "/anthropic")}


class Peer:
    """A program that plays a provider."""

    def __init__(self, command, port):
        self.port = port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(command[0], self.is_up)

    def is_up(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def end(self):
        self.process.terminate()
        self.process.wait()


def aimock(port, *options):
    fixtures = os.environ["FIXTURES"]
    return Peer(["node", os.environ["AIMOCK"], "--port", str(port), "--chunk-size", "5",
                 "--log-level", "silent", "--fixtures", fixtures, *options], port)


def llmock(port, *options):
    return Peer([os.environ["LLMOCK"], "serve", "--host", "127.0.0.1", "--port", str(port),
                 "--log-level", "critical", "--response-style", "varied", "--tool-mode", "off",
                 # As models do; else a stream is sent to its end before anybody can hang up.
                 "--stream-chunk-delay-ms", "30", *options], port)


def home(port, retries, paths):
    """A daemon that asks the same program on both wires."""
    def provider(wire, path):
        return {"base_url": f"http://127.0.0.1:{port}{path}", "wire": wire, "model": MODELS[wire],
                "max_retries": retries, "timeouts": {"idle": 1.5}, "max_tokens": 64}
    providers = {name: provider(wire, path) for name, (wire, path) in paths.items()}
    return Home({"llm": {"active": "one", "providers": providers}})


MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5"}


def ending(at, conversation, request):
    """How the journal says that a request ended."""
    rows = at.rows("SELECT extra FROM chat_events WHERE conversation_id = ? AND type = 'meta' AND "
                   "extra LIKE '%\"turn_end\"%'", conversation)
    endings = [json.loads(row["extra"]) for row in rows]
    return next(it for it in endings if it["request_id"] == request)


def certain(what, faulty, good, paths, code):
    """A fault that always comes; then the provider is well again, and the next message works."""
    port = free_port()
    at = home(port, 1, paths)
    peer, daemon = faulty(port), at.start()
    for wire in paths:
        name = f"{what}, {wire}"
        began = time.monotonic()
        answer = daemon.say(wire, "r1", "Question one", 50, provider=wire)
        took = time.monotonic() - began
        expect(f"{name}: how it ended", "error", answer["status"])
        expect(f"{name}: it says why", True, bool(answer["error"]))
        expect(f"{name}: which error", code, ending(at, wire, "r1")["code"])
        expect(f"{name}: it is told within a minute", True, took < 60)
        events = [it["content"] for it in journal.events_of(at, wire)
                  if it["type"] == "assistant_message"]
        expect(f"{name}: what came is kept as it was said", answer["answer"], "".join(events))
    peer.end()
    peer = good(port)
    for wire in paths:
        name = f"{what}, {wire}, then well"
        answer = daemon.say(wire, "r2", "Question two", 50, provider=wire)
        expect(f"{name}: how it ended", "complete", answer["status"])
        expect(f"{name}: it has an answer", True, bool(answer["answer"]))
        journal.look(name, at, wire)
        again = daemon.say(wire, "r1", "Question one", 50, provider=wire)
        expect(f"{name}: the first stays what it was", "error", again["status"])
    expect(f"{what}: how the daemon ended", 0, daemon.stop())
    peer.end()
    at.end()


def insist(daemon, at, what, text, wire, is_refused, pause):
    """Asks until there is an answer, each time in a new conversation and after a longer pause, as
    somebody would; how often there was an error, and whether there was an answer."""
    for tried in range(TRIES):
        conversation = f"{wire}-{text.split()[1]}-{tried}"
        answer = daemon.say(conversation, "r", text, 50, provider=wire)
        expect_in(f"{what}, {wire}: how it ended", ["complete", "error"], answer["status"])
        if answer["status"] == "complete":
            return tried, True
        told_as = ending(at, conversation, "r")
        expect(f"{what}, {wire}: whether to try again", not is_refused, told_as["retryable"])
        if is_refused:
            return 1, False
        time.sleep(pause * 3 ** tried + 0.1 * random.random())
    return TRIES, False


def judged(what, rounds, retries, is_refused, *options):
    """Faults by chance, and what llmock makes of whoever asks."""
    port = free_port()
    at, peer = home(port, retries, WIRES), llmock(port, *options)
    daemon = at.start()
    # Longer than the daemon itself waits before it asks again, or takes to see that a stream stalls.
    pause = 5 if retries else 2

    def all_on(wire):
        """One at a time: a wait that one question was told is kept by all, and looks like no backoff
        to who counts it for another."""
        return [insist(daemon, at, what, f"Question {n} of {what}", wire, is_refused, pause)
                for n in range(rounds)]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        ends = [end for ends in pool.map(all_on, WIRES) for end in ends]
    answered, errors = sum(end[1] for end in ends), sum(end[0] for end in ends)
    wanted = 0 if is_refused else rounds * len(WIRES)
    expect(f"{what}: answered", wanted, answered)
    verdict = subprocess.run([os.environ["LLMOCK"], "report", "--strict", "--url",
                              f"http://127.0.0.1:{port}"], capture_output=True, text=True)
    if not expect(f"{what}: the verdict", 0, verdict.returncode):
        print(verdict.stdout)
    told(f"{what}: {answered} answered, {errors} ended with an error; "
         + verdict.stdout.strip().splitlines()[0])
    journal_is_whole(what, at)
    expect(f"{what}: how the daemon ended", 0, daemon.stop())
    peer.end()
    at.end()


def journal_is_whole(what, at):
    begun = at.rows("SELECT request_id FROM chat_turns WHERE status IN ('queued', 'running')")
    expect_all(f"{what}: requests that are not over", begun)
    ends = at.rows("SELECT conversation_id, count(*) AS n FROM chat_events WHERE extra LIKE "
                   "'%\"turn_end\"%' GROUP BY conversation_id HAVING n <> 1")
    expect_all(f"{what}: requests with more than one end", ends)


# What aimock does each time, and how that is told.
CHAOS = [
    ("429", "--chaos-ratelimit", "rate_limited"),
    ("5xx", "--chaos-drop", "provider"),
    ("broken off", "--chaos-disconnect", "provider"),
    ("malformed", "--chaos-malformed", "provider"),
]


def main():
    is_short = sys.argv[1:] == ["short"]
    both = {name: (wire, "/v1") for name, (wire, _) in WIRES.items()}
    kinds = [(f"aimock, {what}", lambda port, it=option: aimock(port, it, "1"), aimock, both, code)
             for what, option, code in CHAOS]
    for kind in ("truncate", "stall", "malformed", "disconnect"):
        fault = ["--stream-fault", f"{kind}=1", "--stream-stall-seconds", "4"]
        faulty = lambda port, it=fault: llmock(port, *it)
        kinds.append((f"llmock, {kind}", faulty, llmock, WIRES, "provider"))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(certain, *kind) for kind in kinds]:
            one.result()
    rounds = 4 if is_short else 20
    judged("errors", rounds, 3, False, "--error-rate", "429=0.15", "--error-rate", "500=0.15",
           "--error-rate", "503=0.05", "--error-rate", "529=0.05")
    judged("streams", rounds, 0, False, "--stream-fault", "truncate=0.1", "--stream-fault",
           "disconnect=0.1", "--stream-fault", "stall=0.05", "--stream-fault", "malformed=0.1",
           "--stream-stall-seconds", "4")
    judged("refusals", 3, 3, True, "--error-rate", "400=0.25", "--error-rate", "401=0.25",
           "--error-rate", "403=0.25", "--error-rate", "404=0.25")
    if not is_short:
        judged("429", rounds, 3, False, "--error-rate", "429=0.4")
        judged("5xx", rounds, 3, False, "--error-rate", "500=0.3")
        for kind in ("truncate", "stall", "malformed"):
            judged(kind, rounds, 0, False, "--stream-fault", f"{kind}=0.3",
                   "--stream-stall-seconds", "4")
    report()


main()
