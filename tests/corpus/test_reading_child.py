"""The reading process itself: it ends when its time is up, and survives its readers."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest
from corpus_files import source_file
from valid_files import LARGE, VALID

from qa_service.child_python import python_command
from qa_service.corpus.reading import Allowance, ArticleLoader
from qa_service.errors import UnreadableFileError


def test_a_child_whose_parent_is_gone_ends_by_itself(tmp_path: Path) -> None:
    """Nobody may be left to watch the time: the system does."""
    path = tmp_path / "a.md"
    path.write_bytes(LARGE[".md"])
    request = {
        "suffix": ".md",
        "path": str(path),
        "id": "a",
        "time_limit_s": 0.3,
        "per_article_s": 0,
    }
    child = subprocess.Popen(
        python_command("corpus.reading_child", [str(2**31)]),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(request).encode() + b"\n")
    child.stdin.flush()
    assert child.wait(timeout=30) == -signal.SIGALRM
    child.stdin.close()


def test_whatever_a_parser_does_is_an_answer(tmp_path: Path) -> None:
    """An error that no reader foresaw names the file, and the process goes on."""
    path = tmp_path / "a.txt"
    path.write_bytes(VALID[".txt"])
    with ArticleLoader({".odd": Allowance(60), ".txt": Allowance(60)}) as reader:
        odd = path.with_suffix(".odd")
        odd.write_bytes(b"x")
        with pytest.raises(UnreadableFileError, match=r"a\.odd: its reader stumbled.*KeyError"):
            reader.read(source_file(odd))
        child = reader._process._child
        assert reader.read(source_file(path)).articles
        assert reader._process._child is child
