"""Stands between the daemon and MLflow. While the file `hold` is there, it lets the next move of an
alias through and keeps its answer back, so that the daemon can be killed in between."""

import http.client
import pathlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

target, directory = int(sys.argv[1]), pathlib.Path(sys.argv[2])


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        upstream = http.client.HTTPConnection("127.0.0.1", target, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        content = answer.read()
        moves = self.command in ("POST", "DELETE") and self.path.endswith("/registered-models/alias")
        if moves and (directory / "hold").exists():
            (directory / "held").touch()
            threading.Event().wait()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = forward

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
server.daemon_threads = True
(directory / "proxy-port.new").write_text(str(server.server_port))
(directory / "proxy-port.new").rename(directory / "proxy-port")
server.serve_forever()
