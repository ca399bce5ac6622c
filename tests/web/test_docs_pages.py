"""docs/api.md and docs/security.md hold: every code documented, every named test there."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from qa_service import errors

ROOT = Path(__file__).parent.parent.parent
WEB = Path(str(files("qa_service.web")))


def test_every_code_is_documented() -> None:
    """Each code that the web layer gives stands in the table, and the table invents none."""
    table = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/api.md").read_text("utf-8"), re.M))
    sources = "\n".join(path.read_text(encoding="utf-8") for path in WEB.glob("*.py"))
    given = set(re.findall(r'HttpProblem\(\s*\d{3},\s*"(\w+)"', sources))
    by_status = re.search(r"\bCODE_OF_STATUS: .*?\{(.*?)\}", sources, re.DOTALL)
    assert by_status
    given |= set(re.findall(r'"(\w+)"', by_status[1])) | {"error"}
    own = {
        error.code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.QaServiceError)
    }
    fields = {"question", "top_k", "filters", "history"}
    assert given - own <= table
    assert table - fields == given


def test_every_named_test_exists() -> None:
    """Each threat names tests, and each of them is there."""
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    assert named
    assert {name for name in named if f"def {name}(" not in tests} == set()
    threats = page[page.index("| threat |") : page.index("## What is kept where")]
    rows = [line for line in threats.splitlines() if line.startswith("| ") and "---" not in line]
    rows = rows[1:]
    assert len(rows) > 15
    assert [row for row in rows if "`test_" not in row.split("|")[3]] == []
