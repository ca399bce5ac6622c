"""The real service over real articles: found across languages, and nothing of the boilerplate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qa_service.config import load_settings
from qa_service.types import Answer, Question

if TYPE_CHECKING:
    from qa_service.service import Service

REPORTS = Path(os.environ.get("SHARED_SEEDS") or Path(__file__).parents[1] / "../shared/seeds")

# Question, its language, the article that answers it, and what the passage must hold.
ACROSS = (
    ("متى افتتحت قناة السويس؟", "ar", "en/suez-canal.md", "1869"),
    ("من فاز بأول سباق طواف فرنسا؟", "ar", "fr/tour-de-france.md", "Garin"),
    ("من اخترع الطباعة بالحروف المتحركة؟", "ar", "de/gutenberg", "Gutenberg"),
    ("كم يبلغ طول سور الصين العظيم؟", "ar", "zh/great-wall.txt", "公里"),
    ("Who excavated Göbeklitepe?", "en", "tr/gobeklitepe.md", "Schmidt"),
    ("Where in the leaf does photosynthesis happen?", "en", "hi/photosynthesis.txt", "हरितलवक"),
    ("How long does the Trans-Siberian railway stretch?", "en", "ru/transsib.md", "9288"),
    ("When do Iranians celebrate Nowruz?", "en", "fa/nowruz", "مارس"),
    ("Quand le canal de Suez a-t-il été inauguré ?", "fr", "en/suez-canal.md", "1869"),
    (
        "Combien de soldats arméniens ont été tués en septembre 2022 ?",
        "fr",
        "ar/un-emergency-session-september-2022.md",
        "105",
    ),
    ("Кто выиграл первый Тур де Франс?", "ru", "fr/tour-de-france.md", "Garin"),
    ("Какова длина Великой Китайской стены?", "ru", "zh/great-wall.txt", "公里"),
    ("Hangi penguen en hızlı yüzer?", "tr", "en/penguins.html", "Gentoo"),
    ("Nevruz ne zaman kutlanır?", "tr", "fa/nowruz", "بهار"),
    (
        "¿Cuántos puestos de observación estableció Rusia en Karabaj?",
        "es",
        "ar/karabakh-peacekeepers.md",
        "25",
    ),
    ("माचू पिच्चू किसने बनवाया था?", "hi", "es/machu-picchu.txt", "Pachacútec"),
    ("谁发明了活字印刷机？古腾堡在哪个城市？", "zh", "de/gutenberg", "Mainz"),
    ("西伯利亚大铁路有多长？", "zh", "ru/transsib.md", "километров"),
    ("Wie tief tauchen Kaiserpinguine?", "de", "en/penguins.html", "564"),
    ("Wer gründete die Suezkanal-Gesellschaft?", "de", "en/suez-canal.md", "Lesseps"),
    (
        "رئیس‌جمهور فرانسه درباره قره‌باغ چه گفت؟",
        "fa",
        "ar/karabakh-calls-for-calm.md",
        "ماكرون",
    ),
)

SAME_LANGUAGE = (
    ("متى استقال وزير خارجية أرمينيا؟", "ar/karabakh-peacekeepers.md"),
    ("When was the Suez Canal opened?", "en/suez-canal.md"),
    ("明长城全长多少公里？", "zh/great-wall.txt"),
    ("प्रकाश संश्लेषण कहाँ होता है?", "hi/photosynthesis.txt"),
    ("Wo fand Gutenberg den Buchdruck?", "de/gutenberg"),
    ("نوروز چند سال قدمت دارد؟", "fa/nowruz"),
    ("¿Quién guió a Hiram Bingham hasta Machu Picchu?", "es/machu-picchu.txt"),
    ("Göbeklitepe'yi kim kazdı?", "tr/gobeklitepe.md"),
    ("Где начали строить Транссиб?", "ru/transsib.md"),
    ("Qui porta le premier maillot jaune ?", "fr/tour-de-france.md"),
)

UNANSWERABLE = (
    "How do I cook lasagne?",
    "ما هو علاج مرض السكري؟",
    "谁发明了电话？",
    "Сколько стоит биткоин сегодня?",
    "¿Quién escribió Don Quijote?",
    "ราคาทองคำวันนี้เท่าไร",
    "भारत के प्रधानमंत्री कौन हैं?",
)

# Of the real reports: a question and what the passage that answers it holds.
ABOUT_REPORTS = (
    ("من دعا إلى احترام الهدنة الجديدة في قره باغ؟", "مجلس الأمن"),
    ("ما الدول التي تتقاسم رئاسة مجموعة مينسك؟", "مينسك"),
    ("كم نقطة مراقبة أقامت قوات حفظ السلام الروسية؟", "نقط"),
    ("لماذا استقال وزير الخارجية الأرميني؟", "استقال"),
    ("ماذا قال لافروف لنظيريه الأرميني والأذربيجاني؟", "لافروف"),
    ("كم جنديا فقدت أرمينيا في سبتمبر 2022؟", "105"),
    ("ماذا قال ماكرون عن قره باغ؟", "ماكرون"),
    ("Who spoke at the Security Council's emergency session?", "جينكا"),
    ("What did Putin and Macron talk about?", "مجموعة مينسك"),
    ("Combien de postes d'observation la Russie a-t-elle installés ?", "نقاط مراقبة"),
)
CLUTTER = (
    "اضف تعليق", "أضف تعليق", "لا توجد تعليقات", "تم أضافة تعليقك", "مشاركة", "شارك", "فيسبوك",
    "واتساب", "تويتر", "اقرأ أيضا", "اظهر المزيد", "زر الذهاب إلى الأعلى", "الرجوع الى أعلى",
    "التغطية الحية", "About Post Author", "Facebook",
)  # fmt: skip


def articles_in(answer: Answer, count: int) -> list[str]:
    """Return the first articles, however many of their passages are shown."""
    return list(dict.fromkeys(one.citation.article_id for one in answer.passages))[:count]


@pytest.mark.parametrize(("question", "language", "article", "fact"), ACROSS)
def test_question_in_one_language_finds_the_answer_in_another(
    sample_service: Service, question: str, language: str, article: str, fact: str
) -> None:
    """The right article stands first or second, its passage with the fact among those shown."""
    answer = sample_service.ask(Question(question))
    assert answer.language == language
    assert article in articles_in(answer, 2)
    shown = [one.text for one in answer.passages if one.citation.article_id == article]
    assert any(fact in text for text in shown)


@pytest.mark.parametrize(("question", "article"), SAME_LANGUAGE)
def test_question_in_the_article_s_language_finds_it_first(
    sample_service: Service, question: str, article: str
) -> None:
    """Nothing comes before the article that answers in the question's own language."""
    assert articles_in(sample_service.ask(Question(question)), 1) == [article]


@pytest.mark.parametrize("question", UNANSWERABLE)
def test_what_the_articles_do_not_tell_is_refused(sample_service: Service, question: str) -> None:
    """No answer is made up; the nearest passages are still shown."""
    answer = sample_service.ask(Question(question))
    assert not answer.is_answered
    assert answer.answer is None
    assert len(answer.passages) == 5


@pytest.mark.parametrize(
    "question", [*(item[0] for item in ACROSS), *(item[0] for item in SAME_LANGUAGE)]
)
def test_every_quote_can_be_checked(sample_service: Service, question: str) -> None:
    """Each passage is the stored article's own text, each mark and the answer lie within it."""
    answer = sample_service.ask(Question(question))
    assert [one.rank for one in answer.passages] == list(range(1, len(answer.passages) + 1))
    for one in answer.passages:
        article = sample_service.article(one.citation.article_id)
        assert article.text[one.citation.start : one.citation.end] == one.text
        assert all(0 <= span.start < span.end <= len(one.text) for span in one.highlights)
        assert 0 <= one.score <= 1
        stored = sample_service.passage(one.citation.article_id, one.citation.id)
        assert stored is not None
        assert stored.text == one.text
    if answer.answer is not None:
        cited = answer.passages[answer.answer.citation - 1]
        span = answer.answer.span
        assert cited.text[span.start : span.end] == answer.answer.text


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real service over reports saved from the web, where they are at hand."""
    if not REPORTS.is_dir():
        pytest.skip("the reports are not part of the repository; SHARED_SEEDS names them")
    from qa_service.service import Service  # slow, and most tests do without

    index = tmp_path_factory.mktemp("reports") / "index"
    with closing(Service(load_settings(index=index, articles=REPORTS))) as service:
        service.index()
        yield service


def test_every_report_is_indexed(reports: Service) -> None:
    """None is lost, and each has passages."""
    page = reports.articles(limit=100)
    assert page.total == len(list(REPORTS.glob("*.txt")))
    assert all(item.passages > 0 and item.language == "ar" for item in page.items)
    assert reports.verify() == ()


def test_no_boilerplate_survives_into_a_passage(reports: Service) -> None:
    """Share buttons, comment forms and their like are in none of the passages."""
    generation = reports.generation
    lines = {
        line.strip()
        for passage in generation.passages(generation.keys)
        for line in passage.text.splitlines()
    }
    assert lines
    assert [line for line in lines if line.startswith(CLUTTER)] == []


@pytest.mark.parametrize(("question", "fact"), ABOUT_REPORTS)
def test_question_about_the_reports_finds_the_passage(
    reports: Service, question: str, fact: str
) -> None:
    """The passage that answers stands first or second."""
    answer = reports.ask(Question(question))
    assert any(fact in passage.text for passage in answer.passages[:2])
