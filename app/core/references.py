"""Layer 2: which steps and fields a document refers to, and the rules of ways out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from app.core.compiling import Compiling, Path
from app.core.form import expand
from app.core.outcome import COMMENT

_CHOOSING: Final = frozenset({"exclusive_gateway", "inclusive_gateway"})
_EVENTS: Final = "event_gateway"
_PEOPLE: Final = "user_task"
_GATEWAYS: Final = _CHOOSING | {"parallel_gateway"}


class Way(NamedTuple):
    """A way out of a step as it stands in the document."""

    target: str
    path: Path
    plain: bool = True


class Given(NamedTuple):
    """A step as it stands in the document.

    ``scope`` is the place of the list it stands in: that of the process or a sub-process.
    """

    step: Mapping[str, Any]
    path: Path
    scope: Path


def each_step(given: Mapping[str, Any]) -> Iterator[Given]:
    """Yield every step of a document, each before those inside it."""
    yield from _each(given["steps"], ("steps",))


def _each(steps: list[Mapping[str, Any]], scope: Path) -> Iterator[Given]:
    for index, step in enumerate(steps):
        path: Path = (*scope, index)
        yield Given(step, path, scope)
        if step["type"] == "sub_process":
            yield from _each(step["config"]["steps"], (*path, "config", "steps"))


def check_references(making: Compiling, given: Mapping[str, Any]) -> None:
    """Note every reference that leads nowhere, in a document whose shape is right."""
    steps = list(each_step(given))
    scopes: dict[str, Path] = {}
    for step, path, scope in steps:
        if step["id"] in scopes:
            making.error(
                "duplicate_id",
                (*path, "id"),
                "Two steps have the id %(id)s.",
                hint="Give each step an id of its own.",
                id=step["id"],
            )
        scopes.setdefault(step["id"], scope)
    for step, path, scope in steps:
        for way in ways_out(step, path):
            if scopes.get(way.target) != scope:
                _undefined(making, way, scope, scopes)
        _next_rules(making, step, path)
        if step["type"] in _GATEWAYS:
            _gateway_rules(making, step, path)
        _outcome_rules(making, step, path)
    if not making.failed:
        _unreachable(making, steps)


def ways_out(step: Mapping[str, Any], path: Path) -> Iterator[Way]:
    """Yield every step id that a step names, with its place."""
    config = step.get("config", {})
    choosing = step["type"] in _CHOOSING
    for index, row in enumerate(config.get("conditions", ()) if choosing else ()):
        yield Way(row["next"], (*path, "config", "conditions", index, "next"), plain=False)
    if choosing and isinstance(config.get("default"), str):
        yield Way(config["default"], (*path, "config", "default"))
    people = step["type"] == _PEOPLE
    for index, row in enumerate(config.get("outcomes", ()) if people else ()):
        if "next" in row:
            yield Way(row["next"], (*path, "config", "outcomes", index, "next"))
    yield from _next_of(step, path)
    for index, row in enumerate(config.get("events", ()) if step["type"] == _EVENTS else ()):
        yield Way(row["next"], (*path, "config", "events", index, "next"), plain=False)
    for index, row in enumerate(step.get("boundary", ())):
        yield Way(row["next"], (*path, "boundary", index, "next"), plain=False)
    if "on_error" in step:
        yield Way(step["on_error"], (*path, "on_error"))


def _next_of(step: Mapping[str, Any], path: Path) -> Iterator[Way]:
    for index, target in enumerate(step.get("next", ())):
        at: Path = (*path, "next", index)
        if isinstance(target, str):
            yield Way(target, at)
        else:
            yield Way(target["step"], (*at, "step"), plain="when" not in target)


def _undefined(making: Compiling, way: Way, scope: Path, scopes: Mapping[str, Path]) -> None:
    if way.target in scopes:
        making.error(
            "other_scope",
            way.path,
            "The step %(target)s is not in the same process or sub-process.",
            hint="A sub-process is entered and left as a whole: name a step beside this one.",
            target=way.target,
        )
        return
    ids = [step for step, place in scopes.items() if place == scope]
    near = making.near.to(way.target, ids)
    making.error(
        "undefined_target",
        way.path,
        "There is no step %(target)s.",
        hint=(
            "Did you mean %(near)s?"
            if near
            else "Add a step with this id, or name one of: %(known)s."
        ),
        target=way.target,
        near=near or "",
        known=", ".join(ids[:20]),
    )


def _next_rules(making: Compiling, step: Mapping[str, Any], path: Path) -> None:
    ways = list(_next_of(step, path))
    plain = [way for way in ways if way.plain]
    at: Path = (*path, "next")
    if step["type"] == "end" and ways:
        making.error(
            "end_has_next", at, "An end leads nowhere.", hint="Remove next, or the end's type."
        )
    elif len(plain) < len(ways):
        parallel = step["type"] == "parallel_gateway"  # has a finding of its own
        if not parallel and (len(plain) > 1 or (plain and ways[-1].plain is False)):
            making.error(
                "plain_target_not_last",
                at,
                "Beside targets with conditions there may be one without, and it comes last.",
                hint="It is taken when no condition is true.",
            )
    elif step["type"] == _EVENTS and ways:
        making.error(
            "events_lead",
            at,
            "An event gateway goes where its events lead.",
            hint="Remove next; each of its events has one.",
        )
    elif len(plain) > 1 and step["type"] not in (_PEOPLE, "parallel_gateway"):
        making.error(
            "too_many_targets",
            at,
            "%(type)s %(id)s has %(count)d targets and nothing that says which to take.",
            hint=(
                "Give each a condition: it is tried in order, and the last may have none."
                if step["type"] in _CHOOSING
                else "Use a parallel_gateway to run them at once, or an exclusive_gateway to"
                " choose."
            ),
            type=step["type"],
            id=step["id"],
            count=len(plain),
        )
    seen: set[str] = set()
    for way in plain:
        if way.target in seen and len(ways) == len(plain):
            making.error(
                "duplicate_target",
                way.path,
                "The step %(target)s is named twice.",
                hint="A choice needs different targets; give outcomes if two lead to one step.",
                target=way.target,
            )
        seen.add(way.target)


def _gateway_rules(making: Compiling, step: Mapping[str, Any], path: Path) -> None:
    config = step.get("config", {})
    ways = list(_next_of(step, path))
    plain = [way for way in ways if way.plain]
    if step["type"] == "parallel_gateway" and len(plain) < len(ways):
        making.error(
            "parallel_with_condition",
            (*path, "next"),
            "A parallel gateway goes every way; conditions say nothing to it.",
            hint="Use an inclusive_gateway.",
        )
    elif not config.get("conditions") and "default" not in config and not step.get("next"):
        making.error(
            "no_way_out",
            path,
            "The gateway %(id)s leads nowhere.",
            hint="Give it conditions, a default or next.",
            id=step["id"],
        )
    elif "default" in config and len(plain) == 1:
        making.error(
            "two_defaults",
            plain[0].path,
            "The gateway %(id)s has a default, so it never goes to %(target)s.",
            hint="Keep one of the two.",
            id=step["id"],
            target=plain[0].target,
        )


def _outcome_rules(making: Compiling, step: Mapping[str, Any], path: Path) -> None:
    if step["type"] != _PEOPLE:
        return
    config = step.get("config", {})
    fields = {field["name"] for field in expand(config.get("form")) if field["type"] != "note"}
    ways = list(_next_of(step, path))
    choose = len(ways) > 1 and all(way.plain for way in ways)
    targets = {way.target for way in ways}
    for index, row in enumerate(config.get("outcomes", ())):
        at: Path = (*path, "config", "outcomes", index)
        for place, name in enumerate(row.get("requires", ())):
            if name not in fields and name != COMMENT:
                near = making.near.to(name, fields)
                making.error(
                    "unknown_field",
                    (*at, "requires", place),
                    "The form has no field %(name)s.",
                    hint="Did you mean %(near)s?" if near else "Its fields: %(known)s.",
                    name=name,
                    near=near or "",
                    known=", ".join(sorted(fields)) or "–",
                )
        if "next" not in row and choose and row["id"] not in targets:
            making.error(
                "outcome_without_target",
                at,
                "The outcome %(id)s does not say where it leads.",
                hint="Give it a next.",
                id=row["id"],
            )


def _unreachable(making: Compiling, steps: list[Given]) -> None:
    by_id = {given.step["id"]: given for given in steps}
    firsts: dict[Path, str] = {}
    for given in steps:
        firsts.setdefault(given.scope, given.step["id"])
    seen = {*firsts.values()}
    open_ = [*seen]
    while open_:
        given = by_id[open_.pop()]
        for way in ways_out(given.step, given.path):
            if way.target not in seen:
                seen.add(way.target)
                open_.append(way.target)
    for step, path, _ in steps:
        if step["id"] not in seen:
            making.error(
                "unreachable_step",
                (*path, "id"),
                "No way leads to the step %(id)s.",
                hint="Name it in the next of a step that is reached, or remove it.",
                id=step["id"],
            )
