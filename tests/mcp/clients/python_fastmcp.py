"""FastMCP's client with its tasks: the revision that it finds by itself, which is the newest."""

import asyncio

import mcp_types as types
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.exceptions import ToolError
from fastmcp_tasks.client import call_tool_task
from mcp import MCPError

from checks import (
    ALL, PATIENCE, PROMPTS, TURN, Checks, alone, among_others, arguments, ends_at_the_daemon, finish,
)

AREAS = [
    "connect", "tools", "structured", "resources", "prompts", "completion", "progress", "cancel", "confirm", "logging",
    "tasks",
]

address, key, world = arguments()


async def tools(client, checks):
    names = [tool.name for tool in await client.list_tools()]
    checks.that("tools", "search is first, fetch second", names[:2] == ["search", "fetch"], names)
    try:
        answer = await client.call_tool("canary_status", {"canaryId": "canary_that_never_was"})
        checks.that("tools", "what a tool cannot do raises its sentence", False, answer)
    except ToolError as error:
        checks.that("tools", "what a tool cannot do raises its sentence", "canary" in str(error), error)


async def structured(client, checks):
    # The client makes a value of each answer by its output schema.
    for tool, given, status in (
        ("status", {"jobId": world["done"]}, "COMPLETED"),
        ("canary_status", {"canaryId": world["watched"]}, "RUNNING"),
        ("list_jobs", {}, None),
    ):
        answer = await client.call_tool(tool, given)
        good = answer.data is not None and answer.structured_content.get("status") == status
        checks.that("structured", tool, good, answer)


async def resources(client, checks):
    templates = [template.uri_template for template in await client.list_resource_templates()]
    checks.that("resources", "templates", len(templates) >= 5, templates)
    listed = [str(resource.uri) for resource in await client.list_resources()]
    checks.that("resources", "a job is listed", f"job://{world['done']}" in listed, listed)
    contents = await client.read_resource(f"canary://{world['watched']}")
    checks.that("resources", "a canary", "RUNNING" in contents[0].text, contents)
    try:
        answer = await client.read_resource("repo://../secret")
        checks.that("resources", "nothing outside the repository", False, answer)
    except MCPError as error:
        checks.that("resources", "nothing outside the repository", error.code == -32602, error)


async def prompts(client, checks):
    listed = {prompt.name: prompt for prompt in await client.list_prompts()}
    checks.that("prompts", "are listed", listed.keys() >= set(PROMPTS), listed.keys())
    for prompt in map(listed.get, PROMPTS):
        given = {}
        for argument in prompt.arguments or []:
            ref = types.PromptReference(name=prompt.name)
            values = (await client.complete(ref, {"name": argument.name, "value": ""}, given)).values
            if values or argument.required:
                given[argument.name] = values[0] if values else "words"
        messages = (await client.get_prompt(prompt.name, given)).messages
        checks.that("prompts", f"{prompt.name} {given}", messages and messages[0].content, messages)


async def completion(client, checks):
    ref = types.ResourceTemplateReference(uri="model://{id}")
    values = (await client.complete(ref, {"name": "id", "value": "adder"})).values
    checks.that("completion", "the names of models", world["model"] in values, values)


async def progress(client, checks):
    told = []

    async def tell(done, total, message):
        told.append(done)

    # A task has no progress of its own: the waiting for it has.
    job = await call_tool_task(client, "run_eval", {"taskId": "steps", "configId": "default"})
    waiting = {"jobId": job.task_id, "waitSeconds": 15}
    answer = await client.call_tool("status", waiting, progress_handler=tell)
    checks.that("progress", f"was told {len(told)} times", len(told) >= 2, told)
    checks.that("progress", "only rises", told and told == sorted(set(told)), told)
    status = answer.structured_content["status"]
    checks.that("progress", "the answer comes at the end", status == "COMPLETED", status)


async def cancel(client, checks):
    waiting = {"jobId": world["sleeping"], "waitSeconds": 20}
    async with alone():
        call = asyncio.create_task(client.call_tool("status", waiting, timeout=3))

        async def stop():
            (error,) = await asyncio.gather(call, return_exceptions=True)
            checks.that("cancel", "its time is over", isinstance(error, MCPError) and "imed out" in str(error), error)

        await ends_at_the_daemon(checks, call, stop)
    after = await client.call_tool("status", {"jobId": world["sleeping"]})
    status = after.structured_content["status"]
    checks.that("cancel", "the job goes on", status == "RUNNING", status)


async def confirm(client, checks, asked):
    answer = await client.call_tool("promote_model", {"modelId": "asked-fastmcp:v1", "gate": "staging"})
    good = len(asked) == 1 and answer.structured_content["promoted"]
    checks.that("confirm", "the user is asked, and yes promotes", good, [asked, answer])


async def tasks(client, checks):
    # It is one without being asked for, and the call ends with the job's end.
    answer = await client.call_tool("run_eval", {"taskId": "quick", "configId": "default"})
    checks.that("tasks", "a call waits for its task", answer.structured_content["status"] == "COMPLETED", answer)
    task = await call_tool_task(client, "run_eval", {"taskId": "quick", "configId": "default"})
    state = await task.wait(state="completed", timeout=15)
    checks.that("tasks", "it is completed", state.status == "completed" and state.result, state)
    result = await task.result()
    checks.that("tasks", "its result is the job", result.structured_content["jobId"] == task.task_id, result)
    task = await call_tool_task(client, "run_eval", {"taskId": "sleep", "configId": "default"})
    await task.cancel()
    state = await task.wait(state="cancelled", timeout=15)
    checks.that("tasks", "it is cancelled", state.status == "cancelled", state)
    # A task is the job itself: whoever knows jobs finds it.
    job = await client.call_tool("status", {"jobId": task.task_id})
    checks.that("tasks", "so is the job", job.structured_content["status"] == "CANCELLED", job)


async def everything(checks):
    transport = StreamableHttpTransport(address + "/mcp", headers={"X-API-Key": key})
    asked, logged = [], []

    async def log(message):
        logged.append(message)

    async def ask(message, response_type, params, context):
        asked.append(message)
        return {"confirm": True}

    async with Client(transport, timeout=30, elicitation_handler=ask, log_handler=log) as client:
        checks.that("connect", "revision 2026-07-28", client.protocol_version == "2026-07-28", client.protocol_version)
        await checks.area("tools", tools(client, checks))
        await checks.area("structured", structured(client, checks))
        await checks.area("resources", resources(client, checks))
        await checks.area("prompts", prompts(client, checks))
        await checks.area("completion", completion(client, checks))
        await checks.area("progress", among_others(progress(client, checks)), patience=TURN + PATIENCE)
        # This client wants to be told everything; who waits for a job hears what becomes of it.
        checks.that("logging", f"{len(logged)} messages came", logged and logged[0].logger == "jobs", logged)
        await checks.area("cancel", cancel(client, checks), patience=TURN + PATIENCE)
        await checks.area("confirm", confirm(client, checks, asked))
        await checks.area("tasks", tasks(client, checks))


async def main():
    checks = Checks("FastMCP 4.1.2, 2026-07-28", AREAS)
    await checks.area("connect", everything(checks), patience=ALL)
    finish(checks)


asyncio.run(main())
