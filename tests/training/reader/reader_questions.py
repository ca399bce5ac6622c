"""A few questions in several languages and scripts, made up, as a folder of data."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

ARTICLES: dict[str, list[tuple[str, str, list[tuple[str, str]]]]] = {
    "en": [
        (
            "Ada Bridge",
            "The Ada Bridge was built in 1911. It is 320 metres long. Hans Meier drew the plans.",
            [
                ("When was the Ada Bridge built?", "1911"),
                ("Who drew the plans of the Ada Bridge?", "Hans Meier"),
            ],
        ),
        (
            "Ada Bridge",
            "Boats pass below Ada from May on. A ticket costs 7 crowns and children pay nothing.",
            [("How much is a ticket for the boats at Ada?", "7 crowns")],
        ),
        (
            "Ona Bridge",
            "The Ona Bridge was opened in 1954 by Olga Brandt. A ticket costs 12 crowns there.",
            [
                ("When was the Ona Bridge opened?", "1954"),
                ("Who opened the Ona Bridge?", "Olga Brandt"),
            ],
        ),
    ],
    "ar": [
        (
            "جسر النهر",
            "بني جسر النهر عام 1933. طوله 450 مترا. افتتحه الأمير سالم.",
            [("متى بني جسر النهر؟", "1933"), ("من افتتح جسر النهر؟", "الأمير سالم")],
        ),
        (
            "برج المدينة",
            "بني برج المدينة عام 1978. ارتفاعه 90 مترا.",
            [("متى بني برج المدينة؟", "1978"), ("كم ارتفاع برج المدينة؟", "90 مترا")],
        ),
    ],
    "zh": [
        (
            "长江桥",
            "长江桥建于1957年。桥长1670米。设计者是梅春先生。",
            [("长江桥建于哪年？", "1957年"), ("长江桥的设计者是谁？", "梅春")],
        ),
        ("东方塔", "东方塔建于1994年。塔高468米。", [("东方塔有多高？", "468米")]),
    ],
    "th": [
        (
            "สะพานแดง",
            "สะพานแดงสร้างเมื่อปี 2475 มีความยาว 229 เมตร",
            [("สะพานแดงยาวเท่าไร", "229 เมตร")],
        ),
        ("วัดเหนือ", "วัดเหนือสร้างเมื่อปี 2390 มีเจดีย์สูง 40 เมตร", [("วัดเหนือสร้างเมื่อปีใด", "2390")]),
    ],
    "hi": [
        (
            "लाल पुल",
            "लाल पुल 1943 में बना था। इसकी लंबाई 705 मीटर है।",
            [("लाल पुल कब बना था?", "1943"), ("लाल पुल की लंबाई कितनी है?", "705 मीटर")],
        ),
    ],
    "he": [("גשר", "הגשר נבנה בשנת 1925. אורכו 80 מטר.", [("מתי נבנה הגשר?", "1925")])],
}
UNANSWERABLE = [
    ("en", "Who painted the Ada Bridge?", "The Ada Bridge was built in 1911.", "Ada Bridge"),
    ("ar", "من رسم برج المدينة؟", "بني برج المدينة عام 1978.", "برج المدينة"),
]
TABLE = """\
| set | languages: questions | passage, characters | licence | origin |
|---|---|---|---|---|
| made-up | en 9 (1), ar 5 (1) | 80 | CC0 | nobody/nothing |
"""


def records() -> list[dict[str, Any]]:
    """Return all records as a file holds them; one asks across languages."""
    found = []
    for language, articles in ARTICLES.items():
        for document, passage, questions in articles:
            found += [
                record(question, passage, [answer], language, document)
                for question, answer in questions
            ]
    passage = ARTICLES["en"][2][1]
    found.append(record("متى افتتح جسر أونا؟", passage, ["1954"], "ar-en", "Ona Bridge"))
    for language, question, passage, document in UNANSWERABLE:
        found.append(record(question, passage, [], language, document))
    return found


def record(
    question: str, passage: str, answers: list[str], languages: str, document: str = ""
) -> dict[str, Any]:
    """Return one record; each answer stands where it is found first."""
    return {
        "q": question,
        "context": passage,
        "answers": [{"text": text, "start": passage.index(text)} for text in answers],
        "source": "made-up",
        "lang": languages,
        "doc": document,
    }


def write_questions(folder: Path, found: list[dict[str, Any]] | None = None) -> Path:
    """Write a folder of data."""
    folder.mkdir(parents=True, exist_ok=True)
    by_file: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in records() if found is None else found:
        by_file[f"{one['source']}.{one['lang']}.jsonl.gz"].append(one)
    for name, rows in by_file.items():
        with gzip.open(folder / name, "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "README.md").write_text(TABLE, "utf-8")
    return folder


def letters() -> str:
    """Return every character that the texts have."""
    texts = [f"{one['q']}{one['context']}" for one in records()]
    capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return "".join(sorted({*"".join(texts).replace(" ", ""), *capitals}))
