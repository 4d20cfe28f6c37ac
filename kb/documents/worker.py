"""Read one document, as a process of its own: whatever is in it, it takes no more than this much time and memory, and what
falls over is not the site. It imports nothing of ours, so that it starts quickly and has nothing to give away.

``python -I worker.py KIND LONGEST [CHARSET]`` reads the document from stdin and writes ``{"text", "cut", "problem"}`` as JSON.
``problem`` is one of the keys of ``kb.documents.service.PROBLEMS``, or empty.
"""

import codecs
import io
import json
import re
import resource
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Final

#: Bytes of memory, seconds of computing, and seconds after which what was read so far has to do.
_MEMORY: Final = 700_000_000
_SECONDS: Final = 12
_ENOUGH: Final = 8.0
#: Bytes that the parts of a Word file may have in all, and their number.
_UNPACKED: Final = 60_000_000
_PARTS: Final = 5_000
#: Letters without which a document counts as one without text.
_SOME: Final = 20

_BLANKS: Final = re.compile(r"[^\S\n]+")
_EMPTY_LINES: Final = re.compile(r" ?\n(?: ?\n)+ ?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff]")
_LIGATURES: Final = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "\u2028": "\n", "\u2029": "\n\n"}
)


class RefusedError(Exception):
    """The document has no text that can be read; the message is a key of PROBLEMS."""


def clean(text: str) -> str:
    """The text without what is not for reading: control characters, blanks in a row, more than one empty line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").replace("\v", "\n")
    text = _CONTROL.sub("", text.encode("utf-8", "ignore").decode()).translate(_LIGATURES)
    return _EMPTY_LINES.sub("\n\n", _BLANKS.sub(" ", text)).strip()


# Plain text


def decoded(content: bytes, charset: str = "") -> str:
    """The characters: as a mark at the beginning says, else as the sender says, else UTF-8, else Windows' Western set."""
    for mark, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return content.decode(name, "replace").removeprefix("\ufeff")
    for name in filter(None, (charset, "utf-8")):
        try:
            return content.decode(name)
        except (LookupError, ValueError):
            continue
    return content.decode("cp1252", "replace")


def _plain(content: bytes, charset: str, longest: int) -> tuple[str, bool]:
    return decoded(content, charset), False


# Word


def _word(content: bytes, charset: str, longest: int) -> tuple[str, bool]:
    import docx

    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = packed.infolist()
        if len(parts) > _PARTS or sum(part.file_size for part in parts) > _UNPACKED:
            raise RefusedError("heavy")
        if any(part.flag_bits & 1 for part in parts):
            raise RefusedError("locked")
    document = docx.Document(io.BytesIO(content))
    return "\n\n".join(_blocks(document)), False


def _blocks(holder: "docx.document.Document | docx.table._Cell") -> Iterator[str]:  # type: ignore[name-defined]  # noqa: F821
    """Paragraphs and the cells of tables, in their order."""
    for block in holder.iter_inner_content():
        if hasattr(block, "rows"):
            seen: set[object] = set()
            for row in block.rows:
                for cell in row.cells:
                    if cell._tc not in seen:  # one that spans several is told of each
                        seen.add(cell._tc)
                        yield from _blocks(cell)
        elif text := block.text.strip():
            yield text


# PDF


def _pdf(content: bytes, charset: str, longest: int) -> tuple[str, bool]:
    import pypdf

    began = time.monotonic()
    reader = pypdf.PdfReader(io.BytesIO(content))
    if reader.is_encrypted and not _opened(reader):
        raise RefusedError("locked")
    pages: list[list[str]] = []
    letters = pictures = 0
    for page in reader.pages:
        lines = _lines(page)
        pages.append(lines)
        letters += sum(map(len, lines))
        pictures += not lines and "/XObject" in (page.get("/Resources") or {})
        if letters > longest or time.monotonic() - began > _ENOUGH:
            break
    if letters < _SOME:
        raise RefusedError("scanned" if pictures else "empty")
    return "\n\n".join(paragraphs(pages)), len(pages) < len(reader.pages)


def _opened(reader: "pypdf.PdfReader") -> bool:  # type: ignore[name-defined]  # noqa: F821
    """Many that may be read by everybody are encrypted too, with no password."""
    try:
        return bool(reader.decrypt(""))
    except Exception:
        return False


def _lines(page: "pypdf.PageObject") -> list[str]:  # type: ignore[name-defined]  # noqa: F821
    """The lines of a page; one that cannot be read has none."""
    try:
        text = page.extract_text()
    except MemoryError:
        raise
    except Exception:
        return []
    return [line.strip() for line in text.splitlines()]


def paragraphs(pages: list[list[str]]) -> Iterator[str]:
    """Lines of pages as paragraphs: without what stands on most pages, and words in one piece that a line's end divided."""
    kept = [line for page in _without_furniture(pages) for line in [*page, ""]]
    widest = sorted(map(len, filter(None, kept)))
    usual = widest[int(len(widest) * 0.8)] if widest else 0
    paragraph = ""
    for line, after in zip(kept, [*kept[1:], ""], strict=False):
        if not line:
            # A sentence goes on where the page ends.
            if paragraph and (not after[:1].islower() or paragraph.endswith((".", "!", "?", ":"))):
                yield paragraph
                paragraph = ""
            continue
        if paragraph.endswith("-") and line[:1].islower() and paragraph[-2:-1].isalpha():
            paragraph = paragraph[:-1] + line
        else:
            paragraph += f" {line}" if paragraph else line
        if len(line) < usual * 0.7 and not after[:1].islower():
            yield paragraph
            paragraph = ""
    if paragraph:
        yield paragraph


def _without_furniture(pages: list[list[str]]) -> Iterator[list[str]]:
    """Pages without the heading and the foot that they share, and without their numbers."""
    shared = Counter(_shape(line) for page in pages for line in set(page) if line)
    for page in pages:
        yield [
            line
            for at, line in enumerate(page)
            if not (
                line.isdecimal()
                or (len(pages) > 2 and min(at, len(page) - 1 - at) < 2 and shared[_shape(line)] > len(pages) / 2)
            )
        ]


def _shape(line: str) -> str:
    return re.sub(r"\d+", "#", line)


# Web pages

_VOID: Final = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_SKIPPED: Final = frozenset(
    "script style noscript template svg math nav footer aside button select textarea iframe object canvas audio video"
    " dialog head".split()
)
_BLOCKS: Final = frozenset(
    "address article blockquote body caption center dd details div dl dt fieldset figcaption figure form h1 h2 h3 h4 h5 h6"
    " header hr li main ol p pre section summary table tbody td tfoot th thead tr ul br".split()
)
#: What is read however short it is.
_TEXTS: Final = ("h1", "h2", "h3", "h4", "h5", "h6", "p", "blockquote")
#: Letters from which another block is read, and from which what is marked as the main part is believed.
_TELLING: Final = 30
_MAIN: Final = 300


class _Page(HTMLParser):
    """Collects blocks: (in the main part, marked as text, text, how many of its letters are links)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[tuple[bool, bool, str, int]] = []
        self.title = ""
        self._open: list[tuple[str, bool]] = []
        self._text: list[str] = []
        self._linked = 0
        self._counts: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._end_block()
        if tag in _VOID:
            return
        given = dict(attrs)
        hides = tag in _SKIPPED or "hidden" in given or given.get("aria-hidden") == "true"
        self._open.append((tag, hides))
        self._counts[tag] += 1
        self._counts["hidden"] += hides

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._end_block()
        if not self._counts[tag]:
            return
        while self._open:
            last, hides = self._open.pop()
            self._counts[last] -= 1
            self._counts["hidden"] -= hides
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] == "title" and not self._counts["svg"]:
            self.title += data
        elif not self._counts["hidden"]:
            self._text.append(data)
            self._linked += len(data.strip()) if self._counts["a"] else 0

    def close(self) -> None:
        super().close()
        self._end_block()

    def _end_block(self) -> None:
        text = " ".join("".join(self._text).split())
        if text:
            is_text = any(self._counts[name] for name in _TEXTS)
            main = bool(self._counts["main"] or self._counts["article"])
            self.blocks.append((main, is_text, text, self._linked))
        self._text, self._linked = [], 0


def _html(content: bytes, charset: str, longest: int) -> tuple[str, bool]:
    return main_text(decoded(content, charset or _declared(content))), False


def _declared(content: bytes) -> str:
    found = re.search(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", content[:4096], re.IGNORECASE)
    return found[1].decode() if found else ""


def main_text(html: str) -> str:
    """What a page says, without its navigation: headings and blocks of text, of the part that is marked as the main one where
    there is one."""
    page = _Page()
    page.feed(html)
    page.close()
    main = [block for block in page.blocks if block[0]]
    blocks = main if sum(len(text) for _, _, text, _ in main) >= _MAIN else page.blocks
    told = [
        text for _, is_text, text, linked in blocks if (is_text or len(text) >= _TELLING) and linked * 2 < len(text)
    ]
    found = told if sum(map(len, told)) >= _MAIN else [text for _, _, text, _ in blocks]
    title = " ".join(page.title.split())
    if title and not any(title in text or text in title for text in found[:3]):
        found = [title, *found]
    return "\n\n".join(found)


# The process

#: Content, its characters as the sender names them, and how many of them matter; to the text, and whether some is missing.
READERS: Final[dict[str, Callable[[bytes, str, int], tuple[str, bool]]]] = {
    "text": _plain, "html": _html, "pdf": _pdf, "docx": _word,
}  # fmt: skip


def read(kind: str, content: bytes, longest: int, charset: str = "") -> dict[str, object]:
    """What is written: the text, whether some of it was left out, and what is wrong."""
    cut = False
    try:
        found, cut = READERS[kind](content, charset, longest)
        text = clean(found)
        problem = "" if any(character.isalpha() for character in text) else "empty"
    except RefusedError as refused:
        text, problem = "", str(refused)
    except MemoryError:
        text, problem = "", "heavy"
    except Exception:
        text, problem = "", "damaged"
    return {"text": shortened(text, longest), "cut": cut or len(text) > longest, "problem": problem}


def shortened(text: str, longest: int) -> str:
    """The beginning of a text, up to a blank: no word is halved."""
    if len(text) <= longest:
        return text
    at = max(text.rfind(" ", 0, longest), text.rfind("\n", 0, longest))
    return text[: at if at > longest // 2 else longest].rstrip()


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    found = read(sys.argv[1], sys.stdin.buffer.read(), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    _main()
