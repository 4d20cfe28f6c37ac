"""What is wrong in a draft, by the name of the field in the form, in words for its author."""

from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kb.editorial.drafts import record_of
from kb.editorial.tables import DraftRow
from schemas.forms import placed
from schemas.language import LANGUAGES, Language
from schemas.messages import N_
from schemas.records import RecordType
from search_ui.drafting.paths import items_of, value_at
from search_ui.inputs import OTHERWISE, REASONS, said

_ALT: Final = N_("Say what is to be seen in the image, for those who do not see it.")
#: The words of our own rules, which are English and for programs, and what they mean to an author.
_RULES: Final = (
    ("is not a date", N_("Write the date as 2019, 2019-04 or 2019-04-30.")),
    ("must be in range", N_("There is no such day. Write the date as 2019, 2019-04 or 2019-04-30.")),
    ("day is out of range", N_("There is no such day. Write the date as 2019, 2019-04 or 2019-04-30.")),
    ("before it starts", N_("The end is before the start.")),
    ("is not a country", N_("Choose a country from the list.")),
    ("is not a time zone", N_("Write a time zone as Europe/Madrid.")),
    ("is not in the vocabulary", N_("Choose one of those that are offered.")),
    ("needs its currency", N_("Write the currency too, as EUR or COP.")),
    ("needs alt text", _ALT),
    ("control character", N_("There is a character in it that cannot be shown. Write it again.")),
    ("valid URL", N_("Write an address that starts with https://.")),
    ("no text in the record's own language", N_("Write the title.")),
)
#: Where the fault of a whole part is shown.
_SHOWN_AT: Final = {"costs": "costs.currency", "period": "period.end", "": "title"}
_BY_FIELD: Final = {
    "share": N_("Write a number from 0 to 100."),
    "currency": N_("Write a currency as EUR or COP."),
    "orcid": N_("Write it as 0000-0002-1825-0097."),
    "to": N_("Choose a record."),
    "record": N_("Choose a record."),
    "lat": N_("Write a number from -90 to 90."),
    "lon": N_("Write a number from -180 to 180."),
}
_MISSING: Final = ("missing", "too_short", "string_too_short")
#: The author's own draft lacks these at first; the list of what is missing says so.
_NOT_YET: Final = frozenset({"title", "case_study", "city", "state"})

Faults = dict[str, str]


def faults(draft: DraftRow, language: Language) -> Faults:
    """The first fault of each field. What is only missing as yet is none, but within a part that has been begun."""
    found = _too_long(draft, language) | _without_alt(draft, language)
    try:
        record_of(draft)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            place = place_of(details["loc"][1:], str(details.get("ctx", {}).get("error", "")))
            if not (place in _NOT_YET and is_absence(details)):
                found.setdefault(place, reason(details, place, language))
    return found


def _too_long(draft: DraftRow, language: Language) -> Faults:
    return {
        field.name: said(REASONS["string_too_long"], language, {"max_length": field.most})
        for _, field in placed(draft.type)
        if field.most and len(str(value_at(draft.data, f"{field.name}.{draft.language}") or "")) > field.most
    }


def _without_alt(draft: DraftRow, language: Language) -> Faults:
    """Images that are not described in the draft's own language."""
    told = said(_ALT, language)
    return {
        f"media.{at}.alt": told
        for at, media in enumerate(items_of(draft.data.get("media")))
        if value_at(media, "kind") == "image" and not value_at(media, f"alt.{draft.language}")
    }


def place_of(loc: tuple[int | str, ...], raised: str = "") -> str:
    """The field's name for pydantic's path: without languages."""
    parts = [str(part) for part in loc if part != "[key]"]
    if parts and parts[-1] in LANGUAGES:
        parts.pop()
    if "alt text" in raised:
        parts.append("alt")
    name = ".".join(parts)
    if parts and parts[-1] == "period":
        return f"{name}.end"
    return _SHOWN_AT.get(name, name)


def is_absence(details: ErrorDetails) -> bool:
    """Whether something is only not there yet."""
    return details["type"] in _MISSING or "own language" in str(details.get("ctx", {}).get("error", ""))


def reason(details: ErrorDetails, place: str, language: Language) -> str:
    """Why pydantic refused it, in the reader's language."""
    context: dict[str, Any] = details.get("ctx", {})
    last = place.rpartition(".")[2]
    if details["type"] in _MISSING:
        return said(
            _BY_FIELD.get(last, REASONS["missing"]) if last in ("to", "record") else REASONS["missing"], language
        )
    if details["type"] == "value_error":
        raised = str(context["error"])
        return said(next((told for words, told in _RULES if words in raised), OTHERWISE), language)
    return said(_BY_FIELD.get(last) or REASONS.get(details["type"], OTHERWISE), language, context)


def within(found: Faults, type: RecordType, step: str) -> Faults:
    """Those of one step."""
    names = [field.name for each, field in placed(type) if each.name == step]
    return {place: told for place, told in found.items() if any(f"{place}.".startswith(f"{name}.") for name in names)}
