"""CSV files: one article per row, under a row of column names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa_service.corpus.article_fields import FieldNames, draft_from_fields
from qa_service.corpus.bounds import MAX_FILE_BYTES
from qa_service.corpus.decoding import sniff_encoding
from qa_service.corpus.draft import Draft, Drafts
from qa_service.corpus.file_bytes import open_regular
from qa_service.errors import UnreadableFileError

MAX_BYTES = MAX_FILE_BYTES[".csv"]
MAX_CELL_LENGTH = 16 * 2**20

_DELIMITERS = ",;\t|"
_NAMES = FieldNames()
# Column names in use for each field, beside the field's own name.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "text": ("body", "content", "article", "full_text", "article_text", "story", "النص", "المحتوى",
             "texte", "contenu", "texto", "contenido", "conteúdo", "inhalt", "testo", "текст",
             "содержание", "metin", "içerik", "متن", "पाठ", "正文", "内容", "本文"),
    "title": ("headline", "heading", "العنوان", "titre", "título", "titulo", "titel", "titolo",
              "заголовок", "başlık", "عنوان", "शीर्षक", "标题", "標題", "タイトル"),
    "source": ("publisher", "site", "المصدر", "fuente", "fonte", "quelle", "источник", "kaynak",
               "منبع", "स्रोत", "来源"),
    "url": ("link", "href", "الرابط", "lien", "ссылка", "链接"),
    "author": ("authors", "by", "الكاتب", "auteur", "autor", "autore", "автор", "yazar", "نویسنده",
               "लेखक", "作者"),
    "published": ("date", "published_at", "pubdate", "publish_date", "datetime", "التاريخ",
                  "تاريخ النشر", "fecha", "data", "datum", "дата", "tarih", "تاریخ", "दिनांक",
                  "日期", "发布时间"),
    "language": ("lang", "اللغة", "langue", "idioma", "sprache", "язык", "dil", "语言"),
    "id": ("article_id", "key"),
}  # fmt: skip
_FIELD_OF = {name: field for field, names in _COLUMNS.items() for name in (field, *names)}


@dataclass(frozen=True, slots=True)
class _Table:
    """How a table is written: its delimiter, and the field or own name of each column."""

    delimiter: str
    columns: tuple[str, ...]


def read_csv(path: Path) -> Drafts:
    """Read a CSV file; a row that is no article is reported by its line, and the rest goes on.

    Commas, semicolons, tabs and bars are understood between cells; the column names say which.

    Raises:
        UnreadableFileError: no column holds the text, or no row holds an article.
    """
    with open_regular(path, MAX_BYTES) as stream:
        encoding = sniff_encoding(stream)
        stream.seek(0)
        lines = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
        header = _first_line(lines)
        table = _table(header)
        lines.seek(0)
        drafts: list[Draft] = []
        warnings: list[str] = []
        if not encoding.startswith("utf"):
            warnings.append(f"not in UTF-8: read as {encoding}")
        for row in _rows(lines, table.delimiter):
            if row.problem is not None:
                warnings.append(f"line {row.line}: {row.problem}")
            elif any(cell.strip() for cell in row.cells):
                draft = _draft(row, table, warnings)
                if draft is not None:
                    drafts.append(draft)
        lines.detach()
    if not drafts:
        first = warnings[-1] if warnings else "there are no rows under the column names"
        raise UnreadableFileError(f"no row holds an article ({first}).")
    return Drafts(tuple(drafts), tuple(warnings))


@dataclass(frozen=True, slots=True)
class _Row:
    """The cells of a row and the line it begins on, or what is wrong with it."""

    line: int
    cells: tuple[str, ...] = ()
    problem: str | None = None


def _first_line(lines: io.TextIOWrapper) -> str:
    header = lines.readline(65536).lstrip("\ufeff")
    if not header.strip():
        raise UnreadableFileError("its first line is blank; expected the names of the columns.")
    return header


def _table(header: str) -> _Table:
    """Find the delimiter by which the first line names a column of texts."""
    readings = []
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader([header], delimiter=delimiter), [])
        except csv.Error:
            continue
        columns = tuple(_field(name) for name in names)
        if "text" in columns:
            return _Table(delimiter, columns)
        readings.append(names)
    names = max(readings, key=len, default=[])
    found = ", ".join(name.strip()[:30] for name in names[:12])
    raise UnreadableFileError(
        f'no column is named "text" (or "body", "content"); found: {found}. '
        "Name the column that holds the articles' text so."
    )


def _field(name: str) -> str:
    plain = " ".join(name.split()).casefold()
    return _FIELD_OF.get(plain) or _FIELD_OF.get(plain.replace(" ", "_")) or plain


def _rows(lines: io.TextIOWrapper, delimiter: str) -> Iterator[_Row]:
    """Yield the rows under the header."""
    # The one way the csv module has to allow long cells; the limit is the same for all.
    csv.field_size_limit(MAX_CELL_LENGTH)
    reader = csv.reader(lines, delimiter=delimiter)
    is_header = True
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _Row(line, problem=f"{error}; a closing quote is probably missing")
            continue
        if not is_header:
            yield _Row(line, tuple(cells))
        is_header = False


def _draft(row: _Row, table: _Table, warnings: list[str]) -> Draft | None:
    problem = _problem(row.cells, table.columns)
    if problem is not None:
        warnings.append(f"line {row.line}: {problem}")
        return None
    fields: dict[str, object] = {}
    for name, cell in zip(table.columns, row.cells, strict=False):
        if name and cell.strip() and name not in fields:
            fields[name] = cell
    text = str(fields.pop("text"))
    return draft_from_fields(text, fields, _NAMES, line=row.line)


def _problem(cells: Sequence[str], columns: Sequence[str]) -> str | None:
    if len(cells) > len(columns):
        return f"{len(cells)} cells under {len(columns)} column names; quote cells that hold commas"
    at = columns.index("text")
    text = cells[at] if at < len(cells) else ""
    if not text.strip():
        return "the text is empty"
    if any("\0" in cell for cell in cells):
        return "there are NUL characters in it"
    return None
