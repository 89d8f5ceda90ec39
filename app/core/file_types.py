"""Which types of files there are, by what a form accepts, by name and by content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

UNKNOWN: Final = "application/octet-stream"
TEXT: Final = "text/plain"
ZIP: Final = "application/zip"
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"

BY_ENDING: Final[Mapping[str, str]] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "pptx": f"{_OFFICE}.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "zip": ZIP,
    "txt": TEXT,
    "csv": "text/csv",
}
"""Types that are told by the content, by the ending of a name. A csv is a text by content."""
KINDS: Final = frozenset(
    kind.partition("/")[0] + "/*" for kind in BY_ENDING.values() if not kind.startswith("app")
)


def ending_of(name: str) -> str:
    """Return the ending of a file's name in small letters, without its dot; may be empty."""
    return name.rpartition(".")[2].casefold() if "." in name else ""


def known(accept: str) -> bool:
    """Say whether a form can accept this: ``.pdf``, ``image/*`` or ``image/png``."""
    if accept.startswith("."):
        return accept[1:] in BY_ENDING
    return accept in KINDS or accept in BY_ENDING.values()


def accepts(accept: Iterable[str], kind: str, name: str) -> bool:
    """Say whether a file may stand where ``accept`` is wanted.

    Args:
        kind: the type of its content.
    """
    return any(_fits(one, kind, name) for one in accept)


def _fits(one: str, kind: str, name: str) -> bool:
    if one.startswith("."):
        return BY_ENDING.get(one[1:]) == kind and BY_ENDING.get(ending_of(name)) == kind
    if one.endswith("/*"):
        return kind.startswith(one[:-1])
    return one == kind
