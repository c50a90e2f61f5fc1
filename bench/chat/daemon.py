"""A daemon with a chat, and what the kernel says of it."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time

TICK = os.sysconf("SC_CLK_TCK")
CONFIG = """llm:
  active: local
  providers:
    local: {{base_url: "http://127.0.0.1:{port}/v1", model: fake, concurrency: 256}}
chat:
  websocket: {{max_connections: 2000, max_message_size: 16777216}}
"""


def processor_of(process):
    """User and system time of all threads, in seconds."""
    with open(f"/proc/{process}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[11]) / TICK, int(fields[12]) / TICK


class Daemon:
    def __init__(self, binary, directory, provider):
        os.makedirs(directory)
        config = os.path.join(directory, "config.yaml")
        with open(config, "w") as file:
            file.write(CONFIG.format(port=provider))
        os.chmod(config, 0o600)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        root = os.path.join(directory, "root")
        os.makedirs(root)
        self.log = open(os.path.join(directory, "log"), "w+")
        environment = {"PATH": os.environ["PATH"], "MCP_RL_BUCKET": "1000000", "LUKHAS_MCP_LOG_REQUESTS": "false",
                       "LUKHAS_MCP_DB": os.path.join(directory, "state.db"), "LUKHAS_MCP_CHAT_CONFIG": config}
        self.process = subprocess.Popen(
            [binary, "serve", "--port", str(self.port), "--repo-root", root, "--log-format", "json"],
            env=environment, stderr=self.log, stdout=subprocess.DEVNULL)
        while '"message":"ready"' not in self.read_log():
            if self.process.poll() is not None:
                sys.exit(f"the daemon ended: {self.read_log()}")
            time.sleep(0.01)

    def read_log(self):
        self.log.seek(0)
        return self.log.read()

    def call(self, tool, **arguments):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        connection.request("POST", "/mcp", json.dumps(body), {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        if "structuredContent" not in answer.get("result", {}):
            sys.exit(f"{tool}: {answer}")
        return answer["result"]["structuredContent"]

    def figure(self, name):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        return float(next(line.split()[-1] for line in lines if line.startswith(f"lukhas_mcp_{name}{{}} ")))

    def actors(self, kind):
        actors = self.call("get_infrastructure_status")["actors"]
        return sum(actor["alive"] for actor in actors if actor["actor"] == kind)

    def processor(self):
        return processor_of(self.process.pid)

    def memory(self):
        """What is the daemon's alone, in KiB: without the program's file."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as rollup:
            return next(int(line.split()[1]) for line in rollup if line.startswith("Private_Dirty:"))

    def end(self):
        self.process.terminate()
        self.process.wait()
