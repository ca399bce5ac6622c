"""The glyphs of a PDF page: what each says, and where it stands."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pdfminer.converter import PDFLayoutAnalyzer
from pdfminer.layout import LTChar, LTFigure, LTImage, LTPage
from pdfminer.pdfinterp import PDFResourceManager
from pdfminer.utils import decode_text

if TYPE_CHECKING:
    from pdfminer.pdffont import PDFFont
    from pdfminer.psparser import PSLiteral
    from pdfminer.utils import Matrix

# It warns about every oddity of every font.
logging.getLogger("pdfminer").setLevel(logging.ERROR)

_UNMAPPED = re.compile(r"\(cid:\d+\)|[\x00-\x08\x0e-\x1f\ufffd\ue000-\uf8ff]")


@dataclass(slots=True)
class Glyph:
    """A glyph's text and box, the origin at the bottom left; `order` is its place in the file."""

    text: str
    x0: float
    x1: float
    y0: float
    y1: float
    size: float
    order: int

    @property
    def center(self) -> float:
        """The middle of the glyph from left to right."""
        return (self.x0 + self.x1) / 2

    @property
    def is_mark(self) -> bool:
        """True for marks that stand over or under a letter, also in the shapes fonts have."""
        letters = unicodedata.normalize("NFKC", self.text).strip(" \u0640")
        return bool(letters) and all(unicodedata.category(c) == "Mn" for c in letters)


@dataclass(frozen=True, slots=True)
class GlyphPage:
    """The glyphs of one page in the order of the file; `unmapped` have no known character."""

    width: float
    height: float
    glyphs: tuple[Glyph, ...]
    unmapped: int
    images: int


@dataclass(slots=True)
class _Tag:
    """A marked stretch of the page; `text` is what its glyphs say together, when it is given."""

    text: str | None
    first: LTChar | None = None


class GlyphCollector(PDFLayoutAnalyzer):
    """Takes a page's glyphs as they are drawn; `take_page` hands over the last page.

    Where the file says what a stretch of glyphs stands for (ActualText: clusters of Indic scripts,
    ligatures), that text is taken instead of the glyphs' own characters.
    """

    def __init__(self, resources: PDFResourceManager) -> None:
        super().__init__(resources, laparams=None)
        self._layout: LTPage | None = None
        self._tags: list[_Tag] = []
        self._texts: dict[int, str] = {}
        self._vertical: set[int] = set()

    def begin_tag(self, tag: PSLiteral, props: object = None) -> None:
        """Note the text that the coming glyphs stand for."""
        del tag
        raw = props.get("ActualText") if isinstance(props, dict) else None
        text = decode_text(raw) if isinstance(raw, bytes) else None
        self._tags.append(_Tag(text))

    def end_tag(self) -> None:
        """End the innermost marked stretch."""
        if self._tags:
            self._tags.pop()

    def render_char(self, matrix: Matrix, font: PDFFont, *rest: Any) -> float:
        """Place a glyph, saying what its marked stretch says if it is the first there."""
        advance = super().render_char(matrix, font, *rest)
        char = self.cur_item._objs[-1]
        if font.is_vertical():
            self._vertical.add(id(char))
        tag = next((tag for tag in self._tags if tag.text is not None), None)
        if tag is not None and tag.first is None and isinstance(char, LTChar):
            self._texts[id(char)] = tag.text or ""
            tag.first = char
        elif tag is not None and tag.first is not None:
            self._texts[id(char)] = ""
            first = tag.first
            first.set_bbox(
                (
                    min(first.x0, char.x0),
                    min(first.y0, char.y0),
                    max(first.x1, char.x1),
                    max(first.y1, char.y1),
                )
            )
        return advance

    def receive_layout(self, ltpage: LTPage) -> None:
        """Keep the finished page."""
        self._layout = ltpage

    def take_page(self) -> GlyphPage | None:
        """Return the glyphs of the page drawn last, once."""
        layout, self._layout = self._layout, None
        if layout is None:
            return None
        items = list(_leaves(layout))
        chars = [item for item in items if isinstance(item, LTChar)]
        turn = self._turn_of(chars)
        glyphs: list[Glyph] = []
        unmapped = 0
        for order, char in enumerate(chars):
            text = self._texts.get(id(char), char.get_text())
            known = _UNMAPPED.sub("", text)
            if text and not known:
                unmapped += 1
            if known:
                glyphs.append(_placed(char, known, order, turn))
        images = sum(isinstance(item, LTImage) for item in items)
        self._tags, self._texts, self._vertical = [], {}, set()
        return GlyphPage(layout.width, layout.height, tuple(glyphs), unmapped, images)

    def _turn_of(self, chars: list[LTChar]) -> str:
        """Tell which way most of the page's lines run: "straight", "up" or "down"."""
        turns: Counter[str] = Counter()
        for char in chars:
            a, b, _, _, _, _ = char.matrix
            if id(char) in self._vertical:
                turns["down"] += 1
            elif abs(b) <= abs(a):
                turns["straight"] += 1
            else:
                turns["up" if b > 0 else "down"] += 1
        return max(sorted(turns), key=lambda turn: turns[turn], default="straight")


def _leaves(page: LTPage) -> Iterator[object]:
    stack: list[Iterator[object]] = [iter(page)]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
        elif isinstance(item, LTFigure):
            stack.append(iter(item))
        else:
            yield item


def _placed(char: LTChar, text: str, order: int, turn: str) -> Glyph:
    """Place a glyph on the page as it reads when its lines are turned to run straight on."""
    size = char.size or 1.0
    if turn == "up":
        return Glyph(text, char.y0, char.y1, -char.x1, -char.x0, size, order)
    if turn == "down":
        return Glyph(text, -char.y1, -char.y0, char.x0, char.x1, size, order)
    return Glyph(text, char.x0, char.x1, char.y0, char.y1, size, order)
