"""The inspector's command line, strict about schemas: both eras, and a small load."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from checks import Checks, arguments, finish

AREAS = ["connect", "tools", "structured", "resources", "prompts", "app", "load"]
INSPECTOR = Path(__file__).parent / "inspector/node_modules/.bin/mcp-inspector"

address, key, world = arguments()
home = tempfile.mkdtemp()


def inspect(era, *options):
    """Asks by the inspector: its exit code, what it answered, and what it complained of."""
    command = ["node", str(INSPECTOR), "--cli", "--server-url", f"{address}/mcp", "--transport", "http"]
    command += ["--protocol-era", era, "--header", f"X-API-Key: {key}", "--stored-auth-only", "--format", "json"]
    environment = os.environ | {"HOME": home}
    done = subprocess.run(command + list(options), capture_output=True, text=True, timeout=60, env=environment)
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        answer = {}
    return done.returncode, answer.get("result", answer), done.stderr


def judge(era, revision):
    checks = Checks(f"Inspector 2.12.0, {revision}", AREAS)
    code, answer, complaints = inspect(era, "--method", "tools/list", "--strict")
    names = [tool["name"] for tool in answer.get("tools", [])]
    checks.that("connect", f"as {era}", code == 0, complaints)
    checks.that("tools", f"{len(names)} are listed", names[:2] == ["search", "fetch"], names)
    errors = next((line for line in complaints.splitlines() if " errors, " in line), "0 errors, 0 warnings")
    checks.that("tools", f"strict: {errors}", code == 0 and errors.startswith("0 errors"), complaints)

    code, answer, complaints = inspect(
        era, "--method", "tools/call", "--tool-name", "status", "--tool-arg", f"jobId={world['done']}"
    )
    content = answer.get("structuredContent", {})
    checks.that("structured", "status", code == 0 and content.get("status") == "COMPLETED", [answer, complaints])
    code, answer, complaints = inspect(
        era, "--method", "tools/call", "--tool-name", "status", "--tool-arg", "jobId=job_that_never_was"
    )
    checks.that("tools", "what a tool cannot do is exit code 5", code == 5, [answer, complaints])

    code, answer, complaints = inspect(era, "--method", "resources/templates/list")
    checks.that("resources", "templates", len(answer.get("resourceTemplates", [])) >= 5, [answer, complaints])
    code, answer, complaints = inspect(era, "--method", "resources/read", "--uri", f"job://{world['done']}")
    text = json.dumps(answer.get("contents", []))
    checks.that("resources", "a job", code == 0 and "COMPLETED" in text, [answer, complaints])

    code, answer, complaints = inspect(era, "--method", "prompts/list")
    listed = answer.get("prompts", [])
    checks.that("prompts", f"{len(listed)} are listed", code == 0 and len(listed) >= 4, [answer, complaints])

    for tool, has_app in (("status", True), ("canary_status", True), ("abort_canary", False)):
        code, answer, complaints = inspect(
            era, "--method", "tools/call", "--tool-name", tool, "--app-info", "--advertise-apps"
        )
        app = answer.get("appInfo", {})
        checks.that("app", f"{tool}: {has_app}", app.get("hasApp") is has_app, [answer, complaints])
        if has_app:
            told = [app.get(name) for name in ("resourceUri", "resourceMimeType", "resourceError", "csp")]
            expected = ["ui://lukhas/cockpit.html", "text/html;profile=mcp-app", None, None]
            checks.that("app", f"{tool}: its page is read, and may reach nothing", told == expected, answer)

    code, answer, complaints = inspect(
        era, "--method", "tools/call", "--tool-name", "status", "--tool-arg", f"jobId={world['done']}",
        "--load", "--load-requests", "300", "--load-concurrency", "20",
    )
    checks.that("load", f"300 calls by 20: {json.dumps(answer)[:300]}", code == 0, [answer, complaints])
    return checks


finish(judge("modern", "2026-07-28"), judge("legacy", "2025-11-25"))
