"""What was typed into a step of a form, into the draft. It is taken as it is, right or wrong: nothing typed is ever lost.

A name in the form is the path in the draft, as ``costs.funding.0.source``. Each item of a list also sends ``….was``: which
item it was when the page was made, so that what the form does not show of it stays, such as its texts in other languages.
"""

import copy
import re
from collections.abc import Callable
from typing import Any, Final

from starlette.datastructures import FormData

from schemas.fields import Field, Step
from schemas.forms import placed
from schemas.language import Language
from schemas.records import RecordType
from search_ui.drafting import numbers
from search_ui.drafting.paths import is_authors, items_of, joined, put, texts_of, value_at

#: Author's tags of Sustainable Development Goals: the main one and three others.
GOALS: Final = 4
_UNWANTED: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class Reader:
    """Reads one step. ``moved`` tells afterwards where each item of a list is in the draft: ``blocks.0`` to 1, None for one
    that is gone because nothing is in it."""

    def __init__(self, form: FormData, type: RecordType, language: Language) -> None:
        self.form, self.type, self.language = form, type, language
        self.action, _, self.subject = self.text("action").partition(":")
        self.moved: dict[str, int | None] = {}

    def read(self, step: Step, data: dict[str, Any]) -> dict[str, Any]:
        """The draft's data with what this step says now."""
        made = copy.deepcopy(data)
        for field in step.fields:
            if field.kind == "city":
                put(made, "links", self._links(items_of(made.get("links")), field))
            elif field.name in ("links", "media"):
                put(made, field.name, self._kept_apart(field, items_of(made.get(field.name))))
            else:
                put(made, field.name, self._value(field, field.name, value_at(made, field.name)))
        return made

    def now(self, path: str) -> str:
        """Where a path of the form is in the draft, now that items without anything in them are gone."""
        parts: list[str] = []
        names = path.split(".")
        for at, name in enumerate(names):
            place = self.moved.get(".".join(names[: at + 1]))
            parts.append(name if place is None else str(place))
        return ".".join(parts)

    def text(self, name: str) -> str:
        """The text of a field, without what no keyboard types."""
        given = self.form.get(name, "")
        text = _UNWANTED.sub("", given) if isinstance(given, str) else ""
        return text.replace("\r\n", "\n").replace("\r", "\n").strip()

    def texts(self, name: str) -> list[str]:
        """All values of a field that may have several."""
        return [_UNWANTED.sub("", text) for text in self.form.getlist(name) if isinstance(text, str) and text]

    def _value(self, field: Field, name: str, old: Any) -> Any:
        return _READERS.get(field.kind, _line)(self, field, name, old)

    def items(self, field: Field, name: str, old: list[Any]) -> list[Any]:
        """The items of a list, without those in which nothing is, the removed one, and with one moved up."""
        made: list[tuple[int, Any]] = []
        for index in self._indices(name):
            path = f"{name}.{index}"
            self.moved[path] = None
            if (self.action, self.subject) == ("remove", path):
                continue
            was = self.text(f"{path}.was")
            item = copy.deepcopy(old[int(was)]) if was.isdecimal() and int(was) < len(old) else {}
            if (filled := self._item(field, path, item)) is not None:
                made.append((index, filled))
        self._raise(name, made)
        self.moved |= {f"{name}.{index}": place for place, (index, _) in enumerate(made)}
        return [item for _, item in made]

    def _indices(self, name: str) -> list[int]:
        pattern = re.compile(re.escape(name) + r"\.(\d{1,4})\.was")
        return list(dict.fromkeys(int(found[1]) for key in self.form if (found := pattern.fullmatch(key))))

    def _item(self, field: Field, path: str, item: Any) -> Any | None:
        item = item if isinstance(item, dict) else {}
        whole = len(field.fields) == 1 and not field.fields[0].name
        if whole:
            item = self._value(field.fields[0], path, item)
        else:
            for part in field.fields:
                put(item, part.name, self._value(part, joined(path, part.name), value_at(item, part.name)))
        said = [item] if whole else [value_at(item, part.name) for part in field.fields if part.kind != "relation"]
        typed = any(self._is_typed(value) for value in said)
        return item if typed or (field.kind == "media" and item.get("url")) else None

    def _is_typed(self, value: Any) -> bool:
        return self.language in value if isinstance(value, dict) else value not in (None, "", [])

    def _raise(self, name: str, made: list[tuple[int, Any]]) -> None:
        for place, (index, _) in enumerate(made):
            if place and (self.action, self.subject) == ("up", f"{name}.{index}"):
                made[place - 1], made[place] = made[place], made[place - 1]

    def _kept_apart(self, field: Field, old: list[Any]) -> list[Any]:
        """A list of which an item may be written in another field, where it stays: the city among the links."""
        made = self.items(field, field.name, old)
        for place, item in enumerate(old):
            if is_apart(self.type, field, item):
                made.insert(place, item)
        return made

    def _links(self, links: list[Any], field: Field) -> list[Any]:
        chosen = self.text(field.name)
        place = next((place for place, link in enumerate(links) if is_city(link)), len(links))
        old: list[dict[str, Any]] = links[place : place + 1]
        new = [{**(old[0] if old else {}), "rel": "city", "to": chosen}] if chosen else []
        return links[:place] + new + links[place + len(old) :]


def is_city(link: Any) -> bool:
    """Whether this link says which city a record is of."""
    return isinstance(link, dict) and link.get("rel") == "city"


def is_apart(type: RecordType, field: Field, item: Any) -> bool:
    """Whether an item of a list is written elsewhere in the form."""
    return field.name == "links" and is_city(item) and any(each.kind == "city" for _, each in placed(type))


# By kind: (reader, field, name in the form, what was there) -> what is there now

_Reads = Callable[[Reader, Field, str, Any], Any]


def _line(reader: Reader, _field: Field, name: str, _old: Any) -> Any:
    return reader.text(name)


def _said(reader: Reader, _field: Field, name: str, old: Any) -> Any:
    texts = {language: text for language, text in texts_of(old).items() if language != reader.language}
    text = reader.text(name)
    return texts | ({reader.language: text} if text else {})


def _lines(reader: Reader, _field: Field, name: str, _old: Any) -> Any:
    return [line.strip() for line in reader.text(name).split("\n") if line.strip()]


def _several(reader: Reader, _field: Field, name: str, old: Any) -> Any:
    chosen = dict.fromkeys(reader.texts(name))
    kept = [value for value in items_of(old) if value in chosen]
    return kept + [value for value in chosen if value not in kept]


def _flag(reader: Reader, _field: Field, name: str, _old: Any) -> Any:
    return bool(reader.text(name)) or None


def _scale(reader: Reader, _field: Field, name: str, _old: Any) -> Any:
    text = reader.text(name)
    return int(text) if text.isdecimal() and len(text) < 4 else None if text == "unscreened" else text


def _tags(reader: Reader, _field: Field, name: str, old: Any) -> Any:
    given = {tag["theme"]: tag for tag in items_of(old) if is_authors(tag) and "theme" in tag}
    kept = [tag for tag in items_of(old) if not is_authors(tag)]
    return [given.get(theme, {"theme": theme}) for theme in reader.texts(name)] + kept


def _goals(reader: Reader, _field: Field, name: str, old: Any) -> Any:
    given = {tag.get("code"): tag for tag in items_of(old) if is_authors(tag)}
    kept = [tag for tag in items_of(old) if not is_authors(tag)]
    codes = [(at, code) for at in range(GOALS) if (code := reader.text(f"{name}.{at}.code"))]
    tags = [_goal(reader, f"{name}.{at}", dict(given.get(code, {})), code) for at, code in codes]
    main = not any(isinstance(tag, dict) and tag.get("primary") for tag in kept)
    for place, tag in enumerate(tags):
        put(tag, "primary", (main and place == 0) or None)
    return tags + kept


def _goal(reader: Reader, name: str, tag: dict[str, Any], code: str) -> dict[str, Any]:
    tag["code"] = code
    contribution, passage = reader.text(f"{name}.contribution"), reader.text(f"{name}.passage")
    put(tag, "contribution", contribution if contribution != "direct" else None)
    put(tag, "passage", passage)
    put(tag, "passage_language", reader.language if passage else None)
    return tag


def _list(reader: Reader, field: Field, name: str, old: Any) -> Any:
    return reader.items(field, name, items_of(old))


_READERS: Final[dict[str, _Reads]] = {
    "said": _said,
    "area": _said,
    "lines": _lines,
    "terms": _several,
    "spoken": _several,
    "flag": _flag,
    "scale": _scale,
    "tags": _tags,
    "sdgs": _goals,
    "list": _list,
    "whole": lambda reader, _field, name, _old: numbers.whole(reader.text(name)),
    "decimal": lambda reader, _field, name, _old: numbers.decimal(reader.text(name), reader.language),
    "share": lambda reader, _field, name, _old: numbers.share(reader.text(name), reader.language),
}
