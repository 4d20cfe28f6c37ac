"""Fields of records in words: what they are called and what their values say, in the reader's language."""

from typing import Final

from schemas.labels import label_parts
from schemas.language import Language
from schemas.vocabulary import load
from search_ui import i18n
from search_ui.i18n import N_

#: Whose terms a field holds; a field that takes several vocabularies' terms has several.
_VOCABULARIES: Final[dict[str, tuple[str, ...]]] = {
    "type": ("record_types",),
    "topics": ("topics",),
    "instruments": ("instruments",),
    "expertise": ("topics", "instruments", "gender_themes"),
    "code": ("sdgs",),
    "theme": ("gender_themes",),
    "stage": ("stages",),
    "band": ("cost_bands",),
    "level": ("government_levels",),
    "availability": ("availability",),
    "state": ("adoption_states",),
    "evidence_level": ("evidence_levels",),
    "marker": ("gender_markers",),
    "kind": (
        "initiative_kinds", "organisation_kinds", "event_types", "publication_kinds", "funding_kinds",
    ),
}  # fmt: skip
_WORDS: Final[dict[str, str]] = {
    "true": N_("Yes"),
    "false": N_("No"),
    "draft": N_("Draft"),
    "submitted": N_("Submitted"),
    "in_review": N_("In review"),
    "published": N_("Published"),
    "withdrawn": N_("Withdrawn"),
    "archived": N_("Archived"),
}


def field_label(path: str, language: Language) -> str:
    """What a path is called: ``Building block 1 › Title › Español``."""
    text = ""
    for part in label_parts(path):
        text += f" {part}" if part.isdecimal() else f"{' › ' if text else ''}{i18n.gettext(part, language)}"
    return text


def field_value(name: str, text: str, language: Language) -> str:
    """What a field's value says: a term's label, yes or no; the text itself where it speaks for itself."""
    if name == "country":
        return i18n.country(text, language)
    if name in ("status", "ongoing", "demonstration", "primary", "machine") or text in ("true", "false"):
        return i18n.gettext(_WORDS[text], language) if text in _WORDS else text
    found = (load(vocabulary).get(text) for vocabulary in _VOCABULARIES.get(name, ()))
    return next((term.label[language] for term in found if term), text)
