"""What every bench is given: servers, databases ready to use, and how much to do."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from app.config import Settings, load_settings
from app.connector.standard import standard_registry
from app.db.engine import create_database
from app.db.migrate import upgrade
from app.db.tx import Database
from app.definition.cache import DefinitionCache
from app.runtime.ports import Engine, NobodyToWake, Services, Waker
from tests.bench import approval, floor
from tests.bench.clients import WARM_UP, Measured, Shape, Work, measure
from tests.bench.server import BenchRedis, BenchServer

SECRET = "for the bench and nothing else 0123456789"
_TEMPLATE = "bench_template"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of what there are; the defaults are those of the goals."""

    finished: int = 1_000_000
    few: int = 10_000
    open: int = 100_000
    timers: int = 100_000
    jobs: int = 3_000
    counted: int = 300


@dataclass
class Given:
    """Shared by the benches of one run.

    Args:
        seconds: of each measurement.
        rounds: how often each is repeated, in turns with its floor.
        shapes: how many numbers of clients are tried, at most.
        warm_up: approvals of each thread before they count.
    """

    server: BenchServer
    redis: BenchRedis
    seconds: float = 3.0
    rounds: int = 3
    sizes: Sizes = field(default_factory=Sizes)
    shapes: int = 10
    warm_up: int = WARM_UP
    _ready: bool = False

    def database(self, name: str) -> str:
        """Return the address of a new database with tables, people and definitions."""
        if not self._ready:
            url = self.server.database(_TEMPLATE)
            db = create_database(url)
            upgrade(db.engine)
            approval.prepare(db)
            db.engine.dispose()
            floor.prepare(url)
            self._ready = True
        return self.server.database(name, template=_TEMPLATE)

    def some(self, shapes: Sequence[Shape]) -> Sequence[Shape]:
        """Return those that are to be tried."""
        return shapes[: self.shapes]

    def measure(self, make: Callable[[int], Work], shape: Shape) -> Measured:
        """Let clients work for as long as each measurement takes."""
        return measure(make, shape, self.seconds, warm_up=self.warm_up)

    def settings(self, url: str) -> dict[str, str]:
        """Return the environment of a process that works on a database."""
        return {
            "APP_MODE": "demo",
            "DATABASE_URL": url,
            "REDIS_URL": self.redis.url,
            "JWT_SECRET_KEY": SECRET,
        }

    def loaded(self, url: str) -> Settings:
        """Same, read; nothing but trouble is logged."""
        return load_settings(env=self.settings(url) | {"APP_LOG__LEVEL": "error"})


def engine(db: Database, services: Services | None = None, waker: Waker | None = None) -> Engine:
    """Return an engine with a cache of its own; by default it wakes nobody."""
    return Engine(
        db=db,
        services=services or standard_registry(),
        waker=waker or NobodyToWake(),
        definitions=DefinitionCache(),
    )


def best_of(
    given: Given,
    shapes: Sequence[Shape],
    floor_: Callable[[int], Work],
    ours: Callable[[int], Work],
) -> tuple[float, float]:
    """Measure both in turns for each shape; return the floor's best rate, and ours.

    Args:
        floor_, ours: called once in each process of clients, with its number of threads.
    """
    found = [
        in_turns(
            given.rounds,
            lambda: given.measure(floor_, shape).rate,  # noqa: B023 - called at once
            lambda: given.measure(ours, shape).rate,  # noqa: B023 - called at once
        )
        for shape in given.some(shapes)
    ]
    return max(each[0] for each in found), max(each[1] for each in found)


def in_turns(rounds: int, floor_: Callable[[], float], ours: Callable[[], float]) -> list[float]:
    """Measure both in turns; return the floor's median, ours, and that of the ratios."""
    pairs = [(floor_(), ours()) for _ in range(rounds)]
    return [
        statistics.median(pair[0] for pair in pairs),
        statistics.median(pair[1] for pair in pairs),
        statistics.median(pair[1] / pair[0] for pair in pairs),
    ]


def quantile(values: Iterable[float], part: float) -> float:
    """Return the value that ``part`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def on_processor(pid: int) -> float:
    """Return the seconds that a process has used, to the nanosecond."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9
