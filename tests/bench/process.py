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


def theirs(url: str, _threads: int) -> floor.Floor:
    """Return the floor's."""
    return floor.Floor(url)


def run(given: Given) -> list[Row]:
    """Measure with one client, and with as many as give the most."""
    url = given.database("process")
    shapes = []
    for shape in given.some(_SHAPES):
        pairs = [
            (
                given.measure(partial(theirs, url), shape),
                given.measure(partial(ours, url), shape),
            )
            for _ in range(given.rounds)
        ]
        shapes.append(
            {
                "clients": shape.clients,
                "processes": shape.processes,
                "floor": statistics.median(each.rate for each, _ in pairs),
                "engine": statistics.median(each.rate for _, each in pairs),
                "ratio": statistics.median(our.rate / their.rate for their, our in pairs),
                "cpu": 1000 * statistics.median(each.cpu for _, each in pairs),
                "floor_cpu": 1000 * statistics.median(each.cpu for each, _ in pairs),
            }
        )
    one = shapes[0]
    best = max(shapes, key=lambda each: each["engine"])
    floor_best = max(shapes, key=lambda each: each["floor"])
    return [
        Row(
            "best",
            best["engine"] / floor_best["floor"],
            {
                "engine/s": best["engine"],
                "with clients": best["clients"],
                "floor/s": floor_best["floor"],
                "with": floor_best["clients"],
            },
        ),
        Row("one_client", one["ratio"], {"engine/s": one["engine"], "floor/s": one["floor"]}),
        Row("cpu", one["cpu"], {"floor": one["floor_cpu"]}),
    ]
