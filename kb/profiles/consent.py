"""What experts agree to when their profile is published. A text that was agreed to is never changed: a new one is added."""

from functools import cache
from pathlib import Path
from typing import Final

from kb.errors import NotFound
from schemas.language import Language
from schemas.messages import N_
from schemas.records import Expert

FOLDER: Final = Path(__file__).with_name("consent_texts")
#: Every version there was, the one in force last.
VERSIONS: Final = ("1.0",)
CURRENT = VERSIONS[-1]


@cache
def text(version: str, language: Language) -> str:
    """The text as Markdown. Raises NotFound for a version that there never was."""
    if version not in VERSIONS:
        raise NotFound(N_("There is no such version of this text."))
    return (FOLDER / f"{version}.{language}.md").read_text("utf-8")


def is_lacking(expert: Expert) -> bool:
    """Whether they agreed to an older text only, or to none."""
    return expert.consent is None or expert.consent.version != CURRENT
