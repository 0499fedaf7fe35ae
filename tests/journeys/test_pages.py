"""The main pages as every role sees them, in both languages, on a wide screen and on a telephone.

The state is the demo's, in the middle of paying. A plain run sees each page in the way in which most goes wrong, in
Russian on a telephone; a thorough one in all four.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask_babel import force_locale
from sqlalchemy import select

from grantflow import clock
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.identity.models import Person
from tests.browser import NARROW, WIDE, Hands, House, axe_faults, house_in, shot, sideways
from tests.databases import KEY

PEOPLE = {
    "nobody": "", "applicant": "applicant@demo.example", "grantee": "grantee@demo.example",
    "officer": "officer1@demo.example", "reader": "expert.italy@demo.example", "chair": "chair@demo.example",
    "finance": "finance2@demo.example", "manager": "manager@demo.example", "auditor": "auditor@demo.example",
}  # fmt: skip
PAGES: dict[str, tuple[str, ...]] = {
    "nobody": (
        "/", "/sign-in", "/register", "/password", "/calls/ZB-2022", "/calls/ZB-2022/check", "/calls/ZB-2022/to-read", "/calls/KR-2021", "/calls/KR-2021/results",
        "/accessibility", "/privacy", "/cookies", "/mailbox", "/no/such/page",
    ),
    "applicant": (
        "/desk", "/inbox", "/applications", "/applications/{my draft}", "/applications/{my draft}/edit/enterprise",
        "/applications/{my draft}/edit/budget", "/applications/{my draft}/edit/files", "/applications/{my draft}/check",
        "/applications/{my draft}", "/applications/{my draft}/people", "/applications/{my draft}/copy",
        "/cases/{my draft}", "/cases/{my draft}/moves/discard", "/calls/ZB-2022/apply", "/organisation",
        "/organisation/new", "/profile", "/profile/password", "/profile/address",
        "/cases/{award}", "/calls/ZB-2022/questions", "/calls/ZB-2022/questions/3", "/calls/ZB-2022/questions/5",
    ),
    "grantee": (
        "/desk", "/cases/{my application}", "/applications/{my application}/receipt",
        "/applications/{my application}/versions/1", "/applications/{my application}/compare", "/cases/{my award}", "/awards/{my award}/account", "/cases/{my tranche}", "/cases/{my report}",
        "/reports/{my report}/edit", "/cases/{my check}", "/history/{my application}",
    ),
    "officer": (
        "/desk", "/pipeline", "/calls/KR-2021/pipeline", "/calls/ZB-2022/pipeline", "/calls/ZB-2022/drafts",
        "/calls/ZB-2022/bulk/return?every=1", "/calls/ZB-2022/filters?q=a",
        "/calls/ZB-2022/health", "/calls/ZB-2022/health/remind", "/calls/ZB-2022/attempts",
        "/cases/{submitted}", "/applications/{submitted}/rules", "/cases/{submitted}/moves/return",
        "/applications/{submitted}/rules/papers/evidence",
        "/cases/{submitted}/moves/refuse", "/cases/{declined}", "/cases/{award}", "/cases/{report}",
        "/cases/{report}/moves/accept", "/checks", "/cases/{call}", "/programmes", "/programmes/prozvet", "/people",
        "/calls/ZB-2022/questions", "/calls/ZB-2022/questions/2/answer", "/calls/ZB-2022/questions/5/answer",
    ),
    "reader": ("/desk", "/panels", "/applications/{in scoring}/interest", "/applications/{in scoring}/review", "/cases/{in scoring}"),
    "chair": (
        "/desk", "/panels", "/panels/{panel}", "/panels/{panel}/ranking", "/panels/{first panel}",
        "/panels/{first panel}/ranking", "/cases/{in scoring}", "/cases/{awarded}", "/cases/{reading call}",
    ),
    "finance": (
        "/desk", "/money", "/money?view=second", "/account-changes/1", "/cases/{due}", "/cases/{due}/moves/prepare", "/cases/{checked}",
        "/cases/{first approved}", "/cases/{first approved}/moves/approve_second", "/cases/{ready}/moves/pay",
        "/cases/{paid}", "/cases/{award}",
    ),
    "manager": (
        "/desk", "/cases/{call}", "/calls/ZB-2022/versions", "/cases/{draft call}", "/cases/{draft call}/moves/approve", "/calls/ZB-2022/scope", "/calls/ZB-2022/closing", "/calls/ZB-2022/rehearsal",
        "/cases/{award}/clause", "/cascades", "/calls/ZB-2023/funding",
        "/applications/{draft}/extension", "/applications/{draft}/owner", "/people", "/people/new", "/people/{officer person}/roles",
        "/people/{officer person}/account", "/people/{officer person}/desk", "/people/{finance person}/desk?to={officer person}",
        "/programmes/prozvet",
        "/panels", "/money", "/cases/{suspended}", "/cases/{suspended}/moves/resume", "/audit", "/cases/{programme}",
        "/cases/{alliance}", "/cases/{first panel}", "/notices/{programme}", "/notices/{programme}/offered",
        "/notices/{programme}/offered/words", "/notices/mail",
    ),
    "auditor": (
        "/desk", "/audit", "/audit?kind=award", "/cases/{awarded}", "/cases/{award}", "/cases/{paid}", "/cases/{report}",
        "/cases/{check}", "/history/{awarded}", "/programmes/prozvet",
        "/panels/{first panel}/ranking", "/notices/{programme}", "/notices/{programme}/password_link",
        "/cases/{reading call}/export", "/calls/KR-2021/exceptions", "/exports", "/exports/{export}", "/exports/{export made}",
    ),
}  # fmt: skip
OTHER = {
    ("nobody", "/no/such/page"): 404, ("applicant", "/cases/{award}"): 404,
    ("applicant", "/calls/ZB-2022/questions/5"): 404, ("officer", "/people"): 403,
    ("officer", "/cases/{submitted}/moves/refuse"): 403, ("finance", "/cases/{due}/moves/prepare"): None,
    ("finance", "/cases/{first approved}/moves/approve_second"): None, ("reader", "/applications/{in scoring}/review"): None,
}  # fmt: skip
"""Where a page answers with something else than 200; None: it depends on who came before."""
WAYS = [("ru", NARROW, False), ("en", WIDE, True), ("en", NARROW, True), ("ru", WIDE, True)]


@pytest.fixture(scope="module")
def demo(built: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The demo in the middle of paying, served."""
    from grantflow.demo import command

    home = tmp_path_factory.mktemp("demo")
    shutil.copytree(built("paying"), home, dirs_exist_ok=True)
    with house_in({"GRANTFLOW_HOME": str(home), "GRANTFLOW_WORKER": "no", "GRANTFLOW_SECRET_KEY": KEY}) as house:
        command.demo_facts(house.app)
        yield house


@pytest.fixture(scope="module")
def numbers(demo: House) -> dict[str, int]:
    """Cases by what they show."""
    rows = session().execute(select(Case.__table__).order_by(Case.id)).all()
    mine = {code: _bodies(email) for code, email in PEOPLE.items() if email}

    def first(kind: str, state: str | None = None, owner: str = "", skip: int = 0) -> int:
        fit = [
            row.id for row in rows
            if row.kind == kind and (state is None or row.state == state)
            and (not owner or row.organisation_id in mine[owner])
        ]  # fmt: skip
        return int(fit[skip])

    person, payer = (
        session().scalars(select(Person.id).where(Person.email == PEOPLE[code])).one()
        for code in ("officer", "finance")
    )
    return {
        "my draft": first("application", "draft", "applicant"), "my application": first("application", "awarded", "grantee"),
        "my award": first("award", None, "grantee"), "my tranche": first("tranche", None, "grantee"),
        "my report": first("report", "assigned", "grantee"), "my check": first("check", None, "grantee"),
        "award": first("award", "active"), "submitted": first("application", "submitted"),
        "declined": first("application", "declined"), "report": first("report", "submitted"),
        "call": first("call", "open"), "draft call": first("call", "draft"), "reading call": first("call", "in_evaluation"),
        "in scoring": first("application", "in_scoring"), "panel": first("panel", skip=1), "first panel": first("panel"),
        "awarded": first("application", "awarded"), "due": first("tranche", "due"), "checked": first("tranche", "checked"),
        "first approved": first("tranche", "first_approved"), "ready": first("tranche", "ready"),
        "paid": first("tranche", "paid"), "suspended": first("award", "suspended"), "draft": first("application", "draft"),
        "programme": first("programme"), "alliance": first("alliance"), "check": first("check"),
        "officer person": person, "finance person": payer, **exports_of(PEOPLE["auditor"], first("call", "in_evaluation")),
    }  # fmt: skip


def exports_of(email: str, call: int) -> dict[str, int]:
    """An export that is made and one that waits, both of this person's."""
    from grantflow.cases import service, worker
    from grantflow.identity.access import actor_for
    from grantflow.oversight import asked

    actor = actor_for(session().scalars(select(Person).where(Person.email == email)).one())
    with force_locale("ru"):
        made = asked.ask(actor, service.get(call), "ru", "made")
        assert worker.do_long_work() >= 1  # drafts are counted by the same worker
        return {"export made": made, "export": asked.ask(actor, service.get(call), "ru", "waits")}


def _bodies(email: str) -> set[int]:
    from grantflow.identity.access import actor_for

    person = session().scalars(select(Person).where(Person.email == email)).one()
    return actor_for(person).scopes("applicant", "organisation_id")


@pytest.fixture
def seated(demo: House, at_desk: Callable[..., Hands]) -> Callable[..., Hands]:
    """`seated(role, language, width)` is a browser in which this person has signed in."""

    def sit(role: str, language: str, width: int) -> Hands:
        hands = at_desk(demo, width, language=language)
        if PEOPLE[role]:
            session().rollback()
            person = session().scalars(select(Person).where(Person.email == PEOPLE[role])).one()
            client = demo.app.test_client()
            with client.session_transaction() as cookie:
                cookie.update(_user_id=f"{person.id}:{person.session_epoch}", seen=int(clock.now().timestamp()))
            session().rollback()
            found = client.get_cookie("session")
            assert found is not None
            hands.page.context.add_cookies([{"name": "session", "value": found.value, "url": demo.address}])
        hands.open(f"/language/{language}?next=/privacy")
        return hands

    return sit


RAW = re.compile(
    r"(?<![\w/@.-])(?!gf_)[a-z]+_[a-z_]+(?![\w@/])|%\(|\{\{|\bNone\b|\bTrue\b|\bFalse\b|<[a-z]+[ >]|datetime|Decimal\("
)


def faults_of(hands: Hands, path: str, language: str, status: int | None, found: int, *, colours: bool) -> list[str]:
    """What is wrong with the page one is on."""
    page, wrong = hands.page, []
    if status is not None and found != status:
        wrong.append(f"answers {found} instead of {status}")
    if page.locator("html").get_attribute("lang") != language:
        wrong.append("the wrong language")
    if page.locator("h1").count() != 1:
        wrong.append(f"{page.locator('h1').count()} main headings")
    if (far := sideways(page)) > 0:
        wrong.append(f"scrolls sideways by {far}: {_wide(page)}")
    primary = page.locator(".btn-primary:visible").count()
    if primary > 1:
        wrong.append(f"{primary} primary buttons")
    if raw := RAW.findall(page.locator("main").inner_text()):
        wrong.append(f"raw words: {raw[:5]}")
    if page.title().split(" · ")[0].strip() in ("", "GrantFlow"):
        wrong.append("no title of its own")
    if hands.said:
        wrong.append(f"the browser says: {hands.said[:2]}")
        hands.said.clear()
    wrong += _focus(page)
    wrong += axe_faults(page, colours=colours)
    return [f"{path}: {one}" for one in wrong]


def _wide(page: Any) -> str:
    return str(
        page.evaluate("""() => [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1
        && !e.closest('.gf-scroll, .gf-flow')).slice(0, 3).map(e => e.outerHTML.slice(0, 120))""")
    )


def _focus(page: Any) -> list[str]:
    """The skip link comes first, and whatever has the focus shows it."""
    page.evaluate("document.activeElement && document.activeElement.blur()")
    if page.locator("[data-gf-errors]").count():
        return []  # an error summary rightly has the focus
    wrong = []
    for n in range(4):
        page.keyboard.press("Tab")
        shown = page.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e);
            return [e.className, e.outerHTML.slice(0, 100), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 || s.boxShadow !== 'none']; }""")
        if n == 0 and "gf-skip" not in shown[0]:
            wrong.append(f"the first stop is {shown[1]}")
        if not shown[2]:
            wrong.append(f"no visible focus on {shown[1]}")
    return wrong


@pytest.mark.parametrize(("language", "width", "rare"), WAYS)
@pytest.mark.parametrize("role", list(PAGES))
def test_every_page_of_a_role_is_whole(
    seated: Callable[..., Hands],
    numbers: dict[str, int],
    role: str,
    language: str,
    width: int,
    rare: bool,
    thorough: bool,
) -> None:
    if rare and not thorough:
        pytest.skip("without --thorough the narrowest page with the longest words stands for the others")
    hands = seated(role, language, width)
    wrong: list[str] = []
    for n, template in enumerate(PAGES[role]):
        path = re.sub(r"\{([^}]+)\}", lambda found: str(numbers[found[1]]), template)
        found = hands.open(path)
        name = re.sub(r"[^a-z0-9]+", "-", template.lower()).strip("-") or "front"
        shot(hands.page, f"{role}-{n:02d}-{name}-{language}-{width}")
        wrong += faults_of(
            hands, template, language, OTHER.get((role, template), 200), found, colours=thorough or n % 4 == 0
        )
    assert not wrong, "\n".join(wrong)
