"""The wire of Anthropic's messages, judged by the official Python SDK: its types and its client judge
what the daemon sends, and its own models write what the daemon is answered."""

import http.server
import json
import threading

from anthropic import types
from anthropic.lib.streaming._messages import accumulate_event

import anthropic_judge
import journal
from checks import expect, expect_all, report, told
from home import Home

KEY = "sk-ant-of-a-test"
MODEL = "claude-sonnet-4-5"
ANSWER = "It stands as it stood, and nothing is under way."
CALLS = {
    "one call": [("ops__list_models", {})],
    "two calls": [("ops__list_jobs", {"limit": 3}), ("ops__status", {"jobId": "job_nothing"})],
    "no such tool": [("ops__no_such_tool", {"a": [1, {"b": None}]})],
    "a refused call": [("ops__promote_model", {"modelId": "ranker:12", "gate": "production"})],
}
# What current models say to what earlier ones took.
REFUSED = {"temperature": "`temperature` is deprecated for this model.",
           "top_p": "top_p: Extra inputs are not permitted"}
STOPS = {"length": "max_tokens", "refusal": "refusal", "paused": "pause_turn"}


def usage(output):
    return types.Usage(input_tokens=20, output_tokens=output, cache_read_input_tokens=7,
                       cache_creation_input_tokens=3)


def blocks_of(said):
    """The blocks of an answer, each with its deltas."""
    thought = types.ThinkingBlock(type="thinking", thinking="", signature="")
    yield thought, [types.ThinkingDelta(type="thinking_delta", thinking="Let me see."),
                    types.SignatureDelta(type="signature_delta", signature="c2ln")]
    if said not in CALLS:
        words = ANSWER.split(" ")
        yield types.TextBlock(type="text", text="", citations=None), [
            types.TextDelta(type="text_delta", text=word if n == 0 else f" {word}")
            for n, word in enumerate(words)]
    for n, (name, arguments) in enumerate(CALLS.get(said, [])):
        text = json.dumps(arguments)
        call = types.ToolUseBlock(type="tool_use", id=f"toolu_{said.replace(' ', '_')}_{n}", name=name,
                                  input={})
        yield call, [types.InputJSONDelta(type="input_json_delta", partial_json=part)
                     for part in ("", text[:3], text[3:])]


def events_of(said):
    """An answer as the SDK's models write it."""
    message = types.Message(id="msg_1", type="message", role="assistant", model=MODEL, content=[],
                            stop_reason=None, stop_sequence=None, usage=usage(1))
    yield types.RawMessageStartEvent(type="message_start", message=message)
    for index, (block, deltas) in enumerate(blocks_of(said)):
        yield types.RawContentBlockStartEvent(
            type="content_block_start", index=index, content_block=block)
        for delta in deltas:
            yield types.RawContentBlockDeltaEvent(
                type="content_block_delta", index=index, delta=delta)
        yield types.RawContentBlockStopEvent(type="content_block_stop", index=index)
    reason = "tool_use" if said in CALLS else STOPS.get(said, "end_turn")
    yield types.RawMessageDeltaEvent.construct(
        type="message_delta", delta={"stop_reason": reason, "stop_sequence": None},
        usage=types.MessageDeltaUsage.construct(output_tokens=15))
    yield types.RawMessageStopEvent(type="message_stop")


def gathered(said):
    """The whole message, as the SDK puts its events together."""
    message, buffers = None, {}
    for event in events_of(said):
        message = accumulate_event(event=event, current_snapshot=message, json_bufs=buffers)
    return message


def error(kind, words):
    return types.ErrorResponse(type="error", error={"type": kind, "message": words},
                               request_id="req_1").to_json(indent=None)


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked, times = [], {}

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked.append((self.path, headers, body))
        last = body["messages"][-1]["content"]
        said = "result" if last[0]["type"] == "tool_result" else last[-1]["text"]
        times = self.times[said] = self.times.get(said, 0) + 1
        for name, words in REFUSED.items():
            if name in body:
                return self.say(400, error("invalid_request_error", words))
        if said == "too busy" and times == 1:
            return self.say(529, error("overloaded_error", "Overloaded"))
        if said == "too many" and times == 1:
            return self.say(429, error("rate_limit_error", "Slow down"), {"retry-after": "1"})
        if said == "wrong":
            return self.say(400, error("invalid_request_error", "max_tokens: too many"))
        if said == "whole":
            return self.say(200, gathered(said).to_json(indent=None))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        for n, event in enumerate(events_of(said)):
            if said == "broken" and n == 12:
                return self.event("error", error("overloaded_error", "Overloaded"))
            self.event(event.type, event.to_json(indent=None))
            if n == 3:
                self.event("ping", '{"type": "ping"}')

    def event(self, name, text):
        self.close_connection = True
        self.wfile.write(f"event: {name}\ndata: {text}\n\n".encode())

    def say(self, status, text, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    provider = {"base_url": f"http://127.0.0.1:{server.server_port}", "wire": "anthropic",
                "model": MODEL, "api_key_env": "ONE_KEY", "temperature": None, "max_retries": 2}
    # As the earlier models took it, and the types do not know it any more.
    older = {**provider, "temperature": 0.5, "top_p": 0.9}
    home = Home({"llm": {"active": "one", "providers": {"one": provider, "two": older}}},
                secrets={"ONE_KEY": KEY})
    daemon = home.start()

    total = {"tokens": 0}
    for said in ["plain", *CALLS, "too busy", "too many", "whole", *STOPS]:
        # All in one conversation, so that each prompt has what was before.
        answer = daemon.say("c", said.replace(" ", "-"), said, 50, attended=False)
        expect(f"{said}: how it ended", ("complete", None), (answer["status"], answer["error"]))
        whole = gathered("result" if said in CALLS else said)
        text = "".join(block.text for block in whole.content if block.type == "text")
        expect(f"{said}: the answer is what the SDK reads", text, answer["answer"].strip())
        counted = whole.usage
        each = counted.input_tokens + counted.output_tokens + 10
        asked = 2 if said in CALLS else 1
        expect(f"{said}: the figures are those that the SDK reads", each * asked, answer["tokens"])
        total["tokens"] += answer["tokens"]
    finishes = {said: daemon.say("c", said, said)["finishReason"] for said in STOPS}
    expect("why it ended", {"length": "length", "refusal": "content_filter", "paused": "stop"}, finishes)
    wanted = [(name, arguments) for calls in CALLS.values() for name, arguments in calls]
    made = [(name, arguments) for name, arguments, _, _ in journal.outcomes(home, "c")]
    expect("the calls are what the SDK reads", wanted, made)

    for said, code in [("wrong", "provider"), ("broken", "provider")]:
        answer = daemon.say("errors", said, said, 50)
        expect(f"{said}: how it ended", "error", answer["status"])
        expect(f"{said}: it says what the provider said", True,
               ("too many" if said == "wrong" else "Overloaded") in answer["error"])
        rows = home.rows("SELECT extra FROM chat_events WHERE extra LIKE ?", f'%"turn_end"%"{said}"%')
        expect(f"{said}: which error", code, json.loads(rows[0]["extra"])["code"])
    # After what broke off, the next message still makes a request that is taken.
    expect("after an error", "complete", daemon.say("errors", "plain", "plain")["status"])

    answer = daemon.say("older", "plain", "plain", 50, provider="two")
    expect("a model without sampling", ("complete", ANSWER), (answer["status"], answer["answer"]))
    sampled = [asked for asked in Server.asked if set(REFUSED) & set(asked[2])]
    expect("requests with what is not taken", [["temperature", "top_p"], ["top_p"]],
           [sorted(set(REFUSED) & set(body)) for _, _, body in sampled])
    for n, (path, headers, body) in enumerate(Server.asked):
        if set(REFUSED) & set(body):
            continue
        expect_all(f"request {n}, by the SDK's types", anthropic_judge.by_types(body))
        expect_all(f"request {n}, by the SDK's client", anthropic_judge.by_client(path, headers, body))
        expect_all(f"request {n}, by the API's rules", anthropic_judge.by_rules(body))
    kinds = {block["type"] for _, _, body in Server.asked for message in body["messages"]
             for block in message["content"]}
    expect("kinds of blocks that were judged", {"text", "tool_use", "tool_result"}, kinds)
    failed = [block for _, _, body in Server.asked for message in body["messages"]
              for block in message["content"] if block.get("is_error")]
    expect("results that say that they failed", True, len(failed) > 2)
    judges(Server.asked[0])
    expect("how the daemon ended", 0, daemon.stop())
    told(f"{len(Server.asked)} requests, {total['tokens']} tokens")
    report()


def judges(asked):
    """The judges do find what is wrong."""
    path, headers, body = asked
    for what, change in [("a member too much", {"streem": True}), ("a wrong type", {"max_tokens": "9"})]:
        expect(f"the types find {what}", True, bool(anthropic_judge.by_types({**body, **change})))
    deep = json.loads(json.dumps(body))
    deep["messages"][0]["content"][0]["cash_control"] = {}
    expect("the types find what is deep within", True, bool(anthropic_judge.by_types(deep)))
    old = {**headers, "anthropic-version": "2022-01-01"}
    expect("the client finds a wrong head", True, bool(anthropic_judge.by_client(path, old, body)))
    ends = {**body, "messages": [*body["messages"], {"role": "user", "content": []}]}
    expect("the rules find two in a row", True, bool(anthropic_judge.by_rules(ends)))


main()
