"""Sums, answered by a solver that needs no model: right, but for every fourth one."""

import json

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import match
from inspect_ai.solver import Generate, TaskState, solver


@solver
def adds(off_by_one_every: int):
    """Adds the two numbers of the sample, and now and then one more."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        total = sum(state.metadata["numbers"])
        if state.metadata["n"] % off_by_one_every == 0:
            total += 1
        state.output = ModelOutput.from_content("none", str(total))
        return state

    return solve


@solver
def breaks():
    """Fails on every sample, as a solver with a bug does."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        raise ValueError("the solver is broken")

    return solve


def samples(count: int) -> list[Sample]:
    """Sums of two numbers, each with its place from 1 on."""
    sums = [(n, n * 7 % 50, n * 13 % 50) for n in range(1, count + 1)]
    return [
        Sample(input=f"{a} + {b}", target=str(a + b), metadata={"n": n, "numbers": [a, b]})
        for n, a, b in sums
    ]


@task
def arithmetic(config: str) -> Task:
    """The sums, as many as the configuration asks for."""
    with open(config, encoding="utf-8") as file:
        wanted = json.load(file)
    solve = breaks() if wanted["solver"] == "broken" else adds(wanted["off_by_one_every"])
    return Task(dataset=samples(wanted["samples"]), solver=solve, scorer=match(numeric=True))
