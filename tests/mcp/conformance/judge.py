"""Judges what the conformance suite wrote, by a file that says what it has to be.

Arguments: that file, and the suite's output directory. The file names each scenario with the number
of checks that have to pass in it; `tolerated` names, for a scenario, the checks that may have another
status than SUCCESS, and which. A scenario that did not run, a check that failed, warned or was left
out, and a scenario that makes fewer checks or more than it did are all failures. What the suite marks
as INFO is its log, and counts nowhere. Prints one line of figures, and a line for each failure.
"""

import json
import pathlib
import sys

expected_file, results = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
expected = json.loads(expected_file.read_text())
scenarios, tolerated = expected["scenarios"], expected.get("tolerated", {})

# A directory a scenario: `server-<scenario>-<time>`, and the time begins with a year.
ran = {}
for file in sorted(results.glob("server-*/checks.json")):
    name = file.parent.name.removeprefix("server-").rsplit("T", 1)[0][: -len("-2026-01-01")]
    ran[name] = json.loads(file.read_text())

wrong = [f"{name}: did not run" for name in scenarios if name not in ran]
wrong += [f"{name}: is not expected" for name in ran if name not in scenarios]
counts = dict.fromkeys(("SUCCESS", "FAILURE", "WARNING", "SKIPPED"), 0)
for name, checks in ran.items():
    allowed = dict(tolerated.get(name, {}))
    passed = 0
    for check in checks:
        status, known = check["status"], check["id"]
        if status == "INFO":
            continue
        counts[status] += 1
        if status == "SUCCESS":
            passed += 1
        elif allowed.pop(known, None) != status:
            wrong.append(f"{name}: {known}: {status}: {check.get('errorMessage', '')[:1500]}")
    wrong += [f"{name}: {known} was to be {status}" for known, status in allowed.items()]
    if name in scenarios and passed != scenarios[name]:
        wrong.append(f"{name}: {passed} checks passed instead of {scenarios[name]}")

print(
    f"  {expected['title']}: {len(ran)} of {len(scenarios)} scenarios, {counts['SUCCESS']} checks passed, "
    f"{counts['FAILURE']} failed, {counts['WARNING']} warned, {counts['SKIPPED']} skipped"
)
for line in wrong:
    print(f"  WRONG {line}")
sys.exit(1 if wrong else 0)
