"""A step of a draft for its page: every field with what stands in it, ready for the macros of drafts/fields.html."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kb.editorial.tables import DraftRow
from schemas.fields import Field, Step
from schemas.language import Language
from schemas.records import REQUIRED
from schemas.search import Suggestion
from search_ui.drafting import numbers, options
from search_ui.drafting.options import Group, Option
from search_ui.drafting.paths import is_authors, items_of, joined, texts_of, value_at
from search_ui.drafting.read import GOALS, is_apart, is_city


@dataclass(frozen=True)
class Item:
    """An item of a list. ``was``: which one it is in the draft; empty for a new one."""

    path: str
    was: str
    nodes: list["Node"]
    value: Any = None


@dataclass(frozen=True)
class Node:
    """A field as it is shown. ``name`` is its name in the form; ``text`` what stands in it, or ``chosen`` where it may be
    several."""

    field: Field
    name: str
    text: str = ""
    chosen: list[str] = dataclasses.field(default_factory=list)
    options: list[Option] = dataclasses.field(default_factory=list)
    groups: list[Group] = dataclasses.field(default_factory=list)
    items: list[Item] = dataclasses.field(default_factory=list)
    #: Found by a search for a record, where one was made for this field.
    found: list[Suggestion] | None = None
    asked: str = ""
    #: Whether nothing is published without it.
    needed: bool = False


@dataclass(frozen=True)
class Asking:
    """What the page is asked for besides the draft: for which list one more empty item, what to look for and where."""

    more: str = ""
    find: str = ""
    text: str = ""
    found: list[Suggestion] | None = None


class Showing:
    """Makes the nodes of a draft. ``titles`` are the names of linked records by id."""

    def __init__(self, draft: DraftRow, language: Language, asking: Asking, titles: Mapping[str, str]) -> None:
        self.draft, self.language, self.asking, self.titles = draft, language, asking, titles

    def nodes(self, step: Step) -> list[Node]:
        """The fields of a step."""
        needed = {"title", *REQUIRED[self.draft.type]}
        made = [self.node(each, each.name, value_at(self.draft.data, each.name)) for each in step.fields]
        return [dataclasses.replace(node, needed=node.name in needed) for node in made]

    def node(self, field: Field, name: str, value: Any) -> Node:
        """One field."""
        match field.kind:
            case "said" | "area":
                return Node(field, name, str(texts_of(value).get(self.draft.language, "")))
            case "lines":
                return Node(field, name, "\n".join(map(str, items_of(value))))
            case "terms":
                return Node(
                    field, name, chosen=_strings(value), groups=options.groups(field.vocabularies, self.language)
                )
            case "tags":
                tags = [tag.get("theme") for tag in items_of(value) if is_authors(tag)]
                return Node(
                    field, name, chosen=_strings(tags), options=options.labels(field.vocabularies[0], self.language)
                )
            case "spoken" | "spoken_one":
                return self._spoken(field, name, value)
            case "sdgs":
                return Node(field, name, items=list(self._goals(name, value)), groups=options.goals(self.language),
                            options=options.contributions(self.language))  # fmt: skip
            case "city" | "record":
                return self._record(field, name, value)
            case "list" | "media":
                return Node(field, name, items=list(self._items(field, name, items_of(value))))
            case "relation":
                without = {"city"} if is_apart(self.draft.type, _LINKS, {"rel": "city"}) else set()
                return Node(field, name, str(value or ""), options=options.relations(self.language, without=without))
            case _:
                return Node(field, name, self._text(field, value), options=options.of(field, self.language))

    def _text(self, field: Field, value: Any) -> str:
        if field.kind == "share" and isinstance(value, int | float):
            value = round(value * 100, 4)
        if field.kind in ("share", "decimal"):
            return numbers.shown(value, self.language)
        return "" if value is None or value is False else str(value)

    def _spoken(self, field: Field, name: str, value: Any) -> Node:
        chosen = _strings(value) if field.kind == "spoken" else [str(value)] if value else []
        return Node(field, name, "".join(chosen[:1]), chosen, options.spoken(self.language, chosen))

    def _record(self, field: Field, name: str, value: Any) -> Node:
        if field.kind == "city":
            links = items_of(self.draft.data.get("links"))
            value = next((link.get("to") for link in links if is_city(link)), None)
        current = [(str(value), self.titles.get(str(value), str(value)))] if value else []
        asked = self.asking.find == name
        return Node(
            field, name, str(value or ""), options=current,
            found=self.asking.found if asked else None, asked=self.asking.text if asked else "",
        )  # fmt: skip

    def _goals(self, name: str, value: Any) -> Iterator[Item]:
        tags = [tag for tag in items_of(value) if is_authors(tag)]
        for at in range(GOALS):
            yield Item(f"{name}.{at}", "", [], tags[at] if at < len(tags) else {})

    def _items(self, field: Field, name: str, items: list[Any]) -> Iterator[Item]:
        for at, item in enumerate(items):
            if not is_apart(self.draft.type, field, item):
                yield self._item(field, f"{name}.{at}", str(at), item)
        if field.kind == "list" and (not items or self.asking.more == name):
            yield self._item(field, f"{name}.{len(items)}", "", {})

    def _item(self, field: Field, path: str, was: str, item: Any) -> Item:
        nodes = [self.node(part, joined(path, part.name), value_at(item, part.name)) for part in field.fields]
        return Item(path, was, nodes, item)


_LINKS = Field("links", "list", "")


def _strings(value: Any) -> list[str]:
    return [str(each) for each in items_of(value)]


def linked_ids(draft: DraftRow) -> list[str]:
    """Ids of the records that a draft names."""
    data = draft.data
    found = [value_at(link, "to") for link in items_of(data.get("links"))]
    found += [value_at(step, "record") for step in items_of(data.get("steps"))]
    found += [data.get("case_study"), data.get("city")]
    for item in items_of(data.get("programme")):
        found += [value_at(one, "expert") for one in items_of(value_at(item, "speakers"))]
    return [each for each in found if isinstance(each, str)]
