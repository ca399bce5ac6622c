"""CSV files: one article a row."""

from __future__ import annotations

import datetime as dt

import pytest
from corpus_files import ReadBytes

from qa_service.errors import UnreadableFileError


class TestCsv:
    """`.csv` files."""

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_one_article_per_row(self, read_bytes: ReadBytes, delimiter: str) -> None:
        """Columns are known by their names, whatever the delimiter; others are metadata."""
        rows = [
            ["ID", "Headline", "Body", "Publisher", "Date", "Lang", "Views"],
            ["n1", "عنوان", '"سطر أول.\nسطر ""ثان""."', "الجزيرة", "16 نوفمبر 2020", "ar", "5"],
            ["", "标题", "正文。", "", "", "", ""],
        ]
        table = "\n".join(delimiter.join(row) for row in rows)
        first, second = read_bytes("a.csv", table.encode()).articles
        assert (first.id, first.title, first.text) == ("n1", "عنوان", 'سطر أول.\nسطر "ثان".')
        assert (first.source, first.published) == ("الجزيرة", dt.date(2020, 11, 16))
        assert first.metadata == {"views": "5"}
        assert (second.title, second.text, second.language) == ("标题", "正文。", "zh")
        assert len(second.id) == 32

    def test_column_names_in_other_languages(self, read_bytes: ReadBytes) -> None:
        """An Arabic, a Russian or a Hindi table needs no English names."""
        for header, text in (
            ("العنوان,النص", "هذا نص عربي قصير."),
            ("Заголовок,Текст", "Это короткий русский текст."),
            ("शीर्षक,पाठ", "यह एक छोटा हिंदी पाठ है।"),
        ):
            (article,) = read_bytes("a.csv", f"{header}\nT,{text}\n".encode()).articles
            assert (article.title, article.text) == ("T", text)

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1256"])
    def test_encodings(self, read_bytes: ReadBytes, encoding: str) -> None:
        """Tables saved by spreadsheets come in every encoding."""
        table = "title,text\r\nعنوان,هذا خبر قصير عن المدينة القديمة\r\n"
        (article,) = read_bytes("a.csv", table.encode(encoding)).articles
        assert article.text == "هذا خبر قصير عن المدينة القديمة"

    def test_bad_rows_are_reported_by_line_and_the_rest_goes_on(
        self, read_bytes: ReadBytes
    ) -> None:
        """Too many cells, no text, a repeated id: each is named."""
        table = 'id,text\n1,"one\nmore"\n2,a,b,c\n3,\n1,again\n4,สี่\n'
        read = read_bytes("a.csv", table.encode())
        assert [article.text for article in read.articles] == ["one\nmore", "again", "สี่"]
        assert read.warnings == (
            "line 4: 4 cells under 2 column names; quote cells that hold commas",
            "line 5: the text is empty",
            "line 6: its id is taken by line 2; this article goes by '1~2'",
        )

    def test_a_long_cell_is_read(self, read_bytes: ReadBytes) -> None:
        """An article may be longer than the csv module allows by default."""
        text = "long text " * 50_000
        assert len(read_bytes("a.csv", f"text\n{text}\n".encode()).articles[0].text) > 400_000

    @pytest.mark.parametrize(
        ("table", "expected"),
        [
            ("a,b\n1,2\n", 'no column is named "text".*found: a, b'),
            ("text,title\n", "no rows"),
            ("text,title\n,x\n", "the text is empty"),
            ("\n\n", "first line is blank"),
        ],
    )
    def test_tables_without_articles_are_refused(
        self, read_bytes: ReadBytes, table: str, expected: str
    ) -> None:
        """The message says which columns were found and what was expected."""
        with pytest.raises(UnreadableFileError, match=expected):
            read_bytes("a.csv", table.encode())
