"""What a mail about notifications says, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from babel.dates import format_date, format_time

from app.notice.mail import Letter, Note

_DEFAULT: Final = "en"
_SUBJECTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "task": "“%(step)s” waits for you: %(title)s",
        "transferred": "%(by)s transferred “%(step)s” to you: %(title)s",
        "asked": "%(by)s asks you about “%(step)s”: %(title)s",
        "answered": "%(by)s has answered about “%(step)s”: %(title)s",
        "unasked": "You need not answer about “%(step)s” any more: %(title)s",
        "returned": "%(by)s returned it to “%(step)s”: %(title)s",
        "withdrawn": "%(by)s took back “%(step)s”: %(title)s",
        "mentioned": "%(by)s mentioned you at “%(step)s”: %(title)s",
        "reminded": "%(by)s reminds you of “%(step)s”: %(title)s",
        "overdue": "“%(step)s” is overdue: %(title)s",
        "copied": "You got a copy of “%(step)s”: %(title)s",
        "unassigned": "Nobody is there for “%(step)s”; it is yours to do or to give: %(title)s",
        "substitute": "You stand in for %(by)s",
        "absence": "%(by)s has entered that you are away",
    },
    "zh": {
        "task": "“%(step)s”等待您处理：%(title)s",
        "transferred": "%(by)s 将“%(step)s”转办给您：%(title)s",
        "asked": "%(by)s 就“%(step)s”征求您的意见：%(title)s",
        "answered": "%(by)s 已就“%(step)s”答复：%(title)s",
        "unasked": "“%(step)s”无需您再答复：%(title)s",
        "returned": "%(by)s 已退回到“%(step)s”：%(title)s",
        "withdrawn": "%(by)s 已撤回“%(step)s”：%(title)s",
        "mentioned": "%(by)s 在“%(step)s”中提到了您：%(title)s",
        "reminded": "%(by)s 催办“%(step)s”：%(title)s",
        "overdue": "“%(step)s”已逾期：%(title)s",
        "copied": "“%(step)s”已抄送给您：%(title)s",
        "unassigned": "“%(step)s”无人可办，请您处理或分配：%(title)s",
        "substitute": "您已成为 %(by)s 的代理人",
        "absence": "%(by)s 为您登记了外出",
    },
}
_ABSENCES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "substitute set": "You stand in for %(by)s: %(from)s to %(until)s",
        "substitute changed": "It has changed how you stand in for %(by)s: %(from)s to %(until)s",
        "substitute ended": "You do not stand in for %(by)s any more",
        "absence set": "%(by)s has entered that you are away: %(from)s to %(until)s;"
        " %(substitute)s stands in",
        "absence changed": "%(by)s has changed your absence: %(from)s to %(until)s;"
        " %(substitute)s stands in",
        "absence ended": "%(by)s has ended your absence",
    },
    "zh": {
        "substitute set": "您代理 %(by)s：%(from)s 至 %(until)s",
        "substitute changed": "您对 %(by)s 的代理有变更：%(from)s 至 %(until)s",
        "substitute ended": "您不再代理 %(by)s",
        "absence set": "%(by)s 为您登记了外出：%(from)s 至 %(until)s，由 %(substitute)s 代理",
        "absence changed": "%(by)s 变更了您的外出：%(from)s 至 %(until)s，由 %(substitute)s 代理",
        "absence ended": "%(by)s 结束了您的外出",
    },
}
"""By event and what has become of the absence."""
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "open": "See it and go on: %(url)s",
        "find": "Sign in and open “%(title)s” from your notifications.",
        "one": "1 notification for you",
        "many": "%(count)d notifications for you",
        "more": "and %(count)d more",
        "all": "See them all: %(url)s",
        "find_all": "Sign in and open your notifications.",
        "choose": "You can choose there how you are told.",
    },
    "zh": {
        "open": "查看并处理：%(url)s",
        "find": "请登录系统，在通知中打开“%(title)s”。",
        "one": "您有 1 条通知",
        "many": "您有 %(count)d 条通知",
        "more": "另有 %(count)d 条",
        "all": "查看全部：%(url)s",
        "find_all": "请登录系统，打开通知。",
        "choose": "您可以在那里选择通知方式。",
    },
}
_LOCALES: Final[Mapping[str, str]] = {"en": "en", "zh": "zh_Hans"}
_TEMPLATES: Final[Mapping[str, str]] = {"en": "notice", "zh": "notice_zh"}
_MOST: Final = 400
"""Characters of a subject."""


def mail_of(letter: Letter, public_url: str) -> dict[str, Any]:
    """Return the input of ``email.send`` for a mail.

    Args:
        public_url: what links begin with; empty: it has none and says what to look for.
    """
    asked = letter.language or _DEFAULT
    language = asked if asked in _SUBJECTS else _DEFAULT
    if letter.digest:
        subject, parts = _day(letter, language, public_url)
    else:
        subject, parts = _single(letter.notes[0], language, public_url)
    return {
        "to": letter.to,
        "subject": subject[:_MOST],
        "template": _TEMPLATES[language],
        "data": {"name": letter.name, "text": "\n\n".join(part for part in parts if part)},
    }


def _single(note: Note, language: str, public_url: str) -> tuple[str, list[str | None]]:
    words, sentence = _WORDS[language], _sentence(note, language)
    if public_url:
        last = words["open"] % {"url": _link(note, public_url)}
    elif note.absence:
        last = words["find_all"]
    else:
        last = words["find"] % {"title": " ".join(note.title.split())}
    return sentence, [sentence, note.text, last]


def _day(letter: Letter, language: str, public_url: str) -> tuple[str, list[str | None]]:
    words, count = _WORDS[language], len(letter.ids)
    parts: list[str | None] = []
    for note in letter.notes:
        link = _link(note, public_url) if public_url else None
        lines = [f"- {_sentence(note, language)}", note.text, link]
        parts.append("\n  ".join(line for line in lines if line))
    if count > len(letter.notes):
        parts.append(words["more"] % {"count": count - len(letter.notes)})
    where = words["all"] % {"url": f"{public_url}/notifications"} if public_url else ""
    parts.append((where or words["find_all"]) + "\n" + words["choose"])
    return words["one" if count == 1 else "many"] % {"count": count}, parts


def _sentence(note: Note, language: str) -> str:
    said = {
        "step": _label(note.step, language, note.step_id),
        "title": note.title,
        "by": note.by,
    }
    sentence = _SUBJECTS[language][note.event]
    if note.absence:
        sentence = _ABSENCES[language][f"{note.event} {note.absence['change']}"]
        said["substitute"] = note.absence["substitute"]
        said |= {each: _moment(note.absence[each], language) for each in ("from", "until")}
    return " ".join((sentence % said).split())


def _moment(when: datetime, language: str) -> str:
    """Return date and time to the minute, as pages have them."""
    locale = _LOCALES[language]
    day = format_date(when, "medium", locale=locale)
    return f"{day} {format_time(when, 'short', tzinfo=when.tzinfo, locale=locale)}"


def _link(note: Note, public_url: str) -> str:
    """Return where the task is; who opens it has read the notification."""
    if note.absence:
        return f"{public_url}/notifications/{note.id}"
    return f"{public_url}/tasks/{note.task_id}?told={note.id}"


def _label(label: Any, language: str, fallback: str) -> str:
    """Return a definition's label in a language, as pages do."""
    if isinstance(label, Mapping):
        return label.get(language) or next((text for text in label.values() if text), fallback)
    return str(label or fallback)
