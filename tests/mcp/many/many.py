"""A hundred clients that use the same request ids at the same time: no answer may go to another one.

Arguments: the daemon's address, and a file with a word for each client; the repository there has a
file `clients/<n>.md` with it, and for the first ones a task `word-<n>` whose progress it is. Every
client has a connection of its own and asks for what only it knows: its file, a job with its word for
a name, a tool with its word for a name. All send their requests 1 to 100 in step; a third of them are
bare, a third have a session, and a third speak the newest revision. Before that, some of those that
can be told of progress wait for their job, all with the same id and token. Prints the figures.
"""

import asyncio
import base64
import collections
import json
import sys
import time
import urllib.parse

CLIENTS, REQUESTS, WAITING = 100, 100, 24
NEWEST = "2026-07-28"
address = urllib.parse.urlsplit(sys.argv[1])


class Client:
    """One client on one connection, which asks and waits for the answer, over and over."""

    def __init__(self, number, word):
        self.number, self.word, self.headers = number, word, {}
        self.era = ("session", "newest", "bare")[number % 3]

    async def connect(self):
        self.read, self.write = await asyncio.open_connection(address.hostname, address.port)
        if self.era != "bare":
            self.headers["Accept"] = "application/json, text/event-stream"
        if self.era == "session":
            info = {"name": self.word, "version": "1"}
            params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
            found, _ = await self.post({"id": 0, "method": "initialize", "params": params})
            self.headers |= {"Mcp-Session-Id": found["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
            await self.post({"method": "notifications/initialized"})

    async def call(self, request, name, arguments, token=None):
        """Calls a tool: every message that came of it, the answer last."""
        params, meta = {"name": name, "arguments": arguments}, {}
        if token is not None:
            meta["progressToken"] = token
        if self.era == "newest":
            self.headers |= {"MCP-Protocol-Version": NEWEST, "Mcp-Method": "tools/call", "Mcp-Name": name}
            meta["io.modelcontextprotocol/protocolVersion"] = NEWEST
            meta["io.modelcontextprotocol/clientCapabilities"] = {}
        if meta:
            params["_meta"] = meta
        _, messages = await self.post({"id": request, "method": "tools/call", "params": params})
        return messages

    async def post(self, body):
        body = json.dumps({"jsonrpc": "2.0"} | body).encode()
        lines = ["POST /mcp HTTP/1.1", f"Host: {address.netloc}", "Content-Type: application/json"]
        lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in self.headers.items())]
        self.write.write("\r\n".join([*lines, "", ""]).encode() + body)
        await self.write.drain()
        head = (await self.read.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        if found.get("transfer-encoding") == "chunked":
            text = b""
            while size := int(await self.read.readline(), 16):
                text += (await self.read.readexactly(size + 2))[:-2]
            await self.read.readline()
        else:
            text = await self.read.readexactly(int(found.get("content-length", 0)))
        if found.get("content-type", "").startswith("text/event-stream"):
            data = [line[5:].strip() for line in text.decode().splitlines() if line.startswith("data:")]
            return found, [json.loads(line) for line in data if line]
        return found, [json.loads(text)] if text else []


def question(client, request):
    """What is asked, and what of the answer nobody else's has in it."""
    kind = request % 3
    if kind == 0:
        path = base64.urlsafe_b64encode(f"clients/{client.number}.md".encode()).decode()
        return "fetch", {"id": f"lukhas-path:{path}"}, client.word
    if kind == 1:
        return "status", {"jobId": f"job_{client.word}"}, f"job_{client.word}"
    return f"tool_{client.word}", {}, f"tool_{client.word}"


async def wait_for_own(client, words, counts):
    """Waits for a job whose progress is this client's word, and looks for the words of others."""
    task = {"taskId": f"word-{client.number}", "configId": "default"}
    job = (await client.call(1, "run_eval", task))[-1]["result"]["structuredContent"]["jobId"]
    messages = await client.call(1, "status", {"jobId": job, "waitSeconds": 30}, token="the same")
    text = json.dumps(messages)
    counts["progress"] += sum(message.get("method") == "notifications/progress" for message in messages)
    counts["own"] += client.word in json.dumps(messages[:-1]) and job in json.dumps(messages[-1])
    counts["crossed"] += sum(word in text for word in words if word != client.word)


async def ask_for_own(client, step, counts):
    for request in range(1, REQUESTS + 1):
        name, arguments, own = question(client, request)
        await step.wait()
        answer = (await client.call(request, name, arguments))[-1]
        counts["answers"] += 1
        counts[client.era] += 1
        if answer.get("id") != request:
            counts["with another id"] += 1
        elif own not in json.dumps(answer):
            counts["crossed"] += 1
            print("  WRONG", own, "was answered", json.dumps(answer)[:500])


async def connected(words):
    clients = [Client(number, word) for number, word in enumerate(words)]
    await asyncio.gather(*(client.connect() for client in clients))
    return clients


async def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        words = json.load(file)
    counts = collections.Counter()
    waiting = [client for client in await connected(words) if client.era != "bare"][:WAITING]
    await asyncio.gather(*(wait_for_own(client, words, counts) for client in waiting))
    print(
        f"  {len(waiting)} clients that waited with one id and token: {counts['progress']} messages of progress, "
        f"{counts['own']} had their own, {counts['crossed']} had another's"
    )

    # On new connections: one that is silent for long is closed.
    clients = await connected(words)
    step, began = asyncio.Barrier(CLIENTS), time.monotonic()
    await asyncio.gather(*(ask_for_own(client, step, counts) for client in clients))
    eras = ", ".join(f"{counts[era]} {era}" for era in ("bare", "session", "newest"))
    print(
        f"  {CLIENTS} clients, {counts['answers']} answers ({eras}) in {time.monotonic() - began:.1f} s: "
        f"{counts['crossed']} crossed, {counts['with another id']} with another id"
    )
    complete = counts["answers"] == CLIENTS * REQUESTS and counts["own"] == WAITING
    sys.exit(0 if complete and not counts["crossed"] and not counts["with another id"] else 1)


asyncio.run(main())
