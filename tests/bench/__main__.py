"""``python -m tests.bench``: speed, each figure against its floor in the same run.

Ratios count, not times: both run on the same servers in turns, so that what else the
machine does hits both. ``docs/performance.md`` says how each figure is made.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from app.config import ROOT
from tests.bench import (
    core,
    costs,
    dispatch,
    finished,
    inbox,
    jobs,
    next_task,
    process,
    rest,
    timers,
    yardstick,
)
from tests.bench.given import Given, Sizes
from tests.bench.rows import GOALS, Row, line, markdown, unmet
from tests.bench.server import BenchRedis, BenchServer

BENCHES: Final[dict[str, Callable[[Given], list[Row]]]] = {
    "core": core.run,
    "process": process.run,
    "yardstick": yardstick.run,
    "costs": costs.run,
    "rest": rest.run,
    "jobs": jobs.run,
    "next_task": next_task.run,
    "dispatch": dispatch.run,
    "inbox": inbox.run,
    "timers": timers.run,
    "finished": finished.run,
}
OUT: Final = ROOT / "var" / "bench.json"


def main(args: Sequence[str] | None = None) -> int:
    """Run; return 1 if a measurement failed or a figure is worse than required."""
    given = _parser().parse_args(args)
    if given.markdown:
        kept = json.loads(given.out.read_text(encoding="utf-8"))
        sys.stdout.write(markdown(kept["rows"]))
        return 0
    sizes = Sizes(**{each.name: getattr(given, each.name) for each in fields(Sizes)})
    with BenchServer() as server, BenchRedis() as redis:
        rows, failed = measured(
            Given(server, redis, given.seconds, given.rounds, sizes), given.only or BENCHES
        )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    kept = {"machine": _machine(), "rows": {row.name: row.to_json() for row in rows}}
    given.out.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    wrong = [*(f"{name} failed" for name in failed), *unmet(rows, dict(given.require))]
    for each in wrong:
        sys.stdout.write(f"! {each}\n")
    return 1 if wrong else 0


def measured(given: Given, names: Iterable[str]) -> tuple[list[Row], list[str]]:
    """Run benches; print each figure as it comes. Return them, and which failed."""
    rows: list[Row] = []
    failed: list[str] = []
    for name in names:
        try:
            found = BENCHES[name](given)
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        rows += found
        for row in found:
            sys.stdout.write(line(row))
        sys.stdout.flush()
    return rows, failed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=BENCHES, help="some of them")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is repeated")
    for each in fields(Sizes):
        parser.add_argument(f"--{each.name}", type=int, default=each.default, metavar="N")
    parser.add_argument("--out", type=Path, default=OUT, help="where the figures are kept")
    parser.add_argument(
        "--require",
        nargs="+",
        type=_required,
        default=[],
        metavar="NAME=FIGURE",
        help="fail if a figure is worse",
    )
    parser.add_argument("--markdown", action="store_true", help="show the kept figures as a table")
    return parser


def _required(text: str) -> tuple[str, float]:
    name, _, figure = text.partition("=")
    if name not in GOALS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(GOALS)}")
    return name, float(figure)


def _machine() -> dict[str, Any]:
    return {
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    sys.exit(main())
