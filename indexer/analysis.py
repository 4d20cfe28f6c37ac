"""Text to tokens, per language, the same for every engine.

A token is a function of the word without case and accents: fold, then lemma (simplemma's dictionary, folded too), then stem
(Snowball). Folding first makes accents irrelevant by construction; the dictionary joins what the stemmer parts
(ciudad and ciudades); the stemmer joins what the dictionary does not know (metrocable and metrocables).
"""

import os
import re
import tempfile
from collections.abc import Collection, Iterator
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

import marisa_trie
import Stemmer

from schemas.language import LANGUAGES, Language
from schemas.text import fold as fold

#: An accent may stand after its letter as a character of its own (NFD), which \w does not know.
_WORD = re.compile(r"\w[\w\u0300-\u036f]*")
_SNOWBALL: Final[dict[Language, str]] = {"en": "english", "es": "spanish", "fr": "french"}
#: Of what ``build`` makes of the dictionaries; raise it when that changes, for the files are made anew then.
_FORM = "2"
_VERSIONS = "-".join([*(version(package) for package in ("simplemma", "PyStemmer", "marisa-trie")), _FORM])
#: Written once by ``python -m indexer.analysis`` (make setup does it), or at first use.
LEMMAS_FILE = Path(__file__).with_name(f"lemmas-{_VERSIONS}.marisa")
WORDS_FILE = Path(__file__).with_name(f"words-{_VERSIONS}.marisa")

#: Function words: they carry no evidence of what a text is about, so a question is asked without them.
STOP_WORDS: Final[dict[Language, frozenset[str]]] = {
    "en": frozenset(
        """a about after all also am an and any are as at be because been before being between both but by can could did do
        does doing done down during each few for from further get gets getting had has have having he her here hers him
        his how i if in into is it its itself just let like make me might more most much must my no nor not of off on
        once one only or other our ours out over own please same shall she should so some such than that the their
        theirs them then there these they this those through to too under until up us very want was we were what when
        where which while who whom whose why will with without would you your yours s t""".split()
    ),
    "es": frozenset(
        """a al algo alguna algunas alguno algunos ante antes asi aun aunque cada como con contra cual cuales cuando cuanto
        cuanta cuantas cuantos de del desde donde dos durante e el ella ellas ellos en entre era eran es esa esas ese
        eso esos esta estaba estan estar estas este esto estos ha hace hacer hacia han has hasta hay he la las le les
        lo los mas me mi mis mucho muchos muy nada ni no nos nosotros nuestra nuestro o os otra otras otro otros para
        pero poco por porque puede pueden pues que quien quienes quiero se sea sean ser si sido sin sobre solo son su
        sus tal tambien tanto te tener tiene tienen toda todas todo todos tras tu un una unas uno unos y ya yo""".split()
    ),
    "fr": frozenset(
        """a afin ai ainsi alors apres au aucun aucune aussi autre autres aux avant avec avoir c ce cela ces cet cette ceux
        chaque ci comme comment contre d dans de des deux depuis donc dont du elle elles en encore entre es est et etaient
        etait ete etre eu eux faire fait faut font ici il ils j je l la le les leur leurs lors lui m ma mais me meme
        memes mes moi moins mon n ne ni nos notre nous on ont ou par parce pas pendant peu peut peuvent plus plusieurs
        pour pourquoi qu quand que quel quelle quelles quels qui quoi s sa sans se sera ses si son sont sous sur t ta
        te tes toi ton tous tout toute toutes tres trop tu un une vers veux vos votre vous y""".split()
    ),
}


#: Plurals that simplemma takes for verbs, or for words of their own.
_PLURALS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "lives": "life", "wives": "wife", "midwives": "midwife", "housewives": "housewife", "leaves": "leaf",
        "loaves": "loaf", "calves": "calf", "halves": "half", "shelves": "shelf", "thieves": "thief",
        "people": "person", "data": "datum",
    },
    "es": {},
    "fr": {"baux": "bail"},
}  # fmt: skip


class Word(NamedTuple):
    """A word of a text, where it stands, and its token."""

    token: str
    start: int
    end: int


def words(text: str, language: Language) -> Iterator[Word]:
    """Every word with its place in the text and its token in that language."""
    for match in _WORD.finditer(text):
        token = _token(match.group(), language)
        if token:
            yield Word(token, match.start(), match.end())


def places(text: str, language: Language, wanted: Collection[str]) -> list[tuple[int, int]]:
    """Start and end of every word that has one of these tokens."""
    return [match.span() for match in _WORD.finditer(text) if _token(match.group(), language) in wanted]


def tokens(text: str, language: Language) -> list[str]:
    """The tokens of a text, function words included: phrases need them."""
    return [token for match in _WORD.findall(text) if (token := _token(match, language))]


@lru_cache(maxsize=2_000)
def token_set(text: str, language: Language) -> frozenset[str]:
    """The tokens of a text, each once. Remembered: what one reader finds, others find too."""
    return frozenset(token for word in set(_WORD.findall(text)) if (token := _token(word, language)))


def content_tokens(text: str, language: Language) -> list[str]:
    """The tokens that say what a question is about, each once; all of them where there are only function words."""
    found = _WORD.findall(text)
    telling = [word for word in found if not is_stop_word(word, language)]
    return list(dict.fromkeys(token for word in telling or found if (token := _token(word, language))))


@lru_cache(maxsize=20_000)
def is_stop_word(word: str, language: Language | None = None) -> bool:
    """Whether a word is a function word of this language, or of any."""
    folded = fold(word)
    return any(folded in STOP_WORDS[one] for one in ([language] if language else LANGUAGES))


@lru_cache(maxsize=200_000)
def _token(word: str, language: Language) -> str:
    folded = "".join(fold(word).split())  # some ligatures unfold to several words
    lemma = _lemmas().get(f"{language} {folded}")
    return lemma[0].decode() if lemma else str(_stemmer(language).stemWord(folded))


@cache
def _stemmer(language: Language) -> "Stemmer.Stemmer":
    return Stemmer.Stemmer(_SNOWBALL[language])


def languages_of(text: str) -> dict[Language, int]:
    """How many words of the text each language knows; function words count double, for they tell languages apart."""
    found = [fold(word) for word in _WORD.findall(text)]
    return {
        language: sum((f"{language} {word}" in _dictionary()) + (word in STOP_WORDS[language]) for word in found)
        for language in LANGUAGES
    }


@cache
def _lemmas() -> "marisa_trie.BytesTrie":
    return marisa_trie.BytesTrie().mmap(str(_built(LEMMAS_FILE)))


@cache
def _dictionary() -> "marisa_trie.Trie":
    return marisa_trie.Trie().mmap(str(_built(WORDS_FILE)))


def _built(path: Path) -> Path:
    if not path.exists():
        build()
    return path


def build() -> None:
    """Write the known words of each language, and those whose token is not simply their stem: the stem of their lemma,
    where that differs."""
    dictionaries = {language: _folded_dictionary(language) for language in LANGUAGES}
    _save(
        marisa_trie.BytesTrie(
            (f"{language} {word}", token.encode())
            for language, lemma_of in dictionaries.items()
            for word, token in _exceptions(language, lemma_of)
        ),
        LEMMAS_FILE,
    )
    _save(marisa_trie.Trie(f"{one} {word}" for one, lemma_of in dictionaries.items() for word in lemma_of), WORDS_FILE)


def _save(trie: "marisa_trie.Trie", path: Path) -> None:
    """Write beside the place, then move there: another process may be reading or building too."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    os.close(handle)
    trie.save(temporary)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)


def _exceptions(language: Language, lemma_of: dict[str, str]) -> Iterator[tuple[str, str]]:
    stem = _stemmer(language).stemWord
    for word in lemma_of:
        token = stem(_root(word, lemma_of))
        if token != stem(word):
            yield word, token


def _folded_dictionary(language: Language) -> dict[str, str]:
    """Folded form to folded lemma. Where forms collide without their accents, a plural wins (líneas, not lineas), then one
    that is its own lemma (público, not publicó)."""
    from simplemma.strategies.dictionaries.dictionary_factory import (
        DefaultDictionaryFactory,
    )

    lemma_of: dict[str, str] = {}
    rank_of: dict[str, int] = {}
    for form, lemma in DefaultDictionaryFactory().get_dictionary(language).items():
        word, root = fold(str(form)), fold(lemma.decode() if isinstance(lemma, bytes) else str(lemma))
        rank = 0 if word in (f"{root}s", f"{root}es") else 1 if word == root else 2
        if word.isalpha() and root.isalpha() and rank < rank_of.get(word, 3):
            lemma_of[word], rank_of[word] = root, rank
    return lemma_of | _PLURALS[language]


def _root(word: str, lemma_of: dict[str, str]) -> str:
    """Follow lemma to lemma until one is its own, so that every form of a word ends at the same root."""
    path: list[str] = []
    while lemma_of.get(word, word) != word and word not in path:
        path.append(word)
        word = lemma_of[word]
    return min(path[path.index(word) :]) if word in path else word


if __name__ == "__main__":
    build()
