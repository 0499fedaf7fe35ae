"""A real browser at a real server: shared by the journeys.

The server runs in a thread through waitress on a free loopback port; its worker's round is called by the test, so that
nothing happens by itself. Where there is no Chromium the tests are skipped with the reason, and fail under
`GRANTFLOW_BROWSER=require`. With `JOURNEY_SHOTS=FOLDER` in the environment every named stop is kept as a picture.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from sqlalchemy import event

from grantflow import clock

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LIGHT = (
    "--disable-gpu", "--in-process-gpu", "--disable-smooth-scrolling",
    "--disable-features=RenderDocument,SpareRendererForSitePerProcess,PaintHolding,HttpsUpgrades,OptimizationHints,"
    "MediaRouter,DestroyProfileOnBrowserClose,AvoidUnnecessaryBeforeUnloadCheckSync",
)  # fmt: skip
"""Without a process that draws for a screen nobody looks at, and with one frame for all pages of a tab, a page costs half.
A list of features takes the place of the one that Playwright gives: what matters of that stands here too."""
WIDE, NARROW = 1280, 360
NO_FAULT = ("status of", "net::", "data:image/svg+xml")
"""What a browser says of an answer that is no page, of a line that is away, and of Bootstrap's own mark of a wrong field,
which it may ask for in the moment before the theme's sheet has taken it away."""
FEW = 8
"""So many signs of a text are typed key by key."""
PASSWORD = "four wet boots in a row"


def missing(reason: str) -> None:
    """Skip with the reason, or fail where a browser was asked for."""
    if os.environ.get("GRANTFLOW_BROWSER") == "require":
        pytest.fail(f"GRANTFLOW_BROWSER=require, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window: the shell that has none, where it is there, does half the work."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        missing("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *LIGHT])
        yield running
        running.close()


class House:
    """An installation of its own with its server: an empty database, a clock that can travel, no worker of its own."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        from grantflow import create_app
        from grantflow.db import db

        self.home = Path(settings["GRANTFLOW_HOME"])
        self.app: Flask = create_app(settings)
        with self.app.app_context():
            if db.engine.dialect.name == "sqlite":
                event.listen(db.engine, "connect", _unhurried)
        self.port = 0
        self.start()

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin to answer, on the same port as before."""
        from waitress.server import create_server

        self._server = create_server(self.app.wsgi_app, host="127.0.0.1", port=self.port, threads=4)
        self.port = int(self._server.effective_port)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # its sockets are closed under it: that is how it is stopped
            self._server.run()

    def stop(self) -> None:
        """Answer no more."""
        self._server.maintenance_interval = 0
        self._server.close()
        self._server.trigger.pull_trigger() if not self._server.trigger._closed else None
        for channel in list(self._server._map.values()):
            channel.close()
        self._server.task_dispatcher.shutdown()
        self._thread.join(5)

    def round(self) -> None:
        """Let the worker do what is due: deadlines, letters, a checkpoint."""
        from grantflow.cases.worker import one_round
        from grantflow.db import db

        with self.app.app_context():
            one_round()
            db.session.remove()

    def travel(self, moment: datetime) -> None:
        """Let the time pass until that moment, then let the worker look round."""
        clock.travel(moment)
        self.round()

    def close(self) -> None:
        """End the server and forget the clock."""
        from grantflow.db import db

        clock.travel(None)
        self.stop()
        with self.app.app_context():
            db.engine.dispose()


def _unhurried(connection: Any, _record: Any) -> None:
    # These databases are thrown away: nobody need wait for the disk.
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


@contextmanager
def house_in(settings: Mapping[str, str]) -> Iterator[House]:
    """A house for the length of the block, with its context pushed for the test's own calls of services."""
    from grantflow.db import db

    made = House(settings)
    try:
        with made.app.app_context():
            yield made
            db.session.remove()
    finally:
        made.close()


@pytest.fixture
def house(installation: dict[str, str], compiled_templates: BytecodeCache) -> Iterator[House]:
    """An empty house for one test."""
    with house_in(installation) as made:
        made.app.jinja_env.bytecode_cache = compiled_templates
        yield made


# ------------------------------------------------------------------------------------------------------------- pages
def shot(page: Page, name: str) -> None:
    """Keep a picture of the page where pictures are wanted."""
    folder = os.environ.get("JOURNEY_SHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with whole(page):
            page.screenshot(path=str(Path(folder) / f"{name}.png"))


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@contextmanager
def whole(page: Page) -> Iterator[None]:
    """A window as high as the page: a bar that sticks to the foot then lies on nothing."""
    size = page.viewport_size
    assert size is not None
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
    yield
    page.set_viewport_size(size)


def axe_faults(page: Page, *, colours: bool = True) -> list[str]:
    """What axe finds wrong with a page, looked at in its whole height. Comparing colours is half of its work."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    options: dict[str, Any] = {"runOnly": RULES, "resultTypes": ["violations"], "preload": False}
    if not colours:
        options["rules"] = {"color-contrast": {"enabled": False}}
    with whole(page):
        found = axe.run(page, options=options).response["violations"]
    return [f"{fault['id']}: {node['html'][:160]}" for fault in found for node in fault["nodes"]]


# ------------------------------------------------------------------------------------------------------------- hands
FAR = """([target]) => {
    const seen = new Set(), stops = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')].filter(
        e => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({visibilityProperty: true})
            && (e === target || e.type !== 'radio' || !(seen.has(e.name) || !seen.add(e.name))));
    return Math.max(0, stops.indexOf(target) - stops.indexOf(document.activeElement) - 2);
}"""
"""How many stops of the Tab key lie at least between the focus and the target."""


class Hands:
    """Somebody at a browser: finds things by what they are called, and uses either a mouse or the keyboard alone."""

    def __init__(
        self, page: Page, address: str, *, keyboard: bool = False, reached: set[tuple[str, str]] | None = None
    ) -> None:
        self.page, self.address, self.keyboard = page, address, keyboard
        self._reached: set[tuple[str, str]] = set() if reached is None else reached
        self.said: list[str] = []
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("console", self._heard)
        self.asked: list[str] = []
        page.on("dialog", self._asked)

    def _asked(self, dialog: Any) -> None:
        # "Leave this page?" is answered with yes, and remembered.
        self.asked.append(dialog.type)
        dialog.accept()

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning") and not any(known in message.text for known in NO_FAULT):
            self.said.append(message.text)

    def open(self, path: str) -> int:
        """Go to an address by the bar; gives back the status."""
        answer = self.page.goto(path if path.startswith("http") else self.address + path)
        return answer.status if answer is not None else 0

    @property
    def words(self) -> str:
        """What stands on the page."""
        return " ".join(self.page.locator("body").inner_text().split()).replace("\u00a0", " ").replace("\u202f", " ")

    @property
    def path(self) -> str:
        """The path of the page one is on."""
        return re.sub(r"^https?://[^/]+", "", self.page.url)

    def reach(self, target: Locator, most: int = 400) -> None:
        """Tab until the target has the focus. What was reached so once on such a page is known to be reachable."""
        shape = re.sub(r"\d+", "#", self.path.split("#")[0]), re.sub(r"\d+", "#", str(target))
        if shape in self._reached:
            target.focus()
            return
        self._reached.add(shape)
        handle = target.element_handle()
        for _ in range(self.page.evaluate(FAR, [handle])):  # no need to look round at every stop
            self.page.keyboard.press("Tab")
        here = "([t]) => t === document.activeElement || (t.type === 'radio' && document.activeElement.name === t.name)"
        for _ in range(most):
            if self.page.evaluate(here, [handle]):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no way by keyboard to {target}")

    def press(self, target: Locator, key: str = "Enter") -> None:
        """Press a link, a button, a box."""
        if self.keyboard:
            self.reach(target)
            self.page.keyboard.press(key)
        else:
            target.click()

    def follow(self, target: Locator) -> None:
        """Press a link or a button that leads to another page, and wait for that page."""
        with self.page.expect_navigation():
            self.press(target)

    def link(self, name: str | re.Pattern[str]) -> Locator:
        """A link by its words, the visible one."""
        return self.page.get_by_role("link", name=name).locator("visible=true").first

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """A button by its words, the visible one."""
        return self.page.get_by_role("button", name=name).locator("visible=true").first

    def write(self, field: Locator, text: str) -> None:
        """Type a text into a field, over what stands there."""
        if self.keyboard:
            self.reach(field)
            self.page.keyboard.press("ControlOrMeta+a")
            self.page.keyboard.press("Delete")
            self.page.keyboard.type(text[:FEW])
            self.page.keyboard.insert_text(text[FEW:])  # the rest at once, as a dictation or a phone's keyboard does
        else:
            field.fill(text)

    def choose(self, field: Locator, value: str) -> None:
        """Choose a value from a list."""
        if not self.keyboard:
            field.select_option(value)
            return
        self.reach(field)
        wanted = field.evaluate("(f, v) => [...f.options].findIndex(o => o.value === v)", value)
        now = field.evaluate("f => f.selectedIndex")
        for _ in range(abs(wanted - now)):
            self.page.keyboard.press("ArrowDown" if wanted > now else "ArrowUp")
        assert field.input_value() == value

    def pick(self, name: str, value: str) -> None:
        """Choose one of a group of round buttons."""
        wanted = self.page.locator(f'input[type=radio][name="{name}"][value="{value}"]')
        if not self.keyboard:
            wanted.check()
            return
        self.reach(wanted)
        if not self.page.evaluate("document.activeElement.checked"):
            self.page.keyboard.press("Space")
        for _ in range(20):
            if wanted.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{name} does not take {value}")

    def tick(self, box: Locator, on: bool = True) -> None:
        """Set a box."""
        if box.is_checked() != on:
            self.press(box, "Space")
        assert box.is_checked() == on

    def attach(self, field: Locator, name: str, content: bytes, kind: str = "application/pdf") -> None:
        """Choose a file."""
        given: Any = {"name": name, "mimeType": kind, "buffer": content}
        if not self.keyboard:
            field.set_input_files(given)
            return
        self.reach(field)
        from playwright.sync_api import TimeoutError as PressMissed

        try:
            with self.page.expect_file_chooser(timeout=20_000) as chooser:
                self.page.keyboard.press("Space")
        except PressMissed:  # a busy machine let the key pass; a person presses again
            self.reach(field)
            with self.page.expect_file_chooser() as chooser:
                self.page.keyboard.press("Enter")
        chooser.value.set_files(given)


def sign_in(hands: Hands, email: str, onward: str = "/desk", password: str = PASSWORD) -> None:
    """Sign in by the door and go on where one was."""
    hands.open(f"/sign-in?next={onward}")
    hands.write(hands.page.locator("#email"), email)
    hands.write(hands.page.locator("#password"), password)
    hands.follow(hands.page.locator("main form[data-gf-once] button[type=submit].btn-primary"))


@pytest.fixture
def at_desk(browser: Browser) -> Iterator[Callable[..., Hands]]:
    """`at_desk(house, width, keyboard)` opens a browser of its own for somebody."""
    open_ones: list[BrowserContext] = []
    reached: set[tuple[str, str]] = set()  # a page of the same shape has the same order of stops, whoever opens it

    def open_one(
        house: House, width: int = WIDE, *, keyboard: bool = False, language: str = "en", **more: Any
    ) -> Hands:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, locale=language, timezone_id="Europe/Moscow",
            accept_downloads=True, **more,
        )  # fmt: skip
        context.set_default_timeout(60_000)  # generous: a busy machine is no fault of a page
        open_ones.append(context)
        return Hands(context.new_page(), house.address, keyboard=keyboard, reached=reached)

    yield open_one
    for context in open_ones:
        context.close()
