"""How a record's tags came to be: every suggestion and every decision, in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic_core import to_json
from starlette.responses import Response

from kb.accounts import service as accounts
from kb.records import service as records
from kb.tagging import story
from kb.tagging.disputes import Dispute
from kb.tagging.letters import doubted, name
from kb.tagging.story import Event
from kb.tagging.tables import DecisionRow
from schemas.language import Language
from schemas.tagging import Evidence, Suggestions, TagKind
from search_ui import i18n
from search_ui.depends import SessionDep
from search_ui.i18n import N_
from search_ui.identity import Editor
from search_ui.pages.tags_disputes import OUTCOMES, VERDICTS
from search_ui.render import language_of, page
from search_ui.workbench import who_decided

router = APIRouter(include_in_schema=False)

_PATH: Final = "/{lang:language}/desk/tags/{record_id}/history"

_ACTIONS: Final = {
    "accept": N_("accepted the suggestion"),
    "reject": N_("rejected the suggestion"),
    "add": N_("added the tag"),
    "change": N_("changed the tag"),
    "remove": N_("removed the tag"),
    "mark": N_("screened the record for gender"),
    "dispute": N_("disputed the tag"),
    "resolve": N_("settled the dispute"),
    "undo": N_("took a decision back"),
}
_MARKER_ACTIONS: Final = _ACTIONS | {
    "remove": N_("set the record back to not screened"),
    "dispute": N_("disputed the marker"),
}
#: What somebody did, by what it was done to.
ACTIONS: Final[dict[TagKind, dict[str, str]]] = {"sdg": _ACTIONS, "theme": _ACTIONS, "gender": _MARKER_ACTIONS}
#: What of a tag is told where it changed, by its field.
_FIELDS: Final = {
    "code": N_("Goal or target"),
    "theme": N_("Theme"),
    "primary": N_("Main goal"),
    "contribution": N_("Contribution"),
    "state": N_("State"),
    "source": N_("Source"),
    "passage": N_("Passage"),
    "marker": N_("Gender marker"),
    "results_evidenced": N_("Results for women and girls are proven"),
    "sex_disaggregated_data": N_("Data by sex"),
}
_VALUES: Final = {
    "direct": N_("contributes directly"),
    "indirect": N_("contributes indirectly"),
    "negative": N_("works against it"),
    "suggested": N_("suggested"),
    "accepted": N_("accepted"),
    "rejected": N_("rejected"),
    "disputed": N_("disputed"),
    "author": N_("the author"),
    "machine": N_("the program"),
    "staff": N_("the editorial team"),
    "True": N_("yes"),
    "False": N_("no"),
}
#: What a field that is not written down says.
_OTHERWISE: Final = {"state": "accepted", "source": "author", "contribution": "direct", "primary": False}


@dataclass(frozen=True)
class Said:
    """One thing that was suggested."""

    name: str
    confidence: float
    suggested: bool
    evidence: Evidence | None


@router.get(_PATH)
def history_page(request: Request, session: SessionDep, account: Editor, record_id: str) -> Response:
    """The whole story, oldest first."""
    language, record = language_of(request), records.get(session, record_id).record
    told = story.events(session, record_id)
    return page(
        request,
        "tags/history.html",
        section="desk",
        record=record,
        told=[
            (
                event,
                list(_suggested(event.said, language)) if event.said else [],
                list(_changes(event.decision, language)) if event.decision else [],
                _decided_on(event.decision, language) if event.decision else "",
            )
            for event in told
        ],
        dispute_names={each.row.id: doubted(each.row, language) for each in _disputes(told)},
        verdict_names={
            each.code: name(found.row.kind, each.code, language)
            for found in _disputes(told)
            for each in found.verdicts
            if each.code
        },
        who=who_decided(session, [event.decision for event in told if event.decision], language),
        names=accounts.names(session, {each.account_id for found in _disputes(told) for each in found.verdicts}),
        actions=ACTIONS,
        kinds=VERDICTS,
        outcomes=OUTCOMES,
        is_public=record.status == "published",
    )


def _disputes(told: list[Event]) -> Iterator[Dispute]:
    yield from (event.dispute for event in told if event.dispute)


def _suggested(said: Suggestions, language: Language) -> Iterator[Said]:
    for goal in said.sdgs:
        code = goal.target if goal.suggested and goal.target else goal.goal
        yield Said(name("sdg", code, language), goal.confidence, goal.suggested, goal.evidence)
    for theme in said.gender.themes:
        yield Said(name("theme", theme.theme, language), theme.confidence, theme.suggested, theme.evidence)
    marker = said.gender.marker
    text = i18n.gettext(N_("Gender marker %(value)s"), language) % {"value": marker.value}
    yield Said(text, marker.confidence, marker.suggested, marker.evidence)


def _decided_on(row: DecisionRow, language: Language) -> str:
    return i18n.gettext(N_("Gender marker"), language) if row.kind == "gender" else name(row.kind, row.code, language)


def _changes(row: DecisionRow, language: Language) -> Iterator[tuple[str, str, str]]:
    """(field, before, after) of what is different, in words; empty where there was no tag, or is none any more."""
    for field, title in _FIELDS.items():
        old, new = _value(row.before, field), _value(row.after, field)
        if old != new:
            yield i18n.gettext(title, language), _word(field, old, row, language), _word(field, new, row, language)


def _value(tag: dict[str, Any] | None, field: str) -> Any:
    return None if tag is None else tag.get(field, _OTHERWISE.get(field))


def _word(field: str, value: Any, row: DecisionRow, language: Language) -> str:
    if value is None:
        return ""
    if field in ("code", "theme"):
        return name(row.kind, value, language)
    text = _VALUES.get(str(value)) if field != "passage" else None
    return i18n.gettext(text, language) if text else str(value)


@router.get(_PATH + ".json")
def history_file(session: SessionDep, account: Editor, record_id: str) -> Response:
    """The same as a file, for the team: with codes of accounts instead of names."""
    records.get(session, record_id)
    body = {"id": record_id, "events": [_line(event) for event in story.events(session, record_id)]}
    headers = {
        "Content-Disposition": f'attachment; filename="tags-{record_id.replace("~", "-").replace(":", "-")}.json"',
        "Cache-Control": "no-store",
    }
    return Response(to_json(body, indent=2), media_type="application/json", headers=headers)


def _line(event: Event) -> dict[str, Any]:
    if event.said:
        return {"event": "suggestion", "at": event.at, **event.said.model_dump(mode="json")}
    if event.decision:
        row = event.decision
        names = ("id", "kind", "key", "code", "action", "before", "after", "revision", "model", "confidence",
                 "account_id", "comment", "text_key", "follows_id", "undone_by")  # fmt: skip
        return {"event": "decision", "at": event.at} | {field: getattr(row, field) for field in names}
    assert event.dispute
    raised = ("kind", "tag", "reason", "raised_by", "raised_at", "outcome")
    given = ("account_id", "verdict", "code", "comment", "at")
    verdicts = [{field: getattr(each, field) for field in given} for each in event.dispute.verdicts]
    found = {field: getattr(event.dispute.row, field) for field in raised}
    return {"event": "dispute closed", "at": event.at, **found, "verdicts": verdicts}
