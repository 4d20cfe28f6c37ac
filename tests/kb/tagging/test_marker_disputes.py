"""Disputes of the gender marker: as of tags, but it is kept or set back, never changed. On both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, select

from kb.db import transaction, utcnow
from kb.errors import Conflict, Forbidden, Invalid
from kb.mail.tables import MailRow
from kb.profiles.tables import ProfileRow
from kb.records import service as records
from kb.tagging import cases, decisions, disputes, screening, story, suggestions
from schemas.accounts import Account
from schemas.readings import Doubt
from schemas.records import Record, parse
from schemas.tagging import Screening
from schemas.tags import Gender, GenderThemeTag
from tests.kb.tagging.said import said
from tests.kb.tagging.test_disputes import WHY, Team
from tests.people import person


class Screened(Team):
    """The same people; Eve has screened the record, too: 1, on an answer with its passage."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.screened = self.screen(self.eve)

    def screen(self, who: Account, **answers: bool) -> int:
        asked = Screening(
            answers={"objective": True} | answers, passages={"objective": "Trams for all."}, seen=2**31, comment="Read."
        )
        with transaction(self.engine) as session:
            return screening.screen(session, who, "trams", asked, lambda _record, passage: passage).id

    def doubt(self, who: Account) -> int:
        return self.dispute(who, "gender", kind="gender")

    def gender(self) -> Gender:
        with transaction(self.engine) as session:
            return records.get(session, "trams").record.gender

    def write(self, **gender: Any) -> None:
        """As an edit of the record does."""
        with transaction(self.engine) as session:
            record = records.get(session, "trams").record
            new = record.gender.model_copy(update=gender)
            records.save(session, record.model_copy(update={"gender": new}), "import")


@pytest.fixture
def screened(engine: Engine, case: Callable[..., Record]) -> Screened:
    """A record with a theme, which Eve screened."""
    with transaction(engine) as session:
        gender = {"themes": [{"theme": "mobility"}]}
        records.save(session, case("trams", summary={"en": "Trams for all."}, gender=gender), "import")
        suggestions.keep(session, "trams", "a" * 32, said({}, {"mobility": 0.8}, marker=1), b"")
    return Screened(engine)


def test_a_disputed_marker_stays_in_public_view_as_disputed_with_its_answers_and_its_day(screened: Screened) -> None:
    before = screened.gender()
    screened.doubt(screened.ana)
    assert screened.gender() == before.model_copy(update={"state": "disputed"})
    assert screened.is_disputed()
    with transaction(screened.engine) as session:
        row = cases.decisions_of(session, "trams")[-1]
        assert cases.under_review(session, "trams").keys() == {"gender"}
        published = story.published(session, "trams").gender_marker
    assert (row.kind, row.key, row.action, row.comment, row.confidence) == ("gender", "gender", "dispute", WHY, 0.9)
    assert published
    assert (published.value, published.state) == (1, "disputed")


@pytest.mark.parametrize(("verdict", "marker"), [("keep", 1), ("remove", None)])
def test_two_readers_keep_a_marker_or_set_it_back_and_its_themes_stay(
    screened: Screened, verdict: str, marker: int | None
) -> None:
    found = screened.doubt(screened.ana)
    assert screened.judge(screened.ben, found, verdict) == ""
    assert screened.judge(screened.cat, found, verdict) == verdict
    gender = screened.gender()
    assert (gender.marker, gender.state, bool(gender.checklist)) == (marker, "accepted", marker is not None)
    assert [tag.theme for tag in gender.themes] == ["mobility"]
    assert not screened.is_disputed()
    with transaction(screened.engine) as session:
        last = cases.decisions_of(session, "trams")[-1]
        assert cases.get(session, "trams").marker == ("" if marker is None else str(marker))
    assert (last.action, last.account_id, last.before and last.before["state"]) == (
        "resolve", screened.cat.id, "disputed",
    )  # fmt: skip
    assert last.after == decisions.value_of(gender)
    # What is settled is open again, to a screening as to a doubt.
    screened.screen(screened.ben, principal=True)


def test_no_reader_chooses_another_value_for_a_marker(screened: Screened) -> None:
    found = screened.doubt(screened.ana)
    with pytest.raises(Invalid) as refused:
        screened.judge(screened.ben, found, "change", "11.2")
    assert refused.value.members["field"] == "verdict"


def test_where_two_differ_about_a_marker_the_word_of_a_third_decides(screened: Screened) -> None:
    found = screened.doubt(screened.ana)
    screened.judge(screened.ben, found, "keep")
    assert screened.judge(screened.cat, found, "remove") == ""
    assert screened.judge(screened.dan, found, "remove") == "remove"
    assert screened.gender().marker is None


def test_a_disputed_marker_is_not_screened_nor_set_back_nor_undone_nor_disputed_again(screened: Screened) -> None:
    found = screened.doubt(screened.ben)
    for who in (screened.eve, screened.ben):
        with pytest.raises(Conflict) as refused:
            screened.screen(who)
        assert refused.value.members["why"] == "disputed"
        with transaction(screened.engine) as session, pytest.raises(Conflict):
            screening.unscreen(session, who, "trams", 2**31)
    with pytest.raises(Conflict, match="disputed already"):
        screened.doubt(screened.ana)
    with transaction(screened.engine) as session, pytest.raises(Conflict):
        decisions.undo(session, screened.eve, "trams", screened.screened)
    screened.judge(screened.cat, found, "remove")
    screened.judge(screened.dan, found, "remove")
    with transaction(screened.engine) as session:
        raised, settled = cases.decisions_of(session, "trams")[-2:]
        assert not screening.can_undo(screened.dan, settled)
    for who, row in ((screened.ben, raised), (screened.dan, settled)):
        with transaction(screened.engine) as session, pytest.raises(Conflict):
            decisions.undo(session, who, "trams", row.id)


def test_who_screened_it_reads_it_only_where_there_are_not_enough_others(screened: Screened) -> None:
    found = screened.doubt(screened.ben)
    with pytest.raises(Forbidden, match="decided on this before"):
        screened.judge(screened.eve, found, "keep")


def test_who_raised_it_takes_a_doubt_about_a_marker_back(screened: Screened) -> None:
    before = screened.gender()
    found = screened.doubt(screened.ana)
    with transaction(screened.engine) as session:
        disputes.withdraw(session, screened.ana, found)
    assert screened.gender() == before


def test_who_raised_it_and_who_had_screened_it_are_told_what_became_of_a_marker(screened: Screened) -> None:
    found = screened.doubt(screened.ana)
    screened.judge(screened.ben, found, "remove")
    screened.judge(screened.cat, found, "remove")
    with transaction(screened.engine) as session:
        mails = {row.recipient: row for row in session.scalars(select(MailRow))}
    assert mails["ana@example.org"].subject == "The marker was set back: Trams"
    assert "You doubted that “Gender marker (1 – Significant objective)” is right" in mails["ana@example.org"].text
    assert "which you had decided on" in mails["eve@example.org"].text
    for mail in mails.values():
        assert "not screened until somebody screens it again" in mail.text
        assert "Ben has read the text." in mail.text


def test_a_marker_that_came_with_the_text_is_disputed_too_and_kept_by_the_team(screened: Screened) -> None:
    with transaction(screened.engine) as session:
        decisions.undo(session, screened.eve, "trams", screened.screened)
    screened.write(marker=2, source="author")
    found = screened.doubt(screened.ana)
    screened.judge(screened.ben, found, "keep")
    screened.judge(screened.eve, found, "keep")
    gender = screened.gender()
    assert (gender.marker, gender.source, gender.reviewer) == (2, "author", decisions.TEAM)


@pytest.mark.parametrize("state", ["disputed", "accepted"])
def test_another_value_that_came_with_an_edit_meanwhile_stays(screened: Screened, state: str) -> None:
    found = screened.doubt(screened.ana)
    screened.write(marker=2, state=state, reviewer=None)
    screened.judge(screened.ben, found, "remove")
    screened.judge(screened.cat, found, "remove")
    gender = screened.gender()
    assert (gender.marker, gender.state, gender.reviewer) == (2, "accepted", None)


def test_goals_and_themes_are_decided_on_beside_a_disputed_marker(screened: Screened) -> None:
    screened.doubt(screened.ana)
    screened.decide(screened.ben, "5", "add")
    screened.decide(screened.ben, "care", "add", kind="theme")
    gender = screened.gender()
    assert (gender.marker, gender.state) == (1, "disputed")
    assert [tag.theme for tag in gender.themes] == ["mobility", "care"]


def test_a_record_without_a_marker_offers_none_to_dispute(screened: Screened) -> None:
    with transaction(screened.engine) as session:
        decisions.undo(session, screened.eve, "trams", screened.screened)
    with pytest.raises(Invalid):
        screened.doubt(screened.ana)


def test_whom_a_profile_is_about_disputes_the_marker_that_readers_do_not_see(screened: Screened) -> None:
    value = {
        "type": "expert", "id": "zoe", "language": "en", "status": "published", "title": {"en": "Zoe"},
        "gender": {"marker": 1}, "visibility": {"expertise": "members"},
    }  # fmt: skip
    other = person(screened.engine, "mia@example.org")
    with transaction(screened.engine) as session:
        record = parse(value)
        records.save(session, record, "import")
        session.add(ProfileRow(account_id=screened.ana.id, record_id="zoe", state="kept", asked_at=utcnow()))
        session.flush()
        assert disputes.disputable(session, record, screened.ana) == [("gender", "gender")]
        assert disputes.disputable(session, record, other) == []


@pytest.mark.parametrize("values", [{"kind": "gender", "code": "11"}, {"kind": "sdg", "code": "gender"}])
def test_the_marker_is_named_by_its_kind(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Doubt.model_validate(values | {"reason": WHY})


def test_a_record_says_of_a_marker_that_it_is_disputed_and_nothing_otherwise() -> None:
    themes = [GenderThemeTag(theme="care")]
    assert "state" not in Gender(marker=1, themes=themes).model_dump(exclude_defaults=True)
    assert Gender(marker=1, state="disputed").model_dump(exclude_defaults=True) == {"marker": 1, "state": "disputed"}
