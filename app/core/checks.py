"""Checks that many keys share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.core.compiling import Compiling, Path
from app.errors import Phrase

RESERVED: Final = frozenset(
    {"initiator", "instance", "true", "false", "null", "and", "or", "not", "in"}
)
"""What a variable cannot be called, since no expression could read it."""


def wrong(making: Compiling, path: Path, expected: str, **params: Any) -> None:
    """Note a value of the wrong shape; ``params`` fill ``expected``."""
    wanted = Phrase(expected, **params)
    making.error("wrong_type", path, "This must be %(expected)s.", expected=wanted)


def label(making: Compiling, value: Any, path: Path, longest: int = 10_000) -> None:
    """Check a label: a text, or one per language, of at most ``longest`` characters."""
    texts = list(value.values()) if isinstance(value, Mapping) else [value]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        wrong(making, path, 'a text, or one per language: {"en": "…", "zh": "…"}')
    elif any(len(text) > longest for text in texts):
        making.error("too_long", path, "A text is at most %(max)d characters here.", max=longest)


def whole(value: Any, least: int, most: int) -> bool:
    """Say whether a value is a whole number within bounds; true is not 1."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def variable_name(making: Compiling, name: str, path: Path, *, key: bool = True) -> None:
    """Check a name that a value is kept under; ``key``: it is the key at ``path``."""
    if name in RESERVED:
        message, hint = "%(name)s is a reserved word.", "Use another name."
        making.error("reserved_name", path, message, hint=hint, key=key, name=name)
    elif not name.strip():
        making.error("reserved_name", path, "A name cannot be empty.", key=key)
