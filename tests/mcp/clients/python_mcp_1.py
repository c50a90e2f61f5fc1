"""The official Python client, first generation: the handshake of 2025-11-25, with a session if there is one."""

import asyncio
import contextlib
import datetime
import json
import os
from urllib.parse import unquote

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client
from mcp.shared.exceptions import McpError
from pydantic import AnyUrl

from checks import (
    ALL, PATIENCE, PROMPTS, TURN, Checks, alone, among_others, arguments, ends_at_the_daemon, finish, told_no_more,
    until,
)

AREAS = [
    "connect", "tools", "structured", "resources", "prompts", "completion", "progress", "cancel", "confirm",
    "subscriptions", "logging",
]

address, key, world = arguments()
# Set by the program that has all of this said over standard input and output.
OVER = os.environ.get("OVER", "http")


@contextlib.asynccontextmanager
async def transport():
    """Both directions, and what tells the id of the session, if that is for the client to know."""
    if OVER == "stdio":
        given = ["mcp-stdio", "--url", address]
        bridge = StdioServerParameters(command=os.environ["BRIDGE"], args=given, env={"LUKHAS_MCP_API_KEY": key})
        async with stdio_client(bridge) as (read, write):
            yield read, write, None
    else:
        headers = {"X-API-Key": key}
        async with streamablehttp_client(address + "/mcp", headers=headers) as (read, write, session_id):
            yield read, write, session_id


class Kept:
    """The way to the server, with all that goes there: only that tells the ids of requests."""

    def __init__(self, write):
        self.write, self.sent = write, []

    async def send(self, message):
        self.sent.append(message.message.root)
        await self.write.send(message)

    async def __aenter__(self):
        await self.write.__aenter__()
        return self

    async def __aexit__(self, *why):
        return await self.write.__aexit__(*why)

    def last_call(self):
        """The id of the last call of a tool."""
        return [message.id for message in self.sent if getattr(message, "method", "") == "tools/call"][-1]


async def tools(session, checks):
    listed = (await session.list_tools()).tools
    names = [tool.name for tool in listed]
    checks.that("tools", "search is first, fetch second", names[:2] == ["search", "fetch"], names)
    failed = await session.call_tool("status", {"jobId": "job_that_never_was"})
    checks.that("tools", "what a tool cannot do is a result", failed.isError and failed.content[0].text, failed)
    try:
        answer = await session.call_tool("no_such_tool", {})
        checks.that("tools", "an unknown tool is an error", False, answer)
    except McpError as error:
        checks.that("tools", "an unknown tool is an error", error.error.code == types.INVALID_PARAMS, error)


async def structured(session, checks):
    # The client holds each answer against the output schema it listed.
    for tool, given in (
        ("status", {"jobId": world["failed"]}),
        ("canary_status", {"canaryId": world["watched"]}),
        ("list_canaries", {}),
        ("fetch", {"id": world["done"]}),
        ("model_history", {"modelId": world["model"]}),
    ):
        answer = await session.call_tool(tool, given)
        good = not answer.isError and json.loads(answer.content[0].text) == answer.structuredContent
        checks.that("structured", tool, good, answer)


async def resources(session, checks):
    templates = (await session.list_resource_templates()).resourceTemplates
    checks.that("resources", "templates", len(templates) >= 5, templates)
    # Each is parsed as an address, so one that is none spoils the list.
    listed = [str(resource.uri) for resource in (await session.list_resources()).resources]
    model = next((uri for uri in listed if unquote(uri) == f"model://{world['model']}"), "")
    checks.that("resources", "a model is listed", model, listed)
    for uri, part in ((f"job://{world['failed']}", "FAILED"), (model, world["model"]), ("repo://README.md", "#")):
        contents = (await session.read_resource(AnyUrl(uri))).contents
        checks.that("resources", uri.split(":")[0], part in contents[0].text, contents)
    try:
        answer = await session.read_resource(AnyUrl("canary://canary_that_never_was"))
        checks.that("resources", "one that is not there is an error", False, answer)
    except McpError as error:
        checks.that("resources", "one that is not there is an error", error.error.code == -32002, error)


async def prompts(session, checks):
    listed = {prompt.name: prompt for prompt in (await session.list_prompts()).prompts}
    checks.that("prompts", "are listed", listed.keys() >= set(PROMPTS), listed.keys())
    for prompt in map(listed.get, PROMPTS):
        given = {}
        for argument in prompt.arguments or []:
            ref = types.PromptReference(type="ref/prompt", name=prompt.name)
            values = (await session.complete(ref, {"name": argument.name, "value": ""}, given)).completion.values
            if values or argument.required:
                given[argument.name] = values[0] if values else "words"
        messages = (await session.get_prompt(prompt.name, given)).messages
        checks.that("prompts", f"{prompt.name} {given}", messages and messages[0].content, messages)


async def completion(session, checks):
    ref = types.ResourceTemplateReference(type="ref/resource", uri="canary://{id}")
    values = (await session.complete(ref, {"name": "id", "value": "canary_"})).completion.values
    checks.that("completion", "the ids of canaries", {world["rolledBack"], world["watched"]} <= set(values), values)


async def progress(session, checks):
    job = (await session.call_tool("run_eval", {"taskId": "steps", "configId": "default"})).structuredContent
    told = []

    async def tell(done, total, message):
        told.append(done)

    waiting = {"jobId": job["jobId"], "waitSeconds": 15}
    answer = await session.call_tool("status", waiting, progress_callback=tell)
    checks.that("progress", f"was told {len(told)} times", len(told) >= 2, told)
    checks.that("progress", "only rises", told and told == sorted(set(told)), told)
    status = answer.structuredContent["status"]
    checks.that("progress", "the answer comes at the end", status == "COMPLETED", status)


async def cancel(session, checks, kept):
    waiting = {"jobId": world["sleeping"], "waitSeconds": 20}
    async with alone():
        call = asyncio.create_task(session.call_tool("status", waiting))

        async def stop():
            # This client has no way to cancel but to say so by itself.
            params = types.CancelledNotificationParams(requestId=kept.last_call())
            cancelled = types.CancelledNotification(params=params)
            await session.send_notification(types.ClientNotification(cancelled))

        await ends_at_the_daemon(checks, call, stop)
    after = await session.call_tool("status", {"jobId": world["sleeping"]})
    status = after.structuredContent["status"]
    checks.that("cancel", "the job goes on", status == "RUNNING", status)


async def subscriptions(session, checks, heard):
    job = (await session.call_tool("run_eval", {"taskId": "steps", "configId": "default"})).structuredContent
    uri = f"job://{job['jobId']}"
    await session.subscribe_resource(AnyUrl(uri))

    async def told():
        return [
            message.root.params.uri
            for message in heard
            if isinstance(getattr(message, "root", None), types.ResourceUpdatedNotification)
        ]

    first = await until("a notification", told)
    checks.that("subscriptions", "its change is told", str(first[0]) == uri, first)
    await session.unsubscribe_resource(AnyUrl(uri))

    async def state():
        return (await session.call_tool("status", {"jobId": job["jobId"]})).structuredContent

    await told_no_more(checks, told, state)


async def confirm(session, checks, asked):
    answer = await session.call_tool("promote_model", {"modelId": f"asked-python-1-{OVER}:v1", "gate": "staging"})
    good = len(asked) == 1 and not answer.isError and answer.structuredContent["promoted"]
    checks.that("confirm", "the user is asked, and yes promotes", good, [asked, answer])


async def logging(session, checks):
    await session.set_logging_level("debug")
    checks.that("logging", "its level is taken", True)
    await session.send_ping()
    checks.that("logging", "a ping is answered", True)


async def everything(checks):
    heard, asked = [], []

    async def hear(message):
        heard.append(message)

    async def ask(context, params):
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"confirm": True})

    async with transport() as (read, write, session_id):
        patience = datetime.timedelta(seconds=30)
        options = {"message_handler": hear, "elicitation_callback": ask}
        kept = Kept(write)
        async with ClientSession(read, kept, patience, **options) as session:
            answer = await session.initialize()
            checks.that("connect", "revision 2025-11-25", answer.protocolVersion == "2025-11-25", answer)
            if session_id:
                checks.that("connect", "with a session", session_id(), session_id())
            await checks.area("tools", tools(session, checks))
            await checks.area("structured", structured(session, checks))
            await checks.area("resources", resources(session, checks))
            await checks.area("prompts", prompts(session, checks))
            await checks.area("completion", completion(session, checks))
            await checks.area("progress", among_others(progress(session, checks)), patience=TURN + PATIENCE)
            await checks.area("cancel", cancel(session, checks, kept), patience=TURN + PATIENCE)
            await checks.area("confirm", confirm(session, checks, asked))
            await checks.area("subscriptions", subscriptions(session, checks, heard))
            await checks.area("logging", logging(session, checks))


async def main():
    client = "Python mcp 1.30.0" + (" over stdio" if OVER == "stdio" else "")
    checks = Checks(f"{client}, 2025-11-25", AREAS)
    await checks.area("connect", everything(checks), patience=ALL)
    finish(checks)


if __name__ == "__main__":
    asyncio.run(main())
