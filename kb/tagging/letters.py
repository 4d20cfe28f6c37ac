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

VOCABULARIES: Final[dict[TagKind, str]] = {"sdg": "sdgs", "theme": "gender_themes"}


def tell_settled(session: Session, row: DisputeRow, verdicts: Sequence[VerdictRow], to: str, decided: str) -> None:
    """Tell who raised it, and who had decided that the tag should stand (``decided``: an account's id, or empty)."""
    record = records.get(session, row.record_id).record
    code = str(row.tag.get("code") or row.tag.get("theme"))
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
            tag=name(row.kind, code, reader.language),
            to=name(row.kind, to, reader.language) if to else "",
            comments=[each.comment for each in verdicts],
            link=f"{get_settings().resolved_public_url}{record_path(record.type, record.id, reader.language)}",
        )


def name(kind: TagKind, code: str, language: Language) -> str:
    """What a tag is called: a goal or target with its number."""
    label = load(VOCABULARIES[kind]).label_of(code, language)
    return f"{code} {label}" if kind == "sdg" else label
