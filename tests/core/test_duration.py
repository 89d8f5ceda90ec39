"""Durations: what can be written, and where they lead."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.duration import Duration, DurationError, parse_duration

BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30s", Duration(seconds=30)),
        ("10m", Duration(seconds=600)),
        ("2h", Duration(seconds=7200)),
        ("1d", Duration(days=1)),
        ("2w", Duration(days=14)),
        ("1h30m", Duration(seconds=5400)),
        (" 1d 12h ", Duration(days=1, seconds=43_200)),
        ("3wd", Duration(working_days=3)),
        ("8wh", Duration(working_seconds=28_800)),
        ("1wd2h", Duration(working_days=1, seconds=7200)),
        ("0s", Duration()),
        ("PT2H", Duration(seconds=7200)),
        ("P1M", Duration(months=1)),
        ("P1Y2M3W4DT5H6M7S", Duration(months=14, days=25, seconds=18_367)),
        ("P100Y", Duration(months=1200)),
    ],
)
def test_what_can_be_written(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "not a duration", "30s"),
        ("soon", "not a duration", "1h30m"),
        ("5", "lacks a unit", "10m"),
        ("1h30", "lacks a unit", "1h30m"),
        ("1.5h", "lacks a unit", "1h30m"),
        ("-1d", "not a duration", "1d"),
        ("3M", "not a unit", "P3M"),
        ("1y", "not a unit", "P1Y"),
        ("2 months", "not a unit", "P2M"),
        ("5x", "not a unit of time", "30s"),
        ("P", "ISO 8601", "PT2H"),
        ("PT", "ISO 8601", "PT2H"),
        ("P1DT", "ISO 8601", "PT2H"),
        ("P1H", "ISO 8601", "PT2H"),
        ("PT1.5H", "ISO 8601", "PT2H"),
        ("40000d", "100 years", "shorter"),
        ("999999999999w", "100 years", "shorter"),
        ("30000wd", "100 years", "shorter"),
        ("9" * 90 + "s", "100 years", "shorter"),
        ("P101Y", "100 years", "shorter"),
        ("1h" * 100, "too long", "30s"),
    ],
)
def test_what_is_refused_says_what_to_write(text, message, hint):
    with pytest.raises(DurationError) as caught:
        parse_duration(text)
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("start", "text", "zone", "end"),
    [
        # A day keeps the time of day when clocks change; 24 hours do not.
        ("2025-03-29T11:00:00+00:00", "1d", BERLIN, "2025-03-30T10:00:00+00:00"),
        ("2025-03-29T11:00:00+00:00", "24h", BERLIN, "2025-03-30T11:00:00+00:00"),
        # 02:30 does not exist on that day, and exists twice on the other.
        ("2025-03-29T01:30:00+00:00", "1d", BERLIN, "2025-03-30T01:30:00+00:00"),
        ("2025-10-25T00:30:00+00:00", "1d", BERLIN, "2025-10-26T00:30:00+00:00"),
        ("2025-01-31T00:00:00+00:00", "P1M", UTC, "2025-02-28T00:00:00+00:00"),
        ("2024-02-29T00:00:00+00:00", "P1Y", UTC, "2025-02-28T00:00:00+00:00"),
        ("2025-01-30T20:00:00+00:00", "P1M", SHANGHAI, "2025-02-27T20:00:00+00:00"),
        ("2025-12-31T00:00:00+00:00", "P2M", UTC, "2026-02-28T00:00:00+00:00"),
        # Friday 10:00 in Shanghai.
        ("2025-01-31T02:00:00+00:00", "1wd", SHANGHAI, "2025-02-03T02:00:00+00:00"),
        ("2025-02-01T02:00:00+00:00", "1wd", SHANGHAI, "2025-02-03T02:00:00+00:00"),
        ("2025-01-31T02:00:00+00:00", "8wh", SHANGHAI, "2025-02-03T02:00:00+00:00"),
        ("2025-01-31T02:00:00+00:00", "2wh", SHANGHAI, "2025-01-31T04:00:00+00:00"),
        ("2025-01-31T12:00:00+00:00", "1wh", SHANGHAI, "2025-02-03T02:00:00+00:00"),
        ("2025-01-31T01:00:00+00:00", "8wh", SHANGHAI, "2025-01-31T09:00:00+00:00"),
    ],
)
def test_where_it_leads(start, text, zone, end):
    assert parse_duration(text).add_to(at(start), zone) == at(end)


class Never:
    def hours_on(self, day):
        return ()


class OnlyMondays:
    def hours_on(self, day):
        return ((time(8), time(9)), (time(10), time(11))) if day.weekday() == 0 else ()


def test_a_calendar_decides_what_working_time_is():
    friday = at("2025-01-31T00:00:00+00:00")
    end = Duration(working_seconds=3 * 3600).add_to(friday, UTC, OnlyMondays())
    assert end == at("2025-02-10T09:00:00+00:00")
    assert Duration(working_days=2).add_to(friday, UTC, OnlyMondays()).date() == date(2025, 2, 10)


@pytest.mark.parametrize("text", ["1wd", "1wh"])
def test_a_calendar_without_working_time_is_an_error(text):
    with pytest.raises(DurationError, match="working time"):
        parse_duration(text).add_to(at("2025-01-31T00:00:00+00:00"), UTC, Never())


@pytest.mark.parametrize("text", ["P2M", "60d", "60wd", "400wh", "2000h"])
def test_the_end_of_time_is_an_error(text):
    with pytest.raises(DurationError, match="9999"):
        parse_duration(text).add_to(at("9999-12-01T00:00:00+00:00"), UTC)


def test_fixed_seconds():
    assert parse_duration("1d1h").fixed_seconds() == 90_000
    with pytest.raises(DurationError, match="fixed length"):
        parse_duration("P1M").fixed_seconds()


@given(
    st.integers(0, 10_000),
    st.integers(0, 10_000_000),
    st.dates(max_value=date(2100, 1, 1)),
)
def test_in_utc_days_and_seconds_add_up(days, seconds, start):
    start = datetime.combine(start, time(1, 2, 3), UTC)
    end = parse_duration(f"{days}d{seconds}s").add_to(start, UTC)
    assert end - start == timedelta(days=days, seconds=seconds)


@given(st.text(alphabet="P0123456789YMWDTHSsmhdw .-١x", max_size=12))
def test_any_text_is_a_duration_or_a_duration_error(text):
    try:
        end = parse_duration(text).add_to(at("2025-01-31T00:00:00+00:00"), BERLIN)
    except DurationError:
        return
    assert end >= at("2025-01-31T00:00:00+00:00")
