"""A small real model behind the daemon, on both wires: answers in pieces and whole, a call of one of
the daemon's own tools, and an answer that is ended in its middle.

So small a model reads neither a catalogue of tools nor what they are for, so the user tells it what to
write. Between it and the daemon stands a proxy: it leaves the one tool that is to be called and that
wish, says that a tool must be called, and passes everything else on as it is, both ways. Elsewhere it
leaves no tools at all.
MODEL is the model's address, MODEL_LOG its log.
"""

import http.client
import http.server
import json
import os
import pathlib
import threading
import time
import urllib.parse

import journal
from checks import expect, report, told
from home import Home, until

TOOL = "ops__get_infrastructure_status"
WISH = 'Write <tool_call>{"name": "%s", "arguments": {}}</tool_call>' % TOOL
MODEL = urllib.parse.urlsplit(os.environ["MODEL"])
MODEL_LOG = pathlib.Path(os.environ["MODEL_LOG"])


def name_of(tool):
    return tool.get("name") or tool["function"]["name"]


def is_to_call(body):
    """Whether the last that was said is a user's wish for a tool."""
    last = body["messages"][-1]
    text = json.dumps(last["content"])
    return last["role"] == "user" and "<tool_call>" in text and "tool_result" not in text


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    offered = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        tools = body.pop("tools", [])
        self.offered.append([name_of(tool) for tool in tools])
        body.pop("tool_choice", None)
        if is_to_call(body):
            body["tools"] = [tool for tool in tools if name_of(tool) == TOOL]
            body["tool_choice"] = {"type": "any"} if "messages" in self.path else "required"
            body["messages"] = body["messages"][-1:]
            body.pop("system", None)
        upstream = http.client.HTTPConnection(MODEL.hostname, MODEL.port, timeout=300)
        upstream.request("POST", self.path, json.dumps(body), {"Content-Type": "application/json"})
        answer = upstream.getresponse()
        try:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.end_headers()
            while part := answer.read1():
                self.wfile.write(part)
        except OSError:
            pass  # The daemon has hung up, and so does this.
        finally:
            upstream.sock and upstream.sock.close()
            answer.close()
            upstream.close()

    def log_message(self, *_):
        pass


def cancelled_in_log():
    """The model's own words for a request whose client has gone."""
    return MODEL_LOG.read_text().count("cancel task")


def until_over(daemon, conversation, request, text, wire):
    """Says something and waits for the answer, however long that takes."""
    answer = {"status": "running"}
    while answer["status"] == "running":
        answer = daemon.say(conversation, request, text, 55, provider=wire)
    return answer


def answers(daemon, wire):
    began = time.monotonic()
    text, usage, pieces = daemon.complete("What is the capital of France?", True, wire)
    expect(f"{wire}, streamed: there is an answer", True, bool(text.strip()))
    expect(f"{wire}, streamed: in pieces", True, pieces > 1)
    expect(f"{wire}, streamed: with figures", True,
           usage["completion_tokens"] > 1 and usage["prompt_tokens"] > 10)
    told(f"{wire}: {text!r}, {usage['total_tokens']} tokens, {time.monotonic() - began:.1f} s")
    whole, counted, _ = daemon.complete("What is the capital of France?", False, wire)
    expect(f"{wire}, whole: there is an answer", True, bool(whole.strip()))
    total = counted["prompt_tokens"] + counted["completion_tokens"]
    expect(f"{wire}, whole: with figures that add up", total, counted["total_tokens"])


def calls(home, daemon, wire):
    conversation = f"tool-{wire}"
    answer = until_over(daemon, conversation, "r", WISH, wire)
    expect(f"{wire}, a tool: how it ended", ("complete", None), (answer["status"], answer["error"]))
    told(f"{wire}: {answer['answer']!r}")
    made = [(name, outcome) for name, _, outcome, _ in journal.outcomes(home, conversation)]
    # It may well call it again, in the one round that it has for that.
    if not expect(f"{wire}, a tool: which was called", {(TOOL, "ok")}, set(made)):
        return
    _, _, _, result = next(journal.outcomes(home, conversation))
    expect(f"{wire}, a tool: what it gave", "lukhas-mcp", json.loads(result)["name"])
    last = [it for it in journal.events_of(home, conversation) if it["type"] == "assistant_message"]
    expect(f"{wire}, a tool: something is said of it", True, bool(last[-1]["content"].strip()))
    journal.look(f"{wire}, a tool", home, conversation)


def is_cancelled(home, daemon, wire):
    conversation, before = f"cancel-{wire}", cancelled_in_log()
    text = "Tell a long story of the sea, with many ships and islands in it."
    ended = {}

    def talk():
        ended.update(daemon.say(conversation, "r", text, 55, provider=wire))

    talker = threading.Thread(target=talk)
    talker.start()
    sql = "SELECT count(*) AS n FROM chat_partials WHERE conversation_id = ?"
    until("a part of an answer", lambda: home.rows(sql, conversation)[0]["n"] > 1, 120)
    daemon.tool("cancel_message", {"conversationId": conversation, "requestId": "r"})
    talker.join()
    expect(f"{wire}, cancelled: how it ended", "cancelled", ended["status"])
    expect(f"{wire}, cancelled: what came is told", True, bool(ended["answer"].strip()))
    kept = [it["content"] for it in journal.events_of(home, conversation)
            if it["type"] == "assistant_message"]
    expect(f"{wire}, cancelled: what came is kept", [ended["answer"]], kept)
    spent = home.rows("SELECT prompt_tokens, completion_tokens FROM usage_ledger WHERE "
                      "conversation_id = ?", conversation)
    expect(f"{wire}, cancelled: what it took is counted", [True],
           [row["prompt_tokens"] > 5 and row["completion_tokens"] > 1 for row in spent])
    until("the model's end", lambda: before < cancelled_in_log(), 60)
    expect(f"{wire}, cancelled: the model has stopped", True, before < cancelled_in_log())
    again = until_over(daemon, conversation, "r2", "Say yes.", wire)
    expect(f"{wire}, cancelled: the next message works", "complete", again["status"])
    told(f"{wire}: ended after {kept[0]!r}, {spent}")


def main():
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    proxy.daemon_threads = True
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{proxy.server_port}"
    shared = {"model": "smollm2", "temperature": 0, "max_tokens": 64, "max_retries": 0,
              "timeouts": {"idle": 240, "total": 300}}
    home = Home({
        "llm": {"active": "completions", "providers": {
            "completions": {**shared, "base_url": f"{url}/v1", "wire": "openai"},
            "messages": {**shared, "base_url": url, "wire": "anthropic"}}},
        "chat": {"service": {
            "system_prompt": "You are brief.",
            "max_tool_hops": 2,
            "limits": {"tool_result_chars": 600},
            "context": {"max_tokens": 1600},
            "streaming": {"backoff": {"flush_every_n_deltas": 2}}}},
    })
    daemon = home.start()
    for wire in ("completions", "messages"):
        answers(daemon, wire)
        calls(home, daemon, wire)
        is_cancelled(home, daemon, wire)
    expect("tools that the model was offered", True, all(TOOL in it for it in Proxy.offered))
    expect("how the daemon ended", 0, daemon.stop())
    report()


main()
