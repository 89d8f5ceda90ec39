"""Whether what is finished slows down what runs."""

from __future__ import annotations

import statistics
import time
from typing import Final

from app.db.engine import create_database
from tests.bench import copies
from tests.bench.approval import Approval
from tests.bench.clients import WARM_UP
from tests.bench.given import Given, engine, quantile
from tests.bench.rows import Row

_AT_ONCE: Final = 25
"""Approvals in a turn."""
_FINISHED: Final = "select id from process_instances where status = 'completed' limit 1"


def run(given: Given) -> list[Row]:
    """Measure the median of one approval in two databases, in turns."""
    few = _filled(given, "finished_few", given.sizes.few)
    many = _filled(given, "finished_many", given.sizes.finished)
    took: dict[str, list[float]] = {"few": [], "many": []}
    end = time.monotonic() + 2 * given.seconds * given.rounds
    while not took["many"] or time.monotonic() < end:
        for name, work in (("few", few), ("many", many)):
            took[name] += [_once(work) for _ in range(_AT_ONCE)]
    few.close()
    many.close()
    p50 = {name: 1000 * statistics.median(values) for name, values in took.items()}
    return [
        Row(
            "finished",
            p50["many"] / p50["few"],
            {
                f"p50 ms with {given.sizes.few:,}": p50["few"],
                f"with {given.sizes.finished:,}": p50["many"],
                "p95 of that": 1000 * quantile(took["many"], 0.95),
            },
        )
    ]


def _filled(given: Given, name: str, count: int) -> Approval:
    db = create_database(given.database(name), pool_size=1)
    work = Approval(engine(db))
    work.once()
    with db.transaction() as tx:
        row = tx.run(_FINISHED).fetchone()
    if row is None:
        raise AssertionError("nothing is finished")
    copies.make(db, row["id"], count - 1)
    for _ in range(WARM_UP):
        work.once()
    return work


def _once(work: Approval) -> float:
    begin = time.perf_counter()
    work.once()
    return time.perf_counter() - begin
