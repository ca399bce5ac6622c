"""Documents in three languages, made up."""

from __future__ import annotations

from training.adapter.documents import Document, Kind, Unit

ENGLISH = "The {0} file is opened first. Then the {0} file is read to its end."
ARABIC = "يفتح الملف {0} أولا. ثم يقرأ الملف {0} إلى آخره."
CHINESE = "首先打开第{0}号文件来查看。然后把第{0}号文件一直读到最后。"
SENTENCES = {"en": ENGLISH, "ar": ARABIC, "zh": CHINESE}


def unit(kind: Kind, number: int, *, without: str = "") -> Unit:
    """Make a unit in all languages but one."""
    patterns = SENTENCES
    if kind is not Kind.TEXT:
        patterns = {"en": "Heading {0}", "ar": "عنوان {0}", "zh": "标题{0}"}
    return Unit(
        kind,
        {key: pattern.format(number) for key, pattern in patterns.items() if key != without},
    )


def document(name: str = "d", sections: int = 3, paragraphs: int = 2) -> Document:
    """Make a document with a title and sections, every text its own."""
    start = sum(map(ord, name)) * 1000
    units = [unit(Kind.TITLE, start)]
    for section in range(sections):
        units.append(unit(Kind.HEADING, start + 100 * section))
        units += [unit(Kind.TEXT, start + 100 * section + place) for place in range(paragraphs)]
    return Document("s", name, tuple(units))
