"""The text of documents: what is in them is found, what is not for reading is left out, and a nasty file costs a moment."""

import io
import time
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.documents import service as documents
from kb.documents import worker
from kb.errors import Invalid
from tests.kb.documents import papers

LONGEST = 60_000
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def _text(content: bytes) -> str:
    return documents.text_of_file(content, LONGEST).text


def _problem(content: bytes) -> str:
    """The key of what is wrong with it, told within a time that a visitor waits."""
    began = time.monotonic()
    with pytest.raises(Invalid) as refused:
        documents.text_of_file(content, LONGEST)
    assert time.monotonic() - began < documents.SECONDS + 5
    assert refused.value.members["field"] == "file"
    return next(key for key, said in documents.PROBLEMS.items() if said == refused.value.detail)


# What is read


@pytest.mark.parametrize(
    "content",
    [
        "Cañón, año, œuvre – là.".encode(),
        b"\xef\xbb\xbf" + "Cañón, año, œuvre – là.".encode(),
        "Cañón, año, œuvre – là.".encode("utf-16"),
        "Cañón, año, œuvre – là.".encode("cp1252"),
    ],
)
def test_plain_text_is_read_in_the_characters_that_it_is_written_in(content: bytes) -> None:
    assert _text(content) == "Cañón, año, œuvre – là."


def test_a_word_document_gives_its_paragraphs_and_the_cells_of_its_tables_in_order() -> None:
    assert _text(papers.word("Trams for all", "They run at night.", cells=["Cost", "3 million"])) == (
        "Trams for all\n\nThey run at night.\n\nCost\n\n3 million"
    )


def test_a_pdf_gives_paragraphs_without_what_stands_on_every_page_and_with_its_words_in_one_piece() -> None:
    pages = [
        [
            "Annual report",
            f"The city of number {name} rebuilt twelve bus lines so that women and girls can tra-",
            f"vel safely at night, and trained all drivers of garage {name} against harassment.",
            "Nothing else changed there.",
            str(number),
        ]
        for number, name in enumerate(("one", "two", "three"), start=1)
    ]
    text = _text(papers.pdf(*pages))
    assert "Annual report" not in text
    assert text.count("can travel safely at night") == 3
    assert not any(line.strip().isdecimal() for line in text.splitlines())


def test_a_pdf_that_everybody_may_open_is_read_although_it_is_encrypted() -> None:
    assert _text(papers.locked("")) == "Trams for all, at night as by day."


def test_a_page_is_read_without_its_navigation() -> None:
    html = """<!doctype html><html><head><title>Trams – City</title><script>var x = "no";</script></head><body>
    <nav><a href="/">Home</a></nav><main><h1>Trams</h1><p>They run at night, <b>for all</b> &amp; everybody: {}</p>
    <ul><li><a href="/a">A long link that leads to somewhere else on the site</a></li></ul><h2>Costs</h2>
    <p>Three million euros for twelve lines and a hundred stops.</p></main><footer>Imprint of the city</footer>"""
    text = _text(html.format("women, men and children. " * 20).encode())
    assert text.startswith("Trams\n\nThey run at night, for all & everybody: women")
    assert text.endswith("Costs\n\nThree million euros for twelve lines and a hundred stops.")


def test_a_page_that_marks_no_main_part_is_read_too() -> None:
    assert _text(b"<html><body><div>Trams run at night.<br>For all.</div>") == "Trams run at night.\n\nFor all."


def test_what_is_too_long_is_cut_between_words_and_said_to_be() -> None:
    found = documents.text_of_file(b"many words " * 10_000, LONGEST)
    assert found.cut
    assert LONGEST - 20 < len(found.text) <= LONGEST
    assert found.text.split()[-1] in ("many", "words")


# What is wrong


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"... --- 123", "empty"),
        (papers.word(" "), "empty"),
        (papers.pdf([""]), "empty"),
        (papers.scan(), "scanned"),
        (papers.locked("secret"), "locked"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_word"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "locked"),
        (papers.pdf(["Trams for all"])[:300], "damaged"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 50, "damaged"),
        (papers.word("Trams")[:-200], "damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "unknown"),
        (b"PK\x03\x04 an archive of something", "unknown"),
        (b"{\\rtf1 Trams}", "unknown"),
        (bytes(range(32)) * 10, "unknown"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(content: bytes, problem: str) -> None:
    assert _problem(content) == problem


def test_a_document_that_is_too_large_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(Invalid, match="9 MB"):
        documents.text_of_file(b"a" * (documents.MAX_BYTES + 1), LONGEST)


# What is meant to hurt


def test_a_word_document_that_unpacks_to_far_more_than_it_is_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made, made.open("word/document.xml", "w") as part:
        for _ in range(80):
            part.write(bytes(1_000_000))
    assert _problem(target.getvalue()) == "heavy"


def test_entities_in_a_word_document_are_not_unfolded() -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    content = (
        f'<!DOCTYPE w [<!ENTITY a0 "trams">{entities}]><w:document {W}><w:body><w:p><w:r><w:t>&a11;</w:t></w:r></w:p>'
    )
    assert _problem(papers.word_with(f"{content}</w:body></w:document>".encode())) in ("empty", "damaged", "heavy")


def test_a_file_of_this_machine_is_not_drawn_into_a_word_document() -> None:
    content = (
        f'<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]><w:document {W}><w:body><w:p><w:r><w:t>Trams &x; run.'
    )
    try:
        text = _text(papers.word_with(f"{content}</w:t></w:r></w:p></w:body></w:document>".encode()))
    except Invalid:
        return
    assert "root" not in text


def test_a_pdf_whose_page_unpacks_to_gigabytes_takes_its_time_and_memory_and_no_more() -> None:
    bomb = zlib.compress(zlib.compress(b"BT (a) Tj ET " * 30_000_000, 1), 9)
    doubled = papers.pdf(streams=[bomb]).replace(b"/Filter /FlateDecode", b"/Filter [/FlateDecode /FlateDecode]")
    assert _problem(doubled) in ("heavy", "damaged", "empty")


def test_a_pdf_whose_pages_lead_to_themselves_ends() -> None:
    looped = papers.pdf(["Trams"]).replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]")
    assert _problem(looped) in ("heavy", "damaged", "empty")


def test_a_page_of_many_open_elements_is_read() -> None:
    assert _text(b"<html><body>" + b"<div><p>x</b>" * 50_000).startswith("x\n\nx")


# Whatever it is


@given(st.text(max_size=400))
def test_cleaned_text_is_clean_and_stays_so(text: str) -> None:
    cleaned = worker.clean(text)
    assert worker.clean(cleaned) == cleaned
    cleaned.encode()
    assert "\r" not in cleaned
    assert "\n\n\n" not in cleaned
    assert cleaned == cleaned.strip()
    assert documents.text_of_paste(text.replace("\n", "\r\n"), LONGEST) == documents.text_of_paste(text, LONGEST)


@given(st.text(max_size=300), st.integers(min_value=10, max_value=100))
def test_a_shortened_text_is_the_beginning_and_not_too_long(text: str, longest: int) -> None:
    shortened = worker.shortened(text, longest)
    assert len(shortened) <= longest
    assert text.startswith(shortened)


WORDS = st.text("abcdéñœ", min_size=1, max_size=12)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=12).map(" ".join), min_size=1, max_size=6))
@settings(max_examples=60)
def test_every_word_of_the_paragraphs_of_a_page_is_read(paragraphs: list[str]) -> None:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    text = worker.main_text(f"<html><body><nav>elsewhere</nav>{body}</body></html>")
    assert text.split() == " ".join(paragraphs).split()


@given(
    st.binary(max_size=2_000),
    st.sampled_from(sorted(worker.READERS)),
    st.sampled_from(["", "utf-8", "idna", "nonsense"]),
)
@settings(deadline=None)
def test_bytes_of_any_kind_are_a_text_or_a_known_problem(content: bytes, kind: str, charset: str) -> None:
    found = worker.read(kind, content, 500, charset)
    assert found["problem"] == "" or found["problem"] in documents.PROBLEMS
    assert len(str(found["text"])) <= 500
    str(found["text"]).encode()
    assert documents.kind_of(content) in {*worker.READERS, *documents.PROBLEMS}


@given(st.lists(st.lists(st.text("ab1 -.", max_size=60), max_size=8), max_size=5))
def test_lines_of_pages_lose_no_words_but_headings_feet_and_numbers(pages: list[list[str]]) -> None:
    stripped = [[line.strip() for line in page] for page in pages]
    kept = [line for page in worker._without_furniture(stripped) for line in page]
    joined = "".join("".join(worker.paragraphs(stripped)).split()).replace("-", "")
    assert joined == "".join("".join(kept).split()).replace("-", "")
