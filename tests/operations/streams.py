"""How much later than from the daemon itself does an event arrive through a proxy?

Runs the shipped eval some times, reads the daemon's own stream beside the file into which curl
writes the proxied one, and prints the delays between the two as JSON.
Arguments: the daemon's address, a key, the file.
"""

import json
import statistics
import sys
import threading
import time
import urllib.request

JOBS = 4
PATIENCE = 30

address, key, path = sys.argv[1:]


def request(where, body=None):
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    return urllib.request.Request(address + where, body, headers)


def direct(arrivals):
    """Notes when each event comes from the daemon itself."""
    with urllib.request.urlopen(request("/sse?topic=jobs"), timeout=PATIENCE) as stream:
        for line in stream:
            note(line.decode(), arrivals)


def proxied(arrivals, is_over):
    """Notes when each event comes into the file."""
    rest = ""
    with open(path, encoding="utf-8") as file:
        while not is_over.is_set():
            read = file.read()
            if not read:
                time.sleep(0.002)
                continue
            *lines, rest = (rest + read).split("\n")
            for line in lines:
                note(line, arrivals)


def note(line, arrivals):
    if line.startswith("id:"):
        arrivals.setdefault(line[3:].strip(), time.monotonic())


def until(holds, what):
    began = time.monotonic()
    while not holds():
        if PATIENCE < time.monotonic() - began:
            sys.exit(f"{what} did not come about")
        time.sleep(0.01)


def opened():
    with open(path, encoding="utf-8") as file:
        return "event: open" in file.read()


def run_eval():
    arguments = {"taskId": "smollm2.quick", "configId": "default"}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    call["params"] = {"name": "run_eval", "arguments": arguments}
    with urllib.request.urlopen(request("/mcp", json.dumps(call).encode()), timeout=PATIENCE) as answer:
        result = json.load(answer)["result"]
    if result.get("isError"):
        sys.exit(f"the eval was refused: {result}")


from_daemon, through_proxy, is_over = {}, {}, threading.Event()
threading.Thread(target=direct, args=[from_daemon], daemon=True).start()
until(opened, "the proxied stream")
following = threading.Thread(target=proxied, args=[through_proxy, is_over], daemon=True)
following.start()
# The daemon's own stream tells nothing that could be waited for here before the first event.
time.sleep(0.5)
for job in range(JOBS):
    run_eval()
    # Queued, running and completed; one after another, so that no event waits for another's sake.
    until(lambda: 3 * (job + 1) <= len(from_daemon), "a job's events from the daemon")
until(lambda: set(from_daemon) <= set(through_proxy), "the events through the proxy")
is_over.set()
following.join()
delays = [1000 * (through_proxy[event] - seen) for event, seen in from_daemon.items()]
found = {"events": len(delays), "median_ms": statistics.median(delays), "most_ms": max(delays)}
print(json.dumps({name: round(value, 1) for name, value in found.items()}))
