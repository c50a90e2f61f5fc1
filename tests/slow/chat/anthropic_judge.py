"""What the official SDK makes of a request of ours: its types, its own client, and the rules of the
API that no type tells."""

import json
import re
import types as python_types

import anthropic
import httpx2
import pydantic
from anthropic.types.message_create_params import MessageCreateParamsStreaming

ADAPTER = pydantic.TypeAdapter(MessageCreateParamsStreaming)
# Said by the client of itself, and not of the request.
OWN = {"user-agent", "accept", "accept-encoding", "connection", "host", "content-length", "anthropic-beta"}
# In which the daemon differs on purpose: it speaks the version that all servers of this wire know,
# with the key in the header that they know.
VERSION = "2023-06-01"
THEIRS = {"authorization", "anthropic-version"}


def materialised(value):
    """A value in which what is read only when it is asked for has been read, and so been judged."""
    if isinstance(value, dict):
        return {name: materialised(it) for name, it in value.items()}
    if isinstance(value, (str, bytes, int, float, bool, python_types.NoneType)):
        return value
    return [materialised(it) for it in value]


def by_types(body):
    """What the SDK's types say against a body: what they do not take, and what they do not know."""
    try:
        known = materialised(ADAPTER.validate_python(body))
    except pydantic.ValidationError as error:
        return [str(error)]
    return [] if known == body else [f"not known to the types: {lost(body, known, '')}"]


def lost(body, known, place):
    if isinstance(body, dict) and isinstance(known, dict):
        return [it for name in body
                for it in (lost(body[name], known[name], f"{place}.{name}") if name in known
                           else [f"{place}.{name}"])]
    if isinstance(body, list) and isinstance(known, list) and len(body) == len(known):
        return [it for n, (a, b) in enumerate(zip(body, known)) for it in lost(a, b, f"{place}[{n}]")]
    return [] if body == known else [place]


def by_client(path, headers, body):
    """In what a request differs from the one that the SDK's own client would send for the same."""
    sent = []

    def take(request):
        sent.append(request)
        return httpx2.Response(400, json={"type": "error", "error": {
            "type": "invalid_request_error", "message": "only looked at"}})

    key = headers.get("x-api-key")
    client = anthropic.Anthropic(
        api_key=key, base_url="http://127.0.0.1", max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(take)))
    try:
        client.messages.create(**body)
    except anthropic.BadRequestError:
        pass
    except TypeError as error:
        return [f"the client does not take it: {error}"]
    [theirs] = sent
    wrong = []
    if theirs.url.path != path:
        wrong.append(f"{path} instead of {theirs.url.path}")
    if json.loads(theirs.content) != body:
        wrong.append("another body")
    if headers.get("anthropic-version") != VERSION or not key or "authorization" in headers:
        wrong.append("another version, or another way to show the key")
    for name, value in theirs.headers.items():
        if name not in OWN | THEIRS and not name.startswith("x-stainless") and headers.get(name) != value:
            wrong.append(f"{name}: {headers.get(name)} instead of {value}")
    return wrong


def by_rules(body):
    """What the API refuses and no type does."""
    messages, wrong = body["messages"], []
    roles = [message["role"] for message in messages]
    if roles[:1] != ["user"] or roles[-1:] != ["user"]:
        wrong.append("it does not begin and end with the user")
    if any(a == b for a, b in zip(roles, roles[1:])):
        wrong.append("two messages of one side in a row")
    wanted = []
    for message in messages:
        blocks = message["content"]
        if not blocks:
            wrong.append("a message without content")
        if any(it["type"] == "text" and not it["text"].strip() for it in blocks):
            wrong.append("a text without a word")
        kinds = [it["type"] for it in blocks]
        results = [it["tool_use_id"] for it in blocks if it["type"] == "tool_result"]
        if kinds[:len(results)] != ["tool_result"] * len(results):
            wrong.append("results behind something else")
        if message["role"] == "user" and sorted(results) != sorted(wanted):
            wrong.append(f"results of {results} to calls of {wanted}")
        wanted = [it["id"] for it in blocks if it["type"] == "tool_use"]
        if any(not re.fullmatch(r"[a-zA-Z0-9_-]+", it) for it in wanted):
            wrong.append("an id that is not taken")
    names = [tool["name"] for tool in body.get("tools", [])]
    if len(set(names)) != len(names):
        wrong.append("two tools of one name")
    for tool in body.get("tools", []):
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool["name"]):
            wrong.append(f"a tool of the name {tool['name']}")
        schema = tool["input_schema"]
        if schema.get("type") != "object" or {"oneOf", "allOf", "anyOf"} & set(schema):
            wrong.append(f"the schema of {tool['name']}")
    return wrong
