"""What each step type is called, and what a step of it does, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask_babel import LazyString, gettext, lazy_gettext, ngettext

from app.core.definition import Boundary, Definition, Step
from app.web.by_clock import in_words

TYPES: Final[Mapping[str, tuple[LazyString, str]]] = {
    "user_task": (lazy_gettext("For people"), "user"),
    "service_task": (lazy_gettext("Automatic"), "settings"),
    "exclusive_gateway": (lazy_gettext("Branch"), "route"),
    "inclusive_gateway": (lazy_gettext("One or more ways"), "route"),
    "parallel_gateway": (lazy_gettext("Side by side"), "sitemap"),
    "event_gateway": (lazy_gettext("Whatever comes first"), "hourglass"),
    "timer": (lazy_gettext("Wait for a time"), "clock"),
    "receive_message": (lazy_gettext("Wait for a message"), "message"),
    "send_message": (lazy_gettext("Send a message"), "send"),
    "script": (lazy_gettext("Set values"), "pencil"),
    "decision": (lazy_gettext("Decision table"), "list-details"),
    "call_activity": (lazy_gettext("Another process"), "hierarchy-2"),
    "sub_process": (lazy_gettext("Steps inside"), "sitemap"),
    "webhook": (lazy_gettext("Call over the web"), "external-link"),
    "message_queue": (lazy_gettext("Message to a queue"), "send"),
    "email": (lazy_gettext("Send an e-mail"), "inbox"),
    "external_task": (lazy_gettext("Work elsewhere"), "users"),
    "start": (lazy_gettext("Beginning"), "player-play"),
    "end": (lazy_gettext("End"), "circle-check"),
}
"""Step type → its word and icon."""
_RESULTS: Final[Mapping[str, LazyString]] = {
    "completed": lazy_gettext("ends as completed"),
    "cancelled": lazy_gettext("ends as cancelled"),
    "error": lazy_gettext("ends with an error"),
}
_MODES: Final[Mapping[str, LazyString]] = {
    "any": lazy_gettext("the first of them decides"),
    "all": lazy_gettext("all of them have to approve"),
    "ratio": lazy_gettext("%(ratio)s of them have to approve"),
    "sequential": lazy_gettext("they decide one after the other"),
}
_STARTER: Final = re.compile(r"\$\{\s*initiator(\.username)?\s*\}")
_MOST: Final = 6
"""Names that are listed; of more it is said how many there are."""


def kind_of(step_type: str | None) -> tuple[str, str]:
    """Return the word and icon of a step type; a registered one by its own name."""
    word, icon = TYPES.get(step_type or "", (step_type or "", "settings"))
    return str(word), icon


def work_of(definition: Definition, step: Step) -> list[str]:
    """Return who does it, what is called, or what is waited for."""
    config = step.config
    maker = _MAKERS.get(step.type)
    if maker is not None:
        return [each for each in maker(config) if each]
    if step.type == "sub_process":
        inside = sum(1 for each in definition.steps if each.parent == step.id)
        return [ngettext("%(num)d step inside", "%(num)d steps inside", inside)]
    return []


def notes_of(step: Step) -> list[str]:
    """Return what else holds for the step: that it is done for each of a list, or skipped."""
    found = []
    if "assignees" in step.config:
        mode = step.config.get("mode", "all")
        found.append(str(_MODES[mode] % {"ratio": step.config.get("ratio", "")}))
    if step.multi is not None:
        said = (
            gettext("for each of %(list)s, one after the other", list=step.multi.over)
            if step.multi.sequential
            else gettext("for each of %(list)s at once", list=step.multi.over)
        )
        found.append(str(said))
        if step.multi.complete_when is not None:
            found.append(str(gettext("ends early if %(when)s", when=step.multi.complete_when.text)))
    if step.skip_when is not None:
        found.append(str(gettext("skipped if %(when)s", when=step.skip_when.text)))
    if step.type in ("parallel_gateway", "inclusive_gateway") and len(step.next) == 1:
        found.append(str(gettext("waits for the branches that come in")))
    return found


def event_words(event: Boundary) -> str:
    """Return what makes a token leave a step, or starts a path beside it."""
    said = _what_happens(event)
    if event.interrupt:
        return said
    repeated = event.config.get("repeat")
    if repeated is True:
        return str(gettext("%(what)s, beside it, again and again", what=said))
    if repeated:
        return str(gettext("%(what)s, beside it, up to %(count)d times", what=said, count=repeated))
    return str(gettext("%(what)s, beside it", what=said))


def _what_happens(event: Boundary) -> str:
    config = event.config
    if event.on == "timer":
        return when_words(config)
    if event.on == "message":
        return message_words(config.get("message", ""), config.get("correlate"))
    code = config.get("code")
    return str(gettext("on the error %(code)s", code=code) if code else gettext("on failure"))


def when_words(config: Mapping[str, Any]) -> str:
    """Return when a timer falls due that is armed now."""
    if config.get("after"):
        return str(gettext("after %(duration)s", duration=config["after"]))
    if config.get("until"):
        return str(gettext("at %(moment)s", moment=config["until"]))
    return in_words(str(config.get("cron", "")))


def message_words(name: str, key: Any = None) -> str:
    """Return which message is meant."""
    if key:
        return str(gettext("message “%(name)s” with the key %(key)s", name=name, key=key))
    return str(gettext("message “%(name)s”", name=name))


def _people(config: Mapping[str, Any]) -> Iterator[str]:
    named = [config.get("assignee")]
    for key in ("assignees", "candidate_users", "candidate_groups"):
        given = config.get(key) or ()
        named += [given] if isinstance(given, str) else list(given)
    for name in named:
        if name:
            yield gettext("who started it") if _STARTER.fullmatch(str(name)) else str(name)


def _call(config: Mapping[str, Any]) -> Iterator[str]:
    yield f"{config['service_name']}.{config['method']}"


def _timer(config: Mapping[str, Any]) -> Iterator[str]:
    yield when_words(config)


def _receive(config: Mapping[str, Any]) -> Iterator[str]:
    yield message_words(config["message"], config.get("correlate"))
    if config.get("timeout"):
        yield gettext("at most %(duration)s", duration=config["timeout"])


def _send(config: Mapping[str, Any]) -> Iterator[str]:
    yield message_words(config["message"], config.get("correlate"))


def _events(config: Mapping[str, Any]) -> Iterator[str]:
    count = len(config.get("events") or ())
    yield ngettext("the first of %(num)d event", "the first of %(num)d events", count)


def _script(config: Mapping[str, Any]) -> Iterator[str]:
    yield _sets(list(config["set"]))


def _decision(config: Mapping[str, Any]) -> Iterator[str]:
    rules = config["rules"]
    yield ngettext("%(num)d rule", "%(num)d rules", len(rules))
    yield _sets(list(dict.fromkeys(name for rule in rules for name in rule.set)))


def _sets(names: list[str]) -> str:
    if len(names) > _MOST:
        return str(ngettext("sets %(num)d value", "sets %(num)d values", len(names)))
    return str(gettext("sets %(names)s", names=gettext(", ").join(names)))


def _child(config: Mapping[str, Any]) -> Iterator[str]:
    version = config.get("version")
    yield f"{config['process_key']} {version}" if version else str(config["process_key"])
    if config.get("wait") is False:
        yield gettext("goes on without waiting for it")


def _webhook(config: Mapping[str, Any]) -> Iterator[str]:
    yield f"{config.get('method', 'POST')} {config['url']}"


def _queue(config: Mapping[str, Any]) -> Iterator[str]:
    yield str(config["queue_name"])


def _email(config: Mapping[str, Any]) -> Iterator[str]:
    to = config["to"]
    for address in [to] if isinstance(to, str) else to:
        yield str(address)
    yield f"“{config['subject']}”"


def _topic(config: Mapping[str, Any]) -> Iterator[str]:
    yield gettext("topic “%(topic)s”", topic=config["topic"])


def _end(config: Mapping[str, Any]) -> Iterator[str]:
    yield str(_RESULTS.get(config.get("result", "completed"), config.get("result")))
    if config.get("code"):
        yield str(config["code"])
    if config.get("terminate"):
        yield gettext("and ends all other branches")


_MAKERS: Final = {
    "user_task": _people,
    "service_task": _call,
    "timer": _timer,
    "receive_message": _receive,
    "send_message": _send,
    "event_gateway": _events,
    "script": _script,
    "decision": _decision,
    "call_activity": _child,
    "webhook": _webhook,
    "message_queue": _queue,
    "email": _email,
    "external_task": _topic,
    "end": _end,
}
