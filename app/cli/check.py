"""``workflow-engine check``: definitions in files, judged by the one checker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from app.cli.say import Refused, tell
from app.core.envelope import envelope
from app.core.findings import Finding
from app.core.jsontext import MAX_BYTES
from app.core.parse import Checked
from app.core.parse import check as check_source
from app.db.types import dumps
from app.definition.content import findings_json
from app.errors import Invalid


def check(paths: Iterable[Path], *, as_json: bool = False) -> bool:
    """Print what is to say about each file, by line and column; return whether all are valid.

    Names that exist outside of a file (people, services, other definitions) are not looked
    up: no database is opened.

    Raises:
        Refused: a file cannot be read.
    """
    told = []
    for path in paths:
        checked = checked_file(path)
        told.append(_told(path, checked))
        if not as_json:
            for finding in checked.findings:
                tell(_line(path, finding))
    bad = [each for each in told if not each["valid"]]
    if as_json:
        tell(dumps({"valid": not bad, "files": told}))
    else:
        tell(f"{len(told)} checked, {len(bad)} with errors")
    return not bad


def checked_file(path: Path) -> Checked:
    """Check the definition in a file, also one in an upload's envelope.

    Raises:
        Refused: the file cannot be read.
    """
    text = read_text(path)
    try:
        text = envelope(text)
    except Invalid as error:
        return Checked(None, tuple(_around(error)), None)
    return check_source(text)


def read_text(path: Path) -> str:
    """Return a file's text.

    Raises:
        Refused: there is no such file, it is too large, or it is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(2 * MAX_BYTES)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(
            f"{path} is not UTF-8 (byte {error.start} cannot be read); save it as UTF-8."
        ) from error


def _around(error: Invalid) -> Iterable[Finding]:
    for each in error.errors:
        yield Finding(each.code, "error", each.field, 1, 1, each.message, each.params)


def _line(path: Path, finding: Finding) -> str:
    """Return a finding as editors and terminals understand it: ``file:line:column: …``."""
    place = f"{path}:{finding.line}:{finding.column}"
    hint = str(findings_json([finding])[0]["hint"] or "")
    text = f"{finding.text()} {hint}".strip()
    return f"{place}: {finding.severity}: {text} [{finding.code}]"


def _told(path: Path, checked: Checked) -> Mapping[str, Any]:
    return {
        "file": str(path),
        "valid": checked.valid,
        "findings": [
            {name: str(value) if isinstance(value, str) else value for name, value in row.items()}
            for row in findings_json(checked.findings)
        ],
    }
