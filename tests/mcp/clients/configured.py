"""What `client-config` prints, put before a client: the inspector reads the files of several. It knows
no variables, so the key is put where the client would put it; and for an address without a type it
takes another transport than Cursor does, so it is told the type."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from checks import Checks, arguments, finish

INSPECTOR = Path(__file__).parent / "inspector/node_modules/.bin/mcp-inspector"
VARIABLE = "LUKHAS_MCP_API_KEY"

address, key, world = arguments()
home = Path(tempfile.mkdtemp())
key_file = home / "key"
key_file.write_text(key, encoding="utf-8")
environment = os.environ | {"HOME": str(home), "LUKHAS_MCP_API_KEY_FILE": str(key_file)}


def printed(client):
    command = [os.environ["BRIDGE"], "client-config", client, "--url", address, "--name", "here"]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, env=environment, check=True).stdout


def inspect(file, *options):
    """Asks by the inspector: its exit code, what it answered, and what it complained of."""
    command = ["node", str(INSPECTOR), "--cli", "--config", str(file), "--server", "here", "--stored-auth-only"]
    command += ["--format", "json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        answer = {}
    return done.returncode, answer.get("result", answer), done.stderr


def judge(checks, client, stands_for_key, era):
    text = printed(client)
    checks.that("connect", f"{client}: no key is printed", key not in text, text)
    if stands_for_key:
        checks.that("connect", f"{client}: it says where the key is", stands_for_key in text, text)
        text = text.replace(stands_for_key, key)
    settings = json.loads(text)
    if client == "cursor":
        settings["mcpServers"]["here"]["type"] = "http"
    file = home / f"{client}.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    code, answer, complaints = inspect(file, "--protocol-era", era, "--method", "tools/list", "--strict")
    names = [tool["name"] for tool in answer.get("tools", [])]
    good = code == 0 and names[:2] == ["search", "fetch"]
    checks.that("tools", f"{client}, {era}: {len(names)} are listed", good, [answer, complaints])
    options = ["--method", "tools/call", "--tool-name", "status", "--tool-arg", f"jobId={world['done']}"]
    code, answer, complaints = inspect(file, "--protocol-era", era, *options)
    content = answer.get("structuredContent", {})
    good = code == 0 and content.get("status") == "COMPLETED"
    checks.that("structured", f"{client}, {era}: status", good, [answer, complaints])


checks = Checks("Inspector 2.12.0, configured", ["connect", "tools", "structured"])
for era in ("modern", "legacy"):
    judge(checks, "claude-desktop", None, era)
judge(checks, "claude-code", f"${{{VARIABLE}}}", "legacy")
judge(checks, "cursor", f"${{env:{VARIABLE}}}", "modern")
finish(checks)
