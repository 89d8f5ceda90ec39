"""Pictures of every page and state: ``python -m tests.browser.screenshots [word …]``.

They land in ``var/screenshots``: at 1280 and 375 pixels, light and dark, in both languages;
with words only those whose names hold one of them. The picture of the README is refreshed
as well.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from playwright.sync_api import Browser, FilePayload, Page

from app.cli.demo import load_demo
from app.connector.standard import standard_registry
from app.db.engine import create_engine
from app.db.tx import Database
from app.definition.cache import DefinitionCache
from app.runtime.ports import Engine
from app.task import service as tasks
from tests.browser.serving import Live, application, listening, serving
from tests.browser.shot import Shot
from tests.browser.together import shots_of_people, work_together
from tests.browser.week import (
    BROKEN,
    INVENTORY,
    NOW,
    PASSWORD,
    STARVING,
    Week,
    live_through,
    services,
)
from tests.support import chromium, servers
from tests.support.office import SilentWaker
from tests.support.rest import Clock

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "var" / "screenshots"
README: Final = ROOT / "docs" / "img" / "inbox.png"
SIZES: Final = {1280: 800, 375: 812}
LANGUAGES: Final = {"en": "en-GB", "zh": "zh-CN"}

_FIXED_PITCH: Final = (
    "monospace",
    "ui-monospace",
    "SF Mono",
    "Cascadia Mono",
    "Menlo",
    "Consolas",
    "Liberation Mono",
    "DejaVu Sans Mono",
)
_FONTS: Final = (
    """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<match target="pattern">
"""
    + "".join(
        f'<test qual="all" name="family" compare="not_eq"><string>{name}</string></test>'
        for name in _FIXED_PITCH
    )
    + """
<edit name="family" mode="prepend" binding="strong"><string>Noto Sans CJK SC</string></edit>
</match>
</fontconfig>
"""
)


def main(words: list[str]) -> None:
    """Take the pictures."""
    ours = servers.Servers()
    ours.start()
    _use_good_fonts(ours.folder)
    try:
        with _demo() as (live, clock):
            week = live_through(live, clock)
            together = work_together(live, clock)
            shots = [*_shots(live, week), *shots_of_people(live, together)]
            with chromium.launched(chromium.require()) as browser:
                _take(browser, live, shots, words)
                if not words:
                    _picture_of_readme(browser, live)
    finally:
        ours.stop()
    print(f"{FOLDER.relative_to(ROOT)}: {len(list(FOLDER.glob('*.png')))} pictures")


def _use_good_fonts(folder: Path) -> None:
    """Let pages look as on most desks, not as on a server that has hardly any fonts."""
    rules = folder / "fonts.conf"
    rules.write_text(_FONTS, encoding="utf-8")
    os.environ["FONTCONFIG_FILE"] = str(rules)


def _wanted(name: str, words: list[str]) -> bool:
    return not words or any(word in name for word in words)


@contextmanager
def _demo() -> Iterator[tuple[Live, Clock]]:
    engine = create_engine(servers.create_database("pictures"), pool_size=10, max_overflow=20)
    clock = Clock(NOW)
    db = Database(engine)
    load_demo(Engine(db, standard_registry(), SilentWaker(), DefinitionCache()), now=NOW)
    with serving(db, "memory://", clock, services()) as live:
        yield live, clock
    engine.dispose()


def _shots(live: Live, week: Week) -> Iterator[Shot]:
    """Yield them in an order in which none changes what a later one shows."""
    yield from _of_the_door(live)
    yield from _of_lists()
    yield from _of_tasks(week)
    yield from _of_verbs(live)
    yield from _of_instances(week)
    yield from _of_definitions(week)
    yield from _of_oneself()
    yield from _of_races(live)


def _of_the_door(live: Live) -> Iterator[Shot]:
    yield Shot("sign-in", None, "/sign-in")
    yield Shot("sign-in-refused", None, "/sign-in", _refused_at_the_door)
    yield Shot("error-404", "mei", "/nothing/here")
    yield Shot("error-403", "mei", "/definitions/upload")
    yield Shot("error-503", "mei", "", before=lambda: _AWAY[0] + "/inbox")


def _of_lists() -> Iterator[Shot]:
    yield Shot("inbox", "mei", "/inbox")
    yield Shot("inbox-window", "mei", "/inbox", part=True)
    yield Shot("inbox-row-with-focus", "mei", "/inbox", _second_row, part=True)
    yield Shot("inbox-manager", "li", "/inbox")
    yield Shot("inbox-unassigned", "li", "/inbox/unassigned")
    yield Shot("inbox-done", "mei", "/inbox?tab=done")
    yield Shot("inbox-empty", "sun", "/inbox")
    yield Shot("inbox-nothing-found", "mei", "/inbox?q=zebra")
    yield Shot("inbox-narrowed", "mei", "/inbox?process=example_order_processing&due=week")
    yield Shot("inbox-selected", "li", "/inbox", _selects, part=True)
    yield Shot("inbox-decide", "li", "/inbox", _decides)
    yield Shot("start", "zhao", "/start")
    yield Shot("start-nothing-found", "zhao", "/start?q=zebra")
    yield Shot("requests", "zhao", "/requests")
    yield Shot("requests-empty", "sun", "/requests")
    yield Shot("instances", "admin", "/instances")
    yield Shot("instances-nothing-found", "admin", "/instances?status=failed")


def _selects(page: Page) -> None:
    page.locator("[data-pick]").first.check()


def _decides(page: Page) -> None:
    for box in page.locator("[data-pick]").all():
        box.check()
    page.locator("[name=action][value=complete]").click()


def _of_tasks(week: Week) -> Iterator[Shot]:
    yield Shot("task-to-claim", "mei", f"/tasks/{week.offered}")
    yield Shot("task-draft", "mei", f"/tasks/{week.drafted}")
    yield Shot("task-draft-window", "mei", f"/tasks/{week.drafted}", part=True)
    yield Shot("task-decide", "mei", f"/tasks/{week.decide}")
    yield Shot("task-wrong", "mei", f"/tasks/{week.wrong}", _completes)
    yield Shot("task-held-by-another", "mei", f"/tasks/{week.taken}")
    yield Shot("task-suspended", "mei", f"/tasks/{week.stopped}")
    yield Shot("task-completed", "mei", f"/tasks/{week.done}")
    yield Shot("task-withdrawn", "mei", f"/tasks/{week.withdrawn}")
    yield Shot("task-done", "mei", f"/tasks/{week.done}/done")


def _of_verbs(live: Live) -> Iterator[Shot]:
    task = live.payment("ORDER-2490")
    engine, now = live.engine, live.clock()
    mei, wang, zhao = (live.actor(name) for name in ("mei", "wang", "zhao"))
    tasks.comment(engine, wang, task, "The bank says tomorrow.\n@mei, can you wait?", now=now)
    said = tasks.comment(engine, mei, task, "Yess.", now=now)
    tasks.edit(engine, mei, task, said["id"], "Yes, until noon. 中午之前。", now=now)
    tasks.remind(engine, zhao, task, comment="The customer has called twice.", now=now)
    tasks.claim(engine, wang, task, now=now)
    tasks.copy(engine, wang, task, ["mei", "zhao"], comment="For your books.", now=now)
    tasks.transfer(engine, wang, task, "mei", comment="On leave from Thursday.", now=now)
    yield Shot("task-talked-about", "mei", f"/tasks/{task}")
    yield Shot("task-transfer", "mei", f"/tasks/{task}", _transfers, part=True)
    yield Shot("task-transfer-plain", "mei", f"/tasks/{task}/transfer", script=False)
    yield Shot("task-for-a-manager", "li", f"/tasks/{task}")
    yield Shot("notifications", "mei", "/notifications")
    yield Shot("notifications-empty", "sun", "/notifications")
    yield Shot("copies", "zhao", "/copies")
    yield Shot("copies-empty", "sun", "/copies")
    yield Shot("hand-over", "li", "/hand-over")


def _of_instances(week: Week) -> Iterator[Shot]:
    yield Shot("instance-running", "zhao", f"/instances/{week.running}")
    yield Shot("instance-stuck", "admin", f"/instances/{week.stuck}")
    yield Shot("instance-suspended", "admin", f"/instances/{week.suspended}")
    yield Shot("instance-finished", "zhao", f"/instances/{week.finished}")
    yield Shot("instance-history", "admin", f"/instances/{week.finished}/history")
    yield Shot("instance-sheet", "zhao", f"/instances/{week.finished}/sheet")
    yield Shot("instance-terminate", "admin", f"/instances/{week.running}", _asks, part=True)
    yield Shot(
        "instance-terminate-plain", "admin", f"/instances/{week.running}/terminate", script=False
    )
    yield Shot("instance-waiting", "admin", f"/instances/{week.waiting}")
    yield Shot("instance-moving", "admin", f"/instances/{week.moving}")
    yield Shot("repair-skip", "admin", f"/instances/{week.stuck}", _skips, part=True)
    yield Shot("repair-move", "admin", f"/instances/{week.moving}", _moves, part=True)
    yield Shot("repair-values", "admin", f"/instances/{week.waiting}/variables")
    yield Shot("repair-version", "admin", f"/instances/{week.moving}/migrate")


def _of_definitions(week: Week) -> Iterator[Shot]:
    yield Shot("definitions", "admin", "/definitions?versions=all")
    yield Shot("definition", "admin", f"/definitions/{week.definition}")
    yield Shot("definition-draft", "admin", f"/definitions/{week.draft}")
    yield Shot("definition-delete", "admin", f"/definitions/{week.draft}", _asks, part=True)
    yield Shot("definition-language", "admin", f"/definitions/{week.language}")
    yield Shot("dry-run", "admin", f"/definitions/{week.language}/dry-run", _plays)
    yield Shot("upload-witness", "admin", "/definitions/upload", _uploads_starving)
    yield Shot("upload", "admin", "/definitions/upload")
    yield Shot("upload-findings", "admin", "/definitions/upload", _uploads_errors)
    yield Shot("upload-two-files", "admin", "/definitions/upload", _uploads_files)
    yield Shot("start-form", "zhao", f"/start/{week.definition}")
    yield Shot("start-wrong", "zhao", f"/start/{week.definition}", _starts)


def _of_oneself() -> Iterator[Shot]:
    yield Shot("profile", "mei", "/profile")
    yield Shot("profile-wrong", "mei", "/profile", _same_password)
    yield Shot("absences", "li", "/absences")
    yield Shot("menu", "mei", "/inbox", _menu, part=True)
    yield Shot("keyboard", "mei", "/inbox", _help, part=True)


def _of_races(live: Live) -> Iterator[Shot]:
    """Yield what needs a task of its own in every picture."""
    numbers = itertools.count(2501)

    def fresh(by: str | None = None) -> str:
        task = live.payment(f"ORDER-{next(numbers)}")
        if by:
            live.claim(task, by)
        return f"/tasks/{task}"

    def claims(page: Page) -> None:
        live.claim(_id(page), "wang")
        page.locator("[data-claim]").click()
        page.locator("[data-error-summary]").wait_for()

    def completes(page: Page) -> None:
        page.locator("[name='f.notes']").fill("Amount is right, 流水 88120502")
        page.locator("[name='f.payment_verified'][value=true]").check()
        live.complete(_id(page), "mei", payment_verified=False, notes="Not there yet.")
        _completes(page)

    def finishes(page: Page) -> None:
        page.locator("[name='f.payment_verified'][value=true]").check()
        page.locator("#task-form .btn-primary").click()
        page.locator(".next-task, .empty").wait_for()

    yield Shot("race-claim", "mei", "", claims, before=fresh)
    yield Shot("race-complete", "mei", "", completes, before=lambda: fresh("mei"))
    yield Shot("task-finished", "mei", "", finishes, before=lambda: fresh("mei"), part=True)
    yield Shot("task-claimed-toast", "mei", "", _claims, before=fresh, part=True)


_AWAY: Final[list[str]] = []
"""Address of an application whose database is away."""


@contextmanager
def _away() -> Iterator[None]:
    """Serve an application whose database nobody answers for."""
    nowhere = sa.create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    engine = Engine(Database(nowhere), standard_registry(), SilentWaker(), DefinitionCache())
    with listening(application(engine, "memory://", Clock(NOW))) as url:
        _AWAY[:] = [url]
        yield
    nowhere.dispose()


@dataclass
class _Windows:
    """Signed-in windows, one for each person and look."""

    browser: Browser
    base: str
    open: dict[Any, Page] = field(default_factory=dict)

    def get(self, by: str | None, width: int, theme: Any, language: str, script: bool) -> Page:
        """Return the page of a window."""
        key = (by, width, theme, language, script)
        if key not in self.open:
            context = self.browser.new_context(
                base_url=self.base,
                viewport={"width": width, "height": SIZES[width]},
                has_touch=width < 500,
                color_scheme=theme,
                locale=LANGUAGES[language],
                timezone_id="Asia/Shanghai",
                java_script_enabled=script,
                reduced_motion="reduce",
                device_scale_factor=1,
            )
            self.open[key] = context.new_page()
            if by:
                self._sign_in(self.open[key], by)
        return self.open[key]

    def _sign_in(self, page: Page, by: str) -> None:
        page.goto("/sign-in")
        page.locator("[name=username]").fill(by)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[name=password]").press("Enter")
        page.wait_for_url("**/inbox")


def _take(browser: Browser, live: Live, shots: list[Shot], words: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    windows = _Windows(browser, live.url)
    with _away():
        for shot in shots:
            for width, theme, language in itertools.product(SIZES, ("light", "dark"), LANGUAGES):
                name = f"{shot.name}-{width}-{theme}-{language}"
                if not _wanted(name, words):
                    continue
                page = windows.get(shot.by, width, theme, language, shot.script)
                page.goto(shot.before() if shot.before else shot.path)
                shot.act(page)
                page.screenshot(
                    path=FOLDER / f"{name}.png",
                    full_page=not shot.part,
                    animations="disabled",
                )
    for page in windows.open.values():
        page.context.close()


def _picture_of_readme(browser: Browser, live: Live) -> None:
    """Take the inbox, twice as sharp, as it stands in the README."""
    README.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(FOLDER / "inbox-window-1280-light-en.png", README)


def _id(page: Page) -> int:
    return int(page.url.rpartition("/")[2])


def _refused_at_the_door(page: Page) -> None:
    page.locator("[name=username]").fill("mei")
    page.locator("[name=password]").fill("not-this-one")
    page.locator("[name=password]").press("Enter")
    page.locator("[data-error-summary]").wait_for()


def _second_row(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("j")


def _claims(page: Page) -> None:
    page.locator("[data-claim]").click()
    page.locator("#task-form .btn-primary").wait_for()


def _completes(page: Page) -> None:
    page.locator("#task-form .btn-primary").click()
    page.locator("[data-error-summary]").wait_for()


def _starts(page: Page) -> None:
    page.locator("[name='f.order_id']").fill("ORDER 17/B")
    page.locator("[name='f.amount']").fill("a lot")
    page.locator("#start-form .btn-primary").click()
    page.locator("[data-error-summary]").wait_for()


def _asks(page: Page) -> None:
    page.locator(".page-actions .btn-danger").click()
    page.locator("dialog[open]").wait_for()


def _transfers(page: Page) -> None:
    page.locator("a[href$='/transfer']").click()
    page.locator("dialog[open]").wait_for()


def _skips(page: Page) -> None:
    page.locator(".notice a[href$='/skip']").click()
    page.locator("dialog[open]").wait_for()


def _moves(page: Page) -> None:
    page.locator(".places a[href$='/jump']").first.click()
    page.locator("dialog[open]").wait_for()


def _plays(page: Page) -> None:
    page.locator("form .btn-primary").click()
    page.locator(".offers").first.wait_for()
    page.locator(".offers .btn").first.click()
    page.locator(".offers").first.wait_for()


def _uploads_starving(page: Page) -> None:
    page.locator("textarea").fill(STARVING)
    page.locator("[value=check]").click()
    page.locator(".findings").first.wait_for()


def _uploads_errors(page: Page) -> None:
    page.locator("textarea").fill(BROKEN)
    page.locator("[value=store]").click()
    page.locator(".findings").first.wait_for()


def _uploads_files(page: Page) -> None:
    good = json.dumps(INVENTORY | {"version": "3.0.0"}, ensure_ascii=False, indent=2)
    files: list[FilePayload] = [
        {"name": name, "mimeType": "application/json", "buffer": text.encode()}
        for name, text in (("stock_take.json", good), ("invoice.json", BROKEN))
    ]
    page.locator("input[type=file]").set_input_files(files)
    page.locator("[value=check]").click()
    page.locator(".findings").first.wait_for()


def _same_password(page: Page) -> None:
    page.locator("[name=current]").fill("wrong")
    page.locator("[name=new]").fill("short")
    page.locator("[name=again]").fill("other")
    page.locator("[action$='/password'] .btn").click()
    page.locator("[data-error-summary]").wait_for()


def _menu(page: Page) -> None:
    page.locator(".menu > summary").click()


def _help(page: Page) -> None:
    page.keyboard.press("?")
    page.locator("#keys[open]").wait_for()


if __name__ == "__main__":
    main(sys.argv[1:])
