"""What a file is, by what is in it: a name and a browser's word prove nothing."""

from __future__ import annotations

import io
import zipfile
from typing import Final

from app.core.file_types import BY_ENDING, TEXT, UNKNOWN, ZIP, ending_of

_SIGNATURES: Final = (
    (b"%PDF-", BY_ENDING["pdf"]),
    (b"\x89PNG\r\n\x1a\n", BY_ENDING["png"]),
    (b"\xff\xd8\xff", BY_ENDING["jpg"]),
    (b"GIF87a", BY_ENDING["gif"]),
    (b"GIF89a", BY_ENDING["gif"]),
)
_PARTS: Final = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
"""Folder within an Office file → its ending."""
_ODF: Final = frozenset(BY_ENDING[one] for one in ("odt", "ods", "odp"))
_CONTROLS: Final = bytes(set(range(32)) - {9, 10, 12, 13, 27})


def type_of(content: bytes, name: str) -> str:
    """Return the media type of a file's content; ``application/octet-stream`` if none is known.

    Args:
        name: tells a csv from other text; nothing else is believed of it.
    """
    for signature, kind in _SIGNATURES:
        if content.startswith(signature):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return BY_ENDING["webp"]
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _packed(content)
    if _is_text(content):
        return BY_ENDING["csv"] if ending_of(name) == "csv" else TEXT
    return UNKNOWN


def contradicts(kind: str, name: str) -> bool:
    """Say whether a name has an ending that is known, and another one than the content's."""
    expected = BY_ENDING.get(ending_of(name))
    return expected is not None and expected != kind


def _packed(content: bytes) -> str:
    """Return which kind of zip it is, by its table of contents; nothing is unpacked but a word."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            names = packed.namelist()
            if names[:1] == ["mimetype"] and packed.getinfo("mimetype").file_size < 100:
                kind = packed.read("mimetype").decode("ascii", "replace").strip()
                if kind in _ODF:
                    return kind
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError, RuntimeError):
        return UNKNOWN
    if "[Content_Types].xml" in names:
        for folder, ending in _PARTS.items():
            if any(name.startswith(folder) for name in names):
                return BY_ENDING[ending]
    return ZIP


def _is_text(content: bytes) -> bool:
    if not content or content.translate(None, _CONTROLS) != content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
