"""External links of published records: found, looked at in turn, listed when broken."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Engine, select, update

from kb import outbox
from kb.audit.tables import AuditRow
from kb.db import transaction, utcnow
from kb.links import service as links
from kb.links.looking import Answer, Looker
from kb.links.service import urls_in
from kb.links.tables import LinkCheckRow
from kb.records import service as records
from kb.rounds import ROUNDS
from kb.settings import Settings
from schemas.records import Record
from tests.people import person

Make = Callable[..., Record]


@dataclass(frozen=True)
class Told(Looker):
    """Answers by address as it was told, and remembers what it was asked."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def look(self, url: str) -> Answer:
        self.asked.append(url)
        return self.answers.get(url, Answer(200, ""))


@pytest.fixture
def on(settings: Settings) -> Settings:
    return settings.model_copy(update={"link_checks": True, "public_url": "https://our.example"})


@pytest.fixture
def told() -> Told:
    return Told("test")


def _saved(engine: Engine, *several: Record) -> None:
    for record in several:
        with transaction(engine) as session:
            records.save(session, record, "import")


def _known(engine: Engine) -> set[str]:
    with transaction(engine, readonly=True) as session:
        return set(session.scalars(select(LinkCheckRow.url)))


def _days_pass(engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(update(LinkCheckRow).values(due_at=utcnow() - datetime.timedelta(seconds=1)))


def _broken(engine: Engine, *, fine: bool = False) -> dict[str, list[str]]:
    with transaction(engine, readonly=True) as session:
        found = links.broken(session, fine=fine, limit=10)
        return {each.stored.record.id: [link.url for link in each.links] for each in found}


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("See https://a.example/x.", {"https://a.example/x"}),
        ("[Plan](https://a.example/x_(y)), p. 3", {"https://a.example/x_(y)"}),
        ("(https://a.example/?q=1&r=2#part)", {"https://a.example/?q=1&r=2"}),
        ("*http://a.example/x*; “https://b.example” HTTPS://C.example/", {"http://a.example/x", "https://b.example", "HTTPS://C.example/"}),
        ("https:// http://[::1 mailto:x@a.example nothing", set()),
    ],
)  # fmt: skip
def test_addresses_are_found_in_texts_without_what_stands_around_them(text: str, urls: set[str]) -> None:
    found = urls_in({"body": {"en": text}, "website": "https://w.example/", "sources": [{"url": "https://s.example/"}]})
    assert found - {"https://w.example/", "https://s.example/"} == urls


def test_the_links_of_published_records_are_found_and_forgotten_with_them(
    engine: Engine, case: Make, on: Settings
) -> None:
    own = "https://our.example/en/about"
    _saved(
        engine,
        case("a", website="https://a.example/", summary={"en": f"See https://both.example/ and {own}"}),
        case("b", website="https://both.example/"),
        case("c", website="https://draft.example/", status="draft"),
    )
    assert links.find(engine, on) == 2
    assert _known(engine) == {"https://a.example/", "https://both.example/"}
    assert links.find(engine, on) == 0
    _saved(engine, case("a", website="https://new.example/"), case("b", status="withdrawn"))
    assert links.find(engine, on) == 1
    assert _known(engine) == {"https://new.example/"}


def test_private_fields_are_not_looked_at(engine: Engine, on: Settings, case: Make) -> None:
    hidden = {"type": "expert", "website": "https://home.example/", "visibility": {"website": "nobody"}}
    _saved(engine, case("x", **hidden))
    links.find(engine, on)
    assert _known(engine) == set()


def test_each_round_looks_at_each_host_once_and_at_what_is_due_only(
    engine: Engine, case: Make, on: Settings, told: Told
) -> None:
    two = "https://a.example/1 https://a.example/2 https://b.example/"
    _saved(engine, case("a", summary={"en": two}))
    links.find(engine, on)
    assert [links.check(engine, on, told) for _ in range(3)] == [2, 1, 0]
    assert sorted(told.asked) == ["https://a.example/1", "https://a.example/2", "https://b.example/"]
    with transaction(engine, readonly=True) as session:
        assert links.counts(session) == links.Counts(links=3, checked=3, broken=0, fine=0)


def test_a_link_is_broken_after_two_failures_in_a_row_and_whole_again_after_one_answer(
    engine: Engine, case: Make, on: Settings, told: Told
) -> None:
    _saved(engine, case("a", website="https://a.example/"))
    links.find(engine, on)
    told.answers["https://a.example/"] = Answer(404, "gone")
    links.check(engine, on, told)
    assert _broken(engine) == {}
    assert links.check(engine, on, told) == 0, "not before a day has passed"
    _days_pass(engine)
    links.check(engine, on, told)
    assert _broken(engine) == {"a": ["https://a.example/"]}
    with transaction(engine, readonly=True) as session:
        row = session.scalars(select(LinkCheckRow)).one()
        assert (row.status, row.reason, row.failures) == (404, "gone", 2)
        assert row.failing_since is not None
    told.answers.clear()
    _days_pass(engine)
    links.check(engine, on, told)
    assert _broken(engine) == {}


def test_an_editor_can_say_that_a_link_is_fine_and_take_it_back(
    engine: Engine, case: Make, on: Settings, told: Told
) -> None:
    eve = person(engine, "eve@example.org", "editor")
    _saved(engine, case("a", website="https://a.example/"))
    links.find(engine, on)
    told.answers["https://a.example/"] = Answer(500, "error")
    for _ in range(2):
        links.check(engine, on, told)
        _days_pass(engine)
    with transaction(engine) as session:
        key = session.scalars(select(LinkCheckRow.key)).one()
        links.set_fine(session, eve, key, True)
        links.set_fine(session, eve, key, True)
    assert (_broken(engine), _broken(engine, fine=True)) == ({}, {"a": ["https://a.example/"]})
    with transaction(engine) as session:
        links.set_fine(session, eve, key, False)
    assert _broken(engine) == {"a": ["https://a.example/"]}
    with transaction(engine, readonly=True) as session:
        notes = session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all()
    assert notes == ["link.fine", "link.broken"]


def test_a_site_in_development_looks_at_nothing_unless_it_is_told_to(
    engine: Engine, case: Make, settings: Settings, told: Told
) -> None:
    _saved(engine, case("a", website="https://a.example/"))
    assert (links.find(engine, settings), links.check(engine, settings, told), told.asked) == (0, 0, [])
    assert not settings.checks_links
    assert settings.model_copy(update={"environment": "production"}).checks_links
    assert not settings.model_copy(update={"environment": "production", "link_checks": False}).checks_links
    assert {"links.find", "links.check"} <= {each.name for each in ROUNDS}


def test_a_machine_without_a_way_out_calls_no_link_broken(engine: Engine, case: Make, on: Settings, told: Told) -> None:
    _saved(engine, case("a", summary={"en": "https://a.example/ https://b.example/ https://c.example/"}))
    links.find(engine, on)
    away = Answer(0, "unknown_host")
    told.answers.update({f"https://{name}.example/": away for name in "abc"})
    for _ in range(3):
        assert links.check(engine, on, told) == 3
        _days_pass(engine)
    assert _broken(engine) == {}
    told.answers["https://a.example/"] = Answer(200, "")
    for _ in range(2):
        links.check(engine, on, told)
        _days_pass(engine)
    assert _broken(engine) == {"a": ["https://b.example/", "https://c.example/"]}


def test_two_processes_do_not_look_at_the_same_time(engine: Engine, case: Make, on: Settings, told: Told) -> None:
    _saved(engine, case("a", website="https://a.example/"))
    links.find(engine, on)
    with outbox.lease(engine, "links", "another", 60) as held:
        assert held
        assert links.check(engine, on, told) == 0
