"""A plant on a database of its own, and a checkout in which the launcher ran."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.launching import PROCESS, Checkout
from tests.fault.orders import publish
from tests.fault.plant import Plant, plant

SERVICES = Path(__file__).with_name("services")


@pytest.fixture
def works(fresh_url: str) -> Iterator[Plant]:
    """Redis runs, people and the orders' definition are stored; the rest is to be started."""
    with plant(fresh_url) as made:
        publish(made)
        yield made


@pytest.fixture
def parcels(fresh_url: str) -> Iterator[Plant]:
    """The same with the connectors of ``services``, and without a definition.

    Leases are so long that no worker renews one: that would be a commit, and those are counted.
    """
    with plant(fresh_url, lease="10m", env={"APP_CONNECTORS": str(SERVICES)}) as made:
        yield made


@pytest.fixture(scope="session")
def _launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    made = Checkout(tmp_path_factory.mktemp("launched") / "checkout")
    try:
        run = made.start()
        made.prepare()
        run.until_ready()
        with run.client() as client:
            stored = client.post("/api/v1/process-definitions", json=PROCESS)
            assert stored.status_code == 201, stored.text
        assert run.interrupt() == 0, run.said
        yield made
    finally:
        made.close()


@pytest.fixture
def checkout(_launched: Checkout) -> Iterator[Checkout]:
    """One whose database is whole, in which the launcher ran and was stopped with Ctrl-C.

    A test that breaks something mends it. Its first run is ``runs[0]``; ``PROCESS`` is stored.
    """
    yield _launched
    _launched.stop()
