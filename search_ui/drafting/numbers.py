"""Numbers as people type them, and as they are shown for typing again. What is no number stays the text that it is."""

import re
from typing import Any

from schemas.language import Language

_BLANKS = re.compile(r"[\s\u00a0\u202f'’]")
_GROUPED = re.compile(r"-?\d{1,3}([.,]\d{3})+")


def whole(text: str) -> int | str | None:
    """``2 529 403``, ``2,529,403`` and ``2.529.403`` are the same number."""
    bare = _BLANKS.sub("", text)
    if _GROUPED.fullmatch(bare):
        bare = re.sub(r"[.,]", "", bare)
    return int(bare) if re.fullmatch(r"-?\d{1,15}", bare) else text or None


def decimal(text: str, language: Language) -> float | str | None:
    """``1,5`` and ``1.5``; where several marks are there, the last one is the decimal one unless it stands there twice. Three
    digits after a comma are thousands in English."""
    bare = _BLANKS.sub("", text).rstrip("%")
    marks = re.findall(r"[.,]", bare)
    mark = marks[-1] if marks else ""
    thousands = bool(_GROUPED.fullmatch(bare)) and language == "en" and mark == ","
    if mark and (marks.count(mark) > 1 or (thousands and len(marks) == 1)):
        bare = re.sub(r"[.,]", "", bare)
    elif mark:
        ahead, _, behind = bare.rpartition(mark)
        bare = f"{re.sub(r'[.,]', '', ahead)}.{behind}"
    return float(bare) if re.fullmatch(r"-?\d{1,15}(\.\d{0,10})?", bare) else text or None


def share(text: str, language: Language) -> float | str | None:
    """Per cent as a share of 1."""
    number = decimal(text, language)
    return round(number / 100, 6) if isinstance(number, float) else number


def shown(value: Any, language: Language) -> str:
    """A number for a field in which it is typed again."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    text = f"{value:.10f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return text if language == "en" else text.replace(".", ",")
