"""Text for comparing: without what people type in one way or another."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_WORD = re.compile(r"\w+")
#: Letters of names that are no letter with an accent to Unicode, but are to those who type them: Łódź, Đà Nẵng, Ørsted.
_LETTERS: Final = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "ħ": "h"})


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character)).translate(_LETTERS)


@lru_cache(maxsize=200_000)
def fold(text: str) -> str:
    """The text without case, accents and compatibility forms: ``Économie`` is ``economie``, ``ﬁ`` is ``fi``.
    Remembered, for words come again and again."""
    return _fold(text)


def folded_words(text: str) -> list[str]:
    """The words of a whole text, folded, without punctuation."""
    return _WORD.findall(_fold(text))
