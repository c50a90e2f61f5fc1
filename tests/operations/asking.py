"""Asks for evals without a pause until there is a file `enough`, and then counts what became of them.

A request that gets no answer, or is told to come again, is repeated with its idempotency key. Each
acknowledged job is a line of `acknowledged`. A reader of events resumes whenever its stream ends.
Writes `asked.json`. Arguments: the daemon's address, a key, the directory of those files.
"""

import collections
import http.client
import json
import pathlib
import sys
import threading
import time
import urllib.error
import urllib.request

PATIENCE = 60

address, key, directory = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
# What a daemon that is just away looks like: refused, reset, cut off in the middle, 503.
AWAY = (urllib.error.URLError, ConnectionError, http.client.HTTPException, TimeoutError)


def request(path, body=None, **headers):
    headers = {"X-API-Key": key, "Content-Type": "application/json"} | headers
    return urllib.request.Request(address + path, body, headers)


def call(tool, arguments):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    body["params"] = {"name": tool, "arguments": arguments}
    with urllib.request.urlopen(request("/mcp", json.dumps(body).encode()), timeout=10) as answer:
        result = json.load(answer)["result"]
    if result.get("isError"):
        raise ValueError(result["content"][0]["text"])
    return result["structuredContent"]


def persistently(tool, arguments):
    """Calls until there is an answer; returns it, and how often there was none."""
    began, missed = time.monotonic(), 0
    while True:
        try:
            return call(tool, arguments), missed
        except AWAY as error:
            missed += 1
            if PATIENCE < time.monotonic() - began:
                sys.exit(f"{tool} got no answer: {error}")
            time.sleep(0.02)


def follow(told):
    """Counts the events `completed` by job, over all streams."""
    last = None
    while True:
        try:
            headers = {} if last is None else {"Last-Event-ID": last}
            path = "/sse?topic=job/*" + ("&lastEventId=0" if last is None else "")
            with urllib.request.urlopen(request(path, **headers), timeout=30) as stream:
                event = None
                for line in stream:
                    name, _, value = line.decode().strip().partition(": ")
                    if name == "id":
                        last = value
                    elif name == "event":
                        event = value
                    elif name == "data" and event == "completed":
                        told[json.loads(value)["jobId"]] += 1
        except AWAY:
            time.sleep(0.02)


told = collections.Counter()
threading.Thread(target=follow, args=[told], daemon=True).start()
jobs, missed, number = [], 0, 0
with open(directory / "acknowledged", "a", encoding="ascii", buffering=1) as acknowledged:
    while not (directory / "enough").exists():
        number += 1
        arguments = {"taskId": "count", "configId": "default", "idempotencyKey": f"asked-{number}"}
        job, without_answer = persistently("run_eval", arguments)
        missed += without_answer
        jobs.append(job["jobId"])
        acknowledged.write(job["jobId"] + "\n")
        time.sleep(0.05)

began, statuses = time.monotonic(), {}
while len(statuses) < len(jobs) or sum(told.values()) < len(jobs):
    for job in jobs:
        if statuses.get(job) is None:
            status = persistently("status", {"jobId": job})[0]["status"]
            if status not in ("QUEUED", "RUNNING"):
                statuses[job] = status
    if PATIENCE < time.monotonic() - began:
        print(f"{len(jobs) - len(statuses)} jobs are not over, {len(told)} were told")
        break
    time.sleep(0.1)
# Whatever comes twice would come about now.
time.sleep(0.5)

listed, cursor = set(), None
while True:
    arguments = {"limit": 200} | ({"cursor": cursor} if cursor else {})
    page = persistently("list_jobs", arguments)[0]
    listed.update(job["jobId"] for job in page["jobs"])
    cursor = page.get("nextCursor")
    if not cursor:
        break

found = {
    "completed": sum(status == "COMPLETED" for status in statuses.values()),
    "jobs": len(listed),
    "told": len(told),
    "twice": sum(1 < times for times in told.values()),
}
(directory / "asked.json").write_text(json.dumps(found), encoding="ascii")
print(f"  {len(jobs)} jobs were acknowledged; {missed} requests got no answer and were repeated")
