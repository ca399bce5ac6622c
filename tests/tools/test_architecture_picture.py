"""The picture of the architecture is as its source, and shows every room."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import architecture_picture
import pytest
from architecture_picture import PICTURE, SOURCE, mark

ROOT = Path(__file__).parents[2]


def test_the_picture_is_drawn_from_its_source() -> None:
    """Whoever changes the source draws the picture anew."""
    assert mark(SOURCE.read_text("utf-8")) in PICTURE.read_text("utf-8"), "run: make docs"


def test_every_room_is_in_the_picture() -> None:
    """Each package of the product is a box, and each box that is no door is a room."""
    drawing = ET.fromstring(PICTURE.read_text(encoding="utf-8"))
    boxes = {
        element.findtext("{http://www.w3.org/2000/svg}title")
        for element in drawing.iter("{http://www.w3.org/2000/svg}g")
        if element.get("class") == "node"
    }
    product = ROOT / "qa_service"
    rooms = {path.parent.name for path in product.glob("*/__init__.py")}
    modules = {path.stem for path in product.glob("*.py")}
    assert rooms - {"web"} <= boxes
    assert boxes - rooms - modules == {"doors"}


def test_the_picture_is_told_to_be_older_where_it_cannot_be_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without Graphviz nothing is written, and it is said how to get it."""
    monkeypatch.setattr(architecture_picture, "PICTURE", tmp_path / "architecture.svg")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert architecture_picture.main() == 0
    assert "apt install graphviz" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_drawing_gives_the_same_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn holds its source's mark and the boxes of the picture that is kept."""
    picture = tmp_path / "docs" / "images" / "architecture.svg"
    picture.parent.mkdir(parents=True)
    source = picture.with_suffix(".dot")
    source.write_text(SOURCE.read_text("utf-8"), encoding="utf-8")
    monkeypatch.setattr(architecture_picture, "SOURCE", source)
    monkeypatch.setattr(architecture_picture, "PICTURE", picture)
    assert architecture_picture.main() == 0
    titles = re.compile(r"<title>(.*?)</title>")
    kept, drawn = (path.read_text(encoding="utf-8") for path in (PICTURE, picture))
    assert mark(source.read_text("utf-8")) in drawn
    assert sorted(titles.findall(drawn)) == sorted(titles.findall(kept))
