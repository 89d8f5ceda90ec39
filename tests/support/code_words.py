"""Fixed words in the code: codes of refusals, kinds of lines; read from its syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def nodes(*patterns: str) -> Iterator[ast.AST]:
    """Yield every node of the files below ``app`` that fit a pattern."""
    for pattern in patterns:
        paths = sorted((ROOT / "app").glob(pattern))
        assert paths, f"no file fits {pattern}"
        for path in paths:
            yield from _nodes_of(path)


@cache
def _nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def texts(node: ast.AST) -> Iterator[str]:
    """Yield every text that a node may stand for: itself, or those of a choice.

    ``code if code == "a" else "b"`` stands for both.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        for each in ast.walk(node):
            if each is not node:
                yield from texts(each)


def arguments(names: Collection[str], place: int, *patterns: str) -> Iterator[tuple[str, str]]:
    """Yield (name of the function, text of its argument) of every call of one of ``names``.

    Args:
        place: of the argument, from 0.
        patterns: of files below ``app``.
    """
    for node in nodes(*patterns):
        if not isinstance(node, ast.Call) or len(node.args) <= place:
            continue
        called = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
        if called in names:
            for text in texts(node.args[place]):
                yield called, text


def soundness() -> Iterator[str]:
    """Yield the codes of what the third layer of the checker says."""
    places = "core/soundness*.py", "core/conditions.py"
    for _, code in arguments({"Problem", "_problem"}, 0, *places):
        yield code


def heads_of_tuples(size: int, *patterns: str) -> Iterator[str]:
    """Yield the first element of every tuple of this size whose second one is a sentence."""
    for node in nodes(*patterns):
        if isinstance(node, ast.Tuple) and len(node.elts) == size:
            first, second = (list(texts(each)) for each in node.elts[:2])
            if first and second and " " in second[0]:
                yield first[0]


def constants(*patterns: str) -> Iterator[str]:
    """Yield every text in these files."""
    for node in nodes(*patterns):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
