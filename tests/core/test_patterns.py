"""Van der Aalst's control-flow patterns, as shipped, played by their scenarios."""

import re

import pytest

from app.core.findings import Known
from app.core.parse import check
from tests.support.scenario import EXAMPLES, example, pattern_scenarios, play, read_scenario

PATTERNS = EXAMPLES / "patterns"
DEFINITIONS = sorted(PATTERNS.glob("*.json"))
SCENARIOS = pattern_scenarios()
KNOWN = Known(roles=frozenset({"manager"}), services=frozenset({"NoopService.run"}))
WANTED = [*range(1, 8), *range(9, 12), *range(13, 17), *range(18, 21)]


def named(path):
    return path.stem


def test_every_pattern_is_there_and_in_the_list_of_them():
    numbers = [int(path.stem[:2]) for path in DEFINITIONS]
    listed = re.findall(r"^\| (\d+) ", (PATTERNS / "README.md").read_text("utf-8"), re.MULTILINE)
    assert numbers == WANTED == [int(number) for number in listed]


@pytest.mark.parametrize("path", DEFINITIONS, ids=named)
def test_a_pattern_has_no_error_and_nothing_unknown(path):
    checked = check(path.read_text("utf-8"), KNOWN)
    assert checked.definition.key == f"pattern_{path.stem}"
    assert [found.text() for found in checked.findings if found.code.startswith("unknown")] == []


@pytest.mark.parametrize("path", SCENARIOS, ids=named)
def test_a_pattern_runs_as_its_scenario_expects(path):
    scenario = read_scenario(path)
    played, expected = play(scenario), scenario["expect"]
    assert played.path == expected["path"]
    assert (played.state.status, played.state.result) == (expected["status"], expected["result"])
    assert expected["variables"].items() <= dict(played.state.variables).items()
    assert played.state.scopes == {}


@pytest.mark.parametrize("path", DEFINITIONS, ids=named)
def test_the_scenarios_of_a_pattern_enter_every_step(path):
    mine = [one for one in map(read_scenario, SCENARIOS) if one["definition"] == path.stem]
    entered = {step for scenario in mine for step in scenario["expect"]["path"]}
    assert entered == {step.id for step in example(path.stem).steps}
