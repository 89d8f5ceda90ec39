"""The upload envelope ``{name, description, version, config}`` around a document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from app.core.jsontext import MAX_BYTES, JsonDocument, JsonError, read
from app.core.near import Near
from app.core.values import json_text, pointer_of
from app.errors import FieldError, Invalid

_FILLS: Final = ("name", "key", "description", "version")
_MEMBERS: Final = (*_FILLS, "config")
_MAX_CHARACTERS: Final = MAX_BYTES + 65_536
"""Of an envelope: more can hold no document that is small enough."""
_MAX_ERRORS: Final = 50


def envelope(text: str) -> str:
    """Return the bare document of a request's text, as it was written.

    A text that is no envelope (also: no JSON at all) is returned as it is. What the
    envelope says fills what the document lacks, on the document's first line, so that all
    other lines keep their place and look.

    Raises:
        Invalid: the envelope has members that it should not have, or says something else
            than the document.
    """
    if len(text) > _MAX_CHARACTERS:
        return text
    try:
        document = read(text)
    except JsonError:
        return text
    outer = document.value
    if not isinstance(outer, dict) or "config" not in outer or "steps" in outer:
        return text
    inner = outer["config"]
    if not isinstance(inner, dict):
        error = FieldError("/config", "wrong_type", "This must be an object.")
        raise Invalid("bad_envelope", "config must hold the definition.", errors=(error,))
    errors = (*_strangers(outer), *_differences(outer, inner))
    if errors:
        message = "The members around config do not fit; correct them and send it again."
        raise Invalid("bad_envelope", message, errors=errors)
    missing = {name: outer[name] for name in _FILLS if name in outer and name not in inner}
    return _filled(document, missing, empty=not inner)


def _strangers(outer: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    nearest = Near()
    for name in outer:
        if name in _MEMBERS or name.startswith("x-") or len(errors) == _MAX_ERRORS:
            continue
        near = nearest.to(name, _MEMBERS)
        message = "There is no member %(name)s beside config. Known: %(known)s."
        params = {"name": name, "known": ", ".join(_MEMBERS)}
        if near:
            message = "There is no member %(name)s beside config. Did you mean %(near)s?"
            params = {"name": name, "near": near}
        errors.append(FieldError(pointer_of([name]), "unknown_member", message, params))
    return errors


def _differences(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> list[FieldError]:
    message = "/%(name)s and /config/%(name)s differ. Keep one of them."
    return [
        FieldError(f"/{name}", "differs", message, {"name": name})
        for name in _FILLS
        if name in outer and name in inner and outer[name] != inner[name]
    ]


def _filled(document: JsonDocument, missing: Mapping[str, Any], *, empty: bool) -> str:
    start = document.offset("/config")
    _, end = json.JSONDecoder().raw_decode(document.text, start)
    bare = document.text[start:end]
    if not missing:
        return bare
    members = ", ".join(f'"{name}": {json_text(value)}' for name, value in missing.items())
    return "{" + members + ("" if empty else ", ") + bare[1:].lstrip(" ")
