"""nginx before the provider: what it costs to hand tokens on and do nothing else."""

import os
import shutil
import socket
import subprocess
import time

from daemon import processor_of

CONFIG = """daemon off;
worker_processes 1;
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  scgi_temp_path {directory}/scgi;
  uwsgi_temp_path {directory}/uwsgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{provider};
      proxy_http_version 1.1;
      proxy_buffering off;
    }}
  }}
}}
"""


def program():
    # Debian's is outside of the path of most users.
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def has_relay():
    return program() is not None


class Relay:
    def __init__(self, directory, provider):
        os.makedirs(directory)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = os.path.join(directory, "nginx.conf")
        with open(config, "w") as file:
            file.write(CONFIG.format(directory=directory, port=self.port, provider=provider))
        self.process = subprocess.Popen([program(), "-c", config, "-e", os.path.join(directory, "error.log")])
        while not self.answers():
            time.sleep(0.01)
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(children) as file:
            self.worker = int(file.read().split()[0])

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def processor(self):
        return processor_of(self.worker)

    def end(self):
        self.process.terminate()
        self.process.wait()
