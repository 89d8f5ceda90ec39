"""Version texts: their order, and the next free one."""

from __future__ import annotations

import re
from collections.abc import Collection

_NUMBERS = re.compile(r"v?(\d+(?:\.\d+)*)(.*)", re.DOTALL)


def order(version: str) -> list[str]:
    """Return texts that sort versions: by their leading numbers, then by what follows.

    ``1.10.0`` comes after ``1.9.0``; a version without numbers comes before all others.
    Each number carries its length in front, so that text comparison compares numbers.
    """
    match = _NUMBERS.fullmatch(version)
    if match is None:
        return [f"a{version}"]
    numbers = [part.lstrip("0") or "0" for part in match[1].split(".")]
    return [*(f"n{len(number):03d}{number}" for number in numbers), f"a{match[2]}"]


def next_free(version: str, taken: Collection[str]) -> str:
    """Return the first version after ``version`` that is not taken.

    The last of the leading numbers is counted up (``1.0.0`` → ``1.0.1``, ``v3`` → ``v4``);
    a version without numbers gets one (``draft`` → ``draft-2``).
    """
    match = re.fullmatch(r"(v?(?:\d+\.)*)(\d+)(.*)", version, re.DOTALL)
    head, number = (match[1], int(match[2])) if match else (f"{version}-", 1)
    while True:
        number += 1
        if (candidate := f"{head}{number}") not in taken:
            return candidate
