"""Mail about tags: who is told that a dispute is settled."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.mail import service as mail
from kb.records import service as records
from kb.records.urls import record_path
from kb.settings import get_settings
from kb.tagging.tables import DisputeRow, VerdictRow
from schemas.language import Language, say
from schemas.tagging import TagKind
from schemas.vocabulary import load

VOCABULARIES: Final[dict[TagKind, str]] = {"sdg": "sdgs", "theme": "gender_themes", "gender": "gender_markers"}


def tell_settled(session: Session, row: DisputeRow, verdicts: Sequence[VerdictRow], to: str, decided: str) -> None:
    """Tell who raised it, and who had decided that it should stand (``decided``: an account's id, or empty)."""
    record = records.get(session, row.record_id).record
    for reader in accounts.active(session, {row.raised_by, decided} - {""}):
        said = say(record.title, reader.language, record.language)
        mail.queue(
            session,
            f"dispute:{row.id}:{reader.id}",
            reader.email,
            reader.language,
            "dispute_settled",
            outcome=row.outcome,
            raised=reader.id == row.raised_by,
            title=said.text if said else record.id,
            is_marker=row.kind == "gender",
            tag=doubted(row, reader.language),
            to=name(row.kind, to, reader.language) if to else "",
            comments=[each.comment for each in verdicts],
            link=f"{get_settings().resolved_public_url}{record_path(record.type, record.id, reader.language)}",
        )


def name(kind: TagKind, code: str, language: Language) -> str:
    """What a tag is called: a goal or target with its number, the marker with its value (``code``)."""
    terms = load(VOCABULARIES[kind])
    label = terms.label_of(code, language)
    if kind == "gender":
        return f"{terms.label[language]} ({label})"
    return f"{code} {label}" if kind == "sdg" else label


def doubted(row: DisputeRow, language: Language) -> str:
    """What is disputed, by its name."""
    return name(row.kind, str(row.tag["marker"] if row.kind == "gender" else row.tag.get("code") or row.key), language)
