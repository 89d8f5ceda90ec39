"""When an attempt is made again."""

from decimal import Decimal

import pytest

from app.core.retry import BACKOFFS, expand, next_delay


def delays(policy, code="down", spread=1.0):
    """Return the delays after each failure until it is given up."""
    retry = expand(policy)
    found = []
    while True:
        delay = next_delay(retry, len(found) + 1, code, spread=spread)
        if delay is None:
            return found
        found.append(delay)


def test_the_default_is_three_attempts_backing_off():
    assert delays(None) == [1, 2]
    assert delays({}) == [1, 2]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"max_attempts": 1}, []),
        ({"max_attempts": 4, "backoff": "fixed", "initial": "10s"}, [10, 10, 10]),
        ({"max_attempts": 4, "backoff": "linear", "initial": "10s"}, [10, 20, 30]),
        ({"max_attempts": 5, "backoff": "exponential", "factor": 3}, [1, 3, 9, 27]),
        ({"max_attempts": 4, "factor": Decimal("1.5"), "initial": "2s"}, [2, 3, 4.5]),
        ({"max_attempts": 5, "initial": "1m", "max_interval": "3m"}, [60, 120, 180, 180]),
        ({"max_attempts": 3, "initial": "10m"}, [300, 300]),
        ({"max_attempts": 3, "initial": "0s"}, [0, 0]),
        ({"max_attempts": 3, "backoff": "linear", "initial": "4m"}, [240, 300]),
    ],
)
def test_backing_off(policy, expected):
    assert delays({"jitter": False, **policy}) == expected


@pytest.mark.parametrize(("spread", "expected"), [(0.0, 5), (0.5, 7.5), (1.0, 10)])
def test_jitter_waits_half_to_whole_of_the_delay(spread, expected):
    assert delays({"initial": "10s", "max_attempts": 2}, spread=spread) == [expected]


@pytest.mark.parametrize("backoff", BACKOFFS)
def test_a_thousand_attempts_never_wait_longer_than_the_longest(backoff):
    policy = {"max_attempts": 1000, "backoff": backoff, "factor": 100, "max_interval": "1h"}
    found = delays({**policy, "jitter": False})
    assert len(found) == 999
    assert max(found) <= 3600
    assert found == sorted(found)


def test_only_errors_that_are_listed_are_tried_again():
    policy = {"retry_on": ["timeout", "busy"]}
    assert delays(policy, "timeout") == [1, 2]
    assert delays(policy, "down") == []
    assert delays({"do_not_retry": ["down"]}, "down") == []
    assert delays({"do_not_retry": ["down"]}, "timeout") == [1, 2]
    assert delays({"retry_on": ["a"], "do_not_retry": ["a"]}, "a") == []


def test_a_policy_is_expanded_to_plain_values():
    assert expand({"initial": "1m30s", "retry_on": ["a"]}) == {
        "max_attempts": 3,
        "backoff": "exponential",
        "initial": 90,
        "factor": 2,
        "max_interval": 300,
        "jitter": True,
        "retry_on": ["a"],
        "do_not_retry": [],
    }
