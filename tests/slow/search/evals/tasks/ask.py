"""Puts questions to the search of the daemon at SEARCH_URL, and scores its answers.

A question is answered if one of the first five files is one of its right ones (recall@5); the
reciprocal rank is that of the first right one among ten. Both with the standard error of their
mean, for all questions and for each kind.
"""

import argparse
import json
import math
import os
import urllib.request

DEPTH = 10
SHOWN = 5


def search(query):
    arguments = {"query": query, "limit": DEPTH}
    call = {"name": "search", "arguments": arguments}
    request = urllib.request.Request(
        os.environ["SEARCH_URL"] + "/mcp",
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        result = json.load(response)["result"]
    if result.get("isError"):
        raise SystemExit(f"{query}: {result['content'][0]['text']}")
    return [hit["title"] for hit in result["structuredContent"]["hits"]]


def metric(values):
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    return {"value": mean, "stderr": math.sqrt(variance / len(values)), "n": len(values)}


def main():
    parser = argparse.ArgumentParser()
    for name in ("questions", "configuration", "result"):
        parser.add_argument(f"--{name}", required=True)
    paths = parser.parse_args()
    with open(paths.questions) as file:
        questions = [json.loads(line) for line in file]
    with open(paths.configuration) as file:
        held_out = json.load(file).get("held_out")
    if held_out is not None:
        questions = [question for question in questions if question["held_out"] == held_out]
    recall, ranks, missed = {}, {}, []
    for number, question in enumerate(questions, 1):
        # The questions are no answer to themselves.
        found = [file for file in search(question["query"]) if not file.startswith("tests/search/")]
        right = [place for place, file in enumerate(found, 1) if file in question["files"]]
        rank = right[0] if right else None
        for group in ("", "." + question["kind"]):
            recall.setdefault(group, []).append(float(rank is not None and rank <= SHOWN))
            ranks.setdefault(group, []).append(1 / rank if rank else 0.0)
        if rank is None or SHOWN < rank:
            missed.append({"query": question["query"], "rank": rank})
        print(f"LUKHAS_PROGRESS {number / len(questions):.3f} asked {number}", flush=True)
    metrics = {"recall_at_5" + group: metric(values) for group, values in recall.items()}
    metrics |= {"mrr" + group: metric(values) for group, values in ranks.items()}
    with open(paths.result, "w") as file:
        # Whoever tunes must not see what is held out.
        json.dump({"metrics": metrics, "missed": [] if held_out is not False else missed}, file)


main()
