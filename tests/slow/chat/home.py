"""A daemon with a directory of its own, and what it was told and has."""

import atexit
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

BINARY = os.environ["DAEMON"]
PATIENCE = 60
FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def until(what, look, patience=PATIENCE, pause=0.02):
    """Waits for something that is true."""
    began = time.monotonic()
    while True:
        found = look()
        if found:
            return found
        if patience < time.monotonic() - began:
            raise TimeoutError(f"{what} did not come about")
        time.sleep(pause)


class Refused(Exception):
    """A tool that did not do what was asked."""


class Home:
    """A directory with settings, a database and a repository."""

    def __init__(self, config, servers=None, secrets=None, inside=False):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="chat-proof-"))
        atexit.register(shutil.rmtree, self.path, ignore_errors=True)
        self.repository = self.path / "repository"
        self.repository.mkdir()
        self.chat = (self.repository if inside else self.path) / "chat"
        # JSON is YAML.
        self.write("config.yaml", json.dumps(config))
        self.write_servers(servers or {})
        if secrets:
            self.write(".env", "".join(f"{name}={it}\n" for name, it in secrets.items()))
        self.daemons = []
        atexit.register(self.end)

    def write(self, name, text):
        path = self.chat / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    def write_servers(self, servers):
        self.write("servers_config.json", json.dumps({"mcpServers": servers}))

    def start(self, **variables):
        """A daemon that is ready."""
        daemon = Daemon(self, variables)
        self.daemons.append(daemon)
        daemon.wait_until_ready()
        return daemon

    def end(self):
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                daemon.process.kill()
                daemon.process.wait()
        self.daemons = []

    def rows(self, sql, *values):
        """Rows of the database, as dictionaries."""
        address = f"file:{self.path / 'state.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=30)) as conn:
            conn.row_factory = sqlite3.Row
            return [dict(row) for row in conn.execute(sql, values)]

    def programs(self):
        """Processes that were started for this home, but for daemons."""
        found, daemons = [], [daemon.process.pid for daemon in self.daemons]
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) in [os.getpid(), *daemons]:
                continue
            try:
                said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                if str(self.path).encode() in said:
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue  # It has just ended.
        return found


class Daemon:
    """One run of the daemon."""

    def __init__(self, home, variables):
        self.home = home
        self.port = free_port()
        self.key = variables.pop("KEY", None)
        self.log = home.path / "daemon.log"
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(home.path), "TMPDIR": str(home.path),
            "MCP_RL_BUCKET": "1000000", "LUKHAS_MCP_CHAT_CONFIG": str(home.chat / "config.yaml"),
            "LUKHAS_MCP_DB": str(home.path / "state.db"),
            **variables,
        }
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--port", str(self.port), "--repo-root", str(home.repository),
                 "--log-format", "json"],
                env=environment, stderr=log, stdout=subprocess.DEVNULL, cwd=home.path)

    def wait_until_ready(self):
        def is_ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"the daemon ended: {self.log.read_text()[-2000:]}")
            return '"message":"ready"' in self.log.read_text()
        until("the daemon", is_ready)

    def is_paused(self):
        """Whether one of its arbiters stands at a fail point, where it waits for no event."""
        standing = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                name = (task / "comm").read_text()
                standing += name.startswith("actix-rt") and "futex" in (task / "wchan").read_text()
            except OSError:
                continue  # It has just ended.
        return standing > 0

    def request(self, path, body=None, timeout=60, headers=None):
        """An open answer; the caller reads and closes it."""
        headers = {"Content-Type": "application/json", **(headers or {})}
        if self.key:
            headers.setdefault("X-API-Key", self.key)
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.port}{path}"
        return urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=timeout)

    def rpc(self, method, params, timeout=60):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        with self.request("/mcp", body, timeout) as answer:
            return json.load(answer)

    def tool(self, name, arguments, timeout=60):
        answer = self.rpc("tools/call", {"name": name, "arguments": arguments}, timeout)
        result = answer.get("result")
        if result is None or result.get("isError"):
            raise Refused(json.dumps(answer))
        return result["structuredContent"]

    def say(self, conversation, request, text, wait=50, **more):
        arguments = {"conversationId": conversation, "requestId": request, "text": text,
                     "waitSeconds": wait, **more}
        return self.tool("send_message", arguments, wait + 10)

    def approvals(self, conversation):
        return self.tool("list_approvals", {"conversationId": conversation})["approvals"]

    def decide(self, approval, decision):
        arguments = {"approvalId": approval["approvalId"], "decision": decision}
        return self.tool("decide_approval", arguments)

    def complete(self, text, stream, model=None, headers=None):
        """The completions API: the text, the last figures, and how many pieces there were."""
        body = {"model": model or "one", "messages": [{"role": "user", "content": text}],
                "stream": stream}
        if stream:
            body["stream_options"] = {"include_usage": True}
        try:
            with self.request("/v1/chat/completions", body, 300, headers) as answer:
                if not stream:
                    whole = json.load(answer)
                    return whole["choices"][0]["message"]["content"], whole["usage"], 1
                return pieces_of(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.read().decode()) from error

    def kill(self):
        """Ends it without a word."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends it in order, and answers with which code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


def pieces_of(answer):
    text, usage, pieces = "", None, 0
    for line in answer:
        line = line.decode().strip()
        if not line.startswith("data:") or line.endswith("[DONE]"):
            continue
        event = json.loads(line.removeprefix("data:"))
        if "error" in event:
            raise Refused(json.dumps(event))
        usage = event.get("usage") or usage
        for choice in event["choices"]:
            piece = choice["delta"].get("content")
            pieces += bool(piece)
            text += piece or ""
    return text, usage, pieces
