"""What is done quickly gives what the slow way gives."""

import dataclasses
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.once import once
from app.core.outcome import choices
from app.core.record import dataclass
from app.core.value_check import _Checker, _left, check_json
from tests.support.examples import examples
from tests.support.scenario import define, person, step

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**37, 10**38 - 1, 10**38, 10**120, Decimal("1E+100"), Decimal("NaN")]),
    st.decimals(allow_nan=True),
    st.floats(),
    st.text(st.characters()),
    st.sampled_from(['"', "\\", "\0", "\ud800", "𝄞", "\u3000", "中"]),
)
NAMES = st.one_of(st.text(st.characters(), max_size=3), st.integers())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(NAMES, inner, max_size=3),
        st.tuples(inner),
    ),
)


@given(VALUES, st.integers(0, 4), st.integers(0, 60))
@examples(300)
@example("𝄞" * 10, 0, 42)
@example('"' * 10, 0, 22)
@example([[[]]], 2, 50)
def test_what_the_quick_look_lets_pass_has_no_problem(value, depth, size):
    if _left(value, depth, size) >= 0:
        assert _Checker(depth, size, False).visit(value, 0) is None


def test_the_quick_look_gives_up_as_soon_as_there_is_too_much():
    endless = [0] * 100
    for _ in range(20):
        endless = [endless] * 100  # walked to its end it would take for ever
    problem = check_json(endless)
    assert problem is not None
    assert problem.code == "too_large"


def test_a_small_plain_value_needs_no_other_look(monkeypatch):
    monkeypatch.setattr(_Checker, "visit", None)
    value = {"name": "Zhao 赵", "items": [1, Decimal("2.50"), None, True], "in": {"a": "b"}}
    assert check_json(value) is None


@dataclass(frozen=True, slots=True)
class Light:
    one: int
    two: str = "b"


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    one: int
    two: str = "b"


def test_a_light_value_is_equal_and_hashed_as_a_frozen_one():
    assert Light(1) == Light(1, "b")
    assert Light(1) != Light(2)
    assert hash(Light(1)) == hash(Frozen(1))
    assert repr(Light(1)) == repr(Frozen(1)).replace("Frozen", "Light")
    assert dataclasses.replace(Light(1), two="c") == Light(1, "c")


def test_a_light_value_says_that_it_is_frozen():
    with pytest.raises(TypeError, match="standard library"):
        dataclass(frozen=False)


def test_the_type_checker_refuses_to_change_a_light_value(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("from app.core.state import Token\nToken(1, 'a').step = 'b'\n")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=silent", str(program)],
        capture_output=True,
        text=True,
    )
    assert 'program.py:2: error: Property "step"' in checked.stdout, checked


def test_what_never_changes_is_worked_out_once_for_each():
    class Thing:
        pass

    asked = []

    @once
    def look(thing):
        asked.append(thing)
        return len(asked)

    one, two = Thing(), Thing()
    assert [look(one), look(two), look(one)] == [1, 2, 1]
    assert asked == [one, two]


def test_what_was_worked_out_stays_with_its_step():
    old = define(person("a", "b", "c"), step("end", "b"), step("end", "c"))
    offered = choices(old.by_id["a"])
    fewer = dataclasses.replace(old.by_id["a"], next=())
    assert [row["id"] for row in offered] == ["b", "c"]
    assert choices(fewer) == ()
