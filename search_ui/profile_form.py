"""Between an expert's form and their record: what was typed as an expert, and an expert as what the form shows."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, StringConstraints
from starlette.datastructures import FormData

from kb.profiles.service import Profile
from schemas.base import Model
from schemas.language import LANGUAGES, Language, Text, Translated
from schemas.messages import N_
from schemas.parts import Link, RecordId, Url
from schemas.records import MAX_SUMMARY, Expert, Visibility
from schemas.text import fold
from schemas.vocabulary import term_of
from search_ui import i18n

#: What an expert can keep from readers, field by field, and what the form calls it.
HIDEABLE: Final[dict[str, str]] = {
    "position": N_("Position"),
    "organisation": N_("Organisation"),
    "city": N_("City"),
    "languages_spoken": N_("Languages"),
    "expertise": N_("Expertise"),
    "availability": N_("Availability"),
    "summary": N_("Summary"),
    "body": N_("Background"),
    "website": N_("Website"),
    "orcid": N_("ORCID"),
    "proof": N_("What proves it"),
    "email": N_("E-mail address"),
    "phone": N_("Telephone"),
}
#: What is never public.
GUARDED: Final = ("email", "phone")
VISIBILITIES: Final[dict[Visibility, str]] = {
    "public": N_("Everybody"),
    "members": N_("Members: people who are signed in"),
    "nobody": N_("Nobody"),
}
_ADDRESS: Final = r"^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+$"
_ORCID: Final = r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$"


@cache
def _codes() -> dict[str, str]:
    """Languages' names, in themselves and in the three, and codes of two letters, folded, to the code."""
    found: dict[str, str] = {}
    for language in LANGUAGES:
        names = i18n.LOCALES[language].languages
        found |= {fold(name): code for code, name in names.items() if code.isalpha() and len(code) <= 3}
    return found | {code: code for code in found.values()}


def codes_of(text: str) -> list[str]:
    """``English, español`` as codes. Raises ValueError for what is no language."""
    names = [name.strip() for name in text.replace(";", ",").split(",") if name.strip()]
    if not names or any(fold(name) not in _codes() for name in names):
        raise ValueError(N_("Write names of languages with commas between, as English, Spanish, Swahili."))
    return list(dict.fromkeys(_codes()[fold(name)] for name in names))


def _spoken(text: str) -> str:
    codes_of(text)
    return text


def _long(most: int) -> StringConstraints:
    return StringConstraints(max_length=most)


class ProfileForm(Model):
    """What the form takes; texts are in the one language that it is shown for."""

    name: Annotated[Text, _long(200)]
    position: Annotated[Text, _long(300)]
    organisation: Annotated[Text, _long(300)] | None = None
    city: RecordId | None = None
    spoken: Annotated[Text, _long(300), AfterValidator(_spoken)]
    expertise: list[Annotated[str, term_of("topics", "instruments", "gender_themes")]] = Field(min_length=1)
    availability: Annotated[str, term_of("availability")]
    summary: Annotated[Text, _long(MAX_SUMMARY)]
    body: Annotated[Text, _long(20_000)] | None = None
    website: Annotated[Url, _long(2_000)] | None = None
    orcid: Annotated[str, StringConstraints(pattern=_ORCID)] | None = None
    email: Annotated[Text, StringConstraints(max_length=320, pattern=_ADDRESS)] | None = None
    phone: Annotated[Text, _long(60)] | None = None


def visibility_of(form: FormData) -> dict[str, Visibility]:
    """Who sees what, as the form says; what it does not say is for everybody, or for nobody where it is guarded."""
    found: dict[str, Visibility] = {}
    for name in HIDEABLE:
        said = form.get(f"visibility.{name}")
        chosen = next((each for each in VISIBILITIES if each == said), "nobody" if name in GUARDED else "public")
        found[name] = _guarded(name, chosen)
    return found


def shown_to(expert: Expert | None) -> dict[str, Visibility]:
    """Who sees each field now; of a profile that is not yet there, what the form proposes."""
    said: Mapping[str, Visibility] = expert.visibility if expert else {}
    return {name: _guarded(name, said.get(name, "nobody" if name in GUARDED else "public")) for name in HIDEABLE}


def _guarded(name: str, who: Visibility) -> Visibility:
    return "members" if name in GUARDED and who == "public" else who


def expert_of(
    form: ProfileForm, visibility: Mapping[str, Visibility], language: Language, base: Expert | None
) -> Expert:
    """What was typed, over what there was. ``language`` is that of its texts."""
    base = base or Expert(id="new", language=language, title={language: form.name})
    links = [link for link in base.links if link.rel != "city"]
    city = [Link(rel="city", to=form.city)] if form.city else []
    plain = ("organisation", "expertise", "availability", "website", "orcid", "email", "phone")
    return base.model_copy(
        update={name: getattr(form, name) for name in plain}
        | {
            "title": _named(base, form.name, language),
            "position": _with(base.position, language, form.position),
            "summary": _with(base.summary, language, form.summary),
            "body": _with(base.body, language, form.body),
            "languages_spoken": codes_of(form.spoken),
            "links": city + links,
            "visibility": {name: who for name, who in visibility.items() if who != "public"},
        }
    )


def _named(base: Expert, name: str, language: Language) -> Translated:
    """A name is mostly the same in all languages: where it was, it stays so."""
    before = base.title.get(language, base.title[base.language])
    return {each: name if text == before else text for each, text in base.title.items()} | {language: name}


def _with(text: Translated, language: Language, said: str | None) -> Translated:
    others = {each: part for each, part in text.items() if each != language}
    return {each: part for each in LANGUAGES if (part := (others | ({language: said} if said else {})).get(each))}


def values_of(expert: Expert | None, language: Language, reader: Language) -> dict[str, Any]:
    """What the form shows of an expert: texts of that language, names of languages in the reader's."""
    if expert is None:
        return {f"visibility.{name}": who for name, who in shown_to(None).items()}
    plain = {
        name: getattr(expert, name) for name in ("organisation", "availability", "website", "orcid", "email", "phone")
    }
    texts = {name: getattr(expert, name).get(language, "") for name in ("position", "summary", "body")}
    values = (
        plain
        | texts
        | {
            "name": expert.title.get(language, expert.title[expert.language]),
            "city": next((link.to for link in expert.links if link.rel == "city"), ""),
            "spoken": ", ".join(i18n.spoken(code, reader) for code in expert.languages_spoken),
            "expertise": expert.expertise,
        }
    )
    shown = shown_to(expert)
    return {name: value or "" for name, value in values.items()} | {f"visibility.{n}": who for n, who in shown.items()}


def differences(typed: Mapping[str, Any], mine: Profile, language: Language, reader: Language) -> list[tuple[str, str]]:
    """(field, what it says now) for all that somebody else made different from what was typed."""
    now = values_of(mine.expert, language, reader)
    return [(name, _shown(value)) for name, value in now.items() if name in NAMES and value != typed.get(name, "")]


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


NAMES: Final[dict[str, str]] = {
    "name": N_("Name"),
    "spoken": N_("Languages"),
    **{name: text for name, text in HIDEABLE.items() if name not in ("languages_spoken", "proof")},
}
