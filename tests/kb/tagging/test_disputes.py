"""Disputes: two readers who do not see each other's verdict, a third where they differ. On both databases."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, select

from kb.db import transaction
from kb.errors import Conflict, Forbidden, Invalid, KnowledgeBaseError, NotFound, TooMany
from kb.mail.tables import MailRow
from kb.records import service as records
from kb.tagging import cases, decisions, disputes, exporting, suggestions
from kb.tagging.tables import DecisionRow
from schemas.accounts import Account
from schemas.readings import Doubt, Verdict
from schemas.records import Record
from schemas.tagging import Decision
from schemas.tags import SdgTag
from tests.kb.tagging.said import said
from tests.people import person

WHY = "The text is about trams and says nothing of this."


class Team:
    """Ana is a reader of the site; Eve accepted the tag; Ben, Cat and Dan are editors."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ana = person(engine, "ana@example.org")
        self.eve, self.ben, self.cat, self.dan = (
            person(engine, f"{name}@example.org", "editor") for name in ("eve", "ben", "cat", "dan")
        )

    def decide(self, who: Account, code: str, action: Any = "accept", kind: Any = "sdg", **more: Any) -> int:
        with transaction(self.engine) as session:
            return decisions.decide(session, who, "trams", Decision(kind=kind, code=code, action=action, **more)).id

    def dispute(self, who: Account, code: str = "11", seen: int = 2**31, **more: Any) -> int:
        doubt = Doubt.model_validate({"kind": "sdg", "code": code, "reason": WHY, "seen": seen} | more)
        with transaction(self.engine) as session:
            return disputes.dispute(session, who, "trams", doubt).id

    def judge(self, who: Account, dispute_id: int, verdict: Any, to: str | None = None) -> str:
        """The outcome so far; empty while it is open."""
        asked = Verdict(verdict=verdict, to=to, comment=f"{who.name} has read the text.")
        with transaction(self.engine) as session:
            return disputes.judge(session, who, dispute_id, asked).row.outcome

    def tags(self) -> list[tuple[str, str]]:
        with transaction(self.engine) as session:
            return [(tag.code, tag.state) for tag in records.get(session, "trams").record.sdgs]

    def is_disputed(self) -> bool:
        with transaction(self.engine) as session:
            return cases.get(session, "trams").disputed


@pytest.fixture
def team(engine: Engine, case: Callable[..., Record]) -> Team:
    """Goal 11 was suggested for a record, and Eve accepted it."""
    with transaction(engine) as session:
        records.save(session, case("trams", summary={"en": "Trams for all."}), "import")
        suggestions.keep(session, "trams", "a" * 32, said({"11": 0.95, "5": 0.7}, {"mobility": 0.8}), b"")
    found = Team(engine)
    found.decide(found.eve, "11")
    return found


def test_a_disputed_tag_stays_in_public_view_as_disputed(team: Team) -> None:
    team.dispute(team.ana)
    assert team.tags() == [("11", "disputed")]
    assert team.is_disputed()
    with transaction(team.engine) as session:
        assert records.get_public(session, "trams").record.sdgs[0].public
        row = cases.decisions_of(session, "trams")[-1]
    assert (row.action, row.account_id, row.comment, row.model) == ("dispute", team.ana.id, WHY, "test-1")


@pytest.mark.parametrize(
    ("verdict", "to", "tags", "goals"),
    [
        ("keep", None, [("11", "accepted")], {"11": True}),
        ("remove", None, [], {"11": False}),
        ("change", "11.2", [("11.2", "accepted")], {"11": True}),
        ("change", "9", [("9", "accepted")], {"11": False, "9": True}),
    ],
)
def test_two_readers_who_agree_settle_it_and_theirs_is_what_can_be_learnt(
    team: Team, verdict: str, to: str | None, tags: list[Any], goals: dict[str, bool]
) -> None:
    found = team.dispute(team.ana)
    assert team.judge(team.ben, found, verdict, to) == ""
    assert team.tags() == [("11", "disputed")]
    assert team.judge(team.cat, found, verdict, to) == verdict
    assert team.tags() == tags
    assert not team.is_disputed()
    with transaction(team.engine) as session:
        last = cases.decisions_of(session, "trams")[-1]
        lesson = json.loads(next(exporting.training_jsonl(session)))
    assert (last.action, last.account_id, bool(last.before)) == ("resolve", team.cat.id, True)
    assert lesson["goals"] == goals


def test_where_two_differ_the_word_of_a_third_decides(team: Team) -> None:
    found = team.dispute(team.ana)
    assert team.judge(team.ben, found, "keep") == ""
    assert team.judge(team.cat, found, "change", "11.2") == ""
    assert team.judge(team.dan, found, "remove") == "remove"
    assert team.tags() == []


def test_two_who_would_change_it_to_different_targets_do_not_agree(team: Team) -> None:
    found = team.dispute(team.ana)
    team.judge(team.ben, found, "change", "11.1")
    assert team.judge(team.cat, found, "change", "11.2") == ""
    assert team.judge(team.dan, found, "change", "11.2") == "change"
    assert team.tags() == [("11.2", "accepted")]


def test_nobody_reads_what_they_raised_and_nobody_twice(team: Team) -> None:
    found = team.dispute(team.ben)
    with pytest.raises(Forbidden, match="raised this dispute yourself"):
        team.judge(team.ben, found, "remove")
    team.judge(team.cat, found, "remove")
    with pytest.raises(Conflict, match="given your verdict"):
        team.judge(team.cat, found, "remove")
    with pytest.raises(Forbidden, match="editorial team"):
        team.judge(team.ana, found, "remove")


def test_who_stood_for_the_tag_reads_it_only_where_there_are_not_enough_others(team: Team) -> None:
    found = team.dispute(team.ben)
    with pytest.raises(Forbidden, match="decided on this before"):
        team.judge(team.eve, found, "keep")
    team.judge(team.cat, found, "remove")
    team.judge(team.dan, found, "keep")
    assert team.judge(team.eve, found, "keep") == "keep"  # nobody else is left


def test_a_verdict_is_seen_by_who_gave_it_until_all_is_settled(team: Team) -> None:
    found = team.dispute(team.ana)
    team.judge(team.ben, found, "keep")
    with transaction(team.engine) as session:
        dispute = disputes.get(session, found)
        assert [len(disputes.shown_to(who, dispute)) for who in (team.ben, team.cat, team.ana)] == [1, 0, 0]
    team.judge(team.cat, found, "keep")
    with transaction(team.engine) as session:
        assert len(disputes.shown_to(team.ana, disputes.get(session, found))) == 2


def test_two_verdicts_at_the_same_moment_are_both_kept_and_settle_it_once(team: Team) -> None:
    found = team.dispute(team.ana)
    start, outcomes = threading.Barrier(2), []

    def run(who: Account) -> None:
        start.wait()
        outcomes.append(team.judge(who, found, "remove"))

    threads = [threading.Thread(target=run, args=(who,)) for who in (team.ben, team.cat)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["", "remove"]
    assert team.tags() == []
    with transaction(team.engine) as session:
        assert [row.action for row in cases.decisions_of(session, "trams")] == ["accept", "dispute", "resolve"]


def test_of_three_verdicts_at_the_same_moment_one_comes_too_late(team: Team) -> None:
    found = team.dispute(team.ana)
    start, refused = threading.Barrier(3), []

    def run(who: Account) -> None:
        start.wait()
        try:
            team.judge(who, found, "keep")
        except KnowledgeBaseError as error:
            refused.append(error.members["why"])

    threads = [threading.Thread(target=run, args=(who,)) for who in (team.ben, team.cat, team.dan)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["settled"]
    assert team.tags() == [("11", "accepted")]


def test_a_disputed_tag_is_not_decided_on_nor_taken_back_nor_disputed_again(team: Team) -> None:
    accepted = 1
    found = team.dispute(team.ben)
    with pytest.raises(Conflict):
        team.decide(team.eve, "11", "remove", seen=2**31)
    with pytest.raises(Conflict, match="disputed already"):
        team.dispute(team.ana)
    with transaction(team.engine) as session:
        rows = session.scalars(select(DecisionRow).order_by(DecisionRow.id)).all()
        accepted, raised = rows[0].id, rows[1].id
    for who, row in ((team.eve, accepted), (team.ben, raised)):
        with transaction(team.engine) as session, pytest.raises(Conflict):
            decisions.undo(session, who, "trams", row)
    team.judge(team.cat, found, "keep")
    team.judge(team.dan, found, "keep")
    with transaction(team.engine) as session:
        last = cases.decisions_of(session, "trams")[-1].id
    with transaction(team.engine) as session, pytest.raises(Conflict):
        decisions.undo(session, team.dan, "trams", last)


def test_other_goals_are_decided_on_beside_a_dispute(team: Team) -> None:
    team.dispute(team.ana)
    team.decide(team.ben, "5")
    assert team.tags() == [("11", "disputed"), ("5", "accepted")]


def test_who_raised_it_takes_it_back_until_somebody_has_read_it(team: Team) -> None:
    found = team.dispute(team.ana)
    with transaction(team.engine) as session, pytest.raises(Forbidden):
        disputes.withdraw(session, team.ben, found)
    with transaction(team.engine) as session:
        disputes.withdraw(session, team.ana, found)
    assert team.tags() == [("11", "accepted")]
    with pytest.raises(Conflict, match="settled"):
        team.judge(team.ben, found, "remove")
    again = team.dispute(team.ana)
    team.judge(team.ben, again, "remove")
    with transaction(team.engine) as session, pytest.raises(Conflict):
        disputes.withdraw(session, team.ana, again)


def test_who_raised_it_and_who_decided_before_are_told_once_it_is_settled(team: Team) -> None:
    found = team.dispute(team.ana)
    team.judge(team.ben, found, "change", "11.2")
    with transaction(team.engine) as session:
        assert not session.scalars(select(MailRow)).all()
    team.judge(team.cat, found, "change", "11.2")
    with transaction(team.engine) as session:
        mails = {row.recipient: row.text for row in session.scalars(select(MailRow))}
    assert set(mails) == {"ana@example.org", "eve@example.org"}
    assert "You doubted" in mails["ana@example.org"]
    assert "which you had decided on" in mails["eve@example.org"]
    for text in mails.values():
        assert "The tag is now “11.2 " in text
        assert "Ben has read the text." in text
        assert "/en/case-studies/trams" in text


def test_a_theme_is_disputed_as_a_goal_is(team: Team) -> None:
    team.decide(team.eve, "mobility", kind="theme")
    found = team.dispute(team.ana, "mobility", kind="theme")
    with pytest.raises(Invalid):
        team.judge(team.ben, found, "change", "11.2")
    team.judge(team.ben, found, "change", "care")
    team.judge(team.cat, found, "change", "care")
    with transaction(team.engine) as session:
        themes = records.get(session, "trams").record.gender.themes
    assert [(tag.theme, tag.state, tag.source) for tag in themes] == [("care", "accepted", "staff")]


def test_a_tag_that_went_with_an_edit_meanwhile_stays_away(team: Team) -> None:
    found = team.dispute(team.ana)
    with transaction(team.engine) as session:
        record = records.get(session, "trams").record
        records.save(session, record.model_copy(update={"sdgs": []}), "import")
    team.judge(team.ben, found, "keep")
    assert team.judge(team.cat, found, "keep") == "keep"
    assert team.tags() == []


def test_a_tag_that_is_there_already_is_not_there_twice(team: Team) -> None:
    team.decide(team.eve, "5")
    found = team.dispute(team.ana)
    team.judge(team.ben, found, "change", "5")
    team.judge(team.cat, found, "change", "5")
    assert team.tags() == [("5", "accepted")]


def test_readers_of_the_site_dispute_what_they_see_and_not_too_often(team: Team, case: Callable[..., Record]) -> None:
    hidden = SdgTag(code="7", source="machine")
    with transaction(team.engine) as session:
        record = records.get(session, "trams").record
        records.save(session, record.model_copy(update={"sdgs": [*record.sdgs, hidden]}), "import")
        records.save(session, case("hidden", status="draft", sdgs=[{"code": "11"}]), "import")
    with pytest.raises(Invalid):
        team.dispute(team.ana, "7")
    with pytest.raises(Invalid):
        team.dispute(team.ana, "3")
    with transaction(team.engine) as session, pytest.raises(NotFound):
        disputes.dispute(session, team.ana, "hidden", Doubt(kind="sdg", code="11", reason=WHY))
    with pytest.raises(Conflict):
        team.dispute(team.ana, seen=0)
    for _ in range(10):
        with transaction(team.engine) as session:
            disputes.withdraw(session, team.ana, disputes.dispute(session, team.ana, "trams", _doubt()).id)
    with pytest.raises(TooMany):
        team.dispute(team.ana)


def _doubt() -> Doubt:
    return Doubt(kind="sdg", code="11", reason=WHY, seen=2**31)
