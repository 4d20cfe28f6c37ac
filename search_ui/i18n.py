"""The languages of the interface: messages, numbers, dates, and which language a reader prefers.

The source strings are English; the others are in ``locales/{es,fr}/LC_MESSAGES/messages.po``. After a change:

    python -m search_ui.i18n update     write messages.pot, and take new strings into each messages.po
    python -m search_ui.i18n check      name what is untranslated, fuzzy or out of date; exit 1 if anything is
    python -m search_ui.i18n compile    write messages.mo, which saves reading the .po at each start
"""

import datetime
import io
import re
import sys
from collections.abc import Iterator
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any, Final

from babel import Locale, dates, lists, numbers
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from schemas.language import LANGUAGES, Language
from schemas.messages import N_ as N_

FOLDER: Final = Path(__file__).parent
#: Folders whose messages readers meet.
_SPEAKING: Final = (FOLDER, FOLDER.parent / "kb", FOLDER.parent / "indexer", FOLDER.parent / "schemas")
TEMPLATE: Final = FOLDER / "locales" / "messages.pot"
TRANSLATED: Final[tuple[Language, ...]] = ("es", "fr")

#: English is British here, as the vocabularies are.
LOCALES: Final[dict[Language, Locale]] = {
    "en": Locale("en", "GB"), "es": Locale("es"), "fr": Locale("fr"),
}  # fmt: skip

_UNWANTED: Final = (
    b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Report-Msgid-Bugs-To', b'"Last-Translator', b'"Language-Team',
    b'"Generated-By', b'"Project-Id-Version',
)  # fmt: skip
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


# Messages


def catalogue_path(language: Language) -> Path:
    """The ``.po`` of a language; its ``.mo`` lies beside it."""
    return FOLDER / "locales" / language / "LC_MESSAGES" / "messages.po"


@cache
def translations(language: Language) -> NullTranslations:
    """The messages of a language. English is the source and needs none."""
    source = catalogue_path(language)
    if language not in TRANSLATED or not source.exists():
        return NullTranslations()
    compiled = source.with_suffix(".mo")
    if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
        return GNUTranslations(io.BytesIO(compiled.read_bytes()))
    return GNUTranslations(io.BytesIO(_compiled(source)))


def _read(path: Path, language: Language | None = None) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language)


def _compiled(source: Path) -> bytes:
    target = io.BytesIO()
    write_mo(target, _read(source))
    return target.getvalue()


def gettext(message: str, language: Language) -> str:
    """The message in that language."""
    return translations(language).gettext(message)


def pgettext(context: str, message: str, language: Language) -> str:
    """The message in that language, where it may mean several things."""
    return translations(language).pgettext(context, message)


def is_message(text: str) -> bool:
    """Whether a text was marked as one that readers meet, and so can be shown to them."""
    return bool(text) and translations("es").gettext(text) != text


def ngettext(one: str, many: str, count: int, language: Language) -> str:
    """The message for this many, in that language."""
    return translations(language).ngettext(one, many, count)


# What readers prefer


def negotiate(accept_language: str | None) -> Language:
    """The best of the three for an ``Accept-Language`` header; English where none of them is wanted."""
    wanted = sorted(_ranges(accept_language or ""), key=lambda pair: -pair[1])
    return next((language for tag, _ in wanted for language in LANGUAGES if tag.split("-")[0] == language), "en")


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    for part in header[:1000].split(","):
        match = re.fullmatch(r"\s*([A-Za-z-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?", part)
        if match and (quality := float(match[2] or 1)) > 0:
            yield match[1].lower(), quality


# Numbers, dates, names


@lru_cache(maxsize=10_000)
def number(value: float, language: Language) -> str:
    """``1,234.5`` as the language writes it. Spanish groups with a space, and from five digits on, as its academies
    advise; Babel does neither."""
    few_digits = language == "es" and abs(value) < 10_000
    text = numbers.format_decimal(value, locale=LOCALES[language], group_separator=not few_digits)
    return text.replace(".", _NO_BREAK_SPACE) if language == "es" else text


def percent(share: float, language: Language) -> str:
    """A share, 0 to 1, in whole per cent."""
    return numbers.format_percent(share, locale=LOCALES[language])


def money(amount: float, currency: str, language: Language) -> str:
    """An amount with its currency's code, without decimals: ``EUR 1,200,000``."""
    return f"{currency}{_NO_BREAK_SPACE}{number(round(amount), language)}"


def day(value: datetime.date, language: Language, length: str = "long") -> str:
    """A date: ``30 April 2026``."""
    return dates.format_date(value, length, locale=LOCALES[language])  # type: ignore[arg-type]


def moment(value: datetime.datetime, language: Language) -> str:
    """A moment in UTC: ``30 Apr 2026, 14:05 UTC``."""
    text = dates.format_datetime(value.astimezone(datetime.UTC), "medium", locale=LOCALES[language])
    return f"{text.rsplit(':', 1)[0]} UTC"


def partial_date(value: str, language: Language) -> str:
    """A date as precise as it is known: ``2019``, ``April 2019``, ``30 April 2019``."""
    year, *rest = (int(part) for part in value.split("-"))
    if not rest:
        return value
    if len(rest) == 2:
        return day(datetime.date(year, *rest), language)
    return dates.format_skeleton("yMMMM", datetime.date(year, rest[0], 1), locale=LOCALES[language])


def country(code: str, language: Language) -> str:
    """A country's name; the code itself where it has none."""
    return LOCALES[language].territories.get(code, code)


def spoken(code: str, language: Language) -> str:
    """A language's name in another: ``Portuguese``; the code itself where it has none."""
    return LOCALES[language].languages.get(code, code)


def join(items: list[str], language: Language) -> str:
    """``a, b and c``."""
    return lists.format_list(items, locale=LOCALES[language]) if items else ""


# Catalogues


def extract() -> Catalog:
    """Every message in the code and the templates, without places: they would change the file with every edit."""
    catalogue = Catalog(header_comment="# Messages of the site; English is the source.", charset="utf-8", fuzzy=False)
    found = [message for folder in _SPEAKING for message in _extract(folder)]
    for _file, _line, message, comments, context in sorted(found, key=lambda item: (item[0], item[1])):
        catalogue.add(message, auto_comments=comments, context=context)
    return catalogue


def _extract(folder: Path) -> Iterator[Any]:
    return extract_from_dir(
        folder,
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2")],
        options_map={
            "templates/**.html": {
                "newstyle_gettext": "true",
                "trimmed": "true",
                "silent": "false",
                "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols",
            }
        },
        keywords={"gettext": None, "ngettext": (1, 2), "_": None, "N_": None, "pgettext": ((1, "c"), 2)},
        comment_tags=("Translators:",),
    )


def update() -> None:
    """Write the template, and take its strings into every catalogue."""
    catalogue = extract()
    _write(TEMPLATE, catalogue)
    for language in TRANSLATED:
        _update_one(language, catalogue)


def _update_one(language: Language, template: Catalog) -> None:
    path = catalogue_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue = _read(path, language) if path.exists() else Catalog(locale=language)
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.header_comment, catalogue.fuzzy = template.header_comment, False
    _write(path, catalogue)


def _write(path: Path, catalogue: Catalog) -> None:
    """Write it without dates and names, which would make every update a change."""
    target = io.BytesIO()
    write_po(target, catalogue, width=118)
    kept = (line for line in target.getvalue().splitlines(keepends=True) if not line.startswith(_UNWANTED))
    path.write_bytes(b"".join(kept))


def compile_all() -> None:
    """Write each ``.mo`` beside its ``.po``."""
    for language in TRANSLATED:
        source = catalogue_path(language)
        source.with_suffix(".mo").write_bytes(_compiled(source))
    translations.cache_clear()


def problems() -> list[str]:
    """What keeps the catalogues from being complete and current, one sentence each."""
    wanted = _ids(extract())
    found = [f"messages.pot is out of date: {key}" for key in sorted(wanted ^ _ids(_read(TEMPLATE)))]
    for language in TRANSLATED:
        found += _problems_of(language, wanted)
    return found


def _problems_of(language: Language, wanted: set[str]) -> Iterator[str]:
    catalogue = _read(catalogue_path(language), language)
    yield from (f"{language}: not in the catalogue: {key}" for key in sorted(wanted - _ids(catalogue)))
    for message in catalogue:
        if not message.id:
            continue
        said = message.string if isinstance(message.string, (tuple, list)) else [message.string]
        if not all(said):
            yield f"{language}: untranslated: {message.id}"
        if message.fuzzy:
            yield f"{language}: fuzzy: {message.id}"
        yield from (f"{language}: {error} in {message.id}" for error in message.check(catalogue))


def _ids(catalogue: Catalog) -> set[str]:
    return {f"{message.context or ''}|{message.id}" for message in catalogue if message.id}


def main(arguments: list[str]) -> int:
    """The command line of this module."""
    match arguments:
        case ["update"]:
            update()
        case ["compile"]:
            compile_all()
        case ["check"]:
            found = problems()
            print("\n".join(found) or "Every message is translated.")
            return 1 if found else 0
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
