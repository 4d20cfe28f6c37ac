"""Names of countries, in any of the three languages, to ISO 3166-1 codes."""

import re
import unicodedata
from functools import cache

from babel import Locale

from schemas.language import LANGUAGES
from schemas.vocabulary import load

#: What stands before a country's own name in its official one: "Republic of", "Reino de", "République de".
_BEFORE = re.compile(r"^.*\b(?:of|de|du|des|d|del)\b ")
#: Names that more than one country, or a part of another country, has after such words.
_SHARED = frozenset({"congo", "corea", "coree", "georgia", "korea"})


def country_code(name: str) -> str | None:
    """The code of a country, from its code, its name or its official name; None for what is no one country."""
    given = name.strip()
    if given.upper() in _codes():
        return given.upper()
    plain = _plain(given)
    own = _BEFORE.sub("", plain)
    return _names().get(plain) or (_names().get(own) if own not in _SHARED and "," not in given else None)


def country_names(code: str) -> list[str]:
    """What a country is called in each of the three languages, as CLDR has it."""
    return [str(Locale(language).territories.get(code, code)) for language in LANGUAGES]


def _plain(name: str) -> str:
    """Without accents, capitals, articles and punctuation: "The Gambia" and "Gambie, la" need not be known."""
    letters = unicodedata.normalize("NFKD", re.sub("['’]", " ", name.casefold().replace("&", " and ")))
    words = re.findall(r"[a-z]+", letters.encode("ascii", "ignore").decode())
    return " ".join(word for word in words if word not in ("the", "la", "le", "les", "el", "los", "las", "l"))


@cache
def _codes() -> frozenset[str]:
    return frozenset(code for region in load("regions").terms for code in region.members)


@cache
def _names() -> dict[str, str]:
    found: dict[str, str] = {}
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if code in _codes():
                found.setdefault(_plain(name), code)
                found.setdefault(_plain(re.sub(r"\(.*?\)", "", name)), code)
    return found
