"""Whatever somebody types is a question; nothing they type is an error."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.query import Parsed, parse

parts = st.one_of(
    st.text(max_size=10),
    st.sampled_from(['"', "-", ' "', '" ', " -", "“", "”", "«\u00a0", "\u00a0»"]),
    st.sampled_from(["\x00", "\x1b[0m", "\n", "\u202e", "AND", "*", "'"]),
    st.sampled_from(["waste", "économie", "ciudad", "'; DROP TABLE records;--", "title:x^2 ~3 [a TO b]", "NEAR(a b)"]),
)


@given(st.lists(parts, max_size=25).map("".join))
@example('"' * 999)
@example("-" * 10_000)
@example("a" * 10_000)
@example('"a" -"b' * 1_500)
@example("\x00" * 10_000)
def test_no_input_is_an_error_and_what_comes_out_is_clean(typed: str) -> None:
    found = parse(typed)
    for text in (found.text, *found.phrases, *found.excluded):
        assert text.isprintable()
        assert '"' not in text
        assert text == text.strip()
    assert all(any(one.isalnum() or one == "_" for one in text) for text in (*found.phrases, *found.excluded))
    assert found.text == " ".join(found.text.split())


@given(st.lists(st.from_regex(r"[a-zé0-9]{1,8}", fullmatch=True), min_size=1, max_size=6))
def test_plain_words_are_the_question(words: list[str]) -> None:
    assert parse("  ".join(words)) == Parsed(" ".join(words), (), ())


@given(st.lists(st.from_regex(r"[a-zé]{1,8}( [a-zé]{1,8})?", fullmatch=True), min_size=1, max_size=4), st.data())
def test_what_is_quoted_is_a_phrase_and_what_has_a_minus_is_excluded(texts: list[str], data: st.DataObject) -> None:
    kind = st.sampled_from(['"{}"', '-"{}"', "“{}”", "« {} »"])
    kinds = data.draw(st.lists(kind, min_size=len(texts), max_size=len(texts)))
    found = parse(" ".join(kind.format(text) for kind, text in zip(kinds, texts, strict=True)))
    excluded = [text for kind, text in zip(kinds, texts, strict=True) if kind.startswith("-")]
    phrases = [text for kind, text in zip(kinds, texts, strict=True) if not kind.startswith("-")]
    assert found == Parsed(" ".join(phrases), tuple(phrases), tuple(excluded))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ('waste "cable car" -plastic', Parsed("waste cable car", ("cable car",), ("plastic",))),
        ('-"open dumps" waste', Parsed("waste", (), ("open dumps",))),
        ("low-carbon cities", Parsed("low-carbon cities", (), ())),
        ("2020 - 2030", Parsed("2020 2030", (), ())),
        ('the "lone quote', Parsed("the lone quote", (), ())),
        ('"two" quotes" here', Parsed("two quotes here", ("two",), ())),
        ('""', Parsed("", (), ())),
        ('"..." -...', Parsed("", (), ())),
        ("«\u202fville durable\u202f»", Parsed("ville durable", ("ville durable",), ())),
        ('"waste \t management"', Parsed("waste management", ("waste   management",), ())),
        ("-plastic", Parsed("", (), ("plastic",))),
        ("l'eau -l'air", Parsed("l'eau", (), ("l'air",))),
        ("", Parsed("", (), ())),
    ],
)
def test_examples(typed: str, expected: Parsed) -> None:
    assert parse(typed) == expected


def test_an_accent_that_stands_by_itself_joins_its_letter() -> None:
    assert parse("de\u0301chet") == parse("déchet")
