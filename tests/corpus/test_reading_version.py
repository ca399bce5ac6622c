"""A change of what is read must raise the version that makes indexes read their files again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from corpus_files import source_file

from qa_service.corpus import READING_VERSION
from qa_service.corpus.boilerplate.repetition import repeated_lines
from qa_service.corpus.reading import read_file

# What the files below gave under each version, the newest last.
# (2: what no web page of these holds: unfinished markup, marks by the dozen, endless titles.)
DIGESTS = {"1": "878bd56d1c97a4fd", "2": "878bd56d1c97a4fd"}

FILES = {
    "ar.txt": "الرئيسية > أخبار > العالم\n\nافتتاح الجسر الجديد\n\n16 نوفمبر 2020\n\n"
    "افتتح الرئيس أمس الجسر الجديد فوق النهر، بعد أربع سنوات من العمل المتواصل وبكلفة كبيرة.\n\n"
    "الفصل 1\nالفصل 2\n\nاقرأ أيضا: جسور العالم\n\nمشاركة\n\nاضف تعليق\n\nصوت المدينة\n",
    "en.md": "---\ntitle: Canal\npublished: 2 March 2021\n---\n\n# Canal\n\n## Chapter 1\n\n"
    "The canal was opened in 1911 and is eighty-two kilometres long from lock to lock.\n\n"
    "- item 1\n- item 2\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nRead also: Five locks\n\n"
    "صوت المدينة\n",
    "zh.html": "<html><head><title>运河</title></head><body><nav><a href='/'>首页</a></nav>"
    "<article>"
    "<h1>运河</h1><p>运河全长八十二公里，共有四座船闸，每年通过的船只超过一万艘，是本省最重要的水路。</p>"
    "<p>第二段说明了运河的历史，它由三位工程师设计，前后用了十一年才完工。</p></article>"
    "<footer>© 2024 版权所有</footer></body></html>",
    "th.jsonl": '{"id": "x", "text": "ตลาดน้ำเปิดทุกวันเสาร์และอาทิตย์", "published": 1605520200}\n'
    '{"id": "x", "text": "ตลาดบกเปิดทุกวัน", "language": "th"}\n{"text": 5}\n',
    "hi.csv": "id,शीर्षक,text,date\n1,नदी,नदी पहाड़ों से निकलती है।,2020-01-02\n2,,दूसरी नदी।,\n",
    "ru.txt": "Мост\n\nАвтор: Иван Петров\n\nМост построили в 1936 году, и он соединяет два берега "
    "широкой реки в самом центре города.\n\n12 комментариев\n",
}
WINDOWS = {"ru.txt": "cp1251", "ar.txt": "cp1256"}


def test_another_outcome_has_another_version(tmp_path: Path) -> None:
    """If this fails, files are read otherwise: raise READING_VERSION, add its digest."""
    repeated = repeated_lines(["\n\nصوت المدينة"] * 3)
    outcome = []
    for name, text in FILES.items():
        path = tmp_path / name
        path.write_bytes(text.encode(WINDOWS.get(name, "utf-8")))
        read = read_file(source_file(path), repeated)
        outcome.append([name, read.warnings, [[d.text, d.reason] for d in read.dropped]])
        outcome.extend(
            [a.id, a.title, a.text, a.language, a.source, a.url, a.author, str(a.published)]
            for a in read.articles
        )
    written = json.dumps(outcome, ensure_ascii=False, indent=1)
    digest = hashlib.sha256(written.encode()).hexdigest()[:16]
    assert list(DIGESTS)[-1] == READING_VERSION
    assert digest == DIGESTS[READING_VERSION], written
