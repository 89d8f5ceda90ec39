"""A stored definition as its readers see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core.definition import Label
from app.errors import Phrase

STATUS_WORDS: Final = {
    "draft": Phrase("draft"),
    "active": Phrase("active"),
    "retired": Phrase("retired"),
}
"""The statuses as a refusal says them."""


@dataclass(frozen=True, slots=True)
class DefinitionRow:
    """One (key, version).

    Args:
        name: in the first language given; ``names`` is the label as written.
        status: ``draft``, ``active`` or ``retired``.
        source: the document as uploaded; empty in lists.
        checksum: SHA-256 of the canonical document, hexadecimal.
        start_cron, start_message: by what it starts by itself, if by anything.
        next_start_at: when the clock starts it next, as far as that is worked out yet.
        starters: candidate keys (``u:``, ``g:``, ``r:``) of who may start it; empty: everyone.
    """

    id: int
    key: str
    version: str
    name: str
    names: Label
    description: str | None
    status: str
    source: str
    checksum: str
    starters: tuple[str, ...]
    created_by: str
    created_at: datetime
    changed_at: datetime
    start_cron: str | None = None
    start_message: str | None = None
    next_start_at: datetime | None = None


def row_of(row: dict[str, Any]) -> DefinitionRow:
    """Make it of a database row; a list's row has no ``source``."""
    return DefinitionRow(
        id=row["id"],
        key=row["key"],
        version=row["version"],
        name=row["name"],
        names=row["names"],
        description=row["description"],
        status=row["status"],
        source=row.get("source", ""),
        checksum=row["checksum"],
        starters=tuple(row["starters"]),
        created_by=row["created_by"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        start_cron=row["start_cron"],
        start_message=row["start_message"],
        next_start_at=row["next_start_at"],
    )
