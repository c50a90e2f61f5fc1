"""Makes what the clients look at, and writes its names to `world.json`.

Arguments: the daemon's address, a key, and that file. There are then a job that is done, one that
failed and one that sleeps, a model in a gate, a canary that was rolled back and one that goes on.
"""

import json
import sys
import time
import urllib.request

address, key, file = sys.argv[1:]


def call(tool, arguments):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    body["params"] = {"name": tool, "arguments": arguments}
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    request = urllib.request.Request(address + "/mcp", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        result = json.load(answer)["result"]
    if result.get("isError"):
        raise SystemExit(result["content"][0]["text"])
    return result["structuredContent"]


def job(task, *statuses):
    job_id = call("run_eval", {"taskId": task, "configId": "default"})["jobId"]
    for _ in range(200):
        if call("status", {"jobId": job_id})["status"] in statuses:
            return job_id
        time.sleep(0.05)
    raise SystemExit(f"{task} never became {statuses}")


def canary(model):
    call("promote_model", {"modelId": f"{model}:v1", "gate": "production"})
    call("promote_model", {"modelId": f"{model}:v2", "gate": "staging"})
    return call(
        "start_canary",
        {
            "modelId": f"{model}:v2",
            "fromGate": "staging",
            "toGate": "production",
            "windowSeconds": 3600,
            "targets": {"max_error_rate": 0.02},
        },
    )["canaryId"]


world = {
    "done": job("quick", "COMPLETED"),
    "failed": job("fail", "FAILED"),
    "sleeping": job("sleep", "RUNNING"),
    "rolledBack": canary("adder"),
    "watched": canary("divider"),
    "model": "adder:v1",
}
call("abort_canary", {"canaryId": world["rolledBack"], "reason": "so that there is one"})
with open(file, "w", encoding="utf-8") as out:
    json.dump(world, out)
print("  a daemon with", ", ".join(f"{name} {of}" for name, of in world.items()))
