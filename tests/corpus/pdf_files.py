"""PDFs made by hand: glyphs of known text at known places, no fonts needed."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

GLYPH_WIDTH = 0.5


@dataclass(frozen=True, slots=True)
class Run:
    """Glyphs drawn one after the other from (x, y); each is half as wide as the type is high."""

    x: float
    y: float
    glyphs: Sequence[str]
    size: float = 12.0


@dataclass(slots=True)
class PdfFile:
    """Gathers numbered objects and writes them out as a file."""

    objects: list[bytes] = field(default_factory=list)

    def add(self, body: bytes) -> int:
        """Add an object and return its number."""
        self.objects.append(body)
        return len(self.objects)

    def stream(self, data: bytes, extra: bytes = b"") -> int:
        """Add a compressed stream."""
        packed = zlib.compress(data)
        head = b"<< /Filter /FlateDecode /Length %d %s >>" % (len(packed), extra)
        return self.add(head + b"\nstream\n" + packed + b"\nendstream")

    def bytes(self, trailer: bytes) -> bytes:
        """Write the file; `trailer` holds the entries beside its size."""
        out = b"%PDF-1.7\n"
        places = []
        for number, body in enumerate(self.objects, start=1):
            places.append(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        table = b"".join(b"%010d 00000 n \n" % place for place in places)
        count = len(places) + 1
        out_of_use = b"0000000000 65535 f \n"
        start = len(out)
        out += b"xref\n0 %d\n%s%s" % (count, out_of_use, table)
        out += b"trailer\n<< /Size %d %s >>\n" % (count, trailer)
        return out + b"startxref\n%d\n%%%%EOF" % start


def pdf(
    pages: Sequence[Sequence[Run]],
    *,
    title: str | None = None,
    is_locked: bool = False,
    has_image: bool = False,
) -> bytes:
    """Make a PDF with these runs on its pages."""
    file = PdfFile()
    texts = sorted({glyph for runs in pages for run in runs for glyph in run.glyphs})
    numbers = {text: number for number, text in enumerate(texts, start=1)}
    font = _font(file, numbers)
    image = file.stream(
        b"\x80" * 64,
        b"/Type /XObject /Subtype /Image /Width 8 /Height 8 /BitsPerComponent 8"
        b" /ColorSpace /DeviceGray",
    )
    tree = len(file.objects) + 2 * len(pages) + 1
    kids = []
    for runs in pages:
        content = b"".join(_drawn(run, numbers) for run in runs)
        if has_image:
            content += b"q 400 0 0 400 50 50 cm /Im Do Q\n"
        drawing = file.stream(content)
        kids.append(
            file.add(
                b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 600 800] /Contents %d 0 R"
                b" /Resources << /Font << /F %d 0 R >> /XObject << /Im %d 0 R >> >> >>"
                % (tree, drawing, font, image)
            )
        )
    listed = b" ".join(b"%d 0 R" % kid for kid in kids)
    assert file.add(b"<< /Type /Pages /Kids [%s] /Count %d >>" % (listed, len(kids))) == tree
    catalog = file.add(b"<< /Type /Catalog /Pages %d 0 R >>" % tree)
    trailer = b"/Root %d 0 R" % catalog
    if title is not None:
        coded = (b"\xfe\xff" + title.encode("utf-16-be")).hex().encode()
        trailer += b" /Info %d 0 R" % file.add(b"<< /Title <%s> >>" % coded)
    if is_locked:
        secret = b"41" * 32
        lock = file.add(
            b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >>" % (secret, secret)
        )
        trailer += b" /Encrypt %d 0 R /ID [<00> <00>]" % lock
    return file.bytes(trailer)


def _font(file: PdfFile, numbers: dict[str, int]) -> int:
    mapped = "".join(
        f"<{number:04x}> <{text.encode('utf-16-be').hex()}>\n" for text, number in numbers.items()
    )
    to_unicode = file.stream(
        (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
            "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
            f"{len(numbers)} beginbfchar\n{mapped}endbfchar\nendcmap end end"
        ).encode()
    )
    descriptor = file.add(
        b"<< /Type /FontDescriptor /FontName /Made /Flags 4 /Ascent 800 /Descent -200"
        b" /FontBBox [0 -200 1000 800] /CapHeight 700 /ItalicAngle 0 /StemV 80 >>"
    )
    inner = file.add(
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Made /DW 500 /FontDescriptor %d 0 R"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>"
        % descriptor
    )
    return file.add(
        b"<< /Type /Font /Subtype /Type0 /BaseFont /Made /Encoding /Identity-H"
        b" /DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>" % (inner, to_unicode)
    )


def _drawn(run: Run, numbers: dict[str, int]) -> bytes:
    codes = "".join(f"{numbers[glyph]:04x}" for glyph in run.glyphs)
    return f"BT /F {run.size} Tf {run.x} {run.y} Td <{codes}> Tj ET\n".encode()
