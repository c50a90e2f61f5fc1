"""The page of metrics of a model that is served well: a hundred requests a second. Argument: its port."""

import http.server
import sys
import time

began = time.monotonic()


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        requests = 1000 + int(100 * (time.monotonic() - began))
        text = (
            "# TYPE model_requests_total counter\n"
            f'model_requests_total{{code="200"}} {requests}\n'
            'model_requests_total{code="500"} 1\n'
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
