"""One document for every mistake about who may decide, and about the clock of a task."""

from __future__ import annotations

from tests.support.mistakes import Mistake, one, settings, steps


def approval(given: str, beside: str = '"form":{"ok":"boolean"}') -> str:
    """Return a document of a user step with these approval rules."""
    return one(f'{beside},"approval":{given}')


def late(given: str) -> str:
    """Return a document of a user step that is due, with this ``on_overdue``."""
    return one(f'"form":{{"ok":"boolean"}},"due_date":"2h","on_overdue":{given}')


PEOPLE = (
    Mistake("wrong_type", approval("«[]")),
    Mistake("unknown_key", approval('{«"self_aproval":"skip"}'), "Did you mean self_approval?"),
    Mistake("wrong_type", approval('{"self_approval":«"never"}')),
    Mistake("wrong_type", approval('{"exclude":«"mei"}')),
    Mistake("bad_expression", approval('{"exclude":[«"${a.}"]}')),
    Mistake("wrong_type", approval('{"duplicate_approver":«true}')),
    Mistake("wrong_type", approval('{"empty_assignee":«""}')),
    Mistake("wrong_type", settings('"approval":{"self_approval":«null}')),
    Mistake("unknown_key", settings('"approval":{«"who":"mei"}'), "Known keys"),
    Mistake(
        "undecidable", approval('{"self_approval":«"skip"}', '"form":{"a":"text"}'), "one yes/no"
    ),
    Mistake(
        "undecidable",
        approval('{"duplicate_approver":«"auto_approve_any"}', '"form":{"a":"text"}'),
    ),
    Mistake(
        "undecidable",
        approval('{"empty_assignee":«"auto_reject"}', '"outcomes":[{"id":"yes"}]'),
        "of style danger rejects",
    ),
    Mistake(
        "undecidable",
        steps(
            '{"id":"p","type":"user_task","config":{"form":{"a":"text"}}}',
            rest='"settings":{"approval":{"empty_assignee":«"auto_approve"}},\n ',
        ),
    ),
    Mistake("wrong_type", one('"due_date":"2h","reminders":«[]')),
    Mistake("wrong_type", one('"due_date":"2h","reminders":«"1h"')),
    Mistake("bad_duration", one('"due_date":"2h","reminders":[«"soon"]')),
    Mistake("bad_duration", one('"due_date":"2h","reminders":[«"-1wd"]')),
    Mistake("missing_key", one('"reminders":«["-1h"]')),
    Mistake("wrong_type", late('«"notify"')),
    Mistake("missing_key", late("«{}")),
    Mistake("wrong_type", late('{"action":«"shout"}')),
    Mistake("bad_duration", late('{"action":"notify","after":«"-1h"}')),
    Mistake("missing_key", late('«{"action":"reassign"}')),
    Mistake("missing_key", late('«{"action":"outcome"}')),
    Mistake("unknown_outcome", late('{"action":"outcome","outcome":«"yes"}'), "true, false"),
    Mistake("missing_key", one('"on_overdue":«{"action":"notify"}')),
)
