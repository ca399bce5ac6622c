"""Lines of text for PDF pages, drawn from the left and from the right."""

from __future__ import annotations

from bidi import get_display
from pdf_files import GLYPH_WIDTH, Run

ARABIC = [
    "أعلنت وزارة الدفاع (الروسية) يوم 16/11/2020 أنها نشرت 25 نقطة مراقبة في الإقليم،",
    "وأن 11-12 رحلة وصلت إلى مدينة Stepanakert في إطار «الاتفاق الثلاثي» بين الدول.",
    "وبلغت نسبة العائدين إلى القرى 3.5% من السكان، وهي الأولى منذ عام ٢٠٢٠ حتى الآن.",
]
HEBREW = ["בשנת 1948 הוקמה המדינה, והעיר ירושלים (הבירה) היא הגדולה בה.", "זהו משפט שני של הטקסט."]
PERSIAN = ["این متن فارسی است که در سال ۱۳۹۹ نوشته شد و از آن برای آزمون استفاده می‌شود."]


def from_right(line: str, y: float, right: float = 550.0, size: float = 12.0) -> Run:
    """Draw a right-to-left line the way it is seen, ending at the right margin."""
    seen = get_display(line, base_dir="R")
    return Run(right - len(seen) * GLYPH_WIDTH * size, y, seen, size)


def from_left(line: str, y: float, left: float = 50.0, size: float = 12.0) -> Run:
    """Draw a line from the left margin."""
    return Run(left, y, line, size)
