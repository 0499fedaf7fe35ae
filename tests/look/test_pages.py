"""The frame, the macros and the error pages: what they say, and what they must not contain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask, Response, g

from grantflow import plots, rendering

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_page_carries_no_inline_script_or_style_and_no_other_host(gallery: Flask, path: str, language: str) -> None:
    page = gallery.test_client().get(f"{path}?lang={language}").get_data(as_text=True)
    assert f'<html lang="{language}"' in page
    assert not re.search(r"<[^>]+\sstyle=|<style|\son\w+=|javascript:", page)
    assert all('src="/' in script for script in re.findall(r"<script[^>]*>", page))
    assert not re.search(r"(?:href|src)=\"(?:https?:)?//", page)


def test_ids_on_the_page_of_every_part_are_unique(gallery: Flask) -> None:
    page = gallery.test_client().get("/filled").get_data(as_text=True)
    # The sections of a form stand twice, folded for telephones and open beside the text; neither has an id.
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_every_answer_carries_the_security_headers(gallery: Flask) -> None:
    answer = gallery.test_client().get("/")
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in answer.headers
    assert "private" in answer.headers["Cache-Control"]
    secure = gallery.test_client().get("/", base_url="https://localhost")
    assert "Strict-Transport-Security" in secure.headers


def test_sheets_and_scripts_are_addressed_by_their_content_and_kept(gallery: Flask) -> None:
    page = gallery.test_client().get("/").get_data(as_text=True)
    for name in ("/static/theme.css", "/static/app.js", "/bootstrap/static/css/bootstrap.min.css"):
        found = re.search(rf'"({re.escape(name)}\?v=[0-9a-f]{{12}})"', page)
        assert found
        with gallery.test_client().get(found[1]) as answer:
            kept = answer.headers["Cache-Control"].split(", ")
            assert answer.status_code == 200 and sorted(kept) == ["immutable", "max-age=31536000", "public"]
    gone = gallery.test_client().get("/static/gone.css?v=0123456789ab")
    assert gone.status_code == 404 and "private" in gone.headers["Cache-Control"]


def test_a_refused_move_stays_in_sight_with_its_reason(gallery: Flask) -> None:
    page = gallery.test_client().get("/").get_data(as_text=True)
    found = re.search(r'aria-disabled="true" aria-describedby="(why-7-award)"', page)
    assert found
    reason = page[page.index(f'id="{found[1]}"') :][:600]
    assert "4 of 6 members have signed" in reason
    assert page.count("btn btn-sm btn-primary") == 1
    assert 'href="/cases/7/reread"' in page


def test_the_error_summary_counts_and_links_to_every_field(gallery: Flask) -> None:
    page = gallery.test_client().get("/filled").get_data(as_text=True)
    summary = page[page.index("data-gf-errors") :]
    summary = summary[: summary.index("</ul>")]
    targets = re.findall(r'href="#([^"]+)"', summary)
    assert f"{len(targets)} things to correct" in summary and len(targets) > 5
    for target in targets:
        assert f'id="{target}"' in page, target


def test_what_was_typed_is_escaped_where_it_is_shown(gallery: Flask) -> None:
    with gallery.test_request_context("/"):
        source = """{% from "macros/case.html" import timeline, desk_line, mark %}
        {% from "macros/page.html" import note, facts %}
        {{ timeline([{'at': at, 'say': bad, 'by': bad, 'reason': bad, 'changes': [(bad, bad, bad)]}]) }}
        {{ desk_line(bad, extra=[bad]) }}{{ mark('idle', bad) }}{{ note(bad, bad) }}{{ facts([(bad, bad)]) }}"""
        from datetime import UTC, datetime

        page = gallery.jinja_env.from_string(source).render(bad="<b onclick=x>", at=datetime(2021, 11, 1, tzinfo=UTC))
    assert "<b onclick" not in page and page.count("&lt;b onclick") >= 10
    assert "<b onclick" not in plots.plot([plots.Series([(0, 1)], "<b onclick=x>")], "<b onclick=x>", top=1)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 429, 500, 503])
def test_each_error_page_says_what_is_kept_and_what_to_do(gallery: Flask, status: int) -> None:
    answer = gallery.test_client().get(f"/error/{status}")
    page = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert "What is kept" in page and "What to do" in page
    assert "Traceback" not in page


def test_a_refusal_is_told_in_its_own_words(gallery: Flask) -> None:
    page = gallery.test_client().get("/error/403").get_data(as_text=True)
    assert "The minutes are not signed yet" in page


def test_an_error_page_stands_when_the_frame_of_the_page_itself_breaks(gallery: Flask) -> None:
    def broken() -> dict[str, str]:
        raise RuntimeError("the database is away")

    with gallery.test_request_context("/"):
        gallery.template_context_processors[None].append(broken)
        try:
            for status in (404, 500, 503, 502, 418):
                page, told = rendering.error_page(status)
                assert told == status and "What to do" in page and "the database is away" not in page
        finally:
            gallery.template_context_processors[None].remove(broken)


def test_the_zone_of_the_reader_stands_at_the_foot(gallery: Flask) -> None:
    assert "UTC+3" in gallery.test_client().get("/").get_data(as_text=True)
    with gallery.test_request_context("/"):
        g.zone = "Asia/Chita"
        assert rendering.zone() == "Asia/Chita"


def test_the_devices_own_dark_uses_the_same_colours_as_the_chosen_dark() -> None:
    sheet = (ROOT / "grantflow/static/theme.css").read_text()
    chosen = re.search(r"\n\[data-bs-theme=dark\] \{(.*?)\n\}", sheet, re.S)
    device = re.search(r"html\[data-bs-theme=auto\] \{(.*?)\n\}", sheet, re.S)
    assert chosen and device

    def tokens(block: str) -> dict[str, str]:
        return dict(re.findall(r"(--gf-[\w-]+): ([^;]+);", block))

    assert tokens(chosen[1]) == tokens(device[1]) and len(tokens(chosen[1])) > 20


def test_every_icon_a_template_names_exists() -> None:
    known = set(re.findall(r'id="i-([\w]+)"', (ROOT / "grantflow/static/icons.svg").read_text()))
    named: set[str] = set()
    for template in (ROOT / "templates").rglob("*.html"):
        named |= set(re.findall(r"icon\('(\w+)'", template.read_text()))
    assert named and named <= known, named - known


def test_plots_keep_within_their_bounds_and_are_empty_without_points() -> None:
    assert plots.plot([], "x", top=1) == "" and plots.plot([plots.Series([])], "x", top=1) == ""
    over = plots.bar(93, 60, plan=60)
    assert 'width="100"' in over
    assert 'width="0"' in plots.bar(5, 0)
    assert isinstance(plots.rank_cell(1, 1, 1, [1]), str)


def test_a_response_may_set_a_stricter_policy_of_its_own(gallery: Flask) -> None:
    with gallery.test_request_context("/"):
        answer = Response("x")
        answer.headers["Content-Security-Policy"] = "sandbox"
        assert gallery.process_response(answer).headers["Content-Security-Policy"] == "sandbox"
