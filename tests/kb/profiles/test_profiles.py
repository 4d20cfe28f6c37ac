"""Whose a profile is, who decides, and when it is shown: on both databases."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from kb.audit.tables import AuditRow
from kb.db import transaction, utcnow
from kb.editorial.tables import OwnerRow
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.mail.tables import MailRow
from kb.profiles import consent, proofs, service, upkeep
from kb.records import service as records
from kb.settings import Settings
from schemas.accounts import Account
from schemas.records import Expert, parse
from tests.experts import CASE, CITY, expert
from tests.people import person

TODAY = utcnow().date()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with transaction(engine) as session:
        yield session


@pytest.fixture
def people(engine: Engine) -> dict[str, Account]:
    ana, eve, owner = ("ana@example.org", "eve@example.org", "team@example.org")
    return {"ana": person(engine, ana), "eve": person(engine, eve, "editor"), "team": person(engine, owner)}


def _save(engine: Engine, *values: dict[str, Any]) -> None:
    with transaction(engine) as session:
        records.save_many(session, map(parse, values), "tests")


def _ana(session: Session, record_id: str = "expert-ana") -> Expert:
    record = records.get(session, record_id).record
    assert isinstance(record, Expert)
    return record


def _mails(session: Session) -> list[tuple[str, str]]:
    return [(row.recipient, row.subject) for row in session.scalars(select(MailRow).order_by(MailRow.id))]


def _notes(session: Session) -> list[str]:
    return [row.action for row in session.scalars(select(AuditRow).order_by(AuditRow.id))]


# Whose it is


def test_a_profile_with_the_address_of_the_account_is_theirs_at_once(
    engine: Engine, settings: Settings, people: dict[str, Account]
) -> None:
    _save(engine, expert(email=" ANA@example.org"))
    with transaction(engine) as session:
        assert service.claim(session, settings, people["ana"], "expert-ana", "") == "kept"
        assert service.account_of_expert(session, "expert-ana") == people["ana"].id
        assert _notes(session) == ["profile.take"]
        assert [to for to, _ in _mails(session)] == ["ana@example.org"]


def test_another_claim_waits_for_staff_who_accept_or_refuse_it(
    engine: Engine, settings: Settings, people: dict[str, Account]
) -> None:
    _save(engine, expert(email="old@example.org"))
    ana, eve = people["ana"], people["eve"]
    with transaction(engine) as session:
        assert service.claim(session, settings, ana, "expert-ana", "ask my mayor") == "claimed"
        assert service.account_of_expert(session, "expert-ana") is None
        assert [profile.note for profile, _ in service.waiting(session)] == ["ask my mayor"]
        with pytest.raises(Forbidden):
            service.decide(session, settings, ana, ana.id, accept=True)
        service.decide(session, settings, eve, ana.id, accept=False)
        assert service.profile_of(session, ana.id) is None
        service.claim(session, settings, ana, "expert-ana", "")
        service.decide(session, settings, eve, ana.id, accept=True)
        assert service.account_of_expert(session, "expert-ana") == ana.id
        assert _notes(session) == ["profile.claim", "profile.refuse", "profile.claim", "profile.accept"]
        assert [to for to, _ in _mails(session)] == ["eve@example.org", "ana@example.org", "ana@example.org"]


def test_an_editor_does_not_decide_their_own_claim(
    engine: Engine, settings: Settings, people: dict[str, Account]
) -> None:
    _save(engine, expert())
    with transaction(engine) as session:
        service.claim(session, settings, people["eve"], "expert-ana", "it is me")
        with pytest.raises(Forbidden):
            service.decide(session, settings, people["eve"], people["eve"].id, accept=True)


def test_nobody_gets_what_somebody_keeps_nor_two_profiles(
    engine: Engine, settings: Settings, people: dict[str, Account]
) -> None:
    _save(engine, expert(), expert(id="expert-other"))
    with transaction(engine) as session:
        service.claim(session, settings, people["ana"], "expert-ana", "")
        for who, record in (("team", "expert-ana"), ("ana", "expert-other")):
            with pytest.raises(Conflict):
                service.claim(session, settings, people[who], record, "")


def test_a_new_profile_is_published_by_staff_and_then_its_owner_s_words_need_nobody(
    engine: Engine, settings: Settings, people: dict[str, Account]
) -> None:
    with transaction(engine) as session:
        written = Expert(id="new", language="fr", title={"fr": "Zoé Łukasz"}, summary={"fr": "Conseille."})
        made = service.create(session, settings, people["ana"], written)
        assert made.id == "expert-zoe-lukasz"
        assert made.consent
        assert records.load_public(session, [made.id]) == {}
        service.decide(session, settings, people["eve"], people["ana"].id, accept=True)
        mine = service.kept(session, people["ana"].id)
        service.change(
            session, people["ana"], mine.expert.model_copy(update={"summary": {"fr": "Forme."}}), mine.revision
        )
        assert records.get_public(session, made.id).record.summary == {"fr": "Forme."}


def test_promise_8_who_saves_an_older_profile_is_told(
    engine: Engine, settings: Settings, people: dict[str, Account]
) -> None:
    _save(engine, expert())
    with transaction(engine) as session:
        service.claim(session, settings, people["ana"], "expert-ana", "")
        mine = service.kept(session, people["ana"].id)
        service.change(session, people["ana"], mine.expert.model_copy(update={"organisation": "A"}), mine.revision)
        with pytest.raises(Conflict):
            service.change(session, people["ana"], mine.expert.model_copy(update={"organisation": "B"}), mine.revision)


def test_nobody_publishes_or_confirms_by_what_their_form_says(
    engine: Engine, settings: Settings, people: dict[str, Account]
) -> None:
    _save(engine, expert(status="archived"))
    with transaction(engine) as session, pytest.raises(NotFound):
        service.claim(session, settings, people["ana"], "expert-ana", "")
    _save(engine, expert())
    with transaction(engine) as session:
        service.claim(session, settings, people["ana"], "expert-ana", "")
    _save(engine, expert(status="archived"))
    with transaction(engine) as session:
        mine = service.kept(session, people["ana"].id)
        forged = {
            "status": "published",
            "confirmed_on": TODAY,
            "consent": None,
            "id": "expert-other",
            "organisation": "X",
        }
        service.change(session, people["ana"], mine.expert.model_copy(update=forged), mine.revision)
        service.confirm(session, people["ana"], agrees=True)
        now = _ana(session)
        assert (now.status, now.organisation) == ("archived", "X")
        assert now.consent


# Whether it still holds


def _old(days: int, **more: Any) -> dict[str, Any]:
    return expert(confirmed_on=str(TODAY - datetime.timedelta(days=days)), **more)


@pytest.mark.parametrize(
    ("days", "asked", "status"), [(300, 0, "published"), (340, 1, "published"), (400, 1, "withdrawn")]
)
def test_a_profile_is_asked_about_once_and_hidden_after_thirteen_months(
    engine: Engine, settings: Settings, days: int, asked: int, status: str
) -> None:
    _save(engine, _old(days))
    for _ in range(3):
        upkeep.walk(engine, settings)
    with transaction(engine) as session:
        assert len(_mails(session)) == asked
        assert _ana(session).status == status


def test_reminders_come_after_11_12_and_12_and_a_half_months(engine: Engine, settings: Settings) -> None:
    _save(engine, expert(confirmed_on="2026-01-10"))
    mailed = []
    for days in range(320, 410):
        upkeep.walk(engine, settings, datetime.date(2026, 1, 10) + datetime.timedelta(days=days))
        with transaction(engine) as session:
            mailed += [days] * (len(_mails(session)) - len(mailed))
    assert mailed == [335, 365, 380, 395]


def test_an_invented_expert_is_neither_asked_nor_hidden(engine: Engine, settings: Settings) -> None:
    _save(engine, _old(900, demonstration=True))
    upkeep.walk(engine, settings)
    with transaction(engine) as session:
        assert _mails(session) == []
        assert _ana(session).status == "published"


def _link(session: Session) -> str:
    text = session.scalars(select(MailRow.text).order_by(MailRow.id.desc())).first()
    assert text
    return text.partition("token=")[2].split()[0]


def test_the_mailed_link_brings_a_profile_back_and_works_once(engine: Engine, settings: Settings) -> None:
    _save(engine, _old(400))
    upkeep.walk(engine, settings)
    with transaction(engine) as session:
        token = _link(session)
        upkeep.confirm_by_link(session, token, agrees=False)
        assert (_ana(session).status, _ana(session).confirmed_on) == ("published", TODAY)
        with pytest.raises(NotFound):
            upkeep.confirm_by_link(session, token, agrees=False)
    upkeep.walk(engine, settings)
    with transaction(engine) as session:
        assert _ana(session).status == "published"
        assert _notes(session) == ["profile.hide", "profile.confirm"]


def test_an_old_file_imported_again_brings_nobody_back(
    engine: Engine, settings: Settings, people: dict[str, Account]
) -> None:
    _save(engine, expert())
    with transaction(engine) as session:
        service.claim(session, settings, people["ana"], "expert-ana", "")
        service.take_down(session, people["ana"])
        assert (_ana(session).status, _ana(session).consent) == ("withdrawn", None)
    _save(engine, expert())
    upkeep.walk(engine, settings)
    with transaction(engine) as session:
        assert _ana(session).status == "withdrawn"
        records.save(session, _ana(session).model_copy(update={"consent": None}), "tests")
        with pytest.raises(Invalid):
            service.confirm(session, people["ana"], agrees=False)
        service.confirm(session, people["ana"], agrees=True)
        assert _ana(session).status == "published"


def test_a_new_text_asks_for_consent_again(engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _save(engine, _old(5))
    monkeypatch.setattr(consent, "CURRENT", "2.0")
    for _ in range(2):
        upkeep.walk(engine, settings)
    with transaction(engine) as session:
        assert len(_mails(session)) == 1
        token = _link(session)
        with pytest.raises(Invalid):
            upkeep.confirm_by_link(session, token, agrees=False)
        upkeep.confirm_by_link(session, token, agrees=True)
        now = _ana(session).consent
        assert now
        assert (now.version, now.date) == ("2.0", TODAY)


# Proof


@pytest.fixture
def claimed(engine: Engine, settings: Settings, people: dict[str, Account]) -> dict[str, Account]:
    _save(engine, CITY, CASE, expert(links=[]))
    with transaction(engine) as session:
        service.claim(session, settings, people["ana"], "expert-ana", "")
        session.add(OwnerRow(record_id="cable-cars", account_id=people["team"].id))
    return people


def _state(session: Session, settings: Settings, ana: Account, part: str) -> None:
    mine = service.kept(session, ana.id)
    proofs.state(session, settings, ana, "cable-cars", {"en": part}, mine.revision)


def _standing(session: Session) -> str:
    [proof] = proofs.of_expert(session, _ana(session))
    return proof.standing


def test_the_owners_of_a_record_confirm_an_expert_s_words_and_other_words_anew(
    engine: Engine, settings: Settings, claimed: dict[str, Account]
) -> None:
    ana, team = claimed["ana"], claimed["team"]
    with transaction(engine) as session:
        _state(session, settings, ana, "Led the works")
        assert _mails(session)[-1][0] == "team@example.org"
        assert _standing(session) == "stated"
        assert [each.part for each in proofs.waiting(session, team)] == [{"en": "Led the works"}]
        assert proofs.waiting(session, ana) == []
        proofs.decide(session, settings, team, "expert-ana", "cable-cars", confirms=True)
        assert _standing(session) == "team"
        _state(session, settings, ana, "Led everything")
        assert _standing(session) == "stated"
        proofs.decide(session, settings, claimed["eve"], "expert-ana", "cable-cars", confirms=True)
        assert _standing(session) == "staff"


def test_what_is_refused_leaves_the_profile_and_cannot_be_said_again(
    engine: Engine, settings: Settings, claimed: dict[str, Account]
) -> None:
    with transaction(engine) as session:
        _state(session, settings, claimed["ana"], "Led the works")
        proofs.decide(session, settings, claimed["team"], "expert-ana", "cable-cars", confirms=False)
        assert _ana(session).links == []
        assert [each.record.id for each in proofs.refused(session, _ana(session))] == ["cable-cars"]
        with pytest.raises(Conflict):
            _state(session, settings, claimed["ana"], "Led the works")


def test_nobody_is_their_own_witness_nor_a_stranger_s(
    engine: Engine, settings: Settings, claimed: dict[str, Account]
) -> None:
    with transaction(engine) as session:
        session.add(OwnerRow(record_id="cable-cars", account_id=claimed["ana"].id))
        _state(session, settings, claimed["ana"], "Led the works")
        with pytest.raises(Forbidden):
            proofs.decide(session, settings, claimed["ana"], "expert-ana", "cable-cars", confirms=True)
        assert proofs.waiting(session, claimed["ana"]) == []


def test_a_record_that_names_the_expert_needs_nobody(engine: Engine, claimed: dict[str, Account]) -> None:
    naming = CASE | {"links": [{"rel": "expert", "to": "expert-ana"}]}
    _save(engine, naming, expert())
    with transaction(engine) as session:
        assert _standing(session) == "record"
        assert session.scalar(select(func.count()).select_from(proofs.ProofRow)) == 0
