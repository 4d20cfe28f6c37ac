"""What was learnt from decisions: the versions with their figures beside the base; an administrator switches one on."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Request
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.responses import Response

from indexer.tagging import fitting, job
from indexer.tagging.learning import FOLDS
from indexer.tagging.service import Tagger
from kb.accounts import service as accounts
from kb.errors import Conflict, Invalid
from kb.tagging import learnt
from kb.tagging.tables import LearntRow
from schemas.base import Model
from schemas.language import AUTONYMS, LANGUAGES
from schemas.messages import N_
from schemas.tagging import Comment, LearningReport
from schemas.vocabulary import load
from search_ui.depends import SessionDep, TaggerDep
from search_ui.identity import Administrator, Editor
from search_ui.inputs import FormDep, Problems, problem_of, read, see_other, typed
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

_PATH: Final = "/{lang:language}/desk/tags/learning"
#: Versions and switches that are listed; the one in use always is.
_SHOWN: Final = 20

Version = Annotated[int, Path(ge=1, le=2**31 - 1)]
Standing = Literal["on", "off", "other"]

VERDICTS: Final = {
    "better": N_("Closer to your decisions than the base"),
    "even": N_("No clear difference from the base"),
    "worse": N_("Further from your decisions than the base"),
    "few": N_("Too few decisions to say"),
}


class SwitchForm(Model):
    """Which version makes the suggestions from now on; 0 is the base."""

    version: Annotated[int, Field(ge=0, le=2**31 - 1)]
    comment: Comment = ""


@dataclass(frozen=True)
class Shown:
    """A version with what it says of itself. ``standing``: switched on, off, or learnt over another base than this site's."""

    row: LearntRow
    report: LearningReport
    standing: Standing


@router.get(_PATH)
def learning(request: Request, session: SessionDep, account: Editor, tagger: TaggerDep) -> Response:
    """The versions, which one is in use, what there is to learn from, and who switched what."""
    return _list(request, session, tagger, account.may("administer"), {})


@router.get(_PATH + "/{version}")
def version_page(
    request: Request, session: SessionDep, account: Editor, tagger: TaggerDep, version: Version
) -> Response:
    """One version: its figures beside those of the base, by goal and by language."""
    return _version(request, session, tagger, version, account.may("administer"), {}, {})


@router.post(_PATH)
def switch(request: Request, session: SessionDep, account: Administrator, tagger: TaggerDep, form: FormDep) -> Response:
    """Switch a version on, or go back to the base; the suggestions are made anew in the background."""
    language, may = language_of(request), True
    asked, problems = read(form, SwitchForm, language)
    if asked is None:
        given = str(form.get("version", ""))
        if given.isdecimal() and int(given) and "version" not in problems:
            return _version(request, session, tagger, int(given), may, typed(form, SwitchForm), problems)
        return _list(request, session, tagger, may, problems)
    try:
        learnt.switch(session, account, tagger.version, asked.version, asked.comment)
    except (Invalid, Conflict) as error:
        values, problems = typed(form, SwitchForm), problem_of(error, language)
        return _version(request, session, tagger, asked.version, may, values, problems)
    job.ask(session)
    return see_other(request.url.path, "switched")


def _list(request: Request, session: Session, tagger: Tagger, may_switch: bool, problems: Problems) -> Response:
    versions = [_shown(row, tagger) for row in learnt.versions(session, _SHOWN)]
    switches = learnt.switches(session, _SHOWN)
    last = learnt.newest(session, tagger.version)
    return page(
        request,
        "tags/learning.html",
        section="desk",
        status=422 if problems else 200,
        versions=versions,
        used=next((each for each in versions if each.standing == "on"), None),
        switches=switches,
        names=accounts.names(session, [each.account_id for each in switches]),
        labels=len(learnt.labels(session)),
        new=learnt.fresh(session, last.last_decision_id if last else 0),
        enough=fitting.NEW,
        minutes=int(fitting.EVERY.total_seconds() // 60),
        base=tagger.version,
        verdicts=VERDICTS,
        may_switch=may_switch,
        problems=problems,
    )


def _version(
    request: Request, session: Session, tagger: Tagger, version: int, may_switch: bool, values: dict[str, Any],
    problems: Problems,
) -> Response:  # fmt: skip
    shown, language = _shown(learnt.get(session, version), tagger), language_of(request)
    goals = [(load("sdgs")[goal].label[language], goal, figures) for goal, figures in shown.report.goals.items()]
    return page(
        request,
        "tags/learning_version.html",
        section="desk",
        status=422 if problems else 200,
        shown=shown,
        goals=sorted(goals, key=lambda each: int(each[1])),
        languages=[
            (AUTONYMS[code], shown.report.languages[code]) for code in LANGUAGES if code in shown.report.languages
        ],
        few=(fitting.FEW, fitting.FEW_OF_A_KIND),
        folds=FOLDS,
        verdicts=VERDICTS,
        may_switch=may_switch,
        values=values,
        problems=problems,
    )


def _shown(row: LearntRow, tagger: Tagger) -> Shown:
    standing: Standing = "other" if row.base != tagger.version else "on" if row.active else "off"
    return Shown(row, LearningReport.model_validate(row.report), standing)
