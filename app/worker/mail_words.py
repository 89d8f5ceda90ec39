"""What a mail about a notification says, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.notice.mail import Letter

_DEFAULT: Final = "en"
_SUBJECTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "task": "“%(step)s” waits for you: %(title)s",
        "transferred": "%(by)s transferred “%(step)s” to you: %(title)s",
        "mentioned": "%(by)s mentioned you at “%(step)s”: %(title)s",
        "reminded": "%(by)s reminds you of “%(step)s”: %(title)s",
        "overdue": "“%(step)s” is overdue: %(title)s",
        "copied": "You got a copy of “%(step)s”: %(title)s",
        "unassigned": "“%(step)s” came to you, as nobody else is there for it: %(title)s",
    },
    "zh": {
        "task": "“%(step)s”等待您处理：%(title)s",
        "transferred": "%(by)s 将“%(step)s”转办给您：%(title)s",
        "mentioned": "%(by)s 在“%(step)s”中提到了您：%(title)s",
        "reminded": "%(by)s 催办“%(step)s”：%(title)s",
        "overdue": "“%(step)s”已逾期：%(title)s",
        "copied": "“%(step)s”已抄送给您：%(title)s",
        "unassigned": "“%(step)s”无人可办，已转给您：%(title)s",
    },
}
_LAST: Final[Mapping[str, str]] = {
    "en": "Sign in to see it and to go on.",
    "zh": "请登录系统查看并处理。",
}
_TEMPLATES: Final[Mapping[str, str]] = {"en": "notice", "zh": "notice_zh"}
_MOST: Final = 400
"""Characters of a subject."""


def mail_of(letter: Letter) -> dict[str, Any]:
    """Return the input of ``email.send`` for a notification."""
    asked = letter.language or _DEFAULT
    language = asked if asked in _SUBJECTS else _DEFAULT
    said = {
        "step": _label(letter.step, language, letter.step_id),
        "title": letter.title,
        "by": letter.by,
    }
    sentence = " ".join((_SUBJECTS[language][letter.event] % said).split())
    lines = [sentence, letter.text, _LAST[language]]
    return {
        "to": letter.to,
        "subject": sentence[:_MOST],
        "template": _TEMPLATES[language],
        "data": {"name": letter.name, "text": "\n\n".join(line for line in lines if line)},
    }


def _label(label: Any, language: str, fallback: str) -> str:
    """Return a definition's label in a language, as pages do."""
    if isinstance(label, Mapping):
        return label.get(language) or next((text for text in label.values() if text), fallback)
    return str(label or fallback)
