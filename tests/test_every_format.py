"""One file of each format in Arabic, English and Chinese: every one answers its question."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from bidi import get_display
from docx import Document
from pdf_files import GLYPH_WIDTH, Run, pdf

from qa_service.config import load_settings
from qa_service.types import FileState, IndexReport, Question

if TYPE_CHECKING:
    from qa_service.service import Service


@dataclass(frozen=True, slots=True)
class Fact:
    """An article, a question that it alone answers, and what the answer must hold."""

    title: str
    text: str
    question: str
    answer: str


# By language and suffix.
FACTS = {
    ("ar", "txt"): Fact(
        "منارة الرأس الأبيض",
        "تقع منارة الرأس الأبيض على صخرة في أقصى الشمال. وقد بنيت المنارة عام 1893 بعد غرق سفينة "
        "تجارية قرب الساحل. ويبلغ ارتفاعها 34 مترا.",
        "متى بنيت منارة الرأس الأبيض؟",
        "1893",
    ),
    ("ar", "md"): Fact(
        "جسر النخيل",
        "يربط جسر النخيل ضفتي الوادي منذ عشرين سنة. ويبلغ طول الجسر 740 مترا، وهو مخصص للمشاة "
        "والدراجات فقط. وتزين جانبيه أعمدة من الحجر.",
        "كم يبلغ طول جسر النخيل؟",
        "740",
    ),
    ("ar", "html"): Fact(
        "مكتبة الحكمة",
        "تعد مكتبة الحكمة أقدم مكتبات المدينة. وتضم المكتبة اثنين وخمسين ألف مخطوط، معظمها في الطب "
        "والفلك. ويزورها الباحثون من بلدان كثيرة.",
        "كم مخطوطا تضم مكتبة الحكمة؟",
        "اثنين وخمسين ألف",
    ),
    ("ar", "jsonl"): Fact(
        "سوق السمك",
        "يباع في سوق السمك ما يصطاده أهل الميناء كل ليلة. ويفتح السوق أبوابه في الرابعة فجرا "
        "ويغلقها قبل الظهر. وأشهر ما يباع فيه سمك الهامور.",
        "متى يفتح سوق السمك أبوابه؟",
        "الرابعة فجرا",
    ),
    ("ar", "csv"): Fact(
        "بئر الزيتون",
        "حفر أهل القرية بئر الزيتون بأيديهم في سنوات الجفاف. ويصل عمق البئر إلى 310 أمتار، وماؤها "
        "عذب طوال السنة. ولم تجف يوما واحدا.",
        "ما عمق بئر الزيتون؟",
        "310",
    ),
    ("ar", "pdf"): Fact(
        "مرصد الجبل",
        "يراقب مرصد الجبل السماء منذ عام 1951. واكتشفت الفلكية ليلى حداد مذنبا جديدا فيه سنة 1974، "
        "ولا يزال المذنب يحمل اسمها. وللمرصد ثلاثة مناظير كبيرة.",
        "من اكتشف المذنب في مرصد الجبل؟",
        "ليلى حداد",
    ),
    ("ar", "docx"): Fact(
        "مدرسة الواحة",
        "كانت مدرسة الواحة أول مدرسة للبنات في الإقليم. وأسست المدرسة المعلمة سعاد الخطيب من مالها "
        "الخاص. ويدرس فيها اليوم أربعمئة تلميذ.",
        "من أسس مدرسة الواحة؟",
        "سعاد الخطيب",
    ),
    ("en", "txt"): Fact(
        "The Kestrel tram line",
        "The Kestrel tram line runs from the harbour to the botanical garden. Its cars were "
        "painted green until the strike of 1926. A ride takes nineteen minutes from end to end.",
        "How long does a ride on the Kestrel tram line take?",
        "nineteen minutes",
    ),
    ("en", "md"): Fact(
        "Dunmore cheese",
        "Dunmore cheese is made from the milk of mountain goats. The wheels ripen for eleven "
        "months in a disused slate mine. Its rind is washed with cider every week.",
        "Where does Dunmore cheese ripen?",
        "slate mine",
    ),
    ("en", "html"): Fact(
        "The Harrow clock tower",
        "The Harrow clock tower stands beside the old corn exchange. The clock was built by the "
        "locksmith Agnes Pell, who had never made one before. It strikes only on the hour.",
        "Who built the clock of the Harrow tower?",
        "Agnes Pell",
    ),
    ("en", "jsonl"): Fact(
        "The Velden chess club",
        "The Velden chess club meets above a bakery. It was founded by six railway workers who "
        "played during night shifts. Its members won the national cup in 1988.",
        "When did the Velden chess club win the national cup?",
        "1988",
    ),
    ("en", "csv"): Fact(
        "Brackley windmill",
        "Brackley windmill ground barley for two centuries. A storm tore off two of its sails in "
        "1903, and the miller sold it for forty pounds. Today it is a weather station.",
        "What is Brackley windmill used for today?",
        "weather station",
    ),
    ("en", "pdf"): Fact(
        "The Marlow ferry",
        "The Marlow ferry crosses the estuary six times a day. It can carry twenty-two cars and "
        "one lorry. In winter it is replaced by a smaller boat named Petrel.",
        "What is the name of the boat that replaces the Marlow ferry in winter?",
        "Petrel",
    ),
    ("en", "docx"): Fact(
        "Osprey Glacier",
        "Osprey Glacier feeds three rivers of the southern range. Surveyors found that it has lost "
        "640 metres of its length since 1950. A hut at its foot is open to climbers.",
        "How much of its length has Osprey Glacier lost?",
        "640",
    ),
    ("zh", "txt"): Fact(
        "青石桥",
        "青石桥横跨镇中心的小河，两岸种满柳树。这座桥由石匠周文远在1762年建成，没有用一根铁钉。"
        "桥上至今仍可行走。",
        "青石桥是谁建成的？",
        "周文远",
    ),
    ("zh", "md"): Fact(
        "云岭茶",
        "云岭茶生长在海拔一千五百米的山坡上。茶农只在清明前的十二天里采摘嫩芽，然后用竹炭慢慢烘干。"
        "泡好的茶汤呈金黄色。",
        "云岭茶用什么烘干？",
        "竹炭",
    ),
    ("zh", "html"): Fact(
        "海螺博物馆",
        "海螺博物馆坐落在渔港旁边的旧灯塔里。馆内收藏了八千六百件贝壳，最大的一件重达四十公斤。"
        "每逢周一闭馆。",
        "海螺博物馆星期几闭馆？",
        "周一",
    ),
    ("zh", "jsonl"): Fact(
        "白鹭湖",
        "白鹭湖是候鸟南飞途中的重要一站。湖水最深处有二十七米，冬天从不结冰。"
        "当地居民禁止在湖里捕鱼。",
        "白鹭湖最深处有多少米？",
        "二十七米",
    ),
    ("zh", "csv"): Fact(
        "长笛岩洞",
        "长笛岩洞因风吹过洞口时发出笛声而得名。1998年，一群中学生在洞里发现了一副古代象棋。"
        "洞内全年温度为十四度。",
        "中学生在长笛岩洞里发现了什么？",
        "象棋",
    ),
    ("zh", "pdf"): Fact(
        "石榴园",
        "石榴园是城东最大的果园，已有九十年的历史。园主何秀兰每年秋天把第一筐石榴送给邻村的小学。"
        "园里还养着三十箱蜜蜂。",
        "石榴园的园主叫什么名字？",
        "何秀兰",
    ),
    ("zh", "docx"): Fact(
        "星河剧院",
        "星河剧院原来是一座纺织厂的仓库。剧院有九百四十个座位，舞台可以旋转。"
        "首演的剧目是《渔夫的女儿》。",
        "星河剧院首演的剧目是什么？",
        "渔夫的女儿",
    ),
}
WORDS_OF_PAGES = {
    "ar": ("الرئيسية", "من نحن", "جميع الحقوق محفوظة"),
    "en": ("Home", "About us", "All rights reserved"),
    "zh": ("首页", "关于我们", "版权所有"),
}


def shaped(text: str) -> str:
    """Return Arabic as fonts draw it: each letter in the form that its neighbours give it."""
    forms: dict[tuple[str, str], str] = {}
    for code in range(0xFE80, 0xFEFD):
        tag, *letters = unicodedata.decomposition(chr(code)).split()
        forms["".join(chr(int(letter, 16)) for letter in letters), tag.strip("<>")] = chr(code)
    for alef in "اأإآ":
        # One glyph stands for both letters.
        text = text.replace(f"ل{alef}", forms[f"ل{alef}", "isolated"])
    drawn = []
    for at, letter in enumerate(text):
        is_joined = at > 0 and (text[at - 1], "initial") in forms
        joins_on = (letter, "initial") in forms and (text[at + 1 : at + 2], "final") in forms
        form = ("medial" if is_joined else "initial") if joins_on else "final"
        drawn.append(forms.get((letter, form if is_joined or joins_on else "isolated"), letter))
    return "".join(drawn)


def wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines, between words where there are any."""
    lines = [""]
    for word in text.split(" ") if " " in text else text:
        gap = " " if " " in text and lines[-1] else ""
        if len(lines[-1]) + len(word) > width:
            lines.append(word)
        else:
            lines[-1] += gap + word
    return lines


def pdf_of(fact: Fact, language: str) -> bytes:
    """Draw an article on a page; Arabic from the right, in shapes, as it is seen."""
    runs = []
    lines = [fact.title, *wrapped(fact.text, 30 if language == "zh" else 60)]
    for number, line in enumerate(lines):
        size = 12.0 if number else 20.0
        y = 700 - 20 * number - (20 if number else 0)
        if language == "ar":
            seen = get_display(shaped(line), base_dir="R")
            runs.append(Run(550 - len(seen) * GLYPH_WIDTH * size, y, seen, size))
        else:
            runs.append(Run(50, y, line, size))
    return pdf([runs])


def docx_of(fact: Fact) -> bytes:
    """Write a document with a title and a paragraph."""
    document = Document()
    document.add_heading(fact.title, level=0)
    document.add_paragraph(fact.text)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def content_of(fact: Fact, language: str, suffix: str) -> bytes:
    """Write an article in a format."""
    home, about, rights = WORDS_OF_PAGES[language]
    match suffix:
        case "pdf":
            return pdf_of(fact, language)
        case "docx":
            return docx_of(fact)
        case "txt":
            text = f"{fact.title}\n\n{fact.text}\n"
        case "md":
            text = f"# {fact.title}\n\n{fact.text}\n"
        case "html":
            text = (
                f"<!DOCTYPE html><html lang='{language}'><head><meta charset='utf-8'>"
                f"<title>{fact.title}</title></head><body><nav><a href='/'>{home}</a>"
                f"<a href='/about'>{about}</a></nav><main><article><h1>{fact.title}</h1>"
                f"<p>{fact.text}</p></article></main><footer>© 2024 {rights}</footer></body></html>"
            )
        case "jsonl":
            line = {"id": article_id(language, suffix), "title": fact.title, "text": fact.text}
            text = json.dumps(line, ensure_ascii=False)
        case _:
            text = f'id,title,text\n{article_id(language, suffix)},{fact.title},"{fact.text}"\n'
    return text.encode()


def article_id(language: str, suffix: str) -> str:
    """Return the id that the article of a file has."""
    if suffix in ("jsonl", "csv"):
        return f"{language}-{suffix}-1"
    return f"{language}/article.{suffix}"


@dataclass(frozen=True, slots=True)
class Indexed:
    """The service over all files, and what indexing them said."""

    service: Service
    report: IndexReport


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Indexed]:
    """The real service over one file of each format and language, indexed once."""
    from qa_service.service import Service  # slow, and most tests do without

    root = tmp_path_factory.mktemp("formats")
    for (language, suffix), fact in FACTS.items():
        folder = root / "articles" / language
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"article.{suffix}").write_bytes(content_of(fact, language, suffix))
    settings = load_settings(index=root / "index", articles=root / "articles")
    with closing(Service(settings)) as service:
        yield Indexed(service, service.index())


def test_every_file_is_indexed(indexed: Indexed) -> None:
    """Every file gives its one article, with nothing to complain of, and the index is sound."""
    assert len(FACTS) == 21
    assert {outcome.path: outcome.state for outcome in indexed.report.files} == {
        f"{language}/article.{suffix}": FileState.INDEXED for language, suffix in FACTS
    }
    assert [outcome.reason for outcome in indexed.report.files] == [None] * 21
    assert indexed.report.articles == 21
    assert indexed.service.verify() == ()


@pytest.mark.parametrize(("language", "suffix"), FACTS)
def test_the_text_is_read_as_it_was_written(indexed: Indexed, language: str, suffix: str) -> None:
    """Each format gives the same title, text and language, letter by letter."""
    fact = FACTS[language, suffix]
    article = indexed.service.article(article_id(language, suffix))
    assert article.title == fact.title
    assert " ".join(article.text.split()) == fact.text
    assert article.language == language


@pytest.mark.parametrize(("language", "suffix"), FACTS)
def test_every_file_answers_its_question(indexed: Indexed, language: str, suffix: str) -> None:
    """The file that knows comes first, its passage holds the answer, and quotes are exact."""
    fact = FACTS[language, suffix]
    answer = indexed.service.ask(Question(fact.question))
    passage = answer.passages[0]
    assert passage.citation.article_id == article_id(language, suffix)
    assert fact.answer in passage.text
    assert answer.answer is not None
    assert answer.answer.citation == 1
    for cited in answer.passages:
        text = indexed.service.article(cited.citation.article_id).text
        assert text[cited.citation.start : cited.citation.end] == cited.text
    whole = indexed.service.article(passage.citation.article_id).text
    assert answer.answer.text in whole
