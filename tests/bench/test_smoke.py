"""Every bench runs, with tiny numbers, and its figures are possible ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench.__main__ import BENCHES, main
from tests.bench.given import Given, Sizes
from tests.bench.rows import GOALS, Row, markdown, unmet
from tests.bench.server import BenchRedis, BenchServer

TINY = Sizes(finished=120, few=60, open=60, timers=60, jobs=20, counted=20)


@pytest.fixture(scope="module")
def given() -> Iterator[Given]:
    with BenchServer() as server, BenchRedis() as redis:
        yield Given(server, redis, seconds=0.05, rounds=1, sizes=TINY, shapes=1, warm_up=2)


@pytest.mark.bench
@pytest.mark.parametrize("bench", BENCHES)
def test_a_bench_gives_figures(bench: str, given: Given) -> None:
    rows = BENCHES[bench](given)
    assert rows or bench == "yardstick"  # which needs a library that is not one of ours
    for row in rows:
        numbers = [each for each in row.parts.values() if isinstance(each, int | float)]
        assert row.name in GOALS
        assert 0 < row.figure < 1e6
        assert numbers
        assert all(each > 0 for each in numbers), row


def test_a_figure_below_what_is_required_is_told() -> None:
    rows = [Row("best", 0.4), Row("cpu", 1.2)]
    assert unmet(rows, {"best": 0.35, "cpu": 1.5}) == []
    assert unmet(rows, {"best": 0.5, "cpu": 1.0, "rest": 0.1}) == [
        "best is 0.4, required is 0.5",
        "cpu is 1.2, required is 1",
        "rest was not measured",
    ]


def test_what_is_reached_follows_the_direction_of_the_figure() -> None:
    assert [Row("best", each).reached for each in (0.3, 0.35, 0.5)] == ["no", "goal", "moonshot"]
    assert [Row("cpu", each).reached for each in (1.6, 1.5, 0.9)] == ["no", "goal", "moonshot"]


def test_the_table_has_a_line_for_every_figure() -> None:
    table = markdown({"best": Row("best", 0.4).to_json()}).splitlines()
    assert len(table) == len(GOALS) + 2
    assert (
        table[2] == "| in process, best concurrency, to the floor | 0.4 × | 0.35 × | 0.5 × | goal |"
    )
    assert table[3].split("|")[2].strip() == "–"


def test_an_unknown_figure_cannot_be_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--require", "speed=1"])
    assert "speed is none of" in capsys.readouterr().err
