"""A hundred clients that use the same request ids at the same time: no answer may go to another one.

Argument: the daemon's address; the repository there has a file `clients/<n>.md` with a word for each.
Every client has a connection of its own and asks for what only it knows: its file, a job with its
word for a name, a tool with its word for a name. All send their requests 1 to 100 in step. A third of
them are bare, a third have a session, and a third speak the newest revision. Prints the figures.
"""

import asyncio
import base64
import collections
import json
import sys
import time
import urllib.parse

CLIENTS, REQUESTS = 100, 100
NEWEST = "2026-07-28"
address = urllib.parse.urlsplit(sys.argv[1])


class Connection:
    """One connection that asks and waits for the answer, over and over."""

    async def open(self):
        self.read, self.write = await asyncio.open_connection(address.hostname, address.port)
        return self

    async def post(self, body, headers):
        body = json.dumps(body).encode()
        lines = ["POST /mcp HTTP/1.1", f"Host: {address.netloc}", "Content-Type: application/json"]
        lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
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
            data = [line[5:] for line in text.decode().splitlines() if line.startswith("data:")]
            text = next(line for line in data if '"result"' in line or '"error"' in line)
        return int(head[0].split()[1]), found, json.loads(text) if text else None


def question(word, number, request):
    """What is asked, and what of the answer nobody else's has in it."""
    kind = request % 3
    if kind == 0:
        path = base64.urlsafe_b64encode(f"clients/{number}.md".encode()).decode()
        return {"name": "fetch", "arguments": {"id": f"lukhas-path:{path}"}}, word
    if kind == 1:
        return {"name": "status", "arguments": {"jobId": f"job_{word}"}}, f"job_{word}"
    return {"name": f"tool_{word}", "arguments": {}}, f"tool_{word}"


async def client(number, word, step, counts):
    connection = await Connection().open()
    era = ("bare", "session", "newest")[number % 3]
    headers = {}
    if era == "session":
        headers["Accept"] = "application/json, text/event-stream"
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": word, "version": "1"}}
        body = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
        _, found, _ = await connection.post(body, headers)
        headers |= {"Mcp-Session-Id": found["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        await connection.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, headers)
    for request in range(1, REQUESTS + 1):
        params, own = question(word, number, request)
        body = {"jsonrpc": "2.0", "id": request, "method": "tools/call", "params": params}
        sent = dict(headers)
        if era == "newest":
            sent |= {"MCP-Protocol-Version": NEWEST, "Mcp-Method": "tools/call", "Mcp-Name": params["name"]}
            sent["Accept"] = "application/json, text/event-stream"
            params["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": NEWEST,
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        await step.wait()
        _, _, answer = await connection.post(body, sent)
        counts["answers"] += 1
        counts[era] += 1
        if answer.get("id") != request:
            counts["with another id"] += 1
        elif own not in json.dumps(answer):
            counts["crossed"] += 1
            print("  WRONG", own, "was answered", json.dumps(answer)[:500])
    connection.write.close()


async def main():
    words = json.load(open(sys.argv[2], encoding="utf-8"))
    counts = collections.Counter()
    step = asyncio.Barrier(CLIENTS)
    began = time.monotonic()
    await asyncio.gather(*(client(number, words[number], step, counts) for number in range(CLIENTS)))
    took = time.monotonic() - began
    eras = ", ".join(f"{counts[era]} {era}" for era in ("bare", "session", "newest"))
    print(
        f"  {CLIENTS} clients, {counts['answers']} answers ({eras}) in {took:.1f} s: "
        f"{counts['crossed']} crossed, {counts['with another id']} with another id"
    )
    good = counts["answers"] == CLIENTS * REQUESTS and not counts["crossed"] and not counts["with another id"]
    sys.exit(0 if good else 1)


asyncio.run(main())
