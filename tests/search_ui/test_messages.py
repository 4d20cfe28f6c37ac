"""Messages on the site: who reads what, what nobody ever sees, and forms that keep what was typed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select
from starlette.testclient import TestClient

from kb.audit.tables import AuditRow
from kb.db import transaction, utcnow
from kb.limits.service import RULES
from kb.messages import people
from kb.messages.tables import GuestLinkRow, MessageRow, ReportRow
from schemas.accounts import Account
from schemas.language import LANGUAGES, Language
from schemas.messages import N_
from search_ui.inputs import said as said_in
from tests.kb.messages.writers import (
    CASE,
    CONTACT,
    EXPERT,
    OWNED,
    RIVERA,
    SILENT,
    answer,
    begin,
    known,
    link_in,
    mails,
    own,
)
from tests.people import OWN, browser_of, person
from tests.search_ui.own_site import OwnSite, own_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[OwnSite]:
    with own_site(tmp_path, (CASE, OWNED, SILENT, RIVERA)) as site:
        site.headers.update(OWN)
        yield site


@pytest.fixture
def engine(site: OwnSite) -> Engine:
    engine: Engine = site.app.state.engine  # type: ignore[attr-defined]
    return engine


@pytest.fixture
def tom(engine: Engine) -> Account:
    return known(engine, "tom")


def _browser(site: OwnSite, account: Account, *, strong: bool = True) -> TestClient:
    return browser_of(site.app, account, strong=strong)  # type: ignore[arg-type]


def _first(engine: Engine) -> int:
    with transaction(engine, readonly=True) as session:
        return session.scalars(select(MessageRow.id).order_by(MessageRow.id)).first() or 0


# From a record to a message


@pytest.mark.parametrize(
    ("path", "button"),
    [
        ("case-studies/trams", "Write to the contact"),
        ("case-studies/buses", "Write to the contact"),
        ("case-studies/ferries", "Write to the editorial team"),
        ("experts/rivera", "Write to this expert"),
    ],
)
def test_a_record_s_page_says_whom_one_can_write_to(site: OwnSite, path: str, button: str) -> None:
    page = site.get(f"/en/{path}").text
    record = path.split("/")[1]
    assert re.search(rf'href="/en/messages/new\?record={record}">{button}</a>', page)
    assert ("No contact given" in page) == (record == "ferries")


def test_who_is_not_signed_in_comes_back_to_the_form(site: OwnSite) -> None:
    there = site.get("/fr/messages/new?record=trams").headers["location"]
    assert there == "/fr/sign-in?next=%2Ffr%2Fmessages%2Fnew%3Frecord%3Dtrams"


def test_a_question_and_its_answer(site: OwnSite, engine: Engine, tom: Account) -> None:
    asker = _browser(site, tom)
    assert "Luc Morel" in asker.get("/en/messages/new?record=trams").text
    sent = asker.post("/en/messages/new", data={"record": "trams", "subject": "Cost", "text": "How much?\n\nAnd who?"})
    thread = sent.headers["location"].split("?")[0]
    assert sent.status_code == 303
    guest = f"/fr/messages/answer/{link_in(mails(engine)[0])}"
    shown = site.get(guest)
    assert "How much?" in shown.text
    assert (shown.headers["cache-control"], shown.headers["referrer-policy"]) == ("no-store", "same-origin")
    assert site.post(guest, data={"text": "Deux millions."}).headers["location"] == f"{guest}?done=sent"
    assert "Messages (1 unread)" in asker.get("/en/about").text
    page = asker.get(thread).text
    assert "Deux millions." in page
    assert page.count('<p class="typed"') == 3
    assert "Messages (1 unread)" in asker.get("/en/about").text, "looking changes nothing"
    asker.post(f"{thread}/read")
    assert "unread" not in asker.get("/en/messages").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_missing_is_said_at_the_field_and_what_was_typed_is_kept(
    site: OwnSite, tom: Account, language: Language
) -> None:
    asker = _browser(site, tom)
    form = {"record": "trams", "subject": " ", "text": "Typed <with> care"}
    answer = asker.post(f"/{language}/messages/new", data=form)
    assert answer.status_code == 422
    assert 'id="f-subject-problem"' in answer.text
    assert "Typed &lt;with&gt; care" in answer.text
    long = asker.post(f"/{language}/messages/new", data=form | {"subject": "x", "text": "y" * 5001})
    said = said_in(N_("Write at most %(max_length)s characters."), language, {"max_length": 5000})
    assert (long.status_code, said in long.text, "y" * 5001 in long.text) == (422, True, True)


def test_what_is_too_much_is_kept_and_says_when_it_can_be_sent(site: OwnSite, engine: Engine) -> None:
    asker = _browser(site, person(engine, "new@mail.example"))
    form = {"record": "trams", "text": "Typed with care"}
    for number in range(RULES["conversation.new"][0]):
        assert asker.post("/es/messages/new", data=form | {"subject": f"{number}"}).status_code == 303
    refused = asker.post("/es/messages/new", data=form | {"subject": "more"})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 3600
    assert "Typed with care" in refused.text


def test_who_is_suspended_keeps_the_text_and_is_told(site: OwnSite, engine: Engine, tom: Account) -> None:
    thread = begin(engine, tom, "trams")
    with transaction(engine) as session:
        people.correspondent(session, tom.id).may_write = False
    asker = _browser(site, tom)
    refused = asker.post("/en/messages/new", data={"record": "trams", "subject": "x", "text": "Typed with care"})
    assert (refused.status_code, "Typed with care" in refused.text) == (403, True)
    assert "has suspended your right" in asker.get(f"/en/messages/{thread}").text


def test_a_link_that_is_over_says_what_to_do(site: OwnSite, engine: Engine, tom: Account) -> None:
    begin(engine, tom, "trams")
    guest = f"/fr/messages/answer/{link_in(mails(engine)[0])}"
    with transaction(engine) as session:
        session.scalars(select(GuestLinkRow)).one().expires_at = utcnow()
    for refused in (site.get(guest), site.post(guest, data={"text": "Oui"}), site.get("/fr/messages/answer/made-up")):
        assert refused.status_code == 404
        assert "Cherchez un courriel plus récent" in refused.text


def test_a_contact_can_refuse_and_the_page_of_the_record_says_so(site: OwnSite, engine: Engine, tom: Account) -> None:
    begin(engine, tom, "trams")
    guest = f"/en/messages/answer/{link_in(mails(engine)[0])}"
    assert site.post(f"{guest}/refuse").status_code == 303
    assert "Nothing more is sent to your address" in site.get(guest).text
    page = site.get("/en/case-studies/trams").text
    assert "No contact can be reached through the site." in page
    assert "Write to the editorial team" in page


# Who reads what


def test_promise_15_nobody_reads_a_conversation_but_its_two_sides(site: OwnSite, engine: Engine, tom: Account) -> None:
    olga, other = known(engine, "olga"), known(engine, "other")
    eva, ada = known(engine, "eva", "editor"), known(engine, "ada", "administrator")
    own(engine, olga, "buses")
    to_owner, to_contact, to_team = (
        begin(engine, tom, record, f"Secret {record}") for record in ("buses", "trams", "ferries")
    )
    readers = {to_owner: {tom.id, olga.id}, to_contact: {tom.id}, to_team: {tom.id, eva.id}}
    for thread, may in readers.items():
        for account in (tom, olga, other, eva, ada):
            browser, path = _browser(site, account), f"/en/messages/{thread}"
            expected = 200 if account.id in may else 404
            answers = [browser.get(path), browser.get(f"{path}/report?message={_first(engine)}")]
            assert answers[0].status_code == expected, account.name
            assert ("Secret" in answers[0].text) == (account.id in may)
            assert ("Secret" in browser.get("/en/messages").text) is False, "the list shows subjects only"
            assert (f"/messages/{thread}" in browser.get("/en/messages").text) == (account.id in may)
            if account.id not in may:
                for action in ("", "/read", "/archive", "/block", "/report"):
                    data = {"text": "x", "message": str(_first(engine)), "reason": "other"}
                    assert browser.post(path + action, data=data).status_code == 404, (account.name, action)
        assert site.get(path).headers["location"].startswith("/en/sign-in")
        assert site.post(path, data={"text": "x"}).status_code == 401
    assert _browser(site, eva, strong=False).get(f"/en/messages/{to_team}").status_code == 404


def test_promise_15_a_guest_s_link_opens_one_conversation_and_its_messages_only(
    site: OwnSite, engine: Engine, tom: Account
) -> None:
    begin(engine, tom, "trams", "For the contact")
    eva = known(engine, "eva", "editor")
    begin(engine, tom, "ferries", "For the team")
    guest = f"/en/messages/answer/{link_in(mails(engine)[0])}"
    assert "For the team" not in site.get(guest).text
    with transaction(engine, readonly=True) as session:
        others = session.scalars(select(MessageRow.id).order_by(MessageRow.id.desc())).first()
    assert site.post(f"{guest}/report", data={"message": str(others), "reason": "other"}).status_code == 404
    assert eva


def test_promise_15_moderators_read_what_was_reported_and_each_look_and_act_is_noted(
    site: OwnSite, engine: Engine, tom: Account
) -> None:
    olga, eva, ida = known(engine, "olga"), known(engine, "eva", "editor"), known(engine, "ida", "editor")
    own(engine, olga, "buses")
    thread = begin(engine, tom, "buses", "The insult", subject="A subject of theirs")
    answer(engine, olga, thread, "The calm answer")
    form = {"message": str(_first(engine)), "reason": "insulting", "note": "Please look"}
    assert "done=reported" in _browser(site, olga).post(f"/en/messages/{thread}/report", data=form).headers["location"]
    _browser(site, olga).post(f"/en/messages/{thread}/report", data=form)
    with transaction(engine, readonly=True) as session:
        report = session.scalars(select(ReportRow)).one().id
    path = f"/en/desk/reports/{report}"
    for who in (tom, olga):
        assert _browser(site, who).get(path).status_code == 403
        assert _browser(site, who).post(f"{path}/open").status_code == 403
    moderator, second = _browser(site, eva), _browser(site, ida)
    assert "Reported messages (1)" in moderator.get("/en/messages").text
    assert "/desk/reports" not in _browser(site, tom).get("/en/messages").text
    for page in (moderator.get("/en/desk/reports").text, moderator.get(path).text):
        assert "Insulting or discriminating" in page
        assert "The insult" not in page
        assert "Please look" not in page
    assert moderator.post(path, data={"outcome": "nothing"}).status_code == 409
    moderator.post(f"{path}/open")
    shown = moderator.get(path).text
    assert "The insult" in shown
    assert "Please look" in shown
    for hidden in ("The calm answer", "A subject of theirs"):
        assert hidden not in shown
    assert "The insult" not in second.get(path).text
    assert moderator.get(f"/en/messages/{thread}").status_code == 404
    missing = moderator.post(path, data={"outcome": "suspended"})
    assert (missing.status_code, "Write what the author is told" in missing.text) == (422, True)
    assert moderator.post(path, data={"outcome": "suspended", "words": "Be kind."}).status_code == 303
    assert "The insult" not in moderator.get(path).text
    assert mails(engine)[-1].recipient == tom.email
    assert _browser(site, tom).post(f"/en/messages/{thread}", data={"text": "Grr"}).status_code == 403
    assert "Tom" in moderator.get("/en/desk/reports").text
    moderator.post(f"/en/desk/writers/{tom.id}/restore")
    assert _browser(site, tom).post(f"/en/messages/{thread}", data={"text": "Sorry"}).status_code == 303
    with transaction(engine, readonly=True) as session:
        noted = session.execute(select(AuditRow.actor, AuditRow.action).order_by(AuditRow.id)).all()
    assert [tuple(each) for each in noted] == [
        (olga.id, "message.report"), (eva.id, "report.open"), (eva.id, "report.close"), (eva.id, "message.restore"),
    ]  # fmt: skip


def test_a_moderator_does_not_judge_their_own_message(site: OwnSite, engine: Engine) -> None:
    eva, olga = known(engine, "eva", "editor"), known(engine, "olga")
    own(engine, olga, "buses")
    thread = begin(engine, eva, "buses")
    _browser(site, olga).post(f"/en/messages/{thread}/report", data={"message": str(_first(engine)), "reason": "other"})
    with transaction(engine, readonly=True) as session:
        report = session.scalars(select(ReportRow)).one().id
    assert _browser(site, eva).post(f"/en/desk/reports/{report}/open").status_code == 403


def test_who_is_blocked_sees_no_difference(site: OwnSite, engine: Engine, tom: Account) -> None:
    olga = known(engine, "olga")
    own(engine, olga, "buses")
    thread = begin(engine, tom, "buses")
    asker, owner = _browser(site, tom), _browser(site, olga)
    before = asker.get(f"/en/messages/{thread}").text
    assert owner.post(f"/en/messages/{thread}/block", data={"message": str(_first(engine))}).status_code == 303
    assert "Tom" in owner.get("/en/messages/settings").text
    assert asker.get(f"/en/messages/{thread}").text == before
    assert asker.post(f"/en/messages/{thread}", data={"text": "Hello?"}).status_code == 303
    assert "Hello?" in asker.get(f"/en/messages/{thread}").text
    assert "Hello?" not in owner.get(f"/en/messages/{thread}").text
    assert owner.post("/en/messages/settings/unblock", data={"person": tom.id}).status_code == 303
    assert "Tom" not in owner.get("/en/messages/settings").text


# Addresses


def test_promise_15_no_address_is_in_any_page_mail_or_answer_of_the_api(
    site: OwnSite, engine: Engine, tom: Account
) -> None:
    olga, eva = known(engine, "olga", language="es"), known(engine, "eva", "editor")
    own(engine, olga, "buses")
    threads = [begin(engine, tom, record) for record in ("buses", "trams", "rivera", "ferries")]
    guests = [link_in(mail) for mail in mails(engine) if mail.recipient in (CONTACT, EXPERT)]
    answer(engine, olga, threads[0], "One.")
    answer(engine, eva, threads[3], "Two.")
    for token in guests:
        assert site.post(f"/fr/messages/answer/{token}", data={"text": "Three."}).status_code == 303
    form = {"message": str(_first(engine)), "reason": "other"}
    _browser(site, olga).post(f"/en/messages/{threads[0]}/report", data=form)
    with transaction(engine, readonly=True) as session:
        report = session.scalars(select(ReportRow)).one().id
    _browser(site, eva).post(f"/en/desk/reports/{report}/open")
    paths = ["messages", "messages/settings", "desk/reports", f"desk/reports/{report}"]
    paths += [f"messages/{thread}" for thread in threads] + [f"messages/answer/{token}" for token in guests]
    paths += [f"messages/new?record={record}" for record in ("buses", "trams", "rivera", "ferries")]
    paths += ["case-studies/trams", "case-studies/buses", "case-studies/trams.jsonld", "experts/rivera"]
    for language in LANGUAGES:
        for browser in (site, *(_browser(site, each) for each in (tom, olga, eva))):
            for path in paths:
                text = browser.get(f"/{language}/{path}").text
                assert not re.search(r"planted-|33 1 23|@(mail|city|home)\.example", text), path
    for path in ("records/trams", "records/rivera", "search?q=trams", "search?q=rivera"):
        assert "planted-" not in site.get(f"/api/v1/{path}").text
    assert len(mails(engine)) == 8
    assert not [mail for mail in mails(engine) if "planted-" in mail.text + mail.subject]
    with transaction(engine, readonly=True) as session:
        noted = session.scalars(select(AuditRow)).all()
        assert not [row for row in noted if "planted-" in f"{row.subject}{row.detail}"]


# What costs nothing


def test_pages_for_readers_without_an_account_ask_for_no_messages(site: OwnSite, engine: Engine, tom: Account) -> None:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.extend(re.findall("message_[a-z]+", statement))

    event.listen(engine, "before_cursor_execute", note)
    site.get("/en/about")
    assert asked == []
    _browser(site, tom).get("/en/about")
    assert "message_deliveries" in asked
