"""The text of a document or of a page on the web, whatever it is made of: looked at by content, never by name."""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kb.documents.worker import clean, shortened
from kb.errors import Invalid, Unavailable
from kb.links.looking import Looker
from schemas.messages import N_

#: Bytes of one document or page.
MAX_BYTES: Final = 9_000_000
#: Seconds for one document, all in all.
SECONDS: Final = 20.0
#: Seconds for a page of another server.
FETCHING: Final = 10.0
_WORKER: Final = Path(__file__).with_name("worker.py")
#: Documents that are read at once, and seconds to wait for that: memory is what they take.
_AT_ONCE: Final = threading.BoundedSemaphore(2)
_WAIT: Final = 15.0

#: What is wrong with a document, and what can be done about it.
PROBLEMS: Final[dict[str, str]] = {
    "empty": N_("There is no text in it. Choose another document, or paste the text."),
    "scanned": N_(
        "This PDF holds pictures of pages, not text. Run text recognition (OCR) on it first, or paste the text."
    ),
    "locked": N_("This document is locked with a password. Save it without one, or paste the text."),
    "old_word": N_("This is a Word file of the old kind (.doc). Save it as .docx or PDF and try again."),
    "damaged": N_("This document is damaged or unfinished. Open it, save it anew and try again, or paste the text."),
    "heavy": N_(
        "Reading this document would take too long. Save the part that matters as a file of its own, or paste it."
    ),
    "unknown": N_(
        "This is no text, PDF or Word (.docx) document. Save it as one of these and try again, or paste the text."
    ),
}
#: Why a page could not be fetched.
NOT_FETCHED: Final[dict[str, str]] = {
    "refused": N_("Only public addresses that begin with http:// or https:// can be read."),
    "unknown_host": N_("There is no such server. Look at the address again."),
    "timeout": N_("The server took too long. Try again later, or paste the text."),
    "certificate": N_("The server’s certificate is not valid, so it was not read. Paste the text instead."),
    "redirects": N_("The address leads on and on. Open it in your browser and give the address where you arrive."),
    "gone": N_("There is no such page there. Look at the address again."),
    "garbled": N_("This address, or what its server says, cannot be understood. Look at it again, or paste the text."),
}
_AWAY: Final = N_("The server does not give this page to programs, or is away. Paste the text instead.")
_TOO_LARGE: Final = N_("This is larger than 9 MB. Save the part that matters as a file of its own, or paste it.")


@dataclass(frozen=True)
class Document:
    """What was read. ``cut``: there is more than was read."""

    text: str
    cut: bool


def text_of_paste(text: str, longest: int) -> Document:
    """What somebody typed or pasted."""
    cleaned = clean(text)
    return Document(shortened(cleaned, longest), len(cleaned) > longest)


def text_of_file(content: bytes, longest: int) -> Document:
    """The text of a document, at most so many characters. Raises Invalid at the field ``file``, and Unavailable where too
    many are read at the moment."""
    return _read(content, longest, "file")


def text_of_page(looker: Looker, url: str, longest: int) -> Document:
    """The text of a page on the web, or of a document there. Raises Invalid at the field ``url``, and Unavailable."""
    found = looker.fetch(url, MAX_BYTES)
    if found.answer.reason or found.answer.status >= 400:
        raise Invalid(NOT_FETCHED.get(found.answer.reason, _AWAY), field="url")
    return _read(found.content, longest, "url", found.media_type, found.charset)


def looker(site_name: str, public_url: str) -> Looker:
    """Fetches pages, and says for whom."""
    return Looker(f"{site_name} reader (+{public_url or 'http://localhost'})", seconds=FETCHING)


def _read(content: bytes, longest: int, field: str, media_type: str = "", charset: str = "") -> Document:
    if len(content) > MAX_BYTES:
        raise Invalid(_TOO_LARGE, field=field)
    kind = kind_of(content, media_type)
    found = {"problem": kind} if kind in PROBLEMS else _by_worker(kind, content, longest, charset)
    if problem := found["problem"]:
        raise Invalid(PROBLEMS[str(problem)], field=field)
    return Document(str(found["text"]), bool(found["cut"]))


def kind_of(content: bytes, media_type: str = "") -> str:
    """text, html, pdf or docx, as its first bytes say; or what is wrong with it. A media type tells text from HTML only."""
    start = content[:1024].lstrip()
    if not start:
        return "empty"
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content.startswith(b"PK\x03\x04"):
        return "docx" if b"word/document.xml" in content or b"word/document2.xml" in content else "unknown"
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return "locked" if "EncryptedPackage".encode("utf-16-le") in content else "old_word"
    if _is_binary(content):
        return "unknown"
    is_html = start[:200].lower().startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")) or b"<body" in start
    return "html" if is_html or media_type in ("text/html", "application/xhtml+xml") else "text"


def _is_binary(content: bytes) -> bool:
    """Whether it holds bytes that no text has; UTF-16 says by its mark that it has zeros."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    head = content[:65536]
    return (
        head.startswith(b"{\\rtf")
        or b"\0" in head
        or sum(byte < 9 or 13 < byte < 27 for byte in head) > len(head) / 100
    )


def _by_worker(kind: str, content: bytes, longest: int, charset: str) -> dict[str, object]:
    if not _AT_ONCE.acquire(timeout=_WAIT):
        raise Unavailable(N_("Too many documents are being read right now. Try again in a minute."))
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_WORKER), kind, str(longest), charset],
            input=content, capture_output=True, timeout=SECONDS, env={}, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"problem": "heavy"}
    finally:
        _AT_ONCE.release()
    if done.returncode:
        return {"problem": "heavy"}
    found: dict[str, object] = json.loads(done.stdout)
    return found
