"""Sentences in many scripts: where they end, where they do not, and that nothing is lost."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_service.text.sentences import (
    MAX_SENTENCE_CHARS,
    MAX_UNSPACED_CHARS,
    cut_long,
    ends_with_stop,
    split_sentences,
)
from qa_service.types import Span

ANY_TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(" \n\r\t.!?؟。।…:,،\"“”«»()[]'’0٣aZбЩहि的กัあ한\u0301\u200d👩🏽🇫🇷"),
    ),
    max_size=300,
)


def pieces(text: str, language: str = "und") -> list[str]:
    """Return the sentences as text."""
    return [text[span.start : span.end] for span in split_sentences(text, language)]


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        ("ar", "قال د. أحمد إن الهدنة، التي وُقّعت، سارية.|هل صحيح؟|نعم!|انتهى."),
        ("ar", "حضر أ. د. محمد علي (انظر ص. 5) الحفل.|ثم ذهب.."),
        ("ar", "حدث ذلك عام 1441 هـ.|وكان في 2020 م.|وقال آخرون غير ذلك."),
        ("ar", "تأسست شركة ش.م.م. كبيرة قبل 500 ق.م. في المدينة.|وانتهت."),
        ("ar", "انتهت الحرب.|وقال الوزير كلا."),
        ("ar", "قال: «هذا أول. هذا ثان.»|ثم ذهب."),
        ("ar", "كتب ميشيل إ. مان ورايموند إس. برادلي ورقة.|وصدرت."),
        ("fa", "م. احمدی آمد.|چرا؟|در ۵۰۰ ق.م. بود."),
        ("ur", "یہ ہے۔|ڈاکٹر آئے۔|کیا؟"),
        ("he", 'ד"ר כהן בא.|מה?|כן.'),
        ("hi", "यह है।|डॉ. शर्मा आए।|ए. पी. जे. अब्दुल कलाम।|एम. एस. धोनी खेले।"),
        ("mr", "हे आहे.|ते डॉ. पाटील होते.|संपले."),
        ("bn", "এটি এক।|ড. রহমান এলেন।|মো. আলী কী?"),
        ("zh", "你好。|他说：“走吧。”|然后走了！|好吗？|（是的。）|3．5元。"),
        ("ja", "彼は「行こう。」と言った。|そして去った！|本当？|（はい。）|はい．|次"),
        ("ko", "안녕하세요.|박사는 3.5를 썼다.|할 수.|그"),
        ("km", "នេះជា។|ទីពីរ៕|ទី"),
        ("my", "မြန်မာ။|စာ၊ ဖြစ်၏။"),
        ("bo", "བོད་ཡིག །|གཉིས་པ།"),
        ("am", "ይህ ነው።|ምን፧|ዛሬ፡፡|ነገ"),
        ("hy", "Սա մեկն է։|Սա երկուսն է:|Երրորդ։"),
        ("el", "Τι είναι;|Ο κ. Παπαδόπουλος ήρθε.|π.χ. αυτό."),
        ("lo", "ສະບາຍດີ.|ຂ້ອຍ"),
        ("en", "Dr. Smith and J. K. Rowling met George W. Bush in the U.S. at 5 p.m. on Oct. 3."),
        ("en", "See Fig. 3 and No. 5.|It costs 3.5 million.|It was [1].|Third.[3]|Fourth.|Fifth."),
        ("en", "“Hello. How are you?” he said.|(He left. Then.)|It is approx. five."),
        (
            "en",
            'It is 5" wide.|Next.|Another 6" wide.|Yahoo! is old.|Cats etc., and more.',
        ),
        ("en", "Visit www.example.com or a?b=c now.|It ended.Then more."),
        ("en", "1. First item.|2. Second item.|• one.|• two."),
        ("de", "Am 5. August kam Dr. Müller im 19. Jahrhundert.|Er sagte: „Gut. So.“|Ende."),
        ("tr", "19. yüzyılda M.Ö. 5. yüzyıl.|Prof. Dr. Ali II. Dünya Savaşı'nda geldi."),
        ("ru", "В 1990 г. на ул. Ленина А. С. Пушкин родился.|Потом ушёл.|Он сказал им.|Да."),
        ("ru", "Руководил этим Николас Э. Головин.|Фонд в 37,6 млрд. долларов."),
        ("ru", "«Да. Нет», — сказал он.|Всё."),
        ("es", "El Sr. García y la Dra. López.|¿Qué?|¡No!|En el siglo I a. C. y d. C. fue así."),
        ("fr", "M. Dupont et Mme. Durand.|« Bonjour. Ça va ? » dit-il.|« Oui. »|Il part."),
        ("vi", "TP. Hồ Chí Minh và GS. Nguyễn.|Đây là."),
        ("und", "The minister said د. أحمد came.|Он ушёл.|他走了。|वह गया।|End."),
    ],
)
def test_sentences_end_where_a_reader_ends_them(language: str, marked: str) -> None:
    """Stops end sentences in each script; abbreviations, initials and quotations do not."""
    expected = marked.split("|")
    joint = "" if language in ("zh", "ja") else " "
    text = joint.join(expected)
    if "ended.Then" in text:
        expected[-1:] = ["It ended.", "Then more."]
    assert pieces(text, language) == expected


def test_a_missing_space_in_arabic_is_seen() -> None:
    """A full stop between two Arabic words without a space ends a sentence; in a number not."""
    assert pieces("انتهت الحرب.وقال الوزير 3.5 فقط", "ar") == [
        "انتهت الحرب.",
        "وقال الوزير 3.5 فقط",
    ]


def test_line_breaks_of_every_kind_end_sentences() -> None:
    """LF, CRLF, CR, NEL and the Unicode separators end a sentence without a stop."""
    assert pieces("一\r\n二\n\nثلاثة\r四\u2028पाँच\u0085six") == [
        "一",
        "二",
        "ثلاثة",
        "四",
        "पाँच",
        "six",
    ]


def test_list_items_stay_whole() -> None:
    """A bullet or a number stays with its item."""
    text = "- بند أول\n* second, item\n3) третий\n• 四"
    assert pieces(text) == ["- بند أول", "* second, item", "3) третий", "• 四"]


def test_thai_is_divided_at_its_spaces() -> None:
    """Thai, which has no full stop, is divided at spaces, but not around numbers or «พ.ศ.»."""
    clauses = [
        "ประเทศไทย หรือชื่อทางการว่า ราชอาณาจักรไทย เป็นรัฐชาติอันตั้งอยู่ในภูมิภาคเอเชียตะวันออกเฉียงใต้",
        'เดิมมีชื่อว่า "สยาม" รัฐบาลประกาศเปลี่ยนชื่อเป็นประเทศไทยอย่างเป็นทางการตั้งแต่ปี พ.ศ. 2482',
    ]
    found = pieces(
        " ".join([*clauses, "และมีประชากรมากเป็นอันดับที่ 20 ของโลก คือ ประมาณ 66 ล้านคน"]), "th"
    )
    assert found[0] == clauses[0]
    assert len(found) >= 2
    assert not any(piece.startswith(("พ.ศ.", "2482", "20", "66")) for piece in found)


def test_a_short_thai_text_is_one_sentence() -> None:
    """Spaces in a short Thai line do not tear it apart."""
    assert pieces("สวัสดีครับ ผมชื่อสมชาย", "th") == ["สวัสดีครับ ผมชื่อสมชาย"]


@pytest.mark.parametrize(
    ("unit", "limit"),
    [
        ("a", MAX_SENTENCE_CHARS),
        ("كلمة وأخرى، ", MAX_SENTENCE_CHARS),
        ("字", MAX_UNSPACED_CHARS),
        ("ไทย", MAX_UNSPACED_CHARS),
        ("👩🏽‍🚀", MAX_SENTENCE_CHARS),
        ("e\u0301\u0323", MAX_SENTENCE_CHARS),
        ("\u0301", MAX_SENTENCE_CHARS),
        ("🇫🇷", MAX_SENTENCE_CHARS),
        ("हिन्दी", MAX_SENTENCE_CHARS),
        ('" (', MAX_SENTENCE_CHARS),
    ],
)
def test_one_huge_sentence_is_cut_between_grapheme_clusters(unit: str, limit: int) -> None:
    """A sentence of 200 000 characters comes back in pieces that fit and cut no cluster."""
    text = unit * (200_000 // len(unit))
    spans = split_sentences(text, "und")
    assert all(0 < len(span) <= limit for span in spans)
    assert (
        "".join(text[span.start : span.end] for span in spans) == text.replace(" ", "")
        or " " in unit
    )
    if len(regex.findall(r"\X", unit)) == len(unit) and unit != "\u0301":
        return
    if unit != "\u0301":
        boundaries = {match.start() for match in regex.finditer(r"\X", text[:4000])}
        assert all(span.start in boundaries for span in spans if span.start < 3900)


def test_cuts_prefer_commas_then_spaces() -> None:
    """The last comma of the second half is the best place to cut, then the last space."""
    text = "كلمة أولى ثم ثانية، وثالثة ثم رابعة طويلة جدا"
    first = cut_long(text, Span(0, len(text)), 30)[0]
    assert text[first.start : first.end] == "كلمة أولى ثم ثانية،"
    text = "one two three four five six"
    assert [text[s.start : s.end] for s in cut_long(text, Span(4, len(text)), 12)] == [
        "two three",
        "four five",
        "six",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("انتهى.", True),
        ("عنوان الخبر", False),
        ("他走了。”", True),
        ("标题", False),
        ("यह है।", True),
    ],
)
def test_headings_have_no_stop(line: str, expected: bool) -> None:
    """A line's last stop is seen behind closing quotation marks."""
    assert ends_with_stop(line) is expected


def test_lone_surrogates_are_survived() -> None:
    """Text that has no UTF-8 form is split all the same."""
    assert pieces("a \ud800 box. Then c.", "en") == ["a \ud800 box.", "Then c."]


@settings(max_examples=300, deadline=None)
@given(text=ANY_TEXT, language=st.sampled_from(["ar", "en", "th", "zh", "hi", "de", "und", "xx"]))
def test_every_character_lies_in_one_sentence(text: str, language: str) -> None:
    """Spans are in order, disjoint, trimmed, and leave out nothing but white space."""
    spans = split_sentences(text, language)
    end = 0
    for span in spans:
        assert text[end : span.start].strip() == ""
        assert span.start >= end
        assert text[span.start : span.end] == text[span.start : span.end].strip() != ""
        end = span.end
    assert text[end:].strip() == ""


@settings(max_examples=200, deadline=None)
@given(text=ANY_TEXT, max_chars=st.integers(1, 90))
def test_cutting_loses_nothing_and_keeps_the_limit(text: str, max_chars: int) -> None:
    """Pieces of a cut span are within the limit and hold all but white space."""
    cut = cut_long(text, Span(0, len(text)), max_chars)
    assert all(0 < len(span) <= max_chars for span in cut)
    assert "".join("".join(text[span.start : span.end].split()) for span in cut) == "".join(
        text.split()
    )
