"""Prints which client checked what, and how often. Argument: the lines that the programs left."""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as lines:
    rows = [json.loads(line) for line in lines]
areas = list(dict.fromkeys(area for row in rows for area in row["checked"]))
width = max(len(row["client"]) for row in rows)
print(" " * (width + 2) + "  ".join(areas))
for row in rows:
    cells = (str(row["checked"].get(area, "–")).rjust(len(area)) for area in areas)
    print(f"{row['client']:{width}}  " + "  ".join(cells))
print(f"{sum(sum(row['checked'].values()) for row in rows)} checks by {len(rows)} clients")
