"""What can be chosen in the fields of a form, in the reader's language."""

from dataclasses import dataclass
from typing import Final
from zoneinfo import available_timezones

from schemas import parts
from schemas.fields import Field
from schemas.language import Language
from schemas.messages import N_
from schemas.text import fold
from schemas.vocabulary import Vocabulary, load
from search_ui import i18n
from search_ui.inputs import said

Option = tuple[str, str]

#: Languages that are offered beside those that a record has already.
_SPOKEN: Final = (
    "en es fr ar am bg bn ca cs da de el et eu fa fi gl ha he hi hr hu id it ja ko lt lv ms nl no pl pt ro ru sk sl sr sv sw "
    "ta th tl tr uk ur vi wo yo zh zu"
).split()
#: What a linked record is to this one.
_RELATIONS: Final[dict[str, str]] = {
    "city": N_("City"),
    "lead": N_("Leader"),
    "partner": N_("Partner"),
    "expert": N_("Expert"),
    "author": N_("Author"),
    "speaker": N_("Speaker"),
    "organisation": N_("Organisation"),
    "case_study": N_("Case study"),
    "initiative": N_("Initiative"),
    "award": N_("Award"),
    "event": N_("Event"),
    "publication": N_("Publication"),
    "news": N_("News item"),
    "related": N_("Related record"),
}
_CONTRIBUTIONS: Final[dict[str, str]] = {
    "direct": N_("Directly"),
    "indirect": N_("Indirectly"),
    "negative": N_("It works against it"),
}
CURRENCIES: Final = (
    "EUR USD GBP CHF CAD BRL MXN COP ARS CLP PEN XOF XAF MAD TND DZD EGP ZAR NGN KES INR CNY JPY KRW IDR PHP THB TRY AUD"
).split()


@dataclass(frozen=True)
class Group:
    """Options under a heading."""

    label: str
    options: list[Option]


def terms(name: str, language: Language) -> list[Option]:
    """A short vocabulary, with what each term means where that is said."""
    return [
        (term.id, term.label[language] + (f": {term.definition[language]}" if language in term.definition else ""))
        for term in load(name).terms
    ]


def labels(name: str, language: Language) -> list[Option]:
    """A vocabulary's terms, by their labels alone."""
    return [(term.id, term.label[language]) for term in load(name).terms]


def groups(names: tuple[str, ...], language: Language) -> list[Group]:
    """Long vocabularies: the terms below each of the highest; one without levels is one group. What two vocabularies call by
    the same id is offered once."""
    seen: set[str] = set()
    found = []
    for group in (group for name in names for group in _groups(load(name), language)):
        fresh = [option for option in group.options if option[0] not in seen]
        seen |= {value for value, _ in fresh}
        found.append(Group(group.label, fresh))
    return found


def _groups(vocabulary: Vocabulary, language: Language) -> list[Group]:
    tops = vocabulary.top()
    if len(tops) == len(vocabulary.terms):
        return [Group(vocabulary.label[language], labels(vocabulary.id, language))]
    return [
        Group(top.label[language], [(term.id, term.label[language]) for term in [top, *vocabulary.narrower(top.id)]])
        for top in tops
    ]


def goals(language: Language) -> list[Group]:
    """The goals, each with its targets."""
    sdgs = load("sdgs")

    def told(id: str) -> str:
        label = sdgs.label_of(id, language)
        return f"{id} {label if len(label) < 110 else label[:110].rsplit(' ', 1)[0] + ' …'}"

    return [
        Group(told(goal.id), [(term.id, told(term.id)) for term in [goal, *sdgs.narrower(goal.id)]])
        for goal in sdgs.top()
    ]


def countries(language: Language) -> list[Option]:
    """By name."""
    codes = {code for region in load("regions").terms for code in region.members}
    return sorted(((code, i18n.country(code, language)) for code in codes), key=lambda option: fold(option[1]))


def spoken(language: Language, also: list[str]) -> list[Option]:
    """Languages: the three of this site, then others by name; with those that a record names already."""
    others = {*_SPOKEN[3:], *also} - set(_SPOKEN[:3])
    named = sorted(((code, i18n.spoken(code, language)) for code in others), key=lambda option: fold(option[1]))
    return [(code, i18n.spoken(code, language)) for code in _SPOKEN[:3]] + named


def relations(language: Language, *, without: set[str]) -> list[Option]:
    """What a linked record can be to this one."""
    known: tuple[str, ...] = parts.Relation.__args__  # type: ignore[attr-defined]
    return [(rel, said(_RELATIONS[rel], language)) for rel in known if rel not in without]


def contributions(language: Language) -> list[Option]:
    """How something serves a goal."""
    return [(name, said(text, language)) for name, text in _CONTRIBUTIONS.items()]


def of(field: Field, language: Language) -> list[Option]:
    """What a field with few choices offers."""
    match field.kind:
        case "choice":
            return labels(field.vocabularies[0], language)
        case "scale":
            return terms(field.vocabularies[0], language)
        case "country":
            return countries(language)
        case "currency":
            return [(code, code) for code in CURRENCIES]
        case "timezone":
            return [
                (zone, zone) for zone in sorted(available_timezones()) if "/" in zone and not zone.startswith("Etc/")
            ]
        case _:
            return []
