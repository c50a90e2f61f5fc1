"""A provider of a model that says what the last message tells it to, at a known pace.

`tick TOKENS RATE SECONDS` has it say the time, TOKENS times, RATE times a second, and end after
SECONDS; `say TOKENS RATE` has it say numbers. The time is that of the monotonic clock, in
nanoseconds, which is the same for all programs of a machine. Prints its port.
"""

import asyncio
import gc
import json
import random
import time

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
TOKEN = '{"id":"x","model":"fake","choices":[{"index":0,"delta":{"content":"%s "},"finish_reason":null}]}'
END = '{"id":"x","model":"fake","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
USAGE = '{"id":"x","model":"fake","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18}}'


def event(data):
    line = f"data: {data}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(line), line)


def wish(body):
    content = json.loads(body)["messages"][-1]["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    kind, *numbers = text.split()
    tokens, rate, *rest = map(float, numbers)
    return kind, int(tokens), rate, rest[0] if rest else 0


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            kind, tokens, rate, seconds = wish(await reader.readexactly(length))
            writer.write(HEAD)
            # So that not all streams have their tokens in one moment.
            begin = asyncio.get_running_loop().time() + random.random() / rate
            for n in range(tokens):
                await until(begin + n / rate)
                said = time.monotonic_ns() if kind == "tick" else n
                writer.write(event(TOKEN % said))
            await until(begin + seconds)
            writer.write(event(END) + event(USAGE) + event("[DONE]") + b"0\r\n\r\n")
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def until(moment):
    await asyncio.sleep(moment - asyncio.get_running_loop().time())


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    gc.freeze()
    await server.serve_forever()


asyncio.run(main())
