"""What pages weigh, and what is made once for many rows: the same as made for each."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from babel.dates import format_timedelta
from flask import Flask, url_for
from flask.testing import FlaskClient
from flask_babel import force_locale

from app.web import assets
from app.web.addresses import url_by_id
from app.web.assets import _packed, asset, drawn_icon
from app.web.when import relative
from tests.bench import copies
from tests.support.office import NOW, Office
from tests.support.pages import Pages

Browser = Callable[..., Pages]
PACKED = {"Accept-Encoding": "gzip"}
_LINKED = re.compile(r'(?:href|src)="(/static/[^"#]+)')
_KB = 1024


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def folder(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of static files of the test's own."""
    monkeypatch.setattr(app, "static_folder", str(tmp_path))
    return tmp_path


@pytest.fixture
def many(office: Office) -> Office:
    """Sixty tasks that mei can claim, each due at a time of its own."""
    copies.make(office.db, office.start(), 59)
    with office.db.transaction() as tx:
        tx.run("update tasks set due_at = due_at + make_interval(mins => id::int %% 1000)", {})
    return office


def weight(client: FlaskClient, address: str) -> int:
    with client.get(address, headers=PACKED) as answer:
        assert answer.status_code == 200
        return len(answer.data)


def test_a_full_inbox_loads_within_100_kilobytes(
    browser: Browser, client: FlaskClient, many: Office
) -> None:
    page = browser("mei").get("/inbox").ok()
    assert page.text.count("data-row") == 50
    files = set(_LINKED.findall(page.text))
    assert len(files) > 10
    assert len(page.text.encode()) + sum(weight(client, each) for each in files) <= 100 * _KB


def test_a_swap_of_a_full_list_weighs_12_kilobytes_at_most(browser: Browser, many: Office) -> None:
    mei = browser("mei")
    asked = {"HX-Request": "true", **PACKED}
    with mei.client.get("/inbox", headers=asked) as part:
        text = gzip.decompress(part.data).decode()
        assert text.count("data-row") == 50
        assert len(part.data) == int(part.headers["Content-Length"]) <= 12 * _KB
        assert {"HX-Request", "Accept-Encoding"} <= set(part.vary)


def test_what_others_could_ask_for_is_not_packed(browser: Browser, many: Office) -> None:
    """Another site can have a page opened, with what is searched for; not with a header of ours."""
    mei = browser("mei")
    with mei.client.get("/inbox?q=guess", headers=PACKED) as page:
        assert "Content-Encoding" not in page.headers
    assert "access-control-allow-headers" not in page.headers
    with mei.client.options("/inbox", headers={"Origin": "https://example.org"}) as preflight:
        assert not [name for name, _ in preflight.headers if "Access-Control" in name]
    with mei.client.get("/inbox", headers={"HX-Request": "true"}) as plain:
        assert plain.text.count("data-row") == 50


def test_a_file_comes_packed_to_whoever_can_unpack_it(client: FlaskClient, app: Flask) -> None:
    with app.test_request_context():
        address = asset("css/app.css")
    with client.get(address) as plain, client.get(address, headers=PACKED) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain.headers
        assert gzip.decompress(packed.data) == plain.data
        assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data)
        for answer in (plain, packed):
            assert "immutable" in answer.headers["Cache-Control"]
            assert "Accept-Encoding" in answer.vary
            assert answer.mimetype == "text/css"


def test_a_part_of_a_file_and_one_without_a_version_are_not_packed(
    client: FlaskClient, app: Flask
) -> None:
    with app.test_request_context():
        address = asset("css/app.css")
    with client.get(address, headers=PACKED | {"Range": "bytes=0-9"}) as part:
        assert (part.status_code, len(part.data)) == (206, 10)
        assert "Content-Encoding" not in part.headers
    with client.get(address.partition("?")[0], headers=PACKED) as bare:
        assert "Content-Encoding" not in bare.headers
        assert "immutable" not in bare.headers["Cache-Control"]


def test_a_file_is_kept_once_however_its_address_is_written(
    client: FlaskClient, folder: Path
) -> None:
    (folder / "a.css").write_text("a{}", encoding="utf-8")
    _packed.cache_clear()
    for address in ("/static/a.css?v=1", "/static/./a.css?v=2", "/static/x/../a.css?v=3"):
        with client.get(address, headers=PACKED) as answer:
            assert gzip.decompress(answer.data) == b"a{}"
    assert _packed.cache_info().currsize == 1


def test_a_page_is_not_packed(browser: Browser) -> None:
    """Its length would tell of the token that it holds."""
    page = browser("mei").client.get("/inbox", headers=PACKED)
    assert page.status_code == 200
    assert "Content-Encoding" not in page.headers


def test_a_file_that_changed_has_another_address_and_content(
    app: Flask, client: FlaskClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "a.css"
    seen: set[str] = set()
    monkeypatch.setattr(assets, "_FRESH", 0.0)  # looked at each time
    for text in ("a{}", "b{}"):
        file.write_text(text, encoding="utf-8")
        os.utime(file, ns=(len(seen) + 1, len(seen) + 1))
        with app.test_request_context():
            address = asset("a.css")
        with client.get(address, headers=PACKED) as answer:
            assert gzip.decompress(answer.data).decode() == text
        seen.add(address)
    assert len(seen) == 2


def test_a_file_that_is_missing_is_told_at_once(app: Flask, folder: Path) -> None:
    with app.test_request_context(), pytest.raises(FileNotFoundError):
        asset("css/none.css")


@pytest.mark.parametrize("root", ["", "/flow", "/4611686018427387904"])
def test_addresses_by_id_are_those_of_url_for(app: Flask, root: str) -> None:
    with app.test_request_context(environ_overrides={"SCRIPT_NAME": root}):
        for number in (1, 7, 2**62, 2**63 - 1):
            for endpoint in ("task.show", "task.claim"):
                assert url_by_id(endpoint, task_id=number) == url_for(endpoint, task_id=number)
        assert asset("css/app.css").startswith(f"{root}/static/css/app.css?v=")


def test_an_icon_has_its_label_escaped_and_is_none_of_another_size(app: Flask) -> None:
    with app.test_request_context():
        assert 'class="icon"' in drawn_icon("clock")
        assert 'class="icon icon-small" aria-hidden="true"' in drawn_icon("clock", small=True)
        assert 'role="img" aria-label="&lt;b&gt;"' in drawn_icon("clock", label="<b>")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_distances_are_worded_as_babel_does(app: Flask, language: str) -> None:
    """Around every place where the unit or the number changes."""
    edges = [60, 3600, 86_400, 604_800, *(60 * n + 30 for n in (1, 2, 59))]
    edges += [*(3600 * n + 1800 for n in (1, 2, 23)), *(86_400 * n + 43_200 for n in (1, 2, 6))]
    with app.test_request_context(), force_locale(language):
        for seconds in sorted({edge + more for edge in edges for more in (-61, -1, 0, 1, 60)}):
            for sign in (1, -1):
                distance = timedelta(seconds=sign * seconds)
                if seconds < 60:
                    continue
                words = format_timedelta(distance, threshold=1, add_direction=True, locale=language)
                assert f">{words}</time>" in relative(NOW + distance, NOW), distance


def test_a_moment_is_told_in_the_zone_of_each_reader(app: Flask) -> None:
    """Two readers, the same moment: what is kept for one is not shown to the other."""
    moment = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    shown = []
    for zone in ("UTC", "Asia/Shanghai"):
        app.config["DEFAULT_TIMEZONE"] = zone
        with app.test_request_context():
            shown.append(relative(moment, moment + timedelta(days=60)))
    assert 'datetime="2026-03-02T23:30:00+00:00"' in shown[0]
    assert 'datetime="2026-03-03T07:30:00+08:00"' in shown[1]
    assert [re.sub("<[^>]*>", "", each) for each in shown] == ["Mar 2, 2026", "Mar 3, 2026"]


def test_the_hour_that_comes_twice_is_told_apart(app: Flask) -> None:
    app.config["DEFAULT_TIMEZONE"] = "Europe/Berlin"
    with app.test_request_context():
        first, second = (
            relative(datetime(2026, 10, 25, hour, 30, tzinfo=UTC), NOW) for hour in (0, 1)
        )
    assert 'datetime="2026-10-25T02:30:00+02:00"' in first
    assert 'datetime="2026-10-25T02:30:00+01:00"' in second
