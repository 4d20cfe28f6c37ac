"""Messages in a browser: from an expert's page to their answer, in each language, with and without scripts; by keyboard
alone; nothing that anybody writes runs."""

import email
import re
import time
from collections.abc import Iterator
from email.message import Message
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from kb.accounts.service import by_id
from kb.accounts.sessions import open_session
from kb.db import make_engine, transaction
from kb.limits.tables import LimitRow
from kb.messages import reports, service
from kb.messages.notices import Here, guest_link
from kb.messages.tables import MessageRow, ReportRow, ThreadRow
from kb.settings import Settings
from schemas.accounts import Account
from schemas.correspondence import Complaint, NewMessage
from schemas.language import LANGUAGES, Language
from search_ui.i18n import gettext, translations
from tests.kb.messages.writers import known, own
from tests.search_ui.browser.accessible import faults
from tests.xss import CORPUS

HERE = Here("", "The site")


def _words(language: Language) -> list[str]:
    """What the pages call things in that language: button, subject, message, send, answer, what is said afterwards."""
    button = translations(language).pgettext("button", "Write to this expert")
    return [button, *(gettext(each, language) for each in ("Subject", "Message", "Send", "Your answer", "Sent."))]


each_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(settings)
    yield engine
    with transaction(engine) as session:
        session.execute(delete(ThreadRow))
        _long_ago(session)
    engine.dispose()


@pytest.fixture
def tom(engine: Engine) -> Account:
    return known(engine, "tom")


def _signed_in(engine: Engine, account: Account) -> dict[str, Any]:
    """What a browser keeps in which they are signed in."""
    with transaction(engine) as session:
        token = open_session(session, account.id, "a test", strong=True)
    cookie = {"name": "session", "value": token, "domain": "127.0.0.1", "path": "/", "expires": -1, "httpOnly": True}
    return {"storage_state": {"cookies": [cookie | {"secure": False, "sameSite": "Lax"}], "origins": []}}


def _mail(settings: Settings, wanted: str) -> Message:
    """The mail that went out with this in its text."""
    end = time.monotonic() + 40
    while time.monotonic() < end:
        for path in (settings.data_dir / "mail").glob("*.eml"):
            found = email.message_from_bytes(path.read_bytes())
            if wanted in _text(found):
                return found
        time.sleep(0.2)
    raise TimeoutError(f"no mail says {wanted}")


def _text(found: Message) -> str:
    body = found.get_payload(decode=True)
    assert isinstance(body, bytes)
    return body.decode()


@each_language
@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_contact_an_expert_and_get_an_answer(  # type: ignore[no-untyped-def]
    opens, engine: Engine, settings: Settings, tom: Account, language: Language, scripts: bool
) -> None:
    button, subject, message, send, answer, sent = _words(language)
    me = _signed_in(engine, tom) | {"java_script_enabled": scripts}
    asker = opens(f"/{language}/experts/expert-rivera", **me)
    asker.get_by_role("link", name=button).click()
    asker.get_by_label(subject, exact=True).fill("Cable cars")
    asker.get_by_label(message, exact=True).fill(f"Do they run in wind? {language} {scripts}\n\nTom")
    asker.get_by_role("button", name=send).click()
    expect(asker.locator("[role=status]")).to_have_text(sent)
    mail = _mail(settings, f"> Do they run in wind? {language} {scripts}")
    assert mail["To"] == "ana@example.org"
    link = re.search(r"/es/messages/answer/\S+", _text(mail))
    assert link, "the expert's mail is in the language of the profile"
    expert = opens(link[0].replace("/es/", f"/{language}/"), java_script_enabled=scripts)
    expert.get_by_label(answer).fill("Up to 70 km/h.")
    expert.get_by_role("button", name=send).click()
    expect(expert.locator("[role=status]")).to_have_text(sent)
    asker.reload()
    expect(asker.locator(".message").last).to_contain_text("Up to 70 km/h.")
    expect(asker.locator(".message").last).to_contain_text("Ana Rivera")
    for page in (asker, expert):
        assert not re.search(r"planted-|ana@example|@mail\.example", page.content())
    unread = asker.locator("[data-mark-read]")
    if scripts:
        expect(unread).to_have_count(0)
    else:
        unread.get_by_role("button").click()
        expect(unread).to_have_count(0)


def test_the_keyboard_alone_writes_and_answers(opens, engine: Engine, tom: Account) -> None:  # type: ignore[no-untyped-def]
    olga = known(engine, "olga")
    own(engine, olga, "night-buses")
    page = opens("/en/messages/new?record=night-buses", **_signed_in(engine, tom))
    _tab_to(page, "#f-subject")
    page.keyboard.type("Night buses")
    page.keyboard.press("Tab")
    page.keyboard.type("Who drives?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Sent.")
    owner = opens("/en/messages", **_signed_in(engine, olga))
    _tab_to(owner, ".threads h2 a")
    owner.keyboard.press("Enter")
    expect(owner.get_by_role("heading", level=1)).to_have_text("Night buses")
    for target in (".mail-tools a", ".mail-tools button", "#f-text"):
        _tab_to(owner, target)
    owner.keyboard.type("Volunteers.")
    owner.keyboard.press("Tab")
    owner.keyboard.press("Enter")
    expect(owner.locator(".message-mine")).to_contain_text("Volunteers.")


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


@pytest.fixture
def pages(engine: Engine, tom: Account) -> dict[str, Account | None]:
    """Every page of messages, with things on it, and who sees it; one without an account is a guest's."""
    eva, ida = known(engine, "eva", "editor"), known(engine, "ida", "editor")
    with transaction(engine) as session:
        words = NewMessage(subject="A question", text="Hello.\n\nHow " + "long" * 40 + "?")
        thread = service.start(session, HERE, tom, "expert-rivera", words)
        team = service.start(session, HERE, tom, "garden-1", words)
        message = session.scalars(select(MessageRow.id).where(MessageRow.thread_id == team.id)).first()
        service.answer(session, HERE, eva, team.id, "We ask.")
        assert message
        reports.report(session, eva, team.id, Complaint(message=message, reason="other", note="Why?"))
        report = session.scalars(select(ReportRow.id)).one()
        reports.open_for(session, ida, report)
        token = guest_link(session, HERE, thread.id, "en").rsplit("/", 1)[1]
    return {
        "messages": tom, "messages?archived=true": tom, "messages/settings": tom, f"messages/{team.id}": tom,
        "messages/new?record=expert-rivera": tom, "messages/new?record=garden-2": tom,
        f"messages/{team.id}/report?message={message}": eva, f"messages/answer/{token}": None,
        f"messages/answer/{token}/report?message=1": None, "desk/reports": eva, f"desk/reports/{report}": ida,
        "experts/expert-rivera": tom,
    }  # fmt: skip


@each_language
def test_promise_25_axe_finds_nothing_and_320_pixels_are_enough(  # type: ignore[no-untyped-def]
    opens, engine: Engine, pages: dict[str, Account | None], language: Language
) -> None:
    for path, account in pages.items():
        me = _signed_in(engine, account) if account else {}
        for width, scheme in ((1280, "light"), (320, "dark"))[language != "en" :]:
            page = opens(f"/{language}/{path}", viewport={"width": width, "height": 800}, color_scheme=scheme, **me)
            assert faults(page) == ""
            page.context.close()


@each_language
def test_promise_25_a_form_that_was_refused_is_accessible_and_says_so_at_the_field(  # type: ignore[no-untyped-def]
    opens, engine: Engine, tom: Account, language: Language
) -> None:
    _, subject, message, send, _, _ = _words(language)
    page = opens(f"/{language}/messages/new?record=garden-1", **_signed_in(engine, tom))
    page.get_by_label(subject, exact=True).fill(" ")
    page.get_by_label(message, exact=True).fill("Kept")
    page.get_by_role("button", name=send).click()
    expect(page.locator("#f-subject-problem")).to_be_visible()
    expect(page.get_by_label(message, exact=True)).to_have_value("Kept")
    assert faults(page) == ""


@pytest.fixture
def hostile(engine: Engine, tom: Account) -> dict[str, Account | None]:
    """Pages that show, in each place where somebody writes, everything that must not run; and who sees them."""
    olga, eva = known(engine, "olga"), known(engine, "eva", "editor")
    own(engine, olga, "garden-3")
    tokens: list[str] = []
    for name, record in ((CORPUS[3], "expert-rivera"), (CORPUS[0], "garden-3")):
        with transaction(engine) as session:
            by_id(session, tom.id).name = name
            for number, evil in enumerate(CORPUS):
                thread = service.start(session, HERE, tom, record, NewMessage(subject=f"{number} {evil}", text=evil))
                _long_ago(session)
            tokens.append(guest_link(session, HERE, thread.id, "en").rsplit("/", 1)[1])
    with transaction(engine) as session:
        first = session.scalars(select(MessageRow.id).where(MessageRow.thread_id == thread.id)).one()
        for evil in CORPUS:
            service.answer(session, HERE, tom, thread.id, f"{evil}\n\n{evil}")
        reports.report(
            session, olga, thread.id, Complaint(message=first, reason="other", note="\n".join(CORPUS)[:1000])
        )
        report = session.scalars(select(ReportRow.id)).one()
        reports.open_for(session, eva, report)
    people_and_pages: dict[str, Account | None] = {
        "messages": olga, "messages?page=2": olga, f"messages/{thread.id}": olga, f"desk/reports/{report}": eva,
        f"messages/answer/{tokens[0]}": None,
    }  # fmt: skip
    return people_and_pages


def _long_ago(session: Session) -> None:
    """What was written counts for no limit any more."""
    session.execute(update(LimitRow).values(ends_at=0))


@each_language
def test_promise_13_nothing_that_is_written_runs(  # type: ignore[no-untyped-def]
    opens, engine: Engine, hostile: dict[str, Account | None], language: Language
) -> None:
    dialogs: list[str] = []
    seen = ""
    for path, account in hostile.items():
        page = opens("/en/about", **(_signed_in(engine, account) if account else {}))
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(f"/{language}/{path}")
        page.wait_for_timeout(100)
        assert page.locator("main :is(script, iframe, img, style, base, meta, link, math)").count() == 0, path
        seen += page.locator("main").inner_text()
    assert dialogs == []
    for evil in CORPUS:
        assert seen.count(evil) >= 3, f"not shown as it was written: {evil}"


def test_promise_13_what_is_typed_into_a_refused_form_does_not_run(opens, engine: Engine, tom: Account) -> None:  # type: ignore[no-untyped-def]
    page = opens("/en/messages/new?record=garden-1", **_signed_in(engine, tom))
    page.on("dialog", lambda dialog: pytest.fail(f"it ran: {dialog.message}"))
    for evil in CORPUS:
        page.get_by_label("Subject", exact=True).fill(evil + "x" * 150)
        page.locator("#f-subject").evaluate("box => box.removeAttribute('maxlength')")
        page.get_by_label("Subject", exact=True).fill(evil + "x" * 150)
        page.get_by_label("Message", exact=True).fill(evil)
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#f-subject-problem")).to_be_visible()
        expect(page.get_by_label("Subject", exact=True)).to_have_value(evil + "x" * 150)
        expect(page.get_by_label("Message", exact=True)).to_have_value(evil)
