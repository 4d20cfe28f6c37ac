"""Three languages, all of them complete."""

import datetime

import pytest

from schemas.language import LANGUAGES, Language
from search_ui import i18n


def test_every_message_is_translated_and_the_catalogues_are_current() -> None:
    assert i18n.problems() == []


def test_a_missing_translation_would_be_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    source = i18n.catalogue_path("es").read_text("utf-8")
    poor = tmp_path / "messages.po"
    poor.write_text(source.replace('msgstr "Buscar"', 'msgstr ""'), "utf-8")
    monkeypatch.setattr(i18n, "catalogue_path", lambda language: poor)
    assert "es: untranslated: Search" in i18n.problems()


@pytest.mark.parametrize(
    ("language", "count", "expected"),
    [("en", 1, "1 record"), ("en", 0, "0 records"), ("es", 1, "1 ficha"), ("es", 2, "2 fichas"), ("fr", 0, "0 fiche")],
)
def test_plurals_follow_each_language(language: Language, count: int, expected: str) -> None:
    assert i18n.ngettext("%(n)s record", "%(n)s records", count, language) % {"n": count} == expected


def test_numbers_are_written_as_each_language_does() -> None:
    written = {language: i18n.number(1234567.5, language) for language in LANGUAGES}
    assert written == {"en": "1,234,567.5", "es": "1\u00a0234\u00a0567,5", "fr": "1\u202f234\u202f567,5"}


def test_spanish_groups_from_five_digits_on() -> None:
    assert [i18n.number(value, "es") for value in (2298, 12298, 0.25)] == ["2298", "12\u00a0298", "0,25"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2019", ("2019", "2019", "2019")),
        ("2019-04", ("April 2019", "abril de 2019", "avril 2019")),
        ("2019-04-30", ("30 April 2019", "30 de abril de 2019", "30 avril 2019")),
    ],
)
def test_a_date_is_as_precise_as_it_is_known(value: str, expected: tuple[str, ...]) -> None:
    assert tuple(i18n.partial_date(value, language) for language in LANGUAGES) == expected


def test_moments_are_told_in_utc() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    assert i18n.moment(datetime.datetime(2026, 4, 30, 1, 5, tzinfo=zone), "en") == "29 Apr 2026, 23:05 UTC"


def test_lists_end_with_and() -> None:
    assert [i18n.join(["a", "b", "c"], language) for language in LANGUAGES] == ["a, b and c", "a, b y c", "a, b et c"]


def test_compiled_messages_are_used_while_they_are_newer_than_their_source(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    source = tmp_path / "messages.po"
    source.write_bytes(i18n.catalogue_path("fr").read_bytes())
    monkeypatch.setattr(i18n, "catalogue_path", lambda language: source)
    i18n.translations.cache_clear()
    assert i18n.gettext("Search", "fr") == "Rechercher"
    i18n.compile_all()
    assert i18n.gettext("Search", "fr") == "Rechercher"
    monkeypatch.undo()
    i18n.translations.cache_clear()
