"""Terms: spellings that mean the same meet, in every script, and others stay apart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_service.text.terms import ANALYZER_VERSION, Analyzer

ANALYZER = Analyzer()
LANGUAGES = ["ar", "de", "en", "fa", "he", "hi", "ja", "ko", "ru", "th", "tr", "und", "vi", "zh"]
ANY_TEXT = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(" .,'’-0٣१aZéıİбЩёهةأىکی\u200c\u0640\u064eहि\u093fक\u094dที่กัカ漢한\u0301"),
    ),
    max_size=80,
)


def words(text: str, language: str) -> list[str]:
    """Return the terms that are neither grams nor name keys."""
    return [term for term in ANALYZER.terms(text, language) if term[0] not in "~@"]


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        ("ar", "والهدنة", "هدنة"),
        ("ar", "الهُدْنَة", "هدنة"),
        ("ar", "فالهدنة", "الهدنة"),
        ("ar", "بالهدنة", "للهدنة"),
        ("ar", "كالهدنة", "هدنـــة"),
        ("ar", "أرمينيا", "ارمينيا"),
        ("ar", "إسلام", "اسلام"),
        ("ar", "مستشفى", "مستشفي"),
        ("ar", "ﻻعب", "لاعب"),
        ("fa", "کتاب", "كتاب"),
        ("ur", "یورپ", "يورپ"),
        ("he", "שָׁלוֹם", "שלום"),
        ("he", 'צה"ל', "צהל"),
        ("hi", "लड़कियों", "लड़कियां"),
        ("ru", "перемирия", "перемирие"),
        ("ru", "Ёлка", "елка"),
        ("uk", "м'ята", "м’ята"),
        ("el", "ΕΛΛΆΔΑ", "Ελλάδα"),
        ("tr", "ISPARTA", "ısparta"),
        ("tr", "İstanbul'un", "İstanbul'un"),
        ("en", "İstanbul", "istanbul"),
        ("en", "ceasefires", "ceasefire"),
        ("de", "Straße", "STRASSE"),
        ("de", "Häuser", "Häusern"),
        ("fr", "élevées", "ÉLEVÉE"),
        ("es", "Muñoz", "Munoz"),
        ("pl", "Łódź", "Lodz"),
        ("vi", "Hồ", "hồ"),
        ("zh", "ＮＢＡ", "nba"),
        ("ja", "ｶﾅ", "カナ"),
        ("mr", "क्\u200dष", "क्ष"),
        ("xx", "co\u00adoperate", "cooperate"),
    ],
)
def test_spellings_that_mean_the_same_meet(language: str, first: str, second: str) -> None:
    """Case, marks, clitics, inflections and forms of letters do not keep words apart."""
    assert words(first, language) == words(second, language) != []


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        ("ar", "هدنة", "هدف"),
        ("ar", "البان", "بان كي"),
        ("hi", "कि", "की"),
        ("vi", "má", "mà"),
        ("th", "กา", "ก่า"),
        ("ru", "мир", "мэр"),
    ],
)
def test_words_that_differ_stay_apart(language: str, first: str, second: str) -> None:
    """Marks that carry meaning are kept, and no folding goes too far."""
    assert ANALYZER.terms(first, language) != ANALYZER.terms(second, language)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234", "1234"),
        ("1.234", "1234"),
        ("1 234", "1234"),
        ("1\u00a0234", "1234"),
        ("١٬٢٣٤", "1234"),
        ("१,२३४", "1234"),
        ("๑,๒๓๔", "1234"),
        ("１，２３４", "1 234"),  # a full-width comma separates clauses
        ("1’234’567", "1234567"),
        ("12,34,567", "1234567"),
        ("37.6", "37.6"),
        ("37,6", "37.6"),
        ("٣٧٫٦", "37.6"),
        ("37,60", "37.6"),
        ("007", "7"),
        ("0", "0"),
        ("0,5", "0.5"),
    ],
)
def test_numbers_meet_across_scripts(text: str, expected: str) -> None:
    """Digits of every script, and the marks of thousands and decimals, give one spelling."""
    assert " ".join(ANALYZER.terms(text, "und")) == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("12.05.2020", "de", ["12", "05", "2020"]),
        ("2020-11-16", "en", ["2020", "11", "16"]),
        ("16 نوفمبر ٢٠٢٠", "ar", ["16", "نوفمبر", "2020"]),
        ("2020年11月16日", "zh", ["2020", "年", "11", "月", "16", "日"]),
        ("1990s", "en", ["1990", "s"]),
        ("COVID-19", "en", ["covid", "19"]),
    ],
)
def test_dates_fall_into_their_parts(text: str, language: str, expected: list[str]) -> None:
    """Day, month and year are terms of their own, and so are digits beside letters."""
    assert words(text, language) == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("停火协议", "zh", ["停火", "火协", "协议", "~停", "~火", "~协", "~议"]),
        ("火", "zh", ["火"]),
        ("カタカナ語", "ja", ["カタ", "タカ", "カナ", "ナ語"]),
        ("안녕하세요", "ko", ["안녕", "녕하", "하세", "세요"]),
        ("หยุดยิง", "th", ["หยุด", "ยุดยิ", "ดยิง", "หยุดยิ", "ยุดยิง"]),
        ("ສະບາຍ", "lo", ["ສະບ", "ະບາ", "ບາຍ", "ສະບາ", "ະບາຍ"]),
        ("ကြက်သား", "my", ["ကြက်", "က်သ", "သာ"]),
        ("NFL总决赛", "zh", ["nfl", "~_nfl", "~nfl_", "@nfl", "总决"]),
    ],
)
def test_unspaced_scripts_give_overlapping_pieces(
    text: str, language: str, expected: list[str]
) -> None:
    """Where no space parts words, terms are neighbouring characters with their marks."""
    terms = ANALYZER.terms(text, language)
    assert terms[: len(expected)] == expected


def test_indic_marks_stay_with_their_word() -> None:
    """Vowel signs, viramas and joiners do not break a word."""
    assert len(words("राष्ट्रपति", "mr")) == 1
    assert len(words("বাংলাদেশের", "bn")) == 1
    assert len(words("தமிழ்நாட்டில்", "ta")) == 1


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("l'homme", "fr", "homm"),
        ("d’Artagnan", "fr", "artagnan"),
        ("dell'acqua", "it", "acqua"),
        ("Türkiye'nin", "tr", "turki"),
        ("Lavrov's", "en", "lavrov"),
        ("Jean-Claude", "fr", "claud"),
    ],
)
def test_elisions_and_hyphens_part_words(text: str, language: str, expected: str) -> None:
    """What hangs on by an apostrophe or a hyphen is another term."""
    assert expected in words(text, language)


def test_grams_find_what_no_stemmer_knows() -> None:
    """Inflections of a language without a stemmer, parts of compounds and misspelt words meet."""
    for passage, question, language in (
        ("Yerevanissakin", "Yerevan", "xx"),
        ("Waffenstillstandsabkommen", "Waffenstillstand", "de"),
        ("בירושלים", "ירושלים", "he"),
        ("Mnatsakanian", "Mnatsakanyan", "en"),
        ("ولافروف", "لافروف", "ar"),
        ("বাংলাদেশের", "বাংলাদেশ", "bn"),
    ):
        grams = {term for term in ANALYZER.terms(passage, language) if term[0] == "~"}
        assert len(grams & set(ANALYZER.question_terms(question, [language]))) >= 2


def test_a_name_is_asked_for_in_another_script() -> None:
    """An English question and an Arabic passage share a name's key and a number, nothing else."""
    passage = ANALYZER.terms("وصل مناتساكانيان ولافروف في ١٠ أكتوبر ٢٠٢٠", "ar")
    question = ANALYZER.question_terms(
        "When in 2020 did Mnatsakanyan meet Lavrov?", ["en", "ar"], ["ar"]
    )
    assert set(passage) & set(question) == {"2020", "@mntskn", "@lfrf"}


def test_a_question_whose_script_no_passage_has_keeps_numbers_and_names() -> None:
    """Its common words would meet the few foreign words of a passage by accident."""
    terms = ANALYZER.question_terms("Who signed the treaty in 1999?", ["en", "zh"], ["zh"])
    assert "1999" in terms
    assert all(term == "1999" or term.startswith("@") for term in terms)
    assert "treati" in ANALYZER.question_terms("the treaty", ["en", "zh"], ["zh", "en"])
    assert "treati" in ANALYZER.question_terms("the treaty", ["en", "zh"])


def test_a_mistaken_language_is_made_up_for() -> None:
    """A question taken for Persian is stemmed as Arabic, too, if the passages are Arabic."""
    passage = set(ANALYZER.terms("الهدنة", "ar"))
    assert "هدن" in passage & set(ANALYZER.question_terms("والهدنة", ["fa", "ar", "en"]))


def test_a_question_in_a_language_of_the_corpus_is_stemmed_in_it_alone() -> None:
    """Stems of other languages would only add noise; grams bridge related languages."""
    terms = ANALYZER.question_terms("ceasefires", ["en", "de"], ["de", "en"])
    assert [term for term in terms if term[0] not in "~@"] == words("ceasefires", "en")


def test_a_question_in_two_scripts_is_analysed_in_both() -> None:
    """Each word is taken by its own script."""
    terms = ANALYZER.question_terms("ماذا قال Lavrov عن 停火 ?", ["ar", "en", "zh"])
    assert {"lavrov", "停火", "~lavr"} <= set(terms)
    assert "@lfrf" in terms


@pytest.mark.parametrize("text", ["", "؟ !", "\u200f\u0640", "😀", "\ud800", "\x00"])
def test_text_without_words_has_no_terms(text: str) -> None:
    """Punctuation, emoji, marks and lone surrogates are no terms."""
    assert ANALYZER.terms(text, "ar") == []
    assert ANALYZER.question_terms(text, ["ar", "en"]) == []
    assert ANALYZER.question_terms(text, []) == []


def test_words_weigh_more_than_grams_and_keys() -> None:
    """Weights follow the kinds of terms, one each."""
    terms = ANALYZER.question_terms("Lavrov 2020 停火", ["zh", "en"])
    weights = dict(zip(terms, ANALYZER.weights(terms), strict=True))
    assert weights["lavrov"] == weights["2020"] == weights["停火"] == 1
    assert weights["~lavr"] == weights["~停"] < weights["@lfrf"] < 1


def test_a_word_that_is_all_suffix_is_kept() -> None:
    """Where a stemmer leaves nothing of a word, the word itself is the term."""
    assert words("ları", "tr") == ["lari"]


def test_huge_words_are_cut() -> None:
    """A word of a million letters gives short terms, quickly."""
    terms = ANALYZER.terms("ب" * 1_000_000 + " " + "a\u0301" * 100_000, "ar")
    assert 0 < len(terms) < 300
    assert max(map(len, terms)) < 80


def test_threads_may_share_an_analyzer() -> None:
    """Stemmers, which are not safe to share, are each thread's own."""
    texts = [
        f"{word} number {n}" for n in range(100) for word in ("running", "ceasefires", "cities")
    ]
    expected = [Analyzer().terms(text, "en") for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: ANALYZER.terms(text, "en"), texts)) == expected


@settings(max_examples=300, deadline=None)
@given(text=ANY_TEXT, language=st.sampled_from(LANGUAGES))
def test_passage_and_question_agree(text: str, language: str) -> None:
    """A question that quotes a passage in its language has exactly its terms, fit for the index."""
    terms = ANALYZER.terms(text, language)
    assert set(terms) == set(ANALYZER.question_terms(text, [language]))
    assert set(terms) == set(ANALYZER.question_terms(text, [language, "en"], {language, "en"}))
    for term in terms:
        assert len(term.split()) == 1
        assert term.encode()
        assert len(term) < 80


@settings(max_examples=100, deadline=None)
@given(text=ANY_TEXT, language=st.sampled_from(LANGUAGES))
def test_case_does_not_matter(text: str, language: str) -> None:
    """Capitals of cased scripts give the same terms where casing goes both ways."""
    if language != "tr" and text.casefold() == text.upper().casefold():
        assert ANALYZER.terms(text, language) == ANALYZER.terms(text.upper(), language)


def test_the_version_is_part_of_the_contract() -> None:
    """The version is a non-empty string, written into the index manifest."""
    assert ANALYZER_VERSION
