"""Fields that files give about an article come out in one form, whatever they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.corpus.article_fields import FieldNames, as_line, draft_from_fields, language_code

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("  قناة\nالسويس\t2021 ", "قناة السويس 2021"),
        ("运河\u3000全长", "运河 全长"),
        ("ตลาด\r\nน้ำ", "ตลาด น้ำ"),
        (["अनिल", "", None, "王芳"], "अनिल, 王芳"),
        ({"@type": "Person", "name": "Анна"}, "Анна"),
        ([{"name": "سارة"}, {"name": ["一", "二"]}], "سارة, 一, 二"),
        (1869, "1869"),
        (0.5, "0.5"),
        ("x" * 3000, "x" * 2000),
        ("", None),
        (" \n\u00a0", None),
        (None, None),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
        ([], None),
        ({"no": "name"}, None),
    ],
)
def test_a_field_becomes_one_line(value: object, line: str | None) -> None:
    """Several values are joined, what says nothing is nothing, and a line is never endless."""
    assert as_line(value) == line


@given(ANYTHING)
def test_whatever_a_field_holds_it_is_a_line_or_nothing(value: object) -> None:
    """Never empty, never with a line end."""
    line = as_line(value)
    assert line is None or line == " ".join(line.split()) != ""


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("ar-EG", "ar"),
        ("zh_Hant_TW", "zh"),
        (" TH ", "th"),
        ("hin", "hi"),
        ("iw", "he"),
        ("nb-NO", "no"),
        ("ckb", "ckb"),
        ("العربية", None),
        ("中文", None),
        ("english", None),
        ("e", None),
        ("", None),
        ("en; q=1", None),
    ],
)
def test_language_tags(tag: str, code: str | None) -> None:
    """Regions and scripts go, old and three-letter codes become those of today, names are none."""
    assert language_code(tag) == code


@pytest.mark.parametrize(
    ("published", "day"),
    [
        (1_605_484_800, "2020-11-16"),
        (1_605_484_800_000, "2020-11-16"),
        (0, "1970-01-01"),
        (-86_400.0, "1969-12-31"),
        ("١٦ نوفمبر ٢٠٢٠", "١٦ نوفمبر ٢٠٢٠"),
        (["2020年11月16日"], "2020年11月16日"),
        (float("nan"), None),
        (1e300, None),
        (True, None),
    ],
)
def test_timestamps_become_days(published: object, day: str | None) -> None:
    """Seconds and milliseconds since 1970; what is written as text stays for who reads dates."""
    draft = draft_from_fields("نص", {"published": published}, FieldNames())
    assert draft.published == day


def test_fields_go_by_their_most_usual_name_and_the_rest_is_kept() -> None:
    """A name that says nothing leaves the field to the next one; unknown fields are metadata."""
    names = FieldNames(title=("title", "headline"), source=("source", "publisher"))
    fields = {
        "headline": "عنوان",
        "title": " ",
        "publisher": {"name": "通讯社"},
        "source": "สำนักข่าว",
        "section": "देश",
        "empty": "",
        "none": None,
    }
    draft = draft_from_fields("نص", fields, names, line=7)
    assert (draft.title, draft.source, draft.line) == ("عنوان", "สำนักข่าว", 7)
    assert draft.metadata == {"title": " ", "publisher": {"name": "通讯社"}, "section": "देश"}
    assert set(fields) == {
        "headline", "title", "publisher", "source", "section", "empty", "none"
    }  # fmt: skip
