"""Telling languages, in articles and in questions of a few words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py3langid import langid  # type: ignore[import-untyped]

from qa_service.text.language import detect_language, load_language_model

SENTENCES = [
    ("ar", "يعيش البطريق في المناطق الباردة من نصف الكرة الجنوبي."),
    ("ar", "متى استقال وزير الخارجية؟"),
    ("ar", "كم عدد القتلى؟"),
    ("fa", "پنگوئن‌ها در مناطق سرد نیمکره جنوبی زندگی می‌کنند."),
    ("fa", "چه کسی استعفا داد؟"),
    ("ur", "پینگوئن جنوبی نصف کرے کے سرد علاقوں میں رہتے ہیں۔"),
    ("ur", "کس نے استعفیٰ دیا؟"),
    ("ps", "د افغانستان پلازمېنه کابل ده او خلک یې په پښتو خبرې کوي."),
    ("he", "הפינגווינים חיים באזורים הקרים של חצי הכדור הדרומי."),
    ("en", "Penguins live in the cold parts of the southern hemisphere."),
    ("en", "Who resigned?"),
    ("fr", "Les manchots vivent dans les régions froides de l'hémisphère sud."),
    ("fr", "Combien de soldats sont morts ?"),
    ("es", "Los pingüinos viven en las zonas frías del hemisferio sur."),
    ("es", "¿Cuándo se abrió el canal?"),
    ("pt", "Os pinguins vivem nas regiões frias do hemisfério sul e não voam."),
    ("pt", "Quando foi aberto o canal?"),
    ("it", "I pinguini vivono nelle regioni fredde dell'emisfero australe."),
    ("de", "Pinguine leben in den kalten Gebieten der Südhalbkugel."),
    ("de", "Wie viele Soldaten starben?"),
    ("nl", "Pinguïns leven in de koude streken van het zuidelijk halfrond."),
    ("sv", "Pingviner lever i de kalla delarna av södra halvklotet."),
    ("da", "Pingviner lever i de kolde dele af den sydlige halvkugle, og de kan ikke flyve."),
    ("no", "Pingviner lever i de kalde delene av den sørlige halvkule, og de kan ikke fly."),
    ("fi", "Pingviinit elävät eteläisen pallonpuoliskon kylmillä alueilla."),
    ("pl", "Pingwiny żyją w zimnych rejonach półkuli południowej."),
    ("cs", "Tučňáci žijí v chladných oblastech jižní polokoule."),
    ("ro", "Pinguinii trăiesc în regiunile reci ale emisferei sudice."),
    ("hu", "A pingvinek a déli félteke hideg vidékein élnek."),
    ("tr", "Penguenler güney yarımkürenin soğuk bölgelerinde yaşar."),
    ("tr", "Kaç asker öldü?"),
    ("id", "Penguin hidup di daerah dingin di belahan bumi selatan."),
    ("vi", "Chim cánh cụt sống ở những vùng lạnh của Nam bán cầu."),
    ("sw", "Pengwini wanaishi katika maeneo ya baridi ya kusini mwa dunia."),
    ("ru", "Пингвины живут в холодных районах южного полушария."),
    ("ru", "Кто подал в отставку?"),
    ("uk", "Пінгвіни живуть у холодних районах південної півкулі."),
    ("uk", "Коли відкрили канал?"),
    ("bg", "Пингвините живеят в студените части на южното полукълбо."),
    ("bg", "Кога беше открит каналът?"),
    ("sr", "Пингвини живе у хладним пределима јужне Земљине полулопте."),
    ("kk", "Пингвиндер оңтүстік жарты шардың суық аймақтарында тіршілік етеді."),
    ("el", "Οι πιγκουίνοι ζουν στις ψυχρές περιοχές του νότιου ημισφαιρίου."),
    ("hi", "पेंगुइन दक्षिणी गोलार्ध के ठंडे इलाकों में रहते हैं।"),
    ("hi", "नहर कब खुली?"),
    ("mr", "पेंग्विन दक्षिण गोलार्धातील थंड प्रदेशात राहतात आणि ते उडू शकत नाहीत."),
    ("ne", "पेन्गुइनहरू दक्षिणी गोलार्धका चिसा ठाउँमा बस्छन् र उड्न सक्दैनन्।"),
    ("bn", "পেঙ্গুইন দক্ষিণ গোলার্ধের শীতল অঞ্চলে বাস করে।"),
    ("ta", "பெங்குவின்கள் தென் அரைக்கோளத்தின் குளிர்ந்த பகுதிகளில் வாழ்கின்றன."),
    ("te", "పెంగ్విన్లు దక్షిణార్ధగోళంలోని చల్లని ప్రాంతాలలో నివసిస్తాయి."),
    ("th", "เพนกวินอาศัยอยู่ในเขตหนาวของซีกโลกใต้"),
    ("my", "ပင်ဂွင်းများသည် တောင်ပိုင်းတွင် နေထိုင်ကြသည်။"),
    ("km", "ភេនឃ្វីនរស់នៅតំបន់ត្រជាក់។"),
    ("ka", "პინგვინები სამხრეთ ნახევარსფეროს ცივ ადგილებში ცხოვრობენ."),
    ("hy", "Պինգվինները ապրում են հարավային կիսագնդի ցուրտ վայրերում։"),
    ("am", "ፔንግዊኖች በደቡባዊው ንፍቀ ክበብ ይኖራሉ።"),
    ("zh", "企鹅生活在南半球的寒冷地区。"),
    ("zh", "企鵝生活在南半球的寒冷地區。"),
    ("zh", "运河何时开通？"),
    ("ja", "ペンギンは南半球の寒い地域に住んでいる。"),
    ("ja", "運河はいつ開通したか"),
    ("ko", "펭귄은 남반구의 추운 지역에 산다."),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text"), SENTENCES)
def test_one_sentence_is_enough(language: str, text: str) -> None:
    """Articles' sentences and short questions are told in many languages."""
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh", "Energiprojekt AB公司位于何处？"),
        ("ar", "أين يقع مقر شركة Energiprojekt AB؟"),
        ("ru", "Что делала компания Tesla Electric Light & Manufacturing?"),
        ("en", "who is مناتساكانيان and what did he do?"),
        ("th", "บริษัท Google ก่อตั้งเมื่อใด"),
        ("hi", "DECnet क्या है"),
        ("ja", "NASAの本部はワシントンにある"),
        (
            "ar",
            "اقرأ https://example.org/some/english/path خبر عاجل عن الهدنة في المدينة",
        ),
    ],
)
def test_names_in_another_script_do_not_mislead(language: str, text: str) -> None:
    """The language is that of the words around a name or an address."""
    assert detect_language(text) == language


@pytest.mark.parametrize("text", ["", "   ", "12345", "?!…", "😀😀", "٢٠٢٠", "Mnatsakanyan", "OK"])
def test_what_cannot_be_told_is_undetermined(text: str) -> None:
    """No letters, or a bare name, tell no language."""
    assert detect_language(text) == "und"


@given(st.text())
def test_any_text_gets_the_same_answer_every_time(text: str) -> None:
    """An answer always comes, and always the same."""
    language = detect_language(text)
    assert language == "und" or (language.isalpha() and len(language) == 2)
    assert detect_language(text) == language


def test_threads_agree() -> None:
    """Many threads at once see what one sees."""
    texts = [text for _, text in SENTENCES] * 3
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(detect_language, texts)) == [detect_language(text) for text in texts]


def test_model_can_be_loaded_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once loaded, the statistical model is not loaded again by the first text to tell."""
    load_language_model()

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("loaded again")

    monkeypatch.setattr(langid.LanguageIdentifier, "from_model_file", fail)
    assert detect_language("Who resigned?") == "en"
