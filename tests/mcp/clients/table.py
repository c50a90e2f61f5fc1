"""Prints which client checked what, and how often. Argument: the lines that the programs left."""

import json
import sys

AREAS = (
    "connect", "tools", "structured", "resources", "prompts", "completion", "progress", "cancel", "confirm",
    "subscriptions", "logging", "tasks", "events", "app", "load", "restart",
)

with open(sys.argv[1], encoding="utf-8") as lines:
    rows = sorted((json.loads(line) for line in lines), key=lambda row: row["client"])
areas = [area for area in AREAS if any(area in row["checked"] for row in rows)]
width = max((len(row["client"]) for row in rows), default=0)
print(" " * (width + 2) + "  ".join(areas))
for row in rows:
    cells = (str(row["checked"].get(area, "–")).rjust(len(area)) for area in areas)
    print(f"{row['client']:{width}}  " + "  ".join(cells))
print(f"{sum(sum(row['checked'].values()) for row in rows)} checks by {len(rows)} clients")
