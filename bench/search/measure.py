"""Measures search and fetch of a daemon on the made repository."""

import base64
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time

BINARY, SCRATCH = sys.argv[1:3]
ROOT = os.path.join(SCRATCH, "repository")
QUERIES = 60
TICK = os.sysconf("SC_CLK_TCK")


class Daemon:
    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = open(os.path.join(SCRATCH, "log"), "w+")
        environment = {"PATH": os.environ["PATH"], "MCP_RL_BUCKET": "1000000", "LUKHAS_MCP_LOG_REQUESTS": "false",
                       "LUKHAS_MCP_DB": os.path.join(SCRATCH, "state.db")}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [BINARY, "serve", "--port", str(self.port), "--repo-root", ROOT, "--log-format", "json"],
            env=environment, stderr=self.log, stdout=subprocess.DEVNULL)
        self.until("ready")
        self.asked = self.began
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port)

    def until(self, message):
        while True:
            self.log.seek(0)
            if f'"message":"{message}"' in self.log.read():
                return time.monotonic() - self.began
            if self.process.poll() is not None:
                sys.exit("the daemon ended")
            time.sleep(0.005)

    def call(self, tool, arguments):
        answer = self.ask("tools/call", {"name": tool, "arguments": arguments})
        if "structuredContent" not in answer.get("result", {}):
            sys.exit(f"{tool} {arguments}: {answer}")
        return answer["result"]["structuredContent"]

    def ping(self):
        self.ask("ping", {})

    def ask(self, method, params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        if self.connection.sock and time.monotonic() - self.asked > 2:
            # The daemon ends connections that are idle.
            self.connection.close()
        self.asked = time.monotonic()
        self.connection.request("POST", "/mcp", body, {"Content-Type": "application/json"})
        return json.loads(self.connection.getresponse().read())

    def memory(self):
        """Anonymous and file-backed resident memory, in KiB."""
        fields = {}
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                name, _, value = line.partition(":")
                fields[name] = value
        return [int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon", "VmHWM")]

    def processor(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def end(self):
        self.process.terminate()
        self.process.wait()


def files():
    found = []
    for directory, _, names in os.walk(ROOT):
        if ".git" not in directory:
            found += [os.path.relpath(os.path.join(directory, name), ROOT) for name in names]
    return sorted(found)


def queries(paths):
    dice = random.Random(7)

    def words(count):
        while True:
            with open(os.path.join(ROOT, dice.choice(paths))) as file:
                lines = file.read().splitlines()
            picked = [w for w in "".join(c if c.isalnum() else " " for c in dice.choice(lines)).split() if len(w) > 3]
            if len(picked) >= count:
                return picked[:count]

    def line():
        while True:
            with open(os.path.join(ROOT, dice.choice(paths))) as file:
                text = dice.choice(file.read().splitlines()).strip()
            if 12 < len(text) < 60 and text[0] not in "-\"" and ":" not in text and '"' not in text:
                return text

    kinds = {
        "unique identifier": lambda: f"unique_item_{dice.randrange(26_000):05}",
        "one word": lambda: words(1)[0],
        "several words": lambda: " ".join(words(3)),
        "a question": lambda: "how does the {} of the {} work?".format(*words(2)),
        "a part of a word": lambda: words(1)[0][1:],
        "a phrase": lambda: '"{}"'.format(line()),
        "a line of code": line,
        "word and path:": lambda: f"{words(1)[0]} path:{os.path.dirname(dice.choice(paths))}",
        "word and ext:": lambda: f"{words(1)[0]} ext:rs",
        "re: with a word": lambda: r"re:fn\s+{}_\w+".format(words(1)[0]),
        "re: without one": lambda: "re:" + dice.choice([r"\d{6}", r"^\}\s*$", r"[xq]{2}\w"]),
    }
    return {kind: [make() for _ in range(QUERIES)] for kind, make in kinds.items()}


def milliseconds(times):
    times = sorted(times)
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))] * 1_000
    return f"p50 {at(0.5):7.2f} ms   p99 {at(0.99):7.2f} ms   max {times[-1] * 1_000:7.2f} ms"


def main():
    paths = files()
    size = sum(os.path.getsize(os.path.join(ROOT, path)) for path in paths)
    print(f"{len(paths)} files, {size / 1e6:.0f} MB")
    daemon = Daemon()
    begun = daemon.memory()
    built = daemon.until("the repository can be searched")
    processor = daemon.processor()
    time.sleep(5)
    rest = daemon.memory()
    print(f"index built in {built:.1f} s ({processor:.1f} s of processor); resident {rest[0] / 1024:.0f} MiB, "
          f"{(rest[0] - begun[0]) / 1024:.0f} more than at the start (anonymous {(rest[1] - begun[1]) / 1024:.0f}); "
          f"most while it was built {rest[2] / 1024:.0f} MiB")

    asked = queries(paths)
    for kind in asked.values():
        for query in kind[:10]:
            daemon.call("search", {"query": query})
    everything, indexed = [], []
    for kind, made in asked.items():
        times, cut = [], 0
        for query in made:
            began = time.perf_counter()
            found = daemon.call("search", {"query": query, "limit": 10})
            times.append(time.perf_counter() - began)
            cut += not found["complete"]
        everything += times
        if kind != "re: without one":
            indexed += times
        print(f"  {kind:20} {milliseconds(times)}   cut {cut}")
    print(f"  {'all':20} {milliseconds(everything)}")
    print(f"  {'without the last':20} {milliseconds(indexed)}")
    after = daemon.memory()
    print(f"resident after {len(everything)} searches: {after[0] / 1024:.0f} MiB, {(after[0] - begun[0]) / 1024:.0f} more than at the start")

    ripgrep = shutil.which("rg")
    if ripgrep:
        times = []
        for query in asked["unique identifier"][:20]:
            began = time.perf_counter()
            subprocess.run([ripgrep, "--fixed-strings", "--files-with-matches", query, ROOT], stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - began)
        print(f"  {'ripgrep':20} {milliseconds(times)}")
    else:
        print("SKIPPED ripgrep: it is not installed")

    waits = []
    for number in range(20):
        token = f"freshly_written_{number}_{os.getpid()}"
        began = time.monotonic()
        with open(os.path.join(ROOT, os.path.dirname(paths[number * 37]), f"fresh_{number}.rs"), "w") as file:
            file.write(f"fn {token}() {{}}\n")
        while not daemon.call("search", {"query": token})["ids"]:
            time.sleep(0.005)
        waits.append(time.monotonic() - began)
    print(f"a file that another program wrote is found after {milliseconds(waits)}")

    eight = next(path for path in paths if 7_900 < os.path.getsize(os.path.join(ROOT, path)) < 8_300)
    identifier = "lukhas-path:" + base64.b64encode(eight.encode()).decode()
    def processor_a_call(call, calls=10_000):
        for _ in range(200):
            call()
        before = daemon.processor()
        for _ in range(calls):
            call()
        return (daemon.processor() - before) / calls * 1e6

    fetch = processor_a_call(lambda: daemon.call("fetch", {"id": identifier}))
    ping = processor_a_call(daemon.ping)
    print(f"fetch of a file of 8 kB: {fetch:.0f} us of processor a call, {ping:.0f} of them for what any call costs")
    daemon.end()

    daemon = Daemon()
    print(f"ready to be searched again {daemon.until('the repository can be searched'):.2f} s after a restart")
    daemon.end()


main()
