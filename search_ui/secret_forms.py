"""Forms about accounts: their pages are kept by no cache, and a password that was typed is never sent back."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from fastapi import Request
from pydantic import BaseModel
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, Response

from kb.errors import Conflict, Invalid, TooMany
from search_ui.inputs import problem_of, read, typed
from search_ui.render import language_of, page

M = TypeVar("M", bound=BaseModel)

#: For every page that shows or takes a secret.
NO_STORE: Final = {"Cache-Control": "no-store"}
_NEVER_SHOWN: Final = ("password", "current", "code")


def show(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page with forms, empty but for ``values``."""
    headers = NO_STORE | values.pop("headers", {})
    return page(request, template, status=status, headers=headers, **({"values": {}, "problems": {}} | values))


def take(
    request: Request, form: FormData, model: type[M], do: Callable[[M], Response], template: str, **values: Any
) -> Response:
    """Do with the form's value what is to be done; where it is refused, the same page again, with what was typed and why."""
    value, problems = read(form, model, language_of(request))
    status, headers = 422, {}
    if value is not None:
        try:
            return do(value)
        except (Invalid, Conflict, TooMany) as error:
            problems, status = problem_of(error, language_of(request)), error.status
            headers = {"Retry-After": str(error.members["retry_after"])} if isinstance(error, TooMany) else {}
    kept = {name: text for name, text in typed(form, model).items() if name not in _NEVER_SHOWN}
    return show(request, template, status=status, headers=headers, **(values | {"values": kept, "problems": problems}))
