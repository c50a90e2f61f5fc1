"""What has to hold for the journal of a conversation, whatever became of the daemon meanwhile."""

import json

from checks import expect, expect_all


def calls_of(events):
    """Each call that a model wanted: its place, id, name and arguments."""
    for event in events:
        if event["type"] == "assistant_message":
            for call in json.loads(event["tool_calls"] or "[]"):
                yield event["seq"], call


def results_of(events, seq, call_id):
    """The results of a call up to the next answer, because ids may come again."""
    found = []
    for event in events:
        if event["seq"] <= seq:
            continue
        if event["type"] in ("assistant_message", "user_message"):
            break
        if event["type"] == "tool_result" and event["tool_call_id"] == call_id:
            found.append(event)
    return found


def events_of(home, conversation):
    return home.rows(
        "SELECT * FROM chat_events WHERE conversation_id = ? ORDER BY seq", conversation)


def outcomes(home, conversation):
    """What was told of each call: its name, arguments, outcome and text."""
    events = events_of(home, conversation)
    for seq, call in calls_of(events):
        for result in results_of(events, seq, call["id"]):
            outcome = json.loads(result["extra"])["outcome"]
            yield call["name"], read(call["arguments"]), outcome, result["content"]


def read(arguments):
    """The arguments of a call; as they are, where they are no JSON."""
    try:
        return json.loads(arguments)
    except (TypeError, ValueError):
        return arguments


def look(what, home, conversation):
    """Looks at what holds for every journal, and that nothing is under way."""
    look_alone(what, home, conversation)
    begun = home.rows("SELECT request_id FROM chat_turns WHERE status IN ('queued', 'running')")
    expect_all(f"{what}: requests that are not over", begun)


def look_alone(what, home, conversation):
    """Looks at what holds for every journal."""
    events = events_of(home, conversation)
    places = [event["seq"] for event in events]
    expect(f"{what}: places without gaps", list(range(1, len(places) + 1)), places)
    wrong = [call["id"] for seq, call in calls_of(events)
             if len(results_of(events, seq, call["id"])) != 1]
    expect_all(f"{what}: calls without exactly one result", wrong)
    wanted = len(list(calls_of(events)))
    results = [event for event in events if event["type"] == "tool_result"]
    expect(f"{what}: results that belong to a call", wanted, len(results))


def faults_of(messages):
    """What no provider would take of a list of messages on the wire of chat completions."""
    open_calls = []
    for n, message in enumerate(messages):
        role = message["role"]
        if role == "tool":
            if message["tool_call_id"] not in open_calls:
                yield f"{n}: a result of no call"
            else:
                open_calls.remove(message["tool_call_id"])
            continue
        if open_calls:
            yield f"{n}: calls without results: {open_calls}"
        open_calls = [call["id"] for call in message.get("tool_calls") or []]
        if role == "system" and n:
            yield f"{n}: a system prompt in the middle"
    if open_calls or messages[-1]["role"] == "assistant":
        yield "it does not end with what is to be answered"
