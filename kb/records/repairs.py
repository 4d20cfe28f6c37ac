"""Flaws that texts of partners often have: mended where a rule is safe, else only noticed."""

import html
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Final

import simplemma

from schemas.language import Language

_TAG = re.compile(r"</?(?:a|abbr|b|br|div|em|i|li|ol|p|span|strong|sub|sup|u|ul)\b[^<>]*>", re.IGNORECASE)
_TORN_TAG = re.compile(r"</?(?:a|abbr|em|p|span|strong|sup)\b(?![^<>]*>)", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?…](?:[\"'”’»)\]]*)(?=\s|$)|\n")


def encoding(text: str) -> str:
    """Undo UTF-8 that was read as Latin-1 (``â\\x80\\x99``), and Windows characters that were (``\\x92``)."""
    text = re.sub(r"[\xc2-\xf4][\x80-\xbf]{1,3}", _redecoded, text)
    return re.sub(r"[\x80-\x9f]", lambda match: match[0].encode("latin-1").decode("cp1252", "ignore"), text)


def _redecoded(match: re.Match[str]) -> str:
    try:
        return match[0].encode("latin-1").decode()
    except UnicodeDecodeError:
        return match[0]


def escapes(text: str) -> str:
    """Turn the two characters ``\\`` and ``t`` into the blank that they were to be, and ``\\n`` into a new line."""
    return re.sub(r"\\[tr]", " ", text).replace("\\n", "\n")


def quotes(text: str) -> str:
    """Take off quotation marks of a CSV file: doubled ones, and those around a whole paragraph."""
    return "\n".join(_unquoted(paragraph) for paragraph in text.split("\n"))


def _unquoted(text: str) -> str:
    if '""' not in text and not re.fullmatch(r'\s*"[^"]*"?\s*', text):
        return text
    text = re.sub(r'""+', '"', text.strip())
    wrapped = text.startswith('"') and (text.count('"') % 2 == 1 or text.endswith('"'))
    return text[1:].removesuffix('"').strip() if wrapped else text


def semicolons(text: str) -> str:
    """Write ``;`` where ``<`` stands for it: right after a word, before a blank or the end."""
    return re.sub(r"(?<=[\w.)%\]\"”²³])<(?=\s|$)", ";", text)


def markup(text: str) -> str:
    """Take out HTML tags and write out its entities."""
    return html.unescape(_TAG.sub(" ", text)) if _TAG.search(text) or re.search(r"&#?\w+;", text) else text


def invisible(text: str) -> str:
    """Take out characters that have no width and do nothing here, and other control characters."""
    text = re.sub("[\u200b\u2060\ufeff\u00ad]", "", text)
    return "".join(char for char in text if char in "\n\r\t" or unicodedata.category(char) != "Cc")


def blanks(text: str) -> str:
    """One blank where several stand in a row, none at the ends of lines."""
    return re.sub(r" *\n[ \n]*", "\n", re.sub(r"[ \t\r]+", " ", text)).strip()


#: Repairs by the name that a mapping gives them.
REPAIRS: Final[dict[str, Callable[[str], str]]] = {
    "encoding": encoding,
    "escapes": escapes,
    "quotes": quotes,
    "semicolons": semicolons,
    "markup": markup,
    "invisible": invisible,
    "blanks": blanks,
}


# Flaws that are only noticed


def split_words(text: str, language: Language) -> list[str]:
    """Words with a blank inside, as ``communi ty``: together they are a word, apart one of them is none.

    English only: the word lists of the other languages have too many gaps to tell. Not before a capital
    letter, where it may be a name, as Dar es Salaam.
    """
    if language != "en":
        return []
    pairs = re.finditer(r"(?<![\w'’-])(?=([^\W\d_]{1,20}) ([^\W\d_]{1,15})(?![\w'’]| [A-Z]))", text)
    return [f"{a} {b}" for a, b in (pair.groups() for pair in pairs) if _belong_together(a, b)]


def _belong_together(a: str, b: str) -> bool:
    if not b.islower() or len(a + b) < 4:
        return False
    apart = _is_word(a.lower()) and _is_word(b)
    return not apart and _is_word((a + b).lower())


@cache
def _is_word(word: str) -> bool:
    return simplemma.is_known(word, lang="en")


def lost_characters(text: str, _language: Language) -> list[str]:
    """Words with ``#`` or ``?`` where a character was lost, as ``Cit#-Soleil``; not in web addresses."""
    without_addresses = re.sub(r"\S*(?:://|@|www\.)\S*", " ", text)
    return re.findall(r"[^\W\d_]+[#?][\w-]+|\b[^\W\d_]\? [A-Z]{3,}", without_addresses)


def torn_markup(text: str, _language: Language) -> list[str]:
    """Pieces of HTML tags that another program tore apart."""
    return [match[0] for match in _TORN_TAG.finditer(text)]


#: Flaws by the name that a mapping gives them: what is found is reported and left as it is.
FLAWS: Final[dict[str, Callable[[str, Language], list[str]]]] = {
    "split words": split_words,
    "lost characters": lost_characters,
    "torn markup": torn_markup,
}


# Shorter texts


def cut(text: str, limit: int) -> str:
    """The beginning of a text, at most ``limit`` characters, up to the end of a sentence; else of a word, with …"""
    text = text.strip()
    if len(text) <= limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text[: limit + 1]) if match.end() <= limit]
    if ends and ends[-1] >= limit // 4:
        return text[: ends[-1]].strip()
    return text[: limit - 1].rsplit(None, 1)[0].rstrip(",;:") + "…"


def first_sentence(text: str, limit: int) -> str:
    """The first sentence of a text, cut where it is longer than ``limit``."""
    first = _SENTENCE_END.search(text.strip())
    sentence = text.strip()[: first.end()] if first else text
    return cut(sentence.strip().rstrip("."), limit)
