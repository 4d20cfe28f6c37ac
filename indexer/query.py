"""What somebody typed, taken apart: free words, "quoted phrases", -exclusions. No input is an error."""

import re
import unicodedata
from dataclasses import dataclass

_QUOTES = str.maketrans(dict.fromkeys("“”„«»″", '"'))
_PART = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))')
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class Parsed:
    """``text`` is what is looked for, without exclusions and quotes; it is what the embedding model reads."""

    text: str
    phrases: tuple[str, ...]
    excluded: tuple[str, ...]

    @property
    def insists(self) -> bool:
        """Whether the quotes are an instruction: only records with these words. In a long sentence they quote somebody."""
        return 2 * sum(len(phrase.split()) for phrase in self.phrases) >= len(self.text.split())


def parse(typed: str) -> Parsed:
    """Take a question apart. A lone quote or minus is just a character; control characters are blanks."""
    composed = unicodedata.normalize("NFC", typed)
    readable = "".join(one if one.isprintable() else " " for one in composed).translate(_QUOTES)
    if readable.count('"') % 2:
        last = readable.rindex('"')
        readable = f"{readable[:last]} {readable[last + 1 :]}"
    wanted: list[str] = []
    phrases: list[str] = []
    excluded: list[str] = []
    for part in _PART.finditer(readable):
        text = (part["phrase"] if part["phrase"] is not None else part["word"]).strip()
        if not _WORD.search(text):
            continue
        if part["minus"]:
            excluded.append(text)
            continue
        wanted.append(text)
        if part["phrase"] is not None:
            phrases.append(text)
    return Parsed(" ".join(" ".join(wanted).split()), tuple(phrases), tuple(excluded))
