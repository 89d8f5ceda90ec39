"""``workflow-engine simulate``: a scenario file played through the engine's own core."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.check import checked_file, read_text
from app.cli.say import Refused, tell
from app.core import jsontext
from app.core.definition import Definition
from app.db.types import dumps
from app.errors import Invalid
from app.runtime.trial import differences, told, trial


def simulate(path: Path, scenario_path: Path, *, as_json: bool = False) -> bool:
    """Play a scenario, print how it went; return whether that is what it expects.

    Raises:
        Refused: a file cannot be read, the definition has errors, or the scenario does not
            fit it.
    """
    definition = _definition(path)
    scenario = _scenario(scenario_path)
    expect = scenario.get("expect", {})
    if not isinstance(expect, Mapping):
        raise Refused(f"{scenario_path}: expect must be an object.")
    try:
        run = trial(definition, scenario)
    except Invalid as error:
        wrong = "; ".join(f"{each.field}: {each.text()}" for each in error.errors)
        raise Refused(f"{scenario_path} does not fit: {wrong}") from error
    found, differ = told(run), differences(run, expect)
    if as_json:
        tell(dumps({**found, "differences": [str(each) for each in differ]}))
        return not differ
    tell(f"path      {' → '.join(found['path']) or '–'}")
    tell(f"end       {found['status']}" + (f" ({found['result']})" if found["result"] else ""))
    for row in found["waiting"]:
        tell(f"waiting   {row['step']}: {row.get('message') or row['kind']}")
    tell(f"variables {dumps(found['variables'])}")
    for each in differ:
        tell(f"differs   {each}")
    return not differ


def _definition(path: Path) -> Definition:
    checked = checked_file(path)
    if checked.definition is None:
        first = next(each for each in checked.findings if each.severity == "error")
        raise Refused(
            f"{path}:{first.line}:{first.column}: {first.text()} Run `workflow-engine check"
            f" {path}` to see everything."
        )
    return checked.definition


def _scenario(path: Path) -> Mapping[str, Any]:
    try:
        value = jsontext.read(read_text(path)).value
    except jsontext.JsonError as error:
        what = error.message % (error.params or {})
        raise Refused(f"{path}:{error.line}:{error.column}: {what}") from error
    if not isinstance(value, dict):
        raise Refused(f"{path} must hold an object with start and answers.")
    return value
