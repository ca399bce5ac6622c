"""Our child processes run our code and installed libraries, and nothing of the working folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qa_service.child_python import python_command, trusted_folders

ROOT = Path(__file__).parent.parent
MODULES = ("json", "re", "os", "signal", "sitecustomize", "usercustomize", "lxml", "numpy", "regex")
PACKAGES = ("encodings", "importlib", "qa_service", "markdown_it", "py3langid")

READ_ALL = """
import sys
from pathlib import Path
sys.path.append({root!r})
from qa_service.corpus.discovery import discover
from qa_service.corpus.reading import ArticleLoader
# What `python -c`, `python -m` and some servers do.
sys.path[:0] = ["", ".", {folder!r}]
with ArticleLoader() as reader:
    for file in discover([Path("articles")]).files:
        assert reader.read(file).articles
"""


@pytest.fixture
def hostile_folder(tmp_path: Path) -> Path:
    """Return a folder of modules that leave a trace when they are imported, and articles."""
    trace = f"open({str(tmp_path / 'trace')!r}, 'a').write(__name__ + '\\n')\n"
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text(trace)
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(trace)
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "a.txt").write_text("قناة\n\nافتتحت القناة عام 1869.", encoding="utf-8")
    (articles / "b.md").write_text("# 运河\n\n运河全长82公里。", encoding="utf-8")
    (articles / "c.html").write_text("<p>ตลาดน้ำเปิดทุกวันเสาร์และอาทิตย์</p>", encoding="utf-8")
    (articles / "d.jsonl").write_text('{"text": "नदी पहाड़ों से निकलती है।"}', encoding="utf-8")
    return tmp_path


def test_reading_process_runs_no_code_of_the_working_folder(hostile_folder: Path) -> None:
    """Articles are read from a folder full of modules that bear the names of libraries."""
    program = READ_ALL.format(root=str(ROOT), folder=str(hostile_folder))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=hostile_folder,
        env=environment,
        check=True,
        timeout=120,
    )
    assert not (hostile_folder / "trace").exists()


@pytest.mark.parametrize("path", ["", ".", "{folder}", "{folder}:", "relative"])
def test_environment_puts_nothing_on_a_childs_path(hostile_folder: Path, path: str) -> None:
    """Neither an empty nor a relative entry of PYTHONPATH, nor the working folder by its name."""
    environment = {**os.environ, "PYTHONPATH": path.format(folder=hostile_folder)}
    request = {
        "suffix": ".txt",
        "path": str(hostile_folder / "articles" / "a.txt"),
        "id": "a",
        "time_limit_s": 60,
        "per_article_s": 0,
    }
    done = subprocess.run(
        python_command("corpus.reading_child", ["2000000000"]),
        cwd=hostile_folder,
        env=environment,
        input=json.dumps(request).encode() + b"\n",
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    assert done.stdout.startswith(b'{"article"')
    assert not (hostile_folder / "trace").exists()


def test_folders_that_mean_the_same_everywhere_are_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Libraries outside the installation are found; the working folder is not, by any name."""
    library, work = tmp_path / "library", tmp_path / "work"
    library.mkdir()
    work.mkdir()
    (tmp_path / "link").symlink_to(work)
    monkeypatch.chdir(work)
    path = ["", ".", "relative", str(work), str(tmp_path / "link"), str(library), "/nowhere"]
    assert trusted_folders(path) == [str(library), "/nowhere"]
