"""``python -m tests.fault.show``: orders over REST while workers are killed and Redis flushed.

Real gunicorn, worker and duties on a PostgreSQL of its own. In the end every order has to be
completed with each of its service steps applied exactly once, or the show fails.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

from tests.fault.orders import STEPS, Outcome, all_ended, check, publish
from tests.fault.plant import Plant, Postgres, folder

CLIENTS = 4
_SPREAD = 0.9
"""Share of the work over which the harm is spread: the last kill is to hurt, too."""


@dataclass
class Show:
    """One run.

    Args:
        instances: orders to start.
        kills: of the worker, by ``SIGKILL``; each is started again at once.
        flushes: of Redis.
        tell: takes a sentence about what happens.
    """

    plant: Plant
    instances: int
    kills: int
    flushes: int
    tell: Callable[[str], None]
    held: list[int] = field(default_factory=list)
    _lost: set[tuple[int, int]] = field(default_factory=set)
    _began: float = 0.0

    def run(self) -> Outcome:
        """Play it; return what was found.

        Raises:
            AssertionError: an order did not end, or a step was not applied exactly once.
        """
        plant = self.plant
        for program in (plant.web, plant.worker, plant.duties):
            program.start()
        plant.until_ready()
        token = plant.token()
        self._began = time.monotonic()
        numbers = itertools.count(1)
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(self._order, token, numbers) for _ in range(CLIENTS)]
            self._harm()
            for client in clients:
                client.result()
        plant.until(lambda: all_ended(plant, self.instances), seconds=300)
        self._tell("all ended")
        return check(plant, self.instances)

    def _order(self, token: str, numbers: itertools.count[int]) -> None:
        """Start orders until there are enough; one that gets no answer is sent again."""
        with self.plant.client(Authorization=f"Bearer {token}") as client:
            for number in numbers:
                if number > self.instances:
                    return
                body = {
                    "process_definition_key": "test_order",
                    "business_key": f"O-{number}",
                    "variables": {"order_id": f"O-{number}", "amount": number},
                }
                key = {"Idempotency-Key": f"order-{number}"}
                while True:
                    try:
                        answer = client.post("/api/v1/process-instances", json=body, headers=key)
                    except httpx.TransportError:
                        continue
                    if answer.status_code == 201:
                        break
                    assert answer.status_code in {409, 503}, answer.text

    def _harm(self) -> None:
        """Do harm, spread evenly over the work, however fast it goes.

        In this thread: what a thread started dies with it.
        """
        kills = [((n + 1) / (self.kills + 1), self._kill) for n in range(self.kills)]
        flushes = [((n + 0.5) / self.flushes, self._flush) for n in range(self.flushes)]
        steps = self.instances * len(STEPS)
        for share, deed in sorted([*kills, *flushes], key=lambda each: each[0]):
            self._until_done(int(steps * share * _SPREAD))
            deed()

    def _until_done(self, steps: int) -> None:
        self.plant.until(lambda: self._done() >= steps, seconds=300)

    def _done(self) -> int:
        (row,) = self.plant.rows("select count(*) as n from jobs where state = 'done'")
        return int(row["n"])

    def _kill(self) -> None:
        done = self._done()
        self.plant.worker.kill()
        self.plant.until(self._is_forgotten)
        # What an earlier one held may not have been taken back yet.
        rows = self.plant.rows("select id, attempt from jobs where state = 'leased'")
        held = {(row["id"], row["attempt"]) for row in rows} - self._lost
        self._lost |= held
        leased = len(held)
        self.held.append(leased)
        self.plant.worker.start()
        self._tell(f"worker killed after {done} steps, with {leased} jobs in its hands")

    def _is_forgotten(self) -> bool:
        """Whether PostgreSQL is through with the dead worker: a commit that was sent counts."""
        (row,) = self.plant.rows(
            "select count(*) as n from pg_stat_activity"
            " where datname = current_database() and application_name = 'workflow-engine worker'"
        )
        return bool(row["n"] == 0)

    def _flush(self) -> None:
        self.plant.redis.client.flushall()
        self._tell(f"Redis flushed after {self._done()} steps")

    def _tell(self, text: str) -> None:
        self.tell(f"{time.monotonic() - self._began:6.1f} s  {text}")


def main() -> int:
    """Play it with the numbers of the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault.show", description=__doc__)
    parser.add_argument("--instances", type=int, default=200)
    parser.add_argument("--kills", type=int, default=5, help="of the worker, with SIGKILL")
    parser.add_argument("--flushes", type=int, default=2, help="of Redis")
    parser.add_argument("--lease", default="30s", help="worker_lease: how long it may be silent")
    asked = parser.parse_args()
    with folder() as data, folder() as path:
        data.chmod(0o755)  # PostgreSQL runs as somebody else
        postgres = Postgres(data)
        plant = Plant(path, postgres.url, lease=asked.lease)
        try:
            postgres.begin()
            plant.prepare()
            publish(plant)
            show = Show(plant, asked.instances, asked.kills, asked.flushes, tell=print)
            began = time.monotonic()
            outcome = show.run()
            print(f"{outcome}. {time.monotonic() - began:.1f} s in all.")
        finally:
            plant.close()
            postgres.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
