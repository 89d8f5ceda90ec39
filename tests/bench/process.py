"""Order approval in process, against three statements written by hand."""

from __future__ import annotations

import statistics
from functools import partial
from typing import Final

from app.db.engine import create_database
from tests.bench import approval, floor
from tests.bench.clients import Shape
from tests.bench.given import Given, engine
from tests.bench.rows import Row

_ONE: Final = Shape(1, 1)
_SHAPES: Final = (_ONE, Shape(1, 4), Shape(2, 2), Shape(2, 4), Shape(4, 4))


def ours(url: str, threads: int) -> approval.Approval:
    """Return the engine's approvals."""
    return approval.Approval(engine(create_database(url, pool_size=threads, max_overflow=0)))


def theirs(url: str, threads: int) -> floor.Floor:
    """Return the floor's."""
    return floor.Floor(url, threads=threads)


def bare(url: str, _threads: int) -> floor.BareFloor:
    """Return those of the bare driver."""
    return floor.BareFloor(url)


def run(given: Given) -> list[Row]:
    """Measure with one client, and with as many as give the most."""
    url = given.database("process")
    kinds = {"floor": theirs, "bare": bare, "engine": ours}
    shapes = []
    for shape in given.some(_SHAPES):
        rounds = [
            {name: given.measure(partial(make, url), shape) for name, make in kinds.items()}
            for _ in range(given.rounds)
        ]
        found = {name: statistics.median(each[name].rate for each in rounds) for name in kinds}
        for name in ("floor", "bare"):
            ratios = [each["engine"].rate / each[name].rate for each in rounds]
            found[f"to {name}"] = statistics.median(ratios)
        for name in ("engine", "floor"):
            found[f"{name} cpu"] = 1000 * statistics.median(each[name].cpu for each in rounds)
        shapes.append({"clients": shape.clients, **found})
    one = shapes[0]
    best = {name: max(shapes, key=lambda each: each[name]) for name in kinds}
    return [
        *(
            Row(
                "best" if name == "floor" else "best_bare",
                best["engine"]["engine"] / best[name][name],
                {
                    "engine/s": best["engine"]["engine"],
                    "with clients": best["engine"]["clients"],
                    "floor/s": best[name][name],
                    "with": best[name]["clients"],
                },
            )
            for name in ("floor", "bare")
        ),
        Row("one_client", one["to floor"], {"engine/s": one["engine"], "floor/s": one["floor"]}),
        Row("one_client_bare", one["to bare"], {"floor/s": one["bare"]}),
        Row("cpu", one["engine cpu"], {"floor": one["floor cpu"]}),
    ]
