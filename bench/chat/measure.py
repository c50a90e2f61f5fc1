"""Measures the chat of a daemon: tokens, memory, and a storm of sockets that come back."""

import asyncio
import gc
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time

from daemon import Daemon
from relay import Relay, has_relay
from sockets import Direct, Socket, connect

BINARY, SCRATCH = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))
STREAMS, RATES, SECONDS, ROUNDS = 50, (50, 200), 10, 3
FEW, MANY = 120, 240
SOCKETS, CONVERSATIONS, WORDS = 1000, 100, 400
EVENTS = 20_000


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def stream(port, kind, tokens, rate, run):
    """Has 50 answers streamed at once, and gives how late each token was, in milliseconds."""
    lines = [await connect(kind, port) for _ in range(STREAMS)]
    text = f"tick {tokens} {rate} {SECONDS}"
    for n, line in enumerate(lines):
        if kind is Socket:
            line.tell("chat", "r", conversation_id=f"{run}-{n}", text=text, streaming=True)
        else:
            line.ask(text)
    await asyncio.wait_for(asyncio.gather(*(line.ended for line in lines)), SECONDS + 60)
    late = [ns / 1e6 for line in lines for ns in line.late]
    for line in lines:
        line.transport.close()
    if len(late) != STREAMS * tokens:
        sys.exit(f"{len(late)} of {STREAMS * tokens} tokens came")
    return late


async def cost(server, kind, rate, run):
    """What a token costs a server in microseconds, of user and of system time, and how late each is."""
    spent = {}
    for each in (1, rate * SECONDS):
        before = server.processor()
        late = await stream(server.port, kind, each, rate, f"{rate}-{run}-{each}")
        spent[each] = [after - was for after, was in zip(server.processor(), before)]
    tokens = STREAMS * (rate * SECONDS - 1)
    # What a stream costs that has one token is not the tokens'.
    return [(many - one) * 1e6 / tokens for one, many in zip(*spent.values())], late


async def tokens(daemon, provider):
    relay = Relay(os.path.join(SCRATCH, "relay"), provider) if has_relay() else None
    # What is loaded at the first request is no token's.
    await stream(daemon.port, Socket, 1, 1000, "warm")
    try:
        for rate in RATES:
            await tokens_at(rate, daemon, relay, provider)
    finally:
        if relay:
            relay.end()


async def tokens_at(rate, daemon, relay, provider):
    costs, late = {"daemon": [], "nginx": []}, {"straight": [], "daemon": [], "nginx": []}
    for n in range(ROUNDS):
        late["straight"].append(await stream(provider, Direct, rate * SECONDS, rate, n))
        for name, server, kind in (("daemon", daemon, Socket), ("nginx", relay, Direct)):
            if server:
                spent, delays = await cost(server, kind, rate, n)
                costs[name].append(spent)
                late[name].append(delays)
    print(f"tokens: {STREAMS} streams of {rate} tokens a second for {SECONDS} s, {ROUNDS} rounds")
    for name, rounds in costs.items():
        if not rounds:
            print(f"  {name}: not measured, it is not installed")
            continue
        user, system = ([spent[kind] for spent in rounds] for kind in (0, 1))
        print(f"  {name}, processor time in us a token: user {shown(user)}, system {shown(system)}")
    if relay:
        own = [sum(daemon) - sum(nginx) for daemon, nginx in zip(costs["daemon"], costs["nginx"])]
        print(f"  the daemon's own, above nginx: {shown(own)}")
    for name, rounds in late.items():
        if rounds:
            middle, tail = ([percentile(delays, share) for delays in rounds] for share in (0.5, 0.99))
            print(f"  {name}, from the provider to a client in ms: p50 {shown(middle)}, p99 {shown(tail)}")
    added = [percentile(daemon, 0.99) - percentile(straight, 0.99)
             for daemon, straight in zip(late["daemon"], late["straight"])]
    print(f"  added by the daemon at p99 in ms: {shown(added)}")


def shown(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


async def memory(daemon):
    figures, active = {}, 0
    for most in (FEW, MANY):
        for n in range(active, most):
            daemon.call("send_message", conversationId=f"held-{n}", text="tick 1 1 40", waitSeconds=0)
        active = most
        await asyncio.sleep(3)
        if daemon.figure("chat_requests_under_way") != most:
            sys.exit("not all conversations are worked on")
        figures[most] = daemon.memory()
    held = daemon.actors("conversation")
    while daemon.figure("chat_requests_under_way"):
        await asyncio.sleep(1)
    await asyncio.sleep(1)
    idle = daemon.actors("conversation")
    each = (figures[MANY] - figures[FEW]) / (MANY - FEW)
    print(f"memory: {FEW} and {MANY} conversations that are worked on: {figures[FEW]} and {figures[MANY]} KiB")
    print(f"  a conversation, KiB: {each:.1f}")
    print(f"  actors of conversations: {held} meanwhile, {idle} when all are idle")


class Memory:
    """What a client remembers that keeps to the page about the chat."""

    def __init__(self):
        self.answers, self.last, self.over = {}, 0, False

    def take(self, frame):
        seq = frame.get("seq", 0)
        if "action" in frame or seq == 0:
            return
        if frame["status"] != "chunk":
            self.last = max(self.last, seq)
            if frame["status"] == "error":
                sys.exit(f"{frame}")
            self.over = self.over or frame["status"] == "complete"
            return
        about, chunk = frame["chunk"]["metadata"], frame["chunk"]["data"]
        attempt, text = self.answers.get(seq, (None, ""))
        goes_on = about.get("type") == "delta" and about["start"] != 0 and attempt == about["attempt"]
        self.answers[seq] = (about.get("attempt"), text + chunk if goes_on else chunk)

    def text(self):
        return "".join(text for _, (_, text) in sorted(self.answers.items()))


async def read(daemon, conversation, lives):
    """Reads an answer to its end, and loses the connection again and again meanwhile."""
    memory, comings = Memory(), 0
    while not memory.over:
        comings += 1
        done = asyncio.get_running_loop().create_future()

        def hear(frame):
            memory.take(frame)
            if memory.over and not done.done():
                done.set_result(None)

        socket = await connect(lambda: Socket(hear), daemon.port)
        socket.tell("resume", "again", conversation_id=conversation, after_seq=memory.last)
        life = random.uniform(0.2, 2.0) if comings <= lives else 60
        await asyncio.wait([done, socket.ended], timeout=life, return_when=asyncio.FIRST_COMPLETED)
        if comings > lives and not memory.over:
            sys.exit(f"{conversation} did not end")
        socket.hear = lambda frame: None
        socket.transport.abort()
    return memory.text(), comings


async def storm(daemon):
    asking, begun = [], set()

    def hear(frame):
        if "user_message" in frame["chunk"].get("metadata", {}):
            begun.add(frame["conversation_id"])

    for n in range(CONVERSATIONS):
        if n % 10 == 0:
            asking.append(await connect(lambda: Socket(hear), daemon.port))
        asking[-1].tell("chat", f"r{n}", conversation_id=f"storm-{n}", text=f"say {WORDS} 40", streaming=True)
    while len(begun) < CONVERSATIONS:
        await asyncio.sleep(0.05)
    began, before = time.monotonic(), sum(daemon.processor())
    reading = (read(daemon, f"storm-{n % CONVERSATIONS}", n % 8) for n in range(SOCKETS))
    read_by_all = await asyncio.gather(*reading)
    took, spent = time.monotonic() - began, sum(daemon.processor()) - before
    expected = "".join(f"{n} " for n in range(WORDS))
    same = sum(text == expected for text, _ in read_by_all)
    comings = sum(comings for _, comings in read_by_all)
    print(f"storm: {SOCKETS} sockets on {CONVERSATIONS} conversations, opened {comings} times in {took:.1f} s")
    print(f"  read the whole text, and nothing else: {same}")
    print(f"  processor time of the daemon, s: {spent:.2f}")
    if same != SOCKETS:
        sys.exit(1)


async def other_writer(daemon, work):
    """How long the changes of others take while something is done, in milliseconds."""
    answers, conversation = asyncio.Queue(), []

    def hear(frame):
        if frame.get("action") == "rename":
            answers.put_nowait(frame)
        elif frame["status"] == "complete":
            conversation.append(frame["conversation_id"])

    socket = await connect(lambda: Socket(hear), daemon.port)
    socket.tell("chat", "r", text="tick 1 1 0", streaming=False)
    while not conversation:
        await asyncio.sleep(0.01)
    took = []
    while not work.done():
        began = time.monotonic()
        socket.tell("rename", "r", conversation_id=conversation[0], title=f"title {len(took)}")
        if (await answers.get())["status"] == "error":
            sys.exit("a conversation was not renamed")
        took.append((time.monotonic() - began) * 1000)
    socket.transport.close()
    return took


async def copies(daemon):
    """What others notice of a long conversation that is carried in, forked and removed."""
    lines = "\n".join(json.dumps({"type": kind, "content": f"{kind} {n}: " + "what is said here, " * 6})
                      for n in range(EVENTS // 2) for kind in ("user_message", "assistant_message"))
    answers = asyncio.Queue()
    socket = await connect(lambda: Socket(answers.put_nowait), daemon.port)

    async def done(action, **payload):
        began = time.monotonic()
        socket.tell(action, action, **payload)
        frame = await answers.get()
        if frame["status"] == "error":
            sys.exit(f"{action}: {frame}")
        return frame["data"], time.monotonic() - began

    print(f"copies: {EVENTS} events, {len(lines)} bytes")
    carried = None
    for action in ("import", "fork", "clear"):
        payload = {"lines": lines} if action == "import" else {"conversation_id": carried}
        if action == "fork":
            payload["seq"] = EVENTS
        work = asyncio.ensure_future(done(action, **payload))
        took = await other_writer(daemon, work)
        data, seconds = work.result()
        carried = carried or data["conversation_id"]
        print(f"  {action}: {seconds:.2f} s; {len(took)} changes of another meanwhile, in ms: "
              f"p50 {percentile(took, 0.5):.1f}, p99 {percentile(took, 0.99):.1f}, longest {max(took):.1f}")


async def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.disable()
    provider = subprocess.Popen([sys.executable, os.path.join(HERE, "provider.py")], stdout=subprocess.PIPE)
    port = int(provider.stdout.readline())
    parts = {"tokens": lambda daemon: tokens(daemon, port), "memory": memory, "copies": copies, "storm": storm}
    only = os.environ.get("ONLY", "tokens,memory,copies,storm").split(",")
    try:
        for name in only:
            daemon = Daemon(BINARY, os.path.join(SCRATCH, name), port)
            try:
                await parts[name](daemon)
            finally:
                daemon.end()
    finally:
        provider.kill()


asyncio.run(main())
