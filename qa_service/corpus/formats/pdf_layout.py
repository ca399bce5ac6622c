"""The lines of a PDF page in reading order, from where its glyphs stand.

A PDF says where glyphs stand and nothing about words, lines or columns. Glyphs at one height make
rows; wide gaps part a row into pieces; the page is then cut along its widest white bands, gutters
between columns first (the recursive X-Y cut of Nagy and Seth, 1984), until each piece's neighbours
are known. On pages of right-to-left text the right column comes first.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from qa_service.corpus.formats.pdf_glyphs import Glyph

# In widths of an em: what parts words, what may part columns, and what a gutter must measure.
_WORD_GAP = 0.18
_PIECE_GAP = 0.7
_GUTTER = 0.9
# Columns have at least so many rows: two where the file draws one after the other, more where it
# draws them row by row, as it does tables. Prose fills its column; the cells of a table do not.
_MIN_COLUMN_ROWS = 2
_MIN_MIXED_COLUMN_ROWS = 5
_MIN_COLUMN_FILL = 0.6
_MIN_COLUMN_PER_GUTTER = 3.0
_MAX_PIECES_TO_CUT = 4000
_MIN_ROW_OVERLAP = 0.5


@dataclass(slots=True)
class Line:
    """A line of text; `clusters` are its letters with their marks, left to right.

    `left` and `right` are the edges of the column it stands in.
    """

    clusters: list[str]
    x0: float
    x1: float
    y0: float
    y1: float
    size: float
    left: float
    right: float

    @property
    def text(self) -> str:
        """What stands on the line from left to right, whatever its script's direction."""
        return "".join(self.clusters)


@dataclass(slots=True)
class _Piece:
    """A run of glyphs at one height without a wide gap."""

    glyphs: list[Glyph]
    row: int
    x0: float
    x1: float
    y0: float
    y1: float
    size: float


@dataclass(slots=True)
class _Region:
    """A part of the page, and the edges of the column that it belongs to."""

    pieces: list[_Piece]
    left: float
    right: float


def lines_in_reading_order(glyphs: Sequence[Glyph], *, is_right_to_left: bool) -> list[Line]:
    """Find the lines of a page, the first to be read first."""
    bases = _with_marks(glyphs)
    pieces = _pieces(_rows(bases))
    ordered: list[Line] = []
    for region in _cut(pieces, is_right_to_left=is_right_to_left):
        by_row: dict[int, list[_Piece]] = {}
        for piece in region.pieces:
            by_row.setdefault(piece.row, []).append(piece)
        ordered.extend(_line(row, region) for _, row in sorted(by_row.items()))
    return ordered


def _with_marks(glyphs: Sequence[Glyph]) -> list[Glyph]:
    """Return the glyphs that take room, each mark joined to the letter it stands on."""
    bases = [glyph for glyph in glyphs if not glyph.is_mark]
    marks = [glyph for glyph in glyphs if glyph.is_mark]
    if not marks or not bases:
        return bases
    joined = {glyph.order: glyph.text for glyph in bases}
    by_x = sorted((glyph for glyph in bases if not glyph.text.isspace()), key=lambda g: g.x0)
    starts = [glyph.x0 for glyph in by_x]
    reach = max((glyph.x1 - glyph.x0 for glyph in by_x), default=0.0)
    for mark in marks:
        first = bisect.bisect_left(starts, mark.center - reach - 1)
        last = bisect.bisect_right(starts, mark.center + mark.size)
        near = [
            base
            for base in by_x[first:last]
            if _vertical_overlap(base.y0, base.y1, mark.y0, mark.y1) > 0
        ]
        if near:
            base = min(
                near, key=lambda b: (_distance(mark.center, b), abs(b.order - mark.order), b.order)
            )
            joined[base.order] += mark.text
    return [Glyph(joined[g.order], g.x0, g.x1, g.y0, g.y1, g.size, g.order) for g in bases]


def _distance(x: float, glyph: Glyph) -> float:
    if glyph.x0 <= x <= glyph.x1:
        return 0.0
    return min(abs(x - glyph.x0), abs(x - glyph.x1))


def _vertical_overlap(a0: float, a1: float, b0: float, b1: float) -> float:
    return min(a1, b1) - max(a0, b0)


def _rows(glyphs: Sequence[Glyph]) -> list[list[Glyph]]:
    """Group glyphs that stand at one height, the highest row first."""
    rows: list[list[Glyph]] = []
    low = high = 0.0
    for glyph in sorted(glyphs, key=lambda g: (-(g.y0 + g.y1), g.x0, g.order)):
        height = min(glyph.y1 - glyph.y0, high - low)
        overlap = _vertical_overlap(low, high, glyph.y0, glyph.y1)
        if rows and overlap >= _MIN_ROW_OVERLAP * height:
            rows[-1].append(glyph)
            continue
        rows.append([glyph])
        low, high = glyph.y0, glyph.y1
    return rows


def _pieces(rows: Sequence[list[Glyph]]) -> list[_Piece]:
    pieces: list[_Piece] = []
    for number, row in enumerate(rows):
        piece: _Piece | None = None
        for glyph in sorted(row, key=lambda g: (g.center, g.order)):
            if glyph.text.isspace():
                if piece is not None:
                    piece.glyphs.append(glyph)
                continue
            if piece is None or glyph.x0 - piece.x1 > _PIECE_GAP * max(glyph.size, piece.size):
                piece = _Piece([glyph], number, glyph.x0, glyph.x1, glyph.y0, glyph.y1, glyph.size)
                pieces.append(piece)
                continue
            piece.glyphs.append(glyph)
            piece.x1 = max(piece.x1, glyph.x1)
            piece.y0, piece.y1 = min(piece.y0, glyph.y0), max(piece.y1, glyph.y1)
            piece.size = max(piece.size, glyph.size)
    return pieces


def _cut(pieces: list[_Piece], *, is_right_to_left: bool) -> list[_Region]:
    """Cut the page along white bands; the parts come in reading order."""
    if not pieces:
        return []
    page = _column(pieces)
    if len(pieces) > _MAX_PIECES_TO_CUT:
        return [page]
    done: list[_Region] = []
    stack = [page]
    while stack:
        region = stack.pop()
        sides = _columns(region.pieces)
        bands = _bands(region.pieces) if sides is None else None
        if sides is not None:
            # The stack hands over last what is pushed first.
            order = sides if is_right_to_left else sides[::-1]
            stack.extend(_column(side) for side in order)
        elif bands is not None:
            stack.extend(_Region(band, region.left, region.right) for band in bands[::-1])
        else:
            done.append(region)
    return done


def _column(pieces: list[_Piece]) -> _Region:
    left = min(piece.x0 for piece in pieces)
    return _Region(pieces, left, max(piece.x1 for piece in pieces))


def _columns(region: list[_Piece]) -> list[list[_Piece]] | None:
    """Cut at the widest gutter that runs through the whole region; None without one."""
    if len(region) < 2 * _MIN_COLUMN_ROWS:
        return None
    by_left = sorted(region, key=lambda piece: piece.x0)
    em = sorted(piece.size for piece in region)[len(region) // 2]
    right = by_left[0].x1
    best: tuple[float, float] | None = None
    for piece in by_left[1:]:
        gap = piece.x0 - right
        if gap >= _GUTTER * em and (best is None or gap > best[0]):
            best = (gap, right + gap / 2)
        right = max(right, piece.x1)
    if best is None:
        return None
    sides = [[p for p in region if p.x1 <= best[1]], [p for p in region if p.x1 > best[1]]]
    return sides if _are_columns(*sides) else None


def _are_columns(left: Sequence[_Piece], right: Sequence[_Piece]) -> bool:
    """Tell columns of text from the columns of a table."""
    rows = min(len({piece.row for piece in side}) for side in (left, right))
    orders = [[glyph.order for piece in side for glyph in piece.glyphs] for side in (left, right)]
    if max(orders[0]) < min(orders[1]) or max(orders[1]) < min(orders[0]):
        return rows >= _MIN_COLUMN_ROWS
    gutter = min(piece.x0 for piece in right) - max(piece.x1 for piece in left)
    return rows >= _MIN_MIXED_COLUMN_ROWS and all(
        _fill(side) >= _MIN_COLUMN_FILL and _width(side) >= _MIN_COLUMN_PER_GUTTER * gutter
        for side in (left, right)
    )


def _fill(side: Sequence[_Piece]) -> float:
    """Measure how much of a column's width its rows fill, on average."""
    width = _width(side)
    filled = sum(piece.x1 - piece.x0 for piece in side)
    return filled / (width * len({piece.row for piece in side})) if width > 0 else 1.0


def _width(side: Sequence[_Piece]) -> float:
    return max(piece.x1 for piece in side) - min(piece.x0 for piece in side)


def _bands(region: list[_Piece]) -> list[list[_Piece]] | None:
    """Cut at the widest white band from side to side; None when there is none."""
    by_top = sorted(region, key=lambda piece: -piece.y1)
    low = by_top[0].y0
    best: tuple[float, int] | None = None
    for number, piece in enumerate(by_top[1:], start=1):
        gap = low - piece.y1
        if gap > 0 and (best is None or gap > best[0]):
            best = (gap, number)
        low = min(low, piece.y0)
    return None if best is None else [by_top[: best[1]], by_top[best[1] :]]


def _line(pieces: Sequence[_Piece], region: _Region) -> Line:
    glyphs = sorted(
        (g for piece in pieces for g in piece.glyphs), key=lambda g: (g.center, g.order)
    )
    clusters: list[str] = []
    right: float | None = None
    for glyph in glyphs:
        if glyph.text.isspace():
            if clusters and clusters[-1] != " ":
                clusters.append(" ")
            continue
        is_apart = right is not None and glyph.x0 - right > _WORD_GAP * glyph.size
        if is_apart and clusters[-1] != " ":
            clusters.append(" ")
        clusters.append(glyph.text)
        right = glyph.x1 if right is None else max(right, glyph.x1)
    while clusters and clusters[-1] == " ":
        clusters.pop()
    sizes = sorted(piece.size for piece in pieces)
    return Line(
        clusters,
        min(piece.x0 for piece in pieces),
        max(piece.x1 for piece in pieces),
        min(piece.y0 for piece in pieces),
        max(piece.y1 for piece in pieces),
        sizes[len(sizes) // 2],
        region.left,
        region.right,
    )
