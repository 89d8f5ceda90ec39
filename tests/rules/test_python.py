"""What holds for every Python file of this repository."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("core", "db", "definition", "history", "identity", "notice", "runtime", "task")
NOT_IN_CORE = {"time", "random", "uuid", "os", "pathlib", "socket", "logging", "threading"}
CLOCKS = {"now", "utcnow", "today"}
APP = sorted((ROOT / "app").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
# What excuses a line from a check says why, after the excuse.
EXCUSE = re.compile(r"# (?:type: ignore|noqa)(?P<codes>[\[:][^#-]*)?(?P<reason>.*)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(path: Path, attributes: set[str]) -> Iterator[str]:
    """Yield ``file:line text`` of every ``x.attribute(…)``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in attributes
        ):
            yield f"{name(path)}:{node.lineno} {ast.unparse(node)[:60]}"


def imported(path: Path) -> Iterator[str]:
    """Yield the top-level package of every import."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_only_the_transaction_commits() -> None:
    found = [
        line for path in APP if name(path) != "app/db/tx.py" for line in calls(path, {"commit"})
    ]
    assert found == []


@pytest.mark.parametrize("module", MODULES)
def test_time_is_a_parameter(module: str) -> None:
    paths = sorted((ROOT / "app" / module).rglob("*.py"))
    assert paths
    assert [
        line
        for path in paths
        for line in calls(path, CLOCKS)
        if line.split(" ")[1].startswith(("datetime.", "date.", "dt."))
    ] == []


def test_the_core_imports_the_standard_library_only() -> None:
    allowed = (sys.stdlib_module_names - NOT_IN_CORE) | {"app"}
    core = sorted((ROOT / "app" / "core").rglob("*.py"))
    assert core
    foreign = [
        (name(path), each) for path in core for each in imported(path) if each not in allowed
    ]
    assert foreign == []


@pytest.mark.parametrize(("paths", "most"), [(APP, 400), (TESTS, 600)], ids=["app", "tests"])
def test_files_are_short(paths: list[Path], most: int) -> None:
    lines = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    assert {each: count for each, count in lines.items() if count > most} == {}
    if paths is APP:
        assert median(count for each, count in lines.items() if count > 3) <= 120


def test_no_test_sleeps() -> None:
    """Tests poll (tests/support) or move the clock; the benchmark is no test."""
    waits = ("tests/support/", "tests/bench/")
    paths = [path for path in TESTS if not name(path).startswith(waits)]
    assert [line for path in paths for line in calls(path, {"sleep"})] == []


def test_nothing_is_left_to_do_and_every_excuse_has_a_reason() -> None:
    found = []
    for path in [*APP, *TESTS]:
        if path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            excuse = EXCUSE.search(line)
            unexplained = excuse is not None and not re.search(r"[a-z]{2}", excuse["reason"])
            if unexplained or re.search(r"#.*\b(TODO|FIXME|XXX)\b", line):
                found.append(f"{name(path)}:{number} {line.strip()}")
    assert found == []


def test_every_package_says_its_law() -> None:
    """At the top of the package, in at most five lines."""
    for folder in sorted((ROOT / "app").iterdir()):
        init = folder / "__init__.py"
        if init.exists():
            law = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8")))
            assert law, f"{name(init)} says nothing"
            assert len(law.splitlines()) <= 5, name(init)
