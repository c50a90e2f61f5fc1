"""The official Python client, second generation: with the newest revision, and with the handshake."""

import asyncio
import json
import os
import warnings
from typing import Any, Literal
from urllib.parse import unquote

import httpx2
import mcp_types as types
from mcp import Client, MCPError
from mcp.client.extension import ClientExtension, ResultClaim
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from checks import (
    ALL, PATIENCE, PROMPTS, TURN, Checks, alone, among_others, arguments, ends_at_the_daemon, finish, told_no_more,
    until,
)

TASKS = "io.modelcontextprotocol/tasks"
TEMPLATES = {"job://{id}", "canary://{id}", "model://{id}", "repo://{path}", "audit://{id}"}
AREAS = [
    "connect", "tools", "structured", "resources", "prompts", "completion", "progress", "cancel", "confirm",
    "subscriptions",
]

warnings.simplefilter("ignore")
address, key, world = arguments()
# Set by the program that has all of this said over standard input and output.
OVER = os.environ.get("OVER", "http")


class TaskMade(types.Result):
    """What a call is answered with that goes on as a task."""

    result_type: Literal["task"] = "task"
    task_id: str
    status: str
    ttl_ms: int | None = None
    poll_interval_ms: int | None = None


class TaskParams(types.RequestParams):
    task_id: str


class TaskRequest(types.Request[TaskParams, str]):
    name_param = "taskId"


class Task(types.Result):
    task_id: str
    status: str
    result: dict[str, Any] | None = None


class Acknowledged(types.Result):
    """The answer to a wish that a task be cancelled."""


class TasksExtension(ClientExtension):
    """Follows a task to its end, or cancels it, as told beforehand."""

    identifier = TASKS

    def __init__(self):
        self.made, self.statuses, self.cancel = None, [], False

    def claims(self):
        return [ResultClaim(result_type="task", model=TaskMade, resolve=self.follow)]

    async def follow(self, made, context):
        self.made, self.statuses = made, [made.status]

        async def ask(method, result):
            request = TaskRequest(method=method, params=TaskParams(task_id=made.task_id))
            return await context.session.send_request(request, result)

        if self.cancel:
            await ask("tasks/cancel", Acknowledged)

        async def over():
            task = await ask("tasks/get", Task)
            self.statuses.append(task.status)
            return task if task.status in ("completed", "failed", "cancelled") else None

        task = await until("the end of the task", over)
        content = task.result or {"content": [{"type": "text", "text": task.status}], "isError": True}
        return types.CallToolResult.model_validate(content)


async def connect(client, checks, revision):
    checks.that("connect", f"revision {revision}", client.protocol_version == revision, client.protocol_version)
    info = client.server_info
    checks.that("connect", "the server says who it is", info and info.name and info.version, info)
    offered = client.server_capabilities
    all_there = offered.tools and offered.resources and offered.prompts and offered.completions is not None
    checks.that("connect", "all that is checked is offered", all_there, offered)


async def tools(client, checks):
    listed = (await client.list_tools()).tools
    names = [tool.name for tool in listed]
    checks.that("tools", "search is first, fetch second", names[:2] == ["search", "fetch"], names)
    hints = ["read_only_hint", "destructive_hint", "idempotent_hint", "open_world_hint"]
    bare = [
        tool.name
        for tool in listed
        if not (tool.title and tool.output_schema)
        or any(getattr(tool.annotations, hint, None) is None for hint in hints)
    ]
    checks.that("tools", "each has a title, an output schema and four hints", not bare, bare)
    failed = await client.call_tool("fetch", {"id": "lukhas-path:bm93aGVyZQ=="})
    checks.that("tools", "what a tool cannot do is a result", failed.is_error and failed.content[0].text, failed)
    try:
        answer = await client.call_tool("no_such_tool")
        checks.that("tools", "an unknown tool is an error", False, answer)
    except MCPError as error:
        checks.that("tools", "an unknown tool is an error", error.code == types.INVALID_PARAMS, error)


async def structured(client, checks):
    # The client holds each answer against the output schema it listed.
    for tool, given in (
        ("status", {"jobId": world["done"]}),
        ("list_jobs", {}),
        ("canary_status", {"canaryId": world["rolledBack"]}),
        ("search", {"query": "repository"}),
        ("list_models", {}),
        ("why", {"id": world["rolledBack"]}),
        ("why_math", {"id": world["rolledBack"]}),
        ("get_infrastructure_status", {}),
    ):
        answer = await client.call_tool(tool, given)
        good = not answer.is_error and isinstance(answer.structured_content, dict)
        if good and tool != "why":
            good = json.loads(answer.content[0].text) == answer.structured_content
        checks.that("structured", tool, good, answer)


async def resources(client, checks):
    templates = {template.uri_template for template in (await client.list_resource_templates()).resource_templates}
    checks.that("resources", "templates", templates >= TEMPLATES, templates)
    listed = [str(resource.uri) for resource in (await client.list_resources()).resources]
    checks.that("resources", "a job is listed", f"job://{world['done']}" in listed, listed)
    # A colon in a name is no port, so how it is written is the server's to say.
    model = next((uri for uri in listed if unquote(uri) == f"model://{world['model']}"), "no model is listed")
    for uri, part in (
        (f"job://{world['done']}", "COMPLETED"),
        (f"canary://{world['rolledBack']}", "ROLLED_BACK"),
        (model, world["model"]),
        ("repo://README.md", "A repository for clients"),
        (f"audit://{world['rolledBack']}", "canary_rollback"),
    ):
        contents = (await client.read_resource(uri, cache_mode="bypass")).contents
        text = "".join(content.text for content in contents)
        checks.that("resources", uri.split(":")[0], part in text, text)
    try:
        answer = await client.read_resource("job://job_that_never_was")
        checks.that("resources", "one that is not there is an error", False, answer)
    except MCPError as error:
        code = -32602 if client.protocol_version == "2026-07-28" else -32002
        checks.that("resources", "one that is not there is an error", error.code == code, error)


async def complete(client, prompt, name, given, value=""):
    ref = types.PromptReference(name=prompt)
    answer = await client.complete(ref, {"name": name, "value": value}, context_arguments=given)
    return answer.completion.values


async def prompts(client, checks):
    listed = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
    checks.that("prompts", "are listed", listed.keys() >= set(PROMPTS), listed.keys())
    for name in PROMPTS:
        given = {}
        for argument in listed[name].arguments or []:
            values = await complete(client, name, argument.name, given)
            if values or argument.required:
                given[argument.name] = values[0] if values else "words"
        messages = (await client.get_prompt(name, given)).messages
        checks.that("prompts", f"{name} {given}", messages and messages[0].content, messages)


async def completion(client, checks):
    ref = types.ResourceTemplateReference(uri="job://{id}")
    beginning = world["failed"][:8]
    values = (await client.complete(ref, {"name": "id", "value": beginning})).completion.values
    good = world["failed"] in values and all(value.startswith(beginning) for value in values)
    checks.that("completion", "the ids of jobs", good, values)
    values = (await client.complete(ref, {"name": "id", "value": "nothing begins so"})).completion.values
    checks.that("completion", "of what there is not", values == [], values)
    argument = (await client.list_prompts()).prompts
    argument = next(prompt for prompt in argument if prompt.name == "explain_rollback").arguments[0].name
    values = await complete(client, "explain_rollback", argument, {})
    checks.that("completion", "canaries that were rolled back", world["rolledBack"] in values, values)


async def progress(client, checks):
    job = (await client.call_tool("run_eval", {"taskId": "steps", "configId": "default"})).structured_content
    told = []

    async def tell(done, total, message):
        told.append((done, total, message))

    waiting = {"jobId": job["jobId"], "waitSeconds": 15}
    answer = await client.call_tool("status", waiting, progress_callback=tell)
    steps = [done for done, _, _ in told]
    checks.that("progress", f"was told {len(told)} times", len(told) >= 2, told)
    checks.that("progress", "only rises", steps and steps == sorted(set(steps)), told)
    status = answer.structured_content["status"]
    checks.that("progress", "the answer comes at the end", status == "COMPLETED", status)


async def cancel(client, checks):
    waiting = {"jobId": world["sleeping"], "waitSeconds": 20}
    async with alone():
        call = asyncio.create_task(client.call_tool("status", waiting))

        async def stop():
            call.cancel()

        await ends_at_the_daemon(checks, call, stop)
    after = await client.call_tool("status", {"jobId": world["sleeping"]})
    status = after.structured_content["status"]
    checks.that("cancel", "the job goes on", status == "RUNNING", status)


class User:
    """Who is asked by a form: says yes or no as told beforehand, and keeps what was asked."""

    def __init__(self):
        self.asked, self.says = [], True

    async def __call__(self, context, params):
        self.asked.append(params.message)
        if self.says:
            return types.ElicitResult(action="accept", content={"confirm": True})
        return types.ElicitResult(action="decline")


async def confirm(client, checks, user):
    model = f"asked-over-{OVER}-{client.protocol_version}"
    answer = await client.call_tool("promote_model", {"modelId": f"{model}:v1", "gate": "staging"})
    checks.that("confirm", "the user is asked", len(user.asked) == 1 and model in user.asked[0], user.asked)
    good = not answer.is_error and answer.structured_content["promoted"]
    checks.that("confirm", "yes promotes", good, answer)
    user.says = False
    answer = await client.call_tool("promote_model", {"modelId": f"{model}:v2", "gate": "staging"})
    checks.that("confirm", "no is a result that says so", len(user.asked) == 2 and answer.is_error, answer)
    models = json.dumps((await client.call_tool("list_models", {})).structured_content)
    checks.that("confirm", "and leaves everything as it was", f"{model}:v2" not in models, models)


async def tasks(client, extension, checks):
    answer = await client.call_tool("run_eval", {"taskId": "quick", "configId": "default"})
    made = extension.made
    checks.that("tasks", "an eval is a task", made and made.task_id.startswith("job_"), made)
    last = extension.statuses[-1]
    checks.that("tasks", "it is completed", last == "completed", extension.statuses)
    text = answer.content[0].text
    good = not answer.is_error and json.loads(text)["status"] == "COMPLETED"
    checks.that("tasks", "its result is the job", good, answer)
    extension.cancel = True
    answer = await client.call_tool("run_eval", {"taskId": "sleep", "configId": "default"})
    checks.that("tasks", "it is cancelled", extension.statuses[-1] == "cancelled", extension.statuses)
    extension.cancel = False
    await client.call_tool("run_eval", {"taskId": "fail", "configId": "default"})
    checks.that("tasks", "an eval that fails is completed", extension.statuses[-1] == "completed", extension.statuses)


async def listen(client, checks):
    job = (await client.call_tool("run_eval", {"taskId": "steps", "configId": "default"})).structured_content
    uri = f"job://{job['jobId']}"
    async with client.listen(resource_subscriptions=[uri], tools_list_changed=True) as subscription:
        honored = subscription.honored.resource_subscriptions
        checks.that("subscriptions", "the job is followed", honored == [uri], subscription.honored)
        event = await asyncio.wait_for(anext(subscription), PATIENCE)
        checks.that("subscriptions", "its change is told", event.uri == uri, event)
    status = await client.call_tool("status", {"jobId": job["jobId"]})
    checks.that("subscriptions", "the client goes on", not status.is_error, status)


async def subscribe(client, checks, heard):
    job = (await client.call_tool("run_eval", {"taskId": "steps", "configId": "default"})).structured_content
    uri = f"job://{job['jobId']}"
    await client.subscribe_resource(uri)

    async def told():
        return [message for message in heard if getattr(message, "method", "") == "notifications/resources/updated"]

    first = await until("a notification", told)
    checks.that("subscriptions", "its change is told", str(first[0].params.uri) == uri, first)
    await client.unsubscribe_resource(uri)

    async def state():
        return (await client.call_tool("status", {"jobId": job["jobId"]})).structured_content

    await told_no_more(checks, told, state)


async def logging(client, checks):
    await client.set_logging_level("debug")
    checks.that("logging", "its level is taken", True)
    await client.send_ping()
    checks.that("logging", "a ping is answered", True)


def transport():
    if OVER == "stdio":
        environment = {"LUKHAS_MCP_API_KEY": key}
        given = ["mcp-stdio", "--url", address]
        return stdio_client(StdioServerParameters(command=os.environ["BRIDGE"], args=given, env=environment))
    return streamable_http_client(address + "/mcp", http_client=httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {key}"}, timeout=60
    ))


async def both_eras(client, checks):
    await checks.area("tools", tools(client, checks))
    await checks.area("structured", structured(client, checks))
    await checks.area("resources", resources(client, checks))
    await checks.area("prompts", prompts(client, checks))
    await checks.area("completion", completion(client, checks))
    await checks.area("progress", among_others(progress(client, checks)), patience=TURN + PATIENCE)
    await checks.area("cancel", cancel(client, checks), patience=TURN + PATIENCE)


async def modern(checks):
    async with Client(transport()) as client:
        await checks.area("connect", connect(client, checks, "2026-07-28"))
        await both_eras(client, checks)
        await checks.area("subscriptions", listen(client, checks))
    extension, user = TasksExtension(), User()
    async with Client(transport(), extensions=[extension], elicitation_callback=user) as client:
        await checks.area("confirm", confirm(client, checks, user))
        await checks.area("tasks", tasks(client, extension, checks))


async def legacy(checks):
    heard = []

    async def hear(message):
        heard.append(message)

    user = User()
    options = {"mode": "legacy", "message_handler": hear, "elicitation_callback": user}
    async with Client(transport(), **options) as client:
        await checks.area("connect", connect(client, checks, "2025-11-25"))
        await both_eras(client, checks)
        await checks.area("subscriptions", subscribe(client, checks, heard))
        await checks.area("confirm", confirm(client, checks, user))
        await checks.area("logging", logging(client, checks))


async def main():
    client = "Python mcp 2.3.0" + (" over stdio" if OVER == "stdio" else "")
    newest = Checks(f"{client}, 2026-07-28", [*AREAS, "tasks"])
    await newest.area("connect", modern(newest), patience=ALL)
    handshake = Checks(f"{client}, 2025-11-25", [*AREAS, "logging"])
    await handshake.area("connect", legacy(handshake), patience=ALL)
    finish(newest, handshake)


if __name__ == "__main__":
    asyncio.run(main())
