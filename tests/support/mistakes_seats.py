"""Mistakes of steps for several people, as ``mistakes`` has those of everything else."""

from __future__ import annotations

from tests.support.mistakes import Mistake, one

YES = '"form":{"ok":"boolean"}'


def several(config: str) -> str:
    """Return a document of one step for two people with this beside in its config."""
    return one(f'"assignees":["li","mei"],{config}')


SEATS = (
    Mistake("wrong_type", one(f'"assignees":«[],{YES}')),
    Mistake("wrong_type", one(f'"assignees":«"li",{YES}')),
    Mistake("wrong_type", several(f'"mode":«"most",{YES}')),
    Mistake("wrong_type", several(f'"mode":"ratio","ratio":«0,{YES}')),
    Mistake("wrong_type", several(f'"mode":"ratio","ratio":«60,{YES}')),
    Mistake("wrong_type", several(f'"on_reject":«"never",{YES}')),
    Mistake("wrong_type", several(f'"decision_field":«5,{YES}')),
    Mistake("bad_expression", several(f'"mode":"ratio","ratio":«"${{2 /}}",{YES}')),
    Mistake(
        "missing_key", one(f'"assignees":["li"],"mode":"ratio",{YES}').replace('{"ass', '«{"ass')
    ),
    Mistake("not_together", several(f'«"ratio":1,{YES}'), "ratio"),
    Mistake("not_together", several(f'"mode":"any",«"on_reject":"at_once",{YES}'), "all or ratio"),
    Mistake("not_together", several(f'«"assignee":"li",{YES}'), "Remove one"),
    Mistake("not_together", several(f'«"candidate_groups":["finance_team"],{YES}'), "assignees"),
    Mistake("not_together", one(f'«"mode":"any","assignee":"li",{YES}'), "remove mode"),
    Mistake("not_together", one(f'«"expand":false,{YES}'), "assignees"),
    Mistake("unknown_field", several(f'"decision_field":«"nope",{YES}'), "there are: ok"),
    Mistake(
        "unknown_field",
        several('"decision_field":«"ok","form":{"ok":{"type":"boolean","read_only":true}}'),
    ),
    Mistake("undecidable", several('«"form":{"a":"boolean","b":"boolean"}'), "decision_field"),
    Mistake("undecidable", several('"outcomes":«[{"id":"no","style":"danger"}]'), "another style"),
)
"""Of layers 1 and 2."""
