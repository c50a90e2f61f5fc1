"""The official Python client, second generation, over standard input and output, through the bridge:
all that it can do over HTTP, in both eras; and a daemon that is killed under it and comes back."""

import asyncio
import os
import subprocess
import tempfile
import urllib.request

os.environ["OVER"] = "stdio"
import python_mcp_2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from checks import Checks, finish, until

BRIDGE = os.environ["BRIDGE"]


async def daemon(port, directory):
    """A daemon without keys that is ready."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LUKHAS", "MCP_"))}
    given = ["serve", "--port", str(port), "--repo-root", directory]
    process = subprocess.Popen([BRIDGE, *given], env=environment, stderr=subprocess.DEVNULL)

    async def ready():
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").status == 200
        except OSError:
            return False

    await until("the daemon", ready)
    return process


def free_port():
    import socket

    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


async def restart(checks, mode):
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        process = await daemon(port, directory)
        given = ["mcp-stdio", "--url", f"http://127.0.0.1:{port}"]
        transport = stdio_client(StdioServerParameters(command=BRIDGE, args=given))
        try:
            async with Client(transport, mode=mode) as client:
                before = await client.call_tool("promote_model", {"modelId": "kept:v1", "gate": "staging"})
                checks.that("restart", f"{mode}: before", not before.is_error, before)
                for _ in range(2):
                    process.kill()
                    process.wait()
                    process = await daemon(port, directory)
                    after = await client.call_tool("list_models", {})
                    good = not after.is_error and "kept:v1" in after.content[0].text
                    checks.that("restart", f"{mode}: killed and back", good, after)
        finally:
            process.kill()
            process.wait()


async def restarts():
    checks = Checks("Python mcp 2.3.0 over stdio, restarts", ["restart"])
    for mode in ("auto", "legacy"):
        await checks.area("restart", restart(checks, mode), patience=60)
    return checks


async def main():
    checks = await restarts()
    if checks.wrong:
        finish(checks)
    checks.left_out()
    await python_mcp_2.main()


asyncio.run(main())
