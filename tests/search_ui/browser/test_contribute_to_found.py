"""The journey "contribute to found": a new account writes a case by the form, an editor asks for a change, the author makes
it, the editor publishes it, and readers find it; in each language, with and without JavaScript, by forms and links alone."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import Engine, delete

from kb.accounts.sessions import open_session
from kb.db import make_engine, transaction
from kb.limits.tables import LimitRow
from kb.settings import Settings
from schemas.language import LANGUAGES, Language
from tests.people import mails_to, path_in, person
from tests.search_ui.browser.conftest import Visits
from tests.search_ui.browser.visitor import Visitor
from tests.search_ui.browser.writing import write

PASSWORD = "a harbour full of red boats"
WIDE, SMALL = {"width": 1100, "height": 900}, {"width": 320, "height": 640}

#: (title, summary, problem, solution, results, what did not work, lessons, what it takes), as an official would write them.
WRITTEN: dict[Language, tuple[str, ...]] = {
    "en": ("Rain gardens along Harbour Street", "Forty rain gardens keep the street dry.", "Each storm flooded the cellars.",
           "Planted hollows take the water in.", "No cellar has been flooded since.", "Two gardens dried out.",
           "Plan who waters them.", "Soil that lets water through."),
    "es": ("Jardines de lluvia en la calle del Puerto", "Cuarenta jardines de lluvia mantienen seca la calle.",
           "Cada tormenta inundaba los sótanos.", "Unas hondonadas con plantas recogen el agua.",
           "Desde entonces no se ha inundado ningún sótano.", "Dos jardines se secaron.", "Prever quién los riega.",
           "Un suelo permeable."),
    "fr": ("Jardins de pluie de la rue du Port", "Quarante jardins de pluie gardent la rue au sec.",
           "Chaque orage inondait les caves.", "Des creux plantés recueillent l’eau.",
           "Aucune cave n’a été inondée depuis.", "Deux jardins ont séché.", "Prévoir qui les arrose.",
           "Un sol perméable."),
}  # fmt: skip
CHANGED: dict[Language, str] = {
    "en": "The town counted 31 flooded cellars in 2019 and none in 2024.",
    "es": "El municipio contó 31 sótanos inundados en 2019 y ninguno en 2024.",
    "fr": "La ville a compté 31 caves inondées en 2019 et aucune en 2024.",
}


def _texts(language: Language, word: str) -> dict[str, dict[str, str]]:
    title, summary, problem, solution, results, failed, lessons, conditions = WRITTEN[language]
    return {
        "basics": {"title": f"{title} {word}", "summary": summary},
        "problem": {"problem": problem},
        "solution": {"solution": solution},
        "costs": {"period.start": "2019-07"},
        "results": {"results": results, "what_did_not_work": failed, "lessons": lessons},
        "transfer": {"transfer.conditions": conditions},
        "sources": {"contact.name": "María Rivas", "sources.0.title": "Evaluation 2024"},
    }


@pytest.fixture
def database(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(settings)
    with transaction(engine) as session:  # six people of one address sign up here within a minute
        session.execute(delete(LimitRow))
    yield engine
    engine.dispose()


@pytest.fixture
def sees_mail(settings: Settings, database: Engine) -> Callable[[str, int], str]:
    """The mail of that number to somebody, waited for."""

    def read(email: str, number: int) -> str:
        end = time.monotonic() + 30
        while len(found := mails_to(settings, database, email)) < number:
            assert time.monotonic() < end, found
            time.sleep(0.2)
        assert len(found) == number, found
        return found[-1]

    return read


def _signed_in(page: Page, database: Engine, address: str, email: str) -> None:
    editor = person(database, email, "editor")
    with transaction(database) as session:
        token = open_session(session, editor.id, "a test", strong=True)
    page.context.add_cookies([{"name": "session", "value": token, "url": address}])


def _sign_up(me: Visitor, email: str, sees_mail: Callable[[str, int], str]) -> None:
    me.page.goto(f"/{me.language}/")
    me.follow("Contribute")
    me.look("Contribute")
    me.follow("Sign in and begin")
    me.look("Sign in")
    me.follow("Make an account")
    me.look("Make an account")
    me.fill("Send me the link", name="María Rivas", email=email)
    me.look("Look into your mailbox")
    me.page.goto(path_in(sees_mail(email, 1)))
    me.look("Choose a password")
    me.fill("Confirm and save", password=PASSWORD)
    me.look("Sign in")
    me.fill("Sign in", email=email, password=PASSWORD)
    me.look("Your account")


def _contribute(me: Visitor, word: str) -> None:
    me.follow("My drafts")
    me.look("My drafts")
    me.follow("Write something new")
    me.look("Contribute")
    me.page.locator('input[name="type"][value="case_study"]').check()
    me.press("Begin")
    write(me.page, me.language, _texts(me.language, word), me.check)
    me.check("check")
    assert me.page.get_by_role("heading", name=me.said("Still missing")).count() == 0, me.page.inner_text("main")
    me.press("Send in")
    expect(me.page.get_by_role("status").first).to_contain_text(
        me.said("Sent in. You will get a mail when an editor has read it.")
    )
    me.check("sent in")


def _field(page: Page, name: str) -> Locator:
    return page.locator(f"#field-{name}")


def _ask_for_a_change(editor: Visitor, word: str, comment: str, reason: str) -> None:
    editor.page.goto(f"/{editor.language}/")
    editor.follow("Editorial desk")
    editor.look("Editorial desk")
    editor.follow(word, editor.page.locator(".queue"))
    editor.check("review")
    editor.press("Take into review")
    field = _field(editor.page, "results")
    field.locator("details.comment-new > summary").click()
    field.locator("textarea").fill(comment)
    field.get_by_role("checkbox").check()
    editor.press("Add the comment", within=field)
    expect(_field(editor.page, "results")).to_contain_text(comment)
    editor.check("commented")
    editor.page.get_by_text(editor.said("Ask for changes, or decline"), exact=True).click()
    editor.page.locator("#f-reason").fill(reason)
    editor.press("Ask for changes")
    expect(editor.page.locator(".decide")).to_contain_text(editor.said("There is nothing to decide now."))
    editor.check("asked")


def _change(me: Visitor, mail: str, comment: str, reason: str) -> None:
    assert reason in mail
    me.page.goto(path_in(mail))
    me.check("comments")
    field = _field(me.page, "results")
    expect(field).to_contain_text(comment)
    me.follow("Change this field", within=field)
    expect(me.page.locator("form[data-draft] .thread")).to_contain_text(comment)
    me.check("the field with a comment")
    me.page.locator('[name="results"]').fill(CHANGED[me.language])
    me.press("Save", within=me.page.locator("form[data-draft] .actions"))
    expect(me.page.get_by_role("status").first).to_contain_text(me.said("Saved."))
    me.steps_to("Check and send in")
    me.press("Send in")
    expect(me.page.get_by_role("alert")).to_contain_text(
        me.said("Answer or settle each change that was asked for, then send it in.")
    )
    me.check("refused")
    me.follow("Read the comments")
    field = _field(me.page, "results")
    field.locator(".thread summary").click()
    field.locator(".thread textarea").fill("2019, 2024")
    me.press("Send the answer", within=field)
    expect(_field(me.page, "results").locator(".answer")).to_contain_text("2019, 2024")
    me.check("answered")
    me.follow("Check and send in")
    me.press("Send in")
    me.check("sent in again")


def _publish(editor: Visitor, word: str) -> None:
    editor.page.goto(f"/{editor.language}/desk?view=submitted")
    editor.follow(word, editor.page.locator(".queue"))
    expect(_field(editor.page, "results")).to_contain_text(CHANGED[editor.language])
    expect(_field(editor.page, "results").locator(".answer")).to_contain_text("2019, 2024")
    editor.press("Take into review")
    editor.press("Publish now")
    expect(editor.page.locator(".decide")).to_contain_text(editor.said("There is nothing to decide now."))
    editor.check("published")


def _find(reader: Visitor, word: str) -> None:
    """Somebody who is not signed in searches until the index has it."""
    title, *_ = WRITTEN[reader.language]
    end = time.monotonic() + 40
    while True:
        reader.page.goto(f"/{reader.language}/search")
        reader.page.locator("#q").fill(f"{title} {word}")
        reader.page.locator("#q").press("Enter")
        reader.page.wait_for_url("**/search?*q=*")
        first = reader.page.locator("article.result h3").first
        if first.count() and word in first.inner_text():
            break
        assert time.monotonic() < end, reader.page.inner_text("main")
        time.sleep(0.5)
    reader.check("search")
    with reader.page.expect_navigation():
        first.get_by_role("link").click()
    _says_all(reader, word)


def _says_all(reader: Visitor, word: str) -> None:
    title, summary, problem, solution, _before, *others = WRITTEN[reader.language]
    expect(reader.page.locator("h1")).to_contain_text(f"{title} {word}")
    for text in (summary, problem, solution, CHANGED[reader.language], *others):
        expect(reader.page.locator("main")).to_contain_text(text)
    reader.check("record")


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_case_is_contributed_changed_on_request_published_and_found(
    visits: Visits,
    database: Engine,
    address: str,
    sees_mail: Callable[[str, int], str],
    language: Language,
    scripts: bool,
) -> None:
    def visitor() -> Visitor:
        return Visitor(visits(java_script_enabled=scripts, viewport=WIDE if scripts else SMALL), language, scripts)

    word = f"Zq{language}{'alpha' if scripts else 'beta'}"
    email, comment, reason = f"{word}@example.org".lower(), f"How many cellars? {word}", f"One question. {word}"
    me, editor = visitor(), visitor()
    _sign_up(me, email, sees_mail)
    _contribute(me, word)
    _signed_in(editor.page, database, address, "eve@example.org")
    _ask_for_a_change(editor, word, comment, reason)
    _change(me, sees_mail(email, 3), comment, reason)
    _publish(editor, word)
    _find(visitor(), word)
    mail = sees_mail(email, 5)
    published = {"en": "is published", "es": "está publicado", "fr": "est publié"}[language]
    assert re.search(rf"{word}\W+{published}", mail), mail
    me.page.goto(path_in(mail))
    me.follow("Read it as it is published")
    _says_all(me, word)
