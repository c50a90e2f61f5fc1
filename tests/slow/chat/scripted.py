"""A provider of models that says what a function says, on the wire of chat completions.

The function gets the request, and answers with a text, or with a list of calls: `(name, arguments)`.
"""

import json
import http.server
import threading
import time


class Provider:
    def __init__(self, script, pace=0.003):
        self.script, self.pace, self.asked = script, pace, []
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    provider.answer(self, json.loads(body))
                except OSError:
                    self.close_connection = True  # Whoever hangs up has had enough.

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # Daemons are killed here; that their connections break is no news.
        self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def settings(self, **more):
        return {"base_url": self.url, "model": "scripted-1", **more}

    def answer(self, handler, request):
        self.asked.append(request)
        said = self.script(request)
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for event in events_of(said):
            line = f"data: {event}\n\n".encode()
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            handler.wfile.flush()
            time.sleep(self.pace)
        handler.wfile.write(b"0\r\n\r\n")


def events_of(said):
    def delta(delta, finish=None):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return json.dumps({"id": "x", "model": "scripted-1", "choices": [choice]})

    if isinstance(said, str):
        for word in said.split(" "):
            yield delta({"content": word + " "})
        yield delta({}, "stop")
    else:
        yield delta({"role": "assistant", "content": "So be it."})
        for n, (name, arguments) in enumerate(said):
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            # As some servers do: the same ids in every answer, and arguments in pieces.
            function = {"name": name, "arguments": ""}
            yield delta({"tool_calls": [
                {"index": n, "id": f"call_{n}", "type": "function", "function": function}]})
            for piece in (text[:len(text) // 2], text[len(text) // 2:]):
                yield delta({"tool_calls": [{"index": n, "function": {"arguments": piece}}]})
        yield delta({}, "tool_calls")
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    yield json.dumps({"id": "x", "model": "scripted-1", "choices": [], "usage": usage})
    yield "[DONE]"


def text_of(message):
    """What a message says."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part.get("text") or "" for part in content)
    return content or ""
