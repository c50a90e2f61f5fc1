"""Clients: of the daemon's socket, and of the provider itself, with which the former is compared."""

import asyncio
import base64
import json
import os
import re
import time

SAID = re.compile(rb'"(?:data|content)":"(\d+) "')


class Line(asyncio.Protocol):
    """A connection, and when what was read of it was said."""

    def __init__(self):
        self.late = []
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def note(self, data):
        now = time.monotonic_ns()
        self.late += [now - int(said) for said in SAID.findall(data)]

    def connection_lost(self, error):
        if not self.ended.done():
            self.ended.set_result(None)


class Direct(Line):
    """Asks the provider itself."""

    def ask(self, text):
        body = json.dumps({"messages": [{"role": "user", "content": text}]})
        self.transport.write(f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    def data_received(self, data):
        self.note(data)
        if b"[DONE]" in data:
            self.ended.set_result(None)


class Socket(Line):
    """A client of the daemon. `hear` is called with each frame."""

    def __init__(self, hear=None):
        super().__init__()
        self.hear = hear
        self.open = asyncio.get_running_loop().create_future()
        self.rest = b""

    def connection_made(self, transport):
        super().connection_made(transport)
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /ws/chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())

    def connection_lost(self, error):
        super().connection_lost(error)
        if not self.open.done():
            self.open.set_exception(ConnectionError(f"the socket was not opened: {error}, {self.rest}"))

    def tell(self, action, request_id, **payload):
        text = json.dumps({"action": action, "request_id": request_id, "payload": payload}).encode()
        self.write(0x81, text)

    def write(self, kind, payload):
        length = len(payload)
        if length < 126:
            size = bytes([0x80 | length])
        elif length < 0x10000:
            size = b"\xfe" + length.to_bytes(2, "big")
        else:
            size = b"\xff" + length.to_bytes(8, "big")
        # A mask of zeros changes nothing.
        self.transport.write(bytes([kind]) + size + bytes(4) + payload)

    def data_received(self, data):
        if self.hear is None:
            self.note(data)
        self.rest += data
        if not self.open.done():
            head, found, rest = self.rest.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                raise SystemExit(head.decode())
            self.rest = rest
            self.open.set_result(None)
        at = 0
        while (frame := self.frame(at)) is not None:
            kind, payload, at = frame
            if kind == 0x89:
                self.write(0x8A, payload)
            elif kind == 0x81 and self.hear:
                self.hear(json.loads(payload))
            elif kind == 0x81 and b'"status":"chunk"' not in payload:
                status = json.loads(payload)["status"]
                if status == "error":
                    raise SystemExit(payload.decode())
                if status == "complete" and not self.ended.done():
                    self.ended.set_result(None)
        self.rest = self.rest[at:]

    def frame(self, at):
        data = self.rest
        if len(data) < at + 2:
            return None
        length, begin = data[at + 1], at + 2
        if length >= 126:
            begin += 2 if length == 126 else 8
            if len(data) < begin:
                return None
            length = int.from_bytes(data[at + 2:begin], "big")
        if len(data) < begin + length:
            return None
        return data[at], data[begin:begin + length], begin + length


async def connect(protocol, port):
    _, made = await asyncio.get_running_loop().create_connection(protocol, "127.0.0.1", port)
    if isinstance(made, Socket):
        await made.open
    return made
