"""When things fall due: timers, cron, working time, and clocks that change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.cron import CronError, parse
from app.core.duration import parse_duration
from app.core.effects import RaiseIncident, StartTimer
from app.core.working_calendar import calendar_of, read_hours
from tests.support.examples import examples
from tests.support.scenario import MONDAY, define, started, step

BERLIN, HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe")


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(zone="UTC", at=MONDAY, variables=None, **config):
    settings = {"timezone": zone, "calendar": {"holidays": ["2026-03-03"]}}
    played = started(define(step("timer", "t", **config), settings=settings), variables, at=at)
    return next(e for e in played.effects if isinstance(e, StartTimer | RaiseIncident))


@pytest.mark.parametrize(
    ("zone", "config", "then"),
    [
        ("UTC", {"after": "1h30m"}, "2026-03-02T10:30"),
        ("UTC", {"after": "${days}d"}, "2026-03-05T09:00"),
        ("UTC", {"after": "1wd"}, "2026-03-04T09:00"),
        ("Asia/Shanghai", {"after": "8wh"}, "2026-03-04T09:00"),
        ("Asia/Shanghai", {"until": "2026-04-01"}, "2026-03-31T16:00"),
        ("UTC", {"until": "2026-04-01T08:00:00+02:00"}, "2026-04-01T06:00"),
        ("UTC", {"until": "${add_duration(now(), 'PT1M')}"}, "2026-03-02T09:01"),
        ("UTC", {"until": "2020-01-01"}, "2020-01-01T00:00"),
        ("Asia/Shanghai", {"cron": "0 9 * * mon-fri"}, "2026-03-03T01:00"),
        ("Europe/Berlin", {"after": "P1M"}, "2026-04-02T08:00"),
    ],
)
def test_when_a_timer_is_due(zone, config, then):
    assert due(zone, variables={"days": 3}, **config).due_at == utc(then)


@pytest.mark.parametrize("given", ["${null}", "${5}", "${'soon'}", "${'200000w'}"])
def test_a_timer_without_a_moment_is_an_incident(given):
    assert due(after=given).error_kind == "bad_timer"


def test_a_day_later_is_the_same_time_of_day_when_clocks_change():
    before = utc("2026-03-28T12:00")
    assert due("Europe/Berlin", before, after="1d").due_at == utc("2026-03-29T11:00")
    assert due("Europe/Berlin", before, after="24h").due_at == utc("2026-03-29T12:00")


# Cron ----------------------------------------------------------------------------------


def times(text, zone, start, count=3):
    found, at = [], utc(start)
    for _ in range(count):
        at = parse(text).next_after(at, zone)
        found.append(at.astimezone(UTC).strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("text", "zone", "start", "then"),
    [
        ("*/20 9 * * *", UTC, "2026-03-02T09:20", ["03-02 09:40", "03-03 09:00", "03-03 09:20"]),
        ("0 0 L * *", UTC, "2028-01-31T00:00", ["02-29 00:00", "03-31 00:00", "04-30 00:00"]),
        ("0 0 13 * fri", UTC, "2026-03-07T00:00", ["03-13 00:00", "03-20 00:00", "03-27 00:00"]),
        ("0 0 */2 * fri", UTC, "2026-03-07T00:00", ["03-13 00:00", "03-27 00:00", "04-03 00:00"]),
        ("0 0 * * 7", UTC, "2026-03-02T00:00", ["03-08 00:00", "03-15 00:00", "03-22 00:00"]),
        ("0 0 29 2 *", UTC, "2026-03-02T00:00", ["02-29 00:00"] * 3),
        (
            "5/20 12 1 jan,jul *",
            UTC,
            "2026-03-02T00:00",
            ["07-01 12:05", "07-01 12:25", "07-01 12:45"],
        ),
        # Clocks put forward at 01:00 UTC: what was due in the gap runs when they have jumped.
        ("30 2 * * *", BERLIN, "2026-03-28T12:00", ["03-29 01:00", "03-30 00:30", "03-31 00:30"]),
        (
            "0,30 2,3 * * *",
            BERLIN,
            "2026-03-28T12:00",
            ["03-29 01:00", "03-29 01:30", "03-30 00:00"],
        ),
        ("30 * * * *", BERLIN, "2026-03-29T00:00", ["03-29 00:30", "03-29 01:30", "03-29 02:30"]),
        # Clocks put back at 01:00 UTC: a time of day comes once, every hour comes each hour.
        ("30 2 * * *", BERLIN, "2026-10-24T12:00", ["10-25 00:30", "10-26 01:30", "10-27 01:30"]),
        ("30 * * * *", BERLIN, "2026-10-25T00:00", ["10-25 00:30", "10-25 01:30", "10-25 02:30"]),
        ("*/30 2 * * *", BERLIN, "2026-10-25T00:00", ["10-25 00:30", "10-25 01:00", "10-25 01:30"]),
        # Half an hour: 02:00 becomes 02:30 on 4 October 2026, at 15:30 UTC of the 3rd.
        ("*/20 * * * *", HOWE, "2026-10-03T15:15", ["10-03 15:40", "10-03 16:00", "10-03 16:20"]),
        ("15 2 * * *", HOWE, "2026-10-03T12:00", ["10-03 15:30", "10-04 15:15", "10-05 15:15"]),
    ],
)
def test_when_a_cron_expression_is_due(text, zone, start, then):
    assert times(text, zone, start) == then


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "*-5 * * * *",
        "a * * * *",
        "1,,2 * * * *",
        "-1 * * * *",
        "1.5 * * * *",
        "* * 31 feb *",
        "0 0 30 2 *",
        "@daily",
        "١ * * * *",
        "* * * foo *",
        "* " * 200,
    ],
)
def test_what_is_no_cron_expression(text):
    with pytest.raises(CronError):
        parse(text)


def _field(low, high):
    number = st.integers(low, high)
    span = st.sets(number, min_size=2, max_size=2).map(lambda two: f"{min(two)}-{max(two)}")
    plain = number.map(str) | span
    stepped = st.tuples(plain | st.just("*"), st.integers(1, 30)).map(
        lambda two: f"{two[0]}/{two[1]}"
    )
    return st.just("*") | st.lists(plain | stepped, min_size=1, max_size=3).map(",".join)


_crons = st.tuples(
    _field(0, 59),
    _field(0, 23),
    st.just("*") | _field(1, 31) | st.just("L"),
    st.just("*") | _field(1, 12),
    st.just("*") | _field(0, 7),
).map(" ".join)
_zones = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Havana",
        "Asia/Shanghai",
        "Pacific/Apia",
        "Africa/Casablanca",
    ]
).map(ZoneInfo)
_MINUTES = 60 * 24 * 365 * 20
_starts = st.integers(0, _MINUTES) | st.integers(0, 400).map(lambda n: n * _MINUTES // 400)


@given(_crons, _zones, _starts)
@examples(60)
def test_cron_is_read_as_a_library_that_mimics_debian_reads_it(text, zone, start):
    at = (utc("2011-01-01T00:00") + timedelta(minutes=start)).astimezone(zone)
    assume(not at.fold)  # it begins with the first of two same times
    try:
        mine = parse(text)
    except CronError:
        with pytest.raises((CronSimError, StopIteration, RuntimeError)):
            next(CronSim(text, at))
        return
    theirs, now = CronSim(text, at), at.astimezone(UTC)
    for _ in range(6):
        expected = next(theirs).astimezone(UTC)
        if expected > now:  # it gives a time twice that two skipped ones become
            now = mine.next_after(now, zone)
            assert now == expected


# Working time --------------------------------------------------------------------------

CHINA = {
    "timezone": "Asia/Shanghai",
    "calendar": {
        "hours": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-12:00, 13:00-18:00"),
        "holidays": ["2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07"],
        "workdays": ["2026-10-10", "2026-10-01"],
    },
}


@pytest.mark.parametrize(
    ("length", "start", "then"),
    [
        ("1wh", "2026-09-30T03:30", "2026-09-30T05:30"),  # over lunch
        ("8wh", "2026-10-02T01:00", "2026-10-08T10:00"),  # after the holidays
        ("1wd", "2026-10-09T01:00", "2026-10-10T01:00"),  # a Saturday that is worked
        ("2wd", "2026-10-09T01:00", "2026-10-12T01:00"),
        ("1wd", "2026-09-30T01:00", "2026-10-01T01:00"),  # worked although a holiday
        ("4wh", "2026-10-10T04:00", "2026-10-10T09:00"),
    ],
)
def test_working_time_by_a_calendar_with_moved_working_days(length, start, then):
    zone = ZoneInfo(CHINA["timezone"])
    assert parse_duration(length).add_to(utc(start), zone, calendar_of(CHINA)) == utc(then)


def test_a_day_that_is_open_round_the_clock_has_all_its_hours():
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "00:00-24:00")
    calendar = calendar_of({"calendar": {"hours": week}})
    assert parse_duration("72wh").add_to(MONDAY, UTC, calendar) == MONDAY + timedelta(hours=72)
    spring = utc("2026-03-28T23:00")
    assert parse_duration("24wh").add_to(spring, BERLIN, calendar) == spring + timedelta(hours=24)


def test_without_hours_office_hours_count_also_with_holidays():
    calendar = calendar_of({"calendar": {"holidays": ["2026-03-03"]}})
    assert parse_duration("9wh").add_to(MONDAY, UTC, calendar) == utc("2026-03-04T10:00")


def test_a_calendar_without_working_time_is_an_incident():
    settings = {"calendar": {"hours": {"mon": ""}}}
    played = started(define(step("timer", "t", after="1wh"), settings=settings))
    [raised] = [effect for effect in played.effects if isinstance(effect, RaiseIncident)]
    assert "does not have that much working time" in raised.message


@pytest.mark.parametrize(
    "text", ["9:00-17:00", "09:00", "09:00-17:00-18:00", "25:00-26:00", "09:00+01:00-17:00", 5]
)
def test_hours_that_cannot_be_read(text):
    with pytest.raises(ValueError, match=r"not|hour"):
        read_hours(text)
