"""The figures: what each is called, what is wanted of it, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted of a figure.

    Args:
        unit: ``×`` for a ratio.
        more: whether more is better.
    """

    title: str
    unit: str
    goal: float
    moonshot: float
    more: bool = True

    def met(self, figure: float, wanted: float) -> bool:
        """Say whether ``figure`` is at least as good as ``wanted``."""
        return figure >= wanted if self.more else figure <= wanted


GOALS: Final[Mapping[str, Goal]] = {
    "best": Goal("in process, best concurrency, to the floor", "×", 0.35, 0.50),
    "one_client": Goal("in process, one client, to the floor", "×", 0.45, 0.60),
    "best_bare": Goal("the same, to the bare driver", "×", 0.35, 0.50),
    "one_client_bare": Goal("one client, to the bare driver", "×", 0.45, 0.60),
    # No goal of ours: by this the floor is known to be the one that the goals are about.
    "yardstick": Goal("SpiffWorkflow with a minimal store, to the floor", "×", 0.33, 0.33),
    "rest": Goal("REST with a bearer, to the floor behind the same gunicorn", "×", 0.45, 0.65),
    "cpu": Goal("engine CPU an instance", "ms", 1.5, 0.9, more=False),
    "trips": Goal("round trips an instance", "", 8, 4, more=False),
    "commits": Goal("commits an instance", "", 3, 3, more=False),
    "wal": Goal("WAL, to the floor", "×", 1.5, 1.1, more=False),
    "postgres_cpu": Goal("PostgreSQL CPU, to the floor", "×", 1.5, 1.1, more=False),
    "jobs": Goal("with two real jobs, to a floor of five commits", "×", 0.4, 0.6),
    "next_task": Goal("next task visible after a job, p50", "ms", 20, 5, more=False),
    "dispatch": Goal("jobs done by one process, to RQ's SimpleWorker", "×", 5, 15),
    "finished": Goal("p50 with many finished instances, to few", "×", 1.2, 1.05, more=False),
    "inbox": Goal("inbox page, 50 rows of many, p50", "ms", 15, 6, more=False),
    "advance": Goal("core: one step", "µs", 30, 10, more=False),
    "soundness": Goal("check of 50 steps", "ms", 100, 20, more=False),
    "timers": Goal("timers fired by two processes", "/s", 100_000 / 60, 10_000),
}
"""By the names that ``--require`` knows; in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure that was measured.

    Args:
        parts: what it was made of: rates, counts, sizes.
    """

    name: str
    figure: float
    parts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> str:
        """``moonshot``, ``goal`` or ``no``."""
        goal = GOALS[self.name]
        if goal.met(self.figure, goal.moonshot):
            return "moonshot"
        return "goal" if goal.met(self.figure, goal.goal) else "no"

    def to_json(self) -> dict[str, Any]:
        """Return the row for the file."""
        goal = GOALS[self.name]
        return {
            "title": goal.title,
            "figure": self.figure,
            "unit": goal.unit,
            "goal": goal.goal,
            "moonshot": goal.moonshot,
            "reached": self.reached,
            "parts": dict(self.parts),
        }


def line(row: Row) -> str:
    """Return a row for a terminal."""
    goal = GOALS[row.name]
    parts = ", ".join(f"{name} {_plain(value)}" for name, value in row.parts.items())
    return (
        f"{row.name:<13}{_plain(row.figure):>9} {goal.unit:<3}"
        f" goal {_plain(goal.goal)}, moonshot {_plain(goal.moonshot)}: {row.reached}\n"
        f"{'':<13}{goal.title} ({parts})\n"
    )


def markdown(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of the documentation.

    Args:
        rows: ``rows`` of the file that the bench writes.
    """
    lines = ["| figure | measured | goal | moonshot | reached |", "| --- | --- | --- | --- | --- |"]
    for name, goal in GOALS.items():
        row = rows.get(name)
        measured = f"{_plain(row['figure'])} {goal.unit}".strip() if row else "–"
        reached = row["reached"] if row else "–"
        wanted = " | ".join(f"{_plain(each)} {goal.unit}".strip() for each in _both(goal))
        lines.append(f"| {goal.title} | {measured} | {wanted} | {reached} |")
    return "\n".join(lines) + "\n"


def unmet(rows: Iterable[Row], required: Mapping[str, float]) -> list[str]:
    """Say which figures are worse than required, or missing."""
    found = {row.name: row.figure for row in rows}
    wrong = []
    for name, wanted in required.items():
        if name not in found:
            wrong.append(f"{name} was not measured")
        elif not GOALS[name].met(found[name], wanted):
            wrong.append(f"{name} is {_plain(found[name])}, required is {_plain(wanted)}")
    return wrong


def _both(goal: Goal) -> tuple[float, float]:
    return goal.goal, goal.moonshot


def _plain(value: Any) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return str(value)
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
