"""The three languages of the product, and text that exists in one, two or all of them."""

import re
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import AfterValidator, StringConstraints

Language = Literal["en", "es", "fr"]

LANGUAGES: Final[tuple[Language, ...]] = ("en", "es", "fr")

#: Each language's name in itself, as the language switch shows it.
AUTONYMS: Final[dict[Language, str]] = {"en": "English", "es": "Español", "fr": "Français"}

#: Characters. A field longer than this is a document in the wrong place.
MAX_TEXT = 200_000


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def without_controls(text: str) -> str:
    """Refuse control characters: they break C strings, spreadsheets and terminals further on. Raises ValueError."""
    if found := _CONTROL.search(text):
        raise ValueError(f"has the control character U+{ord(found.group()):04X} at position {found.start()}; remove it")
    return text


#: Non-empty text of one language.
Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT), AfterValidator(without_controls)]

#: One text in up to three languages: ``{"en": "Cable car", "es": "Teleférico"}``.
Translated = dict[Language, Text]


class Said(NamedTuple):
    """A text together with the language it is really in."""

    text: str
    language: Language


def say(text: Translated, wanted: Language, original: Language | None = None) -> Said | None:
    """The text in the wanted language, else in the original, else in any; None where there is none."""
    order = [wanted, original or wanted, *LANGUAGES]
    return next((Said(text[language], language) for language in order if language in text), None)
