"""Double tagging: draw a sample, read its records blind, see how far the readers agree."""

import csv
import io
import random
from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from pydantic import Field, ValidationError
from sqlalchemy.orm import Session
from starlette.responses import Response

from kb.accounts import service as accounts
from kb.errors import KnowledgeBaseError
from kb.records import service as records
from kb.records.columns import inert
from kb.tagging import samples
from kb.tagging.agreement import Figure
from kb.tagging.cases import TAGGED
from kb.tagging.letters import name
from kb.tagging.samples import Sample
from schemas.accounts import Account
from schemas.language import AUTONYMS, LANGUAGES, Language
from schemas.readings import LARGEST, MOST_READERS, SEEDS, SampleRule, TagReading
from schemas.vocabulary import load
from search_ui import accountable, i18n
from search_ui.depends import SessionDep
from search_ui.i18n import N_
from search_ui.identity import Editor
from search_ui.inputs import FormDep, Problems, problem_of, problems, see_other, typed
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

_PATH: Final = "/{lang:language}/desk/tags/samples"
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]

#: What a figure means.
WORDS: Final = {
    "few": N_("too few to say"),
    "same": N_("nothing to tell apart: all answers are the same"),
    "reliable": N_("reliable: readers see the same"),
    "tentative": N_("fair: good enough for cautious conclusions"),
    "weak": N_("weak: readers understand it differently; read the definition together"),
}
SUBJECTS: Final = {"goals": N_("All goals"), "themes": N_("All gender themes"), "marker": N_("Gender marker")}
#: What a reader can say of the marker.
MARKERS: Final = {
    "0": N_("0: equality between women and men is not an objective"),
    "1": N_("1: it is an important objective, but not the main reason"),
    "2": N_("2: it is the main objective; without it this would not have been done"),
    "unsure": N_("It cannot be told from the text"),
}


class Drawn(SampleRule):
    """The form that draws a sample."""

    name: str = Field(min_length=3, max_length=200)


@router.get(_PATH)
def samples_page(request: Request, session: SessionDep, account: Editor) -> Response:
    """The samples with their progress, and the form for a new one."""
    return _list_page(request, session, account)


@router.post(_PATH)
def draw(request: Request, session: SessionDep, account: Editor, form: FormDep) -> Response:
    """Draw a sample."""
    language = language_of(request)
    try:
        asked = Drawn.model_validate(typed(form, Drawn))
        rule = SampleRule.model_validate(asked.model_dump(exclude={"name"}))
        row = samples.draw(session, account, asked.name, rule)
    except ValidationError as error:
        wrong = problems(error, language)
    except KnowledgeBaseError as error:
        wrong = problem_of(error, language)
    else:
        return see_other(f"/{language}/desk/tags/samples/{row.id}", "saved")
    return _list_page(request, session, account, typed(form, Drawn), wrong, 422)


def _list_page(
    request: Request,
    session: Session,
    account: Account,
    values: dict[str, Any] | None = None,
    wrong: Problems | None = None,
    status: int = 200,
) -> Response:
    language, found = language_of(request), samples.newest(session)
    fresh = {"size": 30, "readers": 2, "seed": random.randrange(100_000)}
    return page(
        request,
        "tags/samples.html",
        status=status,
        section="desk",
        samples=[(each, len(each.left_for(account.id))) for each in found],
        names=accounts.names(session, {each.row.drawn_by for each in found}),
        options={
            "types": [(kind, load("record_types").label_of(kind, language)) for kind in TAGGED],
            "languages": [(each, AUTONYMS[each]) for each in LANGUAGES],
            "regions": [(term.id, term.label[language]) for term in load("regions").top()],
        },
        limits={"size": LARGEST, "readers": MOST_READERS, "seed": SEEDS - 1},
        values=fresh if values is None else values,
        problems=wrong or {},
    )


@router.get(_PATH + "/{sample_id}")
def sample_page(request: Request, session: SessionDep, account: Editor, sample_id: Id) -> Response:
    """How far it is, how far the readers agree, and where they do not."""
    language, sample = language_of(request), samples.get(session, sample_id)
    figures, differences = samples.figures(session, sample), samples.differences(session, sample)
    people = {who for readers in sample.readers.values() for who in readers}
    names = accounts.names(session, people | {sample.row.drawn_by})
    left = sample.left_for(account.id)
    return page(
        request,
        "tags/sample.html",
        section="desk",
        sample=sample,
        left=left,
        progress=sorted(((names.get(who, ""), sample.done_by(who)) for who in people), key=lambda each: -each[1]),
        tables=_tables(figures, names, language),
        differences=[
            (each, name(each.kind, each.key, language) if each.kind != "gender" else "", _said(each.said, names))
            for each in differences
        ],
        names=names,
        words=WORDS,
        markers=MARKERS,
    )


def _said(answers: dict[str, str], names: dict[str, str]) -> dict[str, list[str]]:
    """Answer to the names of those who gave it."""
    found: dict[str, list[str]] = {}
    for person, answer in sorted(answers.items(), key=lambda each: each[1], reverse=True):
        found.setdefault(answer, []).append(names.get(person, "–"))
    return found


def _tables(
    figures: Iterable[Figure], names: dict[str, str], language: Language
) -> list[tuple[str, list[tuple[str, Figure]]]]:
    """(heading, rows of name and figure), without goals and themes that nobody gave."""
    heads: dict[str, str] = {
        "all": N_("Over all"),
        "language": N_("By language"),
        "pair": N_("By pair of readers"),
        "goal": N_("By goal"),
        "theme": N_("By gender theme"),
        "machine": N_("The program beside the readers"),
    }
    found: dict[str, list[tuple[str, Figure]]] = {head: [] for head in heads}
    for figure in figures:
        if figure.subject in ("goal", "theme"):
            if figure.given:
                found[figure.subject].append((_title(figure, names, language), figure))
        else:
            found[figure.scope].append((_title(figure, names, language), figure))
    return [(i18n.gettext(heads[head], language), rows) for head, rows in found.items() if rows]


def _title(figure: Figure, names: dict[str, str], language: Language) -> str:
    if figure.subject in ("goal", "theme"):
        return name("sdg" if figure.subject == "goal" else "theme", figure.of, language)
    subject = i18n.gettext(SUBJECTS[figure.subject], language)
    if figure.scope == "language":
        return f"{load('languages').label_of(figure.of, language)} · {subject}"
    if figure.scope == "pair":
        both = i18n.join([names.get(who, "–") for who in figure.of.split()], language)
        return f"{both} · {subject}"
    return subject


# Files


@router.get(_PATH + "/{sample_id}/figures.csv")
def figures_file(session: SessionDep, account: Editor, sample_id: Id) -> Response:
    """All figures; persons by the code of their account."""
    rows = [
        [each.scope, each.subject, each.of, each.records, each.readings, each.given,
         each.same, each.kappa, each.alpha, each.word]
        for each in samples.figures(session, samples.get(session, sample_id))
    ]  # fmt: skip
    head = ["scope", "subject", "of", "records", "readings", "given", "same", "kappa", "alpha", "meaning"]
    return _csv(f"sample-{sample_id}-figures.csv", head, rows)


@router.get(_PATH + "/{sample_id}/readings.csv")
def readings_file(session: SessionDep, account: Editor, sample_id: Id) -> Response:
    """What was said of each record that is complete, the program's own suggestions among it; persons by code."""
    sample = samples.get(session, sample_id)
    rows = [
        [each.record_id, each.language, each.person, " ".join(sorted(each.goals, key=int)),
         " ".join(sorted(each.themes)), "" if each.marker is None else each.marker]
        for each in [*samples.reads(session, sample), *samples.machine_reads(session, sample)]
    ]  # fmt: skip
    return _csv(f"sample-{sample_id}-readings.csv", ["record", "language", "person", "goals", "themes", "marker"], rows)


def _csv(filename: str, head: list[str], rows: Iterable[list[Any]]) -> Response:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(head)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    headers = {"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"}
    return Response("\N{ZERO WIDTH NO-BREAK SPACE}" + file.getvalue(), media_type="text/csv", headers=headers)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else inert(str(value))


# Reading


@router.get(_PATH + "/{sample_id}/{record_id}")
def reading_page(request: Request, session: SessionDep, account: Editor, sample_id: Id, record_id: str) -> Response:
    """The text beside a form for its tags: none that it has is shown."""
    sample = samples.get(session, sample_id)
    return _reading_page(request, session, account, sample, record_id)


@router.post(_PATH + "/{sample_id}/{record_id}")
def read_record(
    request: Request, session: SessionDep, account: Editor, sample_id: Id, record_id: str, form: FormDep
) -> Response:
    """Note how this person tags it, and go on to the next."""
    language, values = language_of(request), _given(typed(form, TagReading))
    try:
        samples.give(session, account, sample_id, record_id, TagReading.model_validate(values))
    except ValidationError as error:
        wrong, status = problems(error, language), 422
    except KnowledgeBaseError as error:
        if error.status == 404:
            raise
        wrong, status = problem_of(error, language), error.status
    else:
        path = f"/{language}/desk/tags/samples/{sample_id}"
        left = samples.get(session, sample_id).left_for(account.id)
        return see_other(f"{path}/{left[0]}" if left else path, "saved")
    sample = samples.get(session, sample_id)
    return _reading_page(request, session, account, sample, record_id, typed(form, TagReading), wrong, status)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """The form's marker as a value: ``unsure`` is None, and no answer is none."""
    if (marker := values.get("marker")) in ("0", "1", "2"):
        return values | {"marker": int(marker)}
    return values | {"marker": None} if marker == "unsure" else values


def _typed(reading: TagReading | None) -> dict[str, Any]:
    if reading is None:
        return {}
    marker = "unsure" if reading.marker is None else str(reading.marker)
    return {"goals": reading.goals, "themes": reading.themes, "marker": marker}


def _reading_page(
    request: Request,
    session: Session,
    account: Account,
    sample: Sample,
    record_id: str,
    values: dict[str, Any] | None = None,
    wrong: Problems | None = None,
    status: int = 200,
) -> Response:
    language = language_of(request)
    refused = samples.refusal(sample, account, record_id)
    if refused and refused.status == 404:
        raise refused
    record, own = records.get(session, record_id).record, samples.own(session, account, sample.row.id, record_id)
    return page(
        request,
        "tags/sample_record.html",
        status=status,
        section="desk",
        sample=sample,
        record=record,
        parts=accountable.parts(record, None, language),
        goals=[(term.id, name("sdg", term.id, language)) for term in load("sdgs").top()],
        themes=[(term.id, term.label[language]) for term in load("gender_themes").terms],
        markers=[(value, i18n.gettext(text, language)) for value, text in MARKERS.items()],
        own_count=sample.done_by(account.id),
        own=own,
        refused=problem_of(refused, language).get("", "") if refused else "",
        values=_typed(own) if values is None else values,
        problems=wrong or {},
    )
