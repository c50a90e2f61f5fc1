"""Makes a repository of 26,000 files and 200 MB, the same each time: words that are as rare as words
are in programs, in the shapes of a few languages."""

import os
import random
import sys

FILES, BYTES = 26_000, 205_000_000
SYLLABLES = [c + v for c in "bcdfghjklmnprstvwz" for v in "aeiou"] + ["get", "set", "new", "run", "max"]
KINDS = [("rs", 5), ("py", 4), ("ts", 4), ("c", 3), ("go", 2), ("md", 2), ("toml", 1), ("json", 1)]
SHAPES = {
    "rs": ["pub fn {0}_{1}({2}: &str) -> Option<{3}> {{", "    let {0} = self.{1}.{2}(&{3})?;",
           "    // {0} {1} {2} {3} {4}", "    {0}::{1}({2}, {3}).await", "}}", "use crate::{0}::{1};"],
    "py": ["def {0}_{1}({2}, {3}=None):", "    {0} = {1}.{2}({3})", "    # {0} {1} {2} {3}",
           "class {0}:", "    return {0}[{1}]", "from {0} import {1}"],
    "ts": ["export function {0}({1}: {2}): {3} {{", "  const {0} = await {1}.{2}({3});",
           "  // {0} {1} {2}", "interface {0} {{ {1}: {2} }}", "}}"],
    "c": ["static int {0}_{1}(struct {2} *{3})", "{{", "\tif ({0}->{1} < {2})", "\t\treturn {0}({1});",
          "}}", "#define {0} {1}"],
    "go": ["func ({0} *{1}) {2}({3} string) error {{", "\t{0}, err := {1}.{2}({3})", "}}"],
    "md": ["# {0} {1}", "The {0} of the {1} is {2} when {3} {4}.", "- {0}: {1} {2} {3}", ""],
    "toml": ["[{0}.{1}]", "{0} = \"{1}\"", "# {0} {1} {2}"],
    "json": ["  \"{0}\": {{ \"{1}\": \"{2}\" }},"],
}


def main(root):
    dice = random.Random(20_261_121)
    words = list(dict.fromkeys(
        "".join(dice.choice(SYLLABLES) for _ in range(dice.choice((2, 2, 3, 3, 4)))) for _ in range(90_000)))
    cumulative, total = [], 0.0
    for rank in range(len(words)):
        total += 1.0 / (rank + 10)
        cumulative.append(total)
    # A pool, because two hundred megabytes of single throws take too long.
    thrown = dice.choices(words, cum_weights=cumulative, k=2_000_000)
    kinds = [kind for kind, weight in KINDS for _ in range(weight)]
    per_file, place = BYTES // FILES, 0
    for number in range(FILES):
        kind = dice.choice(kinds)
        directory = os.path.join(root, words[number % 40], words[number % 1_300])
        os.makedirs(directory, exist_ok=True)
        size = int(per_file * dice.choice((0.3, 0.5, 0.8, 1.0, 1.4, 2.0)))
        # Each file defines what no other does.
        lines = [f"fn unique_item_{number:05}() {{}}"]
        written = 0
        while written < size:
            shape = dice.choice(SHAPES[kind])
            line = shape.format(*thrown[place:place + 5])
            place = (place + 5) % (len(thrown) - 5)
            lines.append(line)
            written += len(line) + 1
        with open(os.path.join(directory, f"{words[number]}_{number}.{kind}"), "w") as file:
            file.write("\n".join(lines) + "\n")


main(sys.argv[1])
