"""The parts in a real browser: axe, sideways scroll, the content policy, and the small script's few comforts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests.browser import RULES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = [
    "/",
    "/filled",
    "/hero",
    "/error/404",
    "/error/500",
    "/public/privacy",
    "/public/cookies",
    "/public/accessibility",
]


@pytest.fixture(scope="module")
def address(gallery: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, gallery, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


# The page with every part is tried in four ways that hold every pair of language, theme and width; the others in the two
# that are furthest apart.
WAYS = [
    ("/filled", *way)
    for way in (("en", "light", 1280), ("en", "dark", 360), ("ru", "light", 360), ("ru", "dark", 1280))
]
WAYS += [(path, *way) for path in PAGES[2:] for way in (("en", "light", 1280), ("ru", "dark", 360))]


@pytest.mark.parametrize(("path", "language", "theme", "width"), WAYS)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    page: Page, address: str, path: str, language: str, theme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if "status of" not in message.text else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith(address) else None)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}{path}?lang={language}&theme={theme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # The bar that sticks to the foot may lie on anything half scrolled: axe looks at the page in its whole height.
    page.set_viewport_size({"width": width, "height": int(page.evaluate("document.documentElement.scrollHeight")) + 50})
    found = axe.run(page, options={"runOnly": RULES, "resultTypes": ["violations"]}).response["violations"]
    assert [(fault["id"], [node["html"][:200] for node in fault["nodes"]]) for fault in found] == []
    assert said == []


def test_dark_follows_the_device_where_nobody_chose(browser: Browser, address: str) -> None:
    context = browser.new_context(color_scheme="dark")
    tab = context.new_page()
    colours = []
    for theme in ("auto", "dark", "light"):
        tab.goto(f"{address}/?theme={theme}")
        colours.append(tab.evaluate("[getComputedStyle(document.body).backgroundColor,"
                                    " getComputedStyle(document.querySelector('.gf-split a')).color]"))  # fmt: skip
    context.close()
    assert colours[0] == colours[1] != colours[2]


def test_the_error_summary_has_the_focus_and_its_links_lead_into_the_fields(page: Page, address: str) -> None:
    page.goto(f"{address}/filled")
    assert page.evaluate("document.activeElement.hasAttribute('data-gf-errors')")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "email"
    page.get_by_role("link", name="Starting or growing? Choose one.").click()
    assert page.evaluate("document.activeElement.name") == "kind"


def test_the_first_tab_skips_to_the_content(page: Page, address: str) -> None:
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "gf-skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_counter_counts_what_is_typed_and_cuts_nothing(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("#why").fill("a" * 119 + "😀")
    assert page.locator("#why-count").inner_text() == "120 of about 120"
    page.locator("#why").fill("a" * 1345)
    assert page.locator("#why-count").inner_text() == "1,345, about 1,225 over; nothing is cut"
    assert len(page.locator("#why").input_value()) == 1345


def test_a_line_is_added_empty_with_the_next_number(page: Page, address: str) -> None:
    page.goto(f"{address}/filled")
    page.get_by_role("button", name="Add a line").click()
    assert page.evaluate("document.activeElement.name") == "lines-3-what"
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "What, line 4"
    assert page.locator("#lines tr").count() == 4
    assert page.locator("#lines-3-price").input_value() == ""
    assert page.locator("#lines-3-price").get_attribute("aria-invalid") is None


def test_without_a_script_the_same_button_asks_the_server(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{address}/filled")
    with tab.expect_request(lambda request: request.method == "POST") as sent:
        tab.get_by_role("button", name="Add a line").click()
    assert "add_line" in str(sent.value.post_data)
    tab.goto(address)
    assert tab.locator("[data-gf-print]").count() == 1 and not tab.locator("[data-gf-print]").is_visible()
    context.close()


def test_words_not_yet_sent_are_asked_about_and_sending_is_not(page: Page, address: str) -> None:
    asked: list[str] = []

    def answer(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        dialog.accept()  # type: ignore[attr-defined]

    page.on("dialog", answer)
    page.goto(f"{address}/filled")
    page.locator("#email").press_sequentially("olga")
    page.goto(f"{address}/hero")
    assert asked == ["beforeunload"]
    page.goto(f"{address}/filled")
    page.locator("#email").press_sequentially("olga")
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_load_state()
    assert asked == ["beforeunload"]


def test_a_form_is_sent_once_however_often_the_button_is_pressed_and_lives_again_after_back(
    page: Page, address: str
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto(f"{address}/filled")
    press = "() => { const b = document.querySelector('.gf-save-bar button'); b.click(); b.click(); b.click(); }"
    with page.expect_navigation():
        page.evaluate(press)
    assert len(sent) == 1
    page.go_back()
    with page.expect_navigation():
        page.evaluate(press)
    assert len(sent) == 2


def test_the_menu_of_a_telephone_opens_by_keyboard_and_closes_by_escape(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(address)
    menu = page.locator(".gf-menu")
    page.locator(".gf-menu > summary").focus()
    page.keyboard.press("Enter")
    assert menu.get_by_role("link", name="Pipeline").is_visible()
    assert menu.get_by_role("button", name="Sign out").is_visible()
    page.keyboard.press("Escape")
    assert not menu.get_by_role("link", name="Pipeline").is_visible()
