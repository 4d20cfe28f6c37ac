"""Forms that people fill in: read them, say what is wrong at the field, keep what was typed, and go on elsewhere."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse

from kb.errors import KnowledgeBaseError
from schemas.language import Language
from search_ui import i18n
from search_ui.i18n import N_

M = TypeVar("M", bound=BaseModel)

#: Fields and files of one form.
_MOST_FIELDS: Final = 2000
_MOST_FILES: Final = 20

#: What pydantic calls a fault, in words for people. Parameters are pydantic's own.
REASONS: Final[dict[str, str]] = {
    "missing": N_("Fill this in."),
    "string_too_short": N_("Write at least %(min_length)s characters."),
    "string_too_long": N_("Write at most %(max_length)s characters."),
    "too_short": N_("Choose at least %(min_length)s."),
    "too_long": N_("Choose at most %(max_length)s."),
    "literal_error": N_("Choose one of those that are offered."),
    "enum": N_("Choose one of those that are offered."),
    "bool_parsing": N_("Choose yes or no."),
    "int_parsing": N_("Write a whole number."),
    "int_from_float": N_("Write a whole number."),
    "float_parsing": N_("Write a number."),
    "decimal_parsing": N_("Write a number."),
    "greater_than_equal": N_("Write a number that is not less than %(ge)s."),
    "less_than_equal": N_("Write a number that is not more than %(le)s."),
    "date_from_datetime_parsing": N_("Write a date as 2026-04-30."),
    "date_parsing": N_("Write a date as 2026-04-30."),
    "url_parsing": N_("Write an address that starts with https://."),
    "url_scheme": N_("Write an address that starts with https://."),
    "string_pattern_mismatch": N_("This is not written as it should be; look at the example."),
}
OTHERWISE: Final = N_("This cannot be taken as it is; look at the example.")

Problems = dict[str, str]


async def _form(request: Request) -> FormData:
    return await request.form(max_fields=_MOST_FIELDS, max_files=_MOST_FILES)


#: What a form sent. Only for routes that take forms.
FormDep = Annotated[FormData, Depends(_form)]


def read(form: FormData, model: type[M], language: Language) -> tuple[M | None, Problems]:
    """The form as a value, or what is wrong with it by field, in the reader's language. An empty field is an absent one;
    a field whose type is a list takes all of its values."""
    value = typed(form, model)
    try:
        return model.model_validate(value), {}
    except ValidationError as error:
        return None, problems(error, language)


def typed(form: FormData, model: type[BaseModel]) -> dict[str, Any]:
    """What was typed into the model's fields: text, or a list of texts."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        values = [text for text in form.getlist(name) if isinstance(text, str) and text.strip()]
        if values:
            is_list = "list" in str(field.annotation)
            found[name] = values if is_list else values[-1]
    return found


def problems(error: ValidationError, language: Language) -> Problems:
    """The first fault of each field, in words."""
    found: Problems = {}
    for details in error.errors(include_url=False):
        found.setdefault(".".join(str(part) for part in details["loc"]), _reason(details, language))
    return found


def _reason(details: ErrorDetails, language: Language) -> str:
    raised = details.get("ctx", {}).get("error")
    message = str(raised) if details["type"] == "value_error" else REASONS.get(details["type"], OTHERWISE)
    return said(message, language, details.get("ctx", {}))


def said(message: str, language: Language, parameters: Mapping[str, Any] | None = None) -> str:
    """A marked message in the reader's language, with its parameters put in."""
    text = i18n.gettext(message, language) if message else ""
    return text % parameters if parameters and "%(" in text else text


def problem_of(error: KnowledgeBaseError, language: Language) -> Problems:
    """What a service refused, at the field that it names; at none, under the key ``""``."""
    return {error.members.get("field", ""): said(error.detail, language, error.members)}


def see_other(path: str, done: str = "", **parameters: str) -> RedirectResponse:
    """Go on to a page after a form was taken, with a word on what happened: one of ``DONE``."""
    query = {name: value for name, value in ({"done": done} | parameters).items() if value}
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)


#: What ``?done=`` says on the next page.
DONE: Final[dict[str, str]] = {
    "saved": N_("Saved."),
    "sent": N_("Sent."),
    "removed": N_("Removed."),
    "password": N_("Your password is set. Sign in with it."),
    "waiting": N_("Your address is confirmed. The editorial team opens your account; you get a mail then."),
    "email": N_("Your new e-mail address is confirmed."),
    "signed-out": N_("You are signed out."),
    "second-factor-off": N_("The second factor is off."),
    "reported": N_("Reported. The editorial team gets to read this one message, not the conversation."),
    "blocked": N_("Blocked. You get nothing more from this person, who is not told."),
    "confirmed": N_("Thank you. Your profile is confirmed, as of today."),
    "erased": N_("Erased. Files and the search follow within minutes."),
    "kept": N_("Your account stays."),
    "asked": N_("We have sent you a mail about it."),
    "submitted": N_("Sent in. You will get a mail when an editor has read it."),
    "discarded": N_("The draft was thrown away."),
    "invited": N_("The invitation is on its way."),
    "imported": N_("The drafts are here. Look at each before you send it in."),
    "joined": N_("You write this draft now too."),
    "left": N_("You no longer write this draft."),
    "merged": N_("Saved. Somebody else had changed other fields meanwhile; both changes are kept."),
    "read": N_("The model has read the text."),
    "disputed": N_("Thank you. Two people of the editorial team look at it; you get a mail when it is settled."),
    "verdict": N_("Your verdict is noted. It is settled once others have read it too."),
    "settled": N_("Your verdict is noted, and with it the dispute is settled."),
    "last-case": N_("That was the last case of this list."),
    "switched": N_("Done. The suggestions are made anew in the background; no text is read again for that."),
}
