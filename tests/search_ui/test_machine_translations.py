"""What a machine translated is shown and found only after a person read and corrected it."""

from pathlib import Path
from typing import Any

import pytest

from tests.search_ui.own_site import OwnSite, own_site

CASE: dict[str, Any] = {
    "type": "case_study", "id": "x-1", "language": "en", "status": "published",
    "title": {"en": "Trams for everyone", "fr": "Tramways farfelus"},
    "summary": {"en": "A line through the town.", "fr": "Une ligne farfelue."},
    "translations": {"fr": {"machine": True}},
}  # fmt: skip


def _found(site: OwnSite, words: str) -> list[str]:
    answer = site.get("/api/v1/search", params={"q": words, "lang": "fr", "mode": "keyword"}).json()
    return [result["id"] for result in answer["results"]]


def test_no_page_search_suggestion_or_data_holds_an_unchecked_translation(tmp_path: Path) -> None:
    with own_site(tmp_path, [CASE]) as site:
        page = site.get("/fr/case-studies/x-1").text
        assert "Traduction automatique, pas encore vérifiée par une personne" in page
        everywhere = [
            page,
            site.get("/fr/").text,
            site.get("/fr/search?q=trams").text,
            site.get("/fr/case-studies").text,
            site.get("/api/v1/records/x-1").text,
            site.get("/fr/case-studies/x-1.jsonld").text,
            site.get("/api/v1/suggest?q=tramw&lang=fr").text,
        ]
        assert all("farfelu" not in text for text in everywhere)
        assert _found(site, "farfelue") == []
        assert _found(site, "trams") == ["x-1"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "Traduit par une machine à partir de l’original"),
        ("en", "read and corrected by a person on"),
    ],
)
def test_an_accepted_one_is_shown_found_and_labelled(tmp_path: Path, language: str, words: str) -> None:
    checked = CASE | {"translations": {"fr": {"machine": True, "checked": "2026-11-27"}}}
    with own_site(tmp_path, [CASE]) as site:
        site.save(checked)
        assert _found(site, "farfelue") == ["x-1"]
        page = site.get(f"/{language}/case-studies/x-1").text
        assert words in page
        assert ("farfelus" in page) == (language == "fr")
