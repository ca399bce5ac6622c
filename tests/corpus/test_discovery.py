"""Finding files and giving them ids."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa_service.corpus.discovery import discover
from qa_service.errors import CorpusError
from qa_service.types import FileState


def write(path: Path, text: str = "text") -> Path:
    """Write a file and the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def ids(*paths: Path) -> list[str]:
    """Discover and return the ids in order."""
    return [file.id for file in discover(paths).files]


def test_id_is_the_relative_path_in_stable_order(tmp_path: Path) -> None:
    """Files come sorted by path, with posix ids, whatever the script of their names."""
    for name in ("b.txt", "a/z.md", "a/خبر.txt", "新闻/一.html", "ข่าว.txt", "a.jsonl", "A.PDF"):
        write(tmp_path / name)
    assert ids(tmp_path) == [
        "A.PDF", "a/z.md", "a/خبر.txt", "a.jsonl", "b.txt", "ข่าว.txt", "新闻/一.html",
    ]  # fmt: skip


def test_files_carry_size_and_time(tmp_path: Path) -> None:
    """Size and modification time are those of the file."""
    path = write(tmp_path / "a.txt", "12345")
    (file,) = discover([tmp_path]).files
    assert (file.size, file.mtime_ns, file.root) == (5, path.stat().st_mtime_ns, tmp_path)


def test_a_file_goes_by_its_name(tmp_path: Path) -> None:
    """A path that is a file needs no folder."""
    assert ids(write(tmp_path / "deep" / "a.txt")) == ["a.txt"]


def test_hidden_names_are_left_out_silently(tmp_path: Path) -> None:
    """Dot files and dot folders are neither read nor reported."""
    write(tmp_path / ".git" / "a.txt")
    write(tmp_path / ".hidden.txt")
    write(tmp_path / "a.txt")
    assert ids(tmp_path) == ["a.txt"]
    assert discover([tmp_path]).problems == ()


def test_unsupported_formats_are_reported(tmp_path: Path) -> None:
    """A picture is skipped, and the report says which formats would do."""
    write(tmp_path / "a.txt")
    write(tmp_path / "photo.jpg")
    (problem,) = discover([tmp_path]).problems
    assert problem.path.endswith("photo.jpg")
    assert problem.state is FileState.SKIPPED
    assert ".jpg" in problem.reason
    assert ".docx" in problem.reason


def test_missing_path_is_named(tmp_path: Path) -> None:
    """A path that does not exist stops the run."""
    with pytest.raises(CorpusError, match="nowhere does not exist"):
        discover([tmp_path / "nowhere"])


def test_path_with_nul_is_refused(tmp_path: Path) -> None:
    """A name that no file can have is a clear error, not a crash."""
    with pytest.raises(CorpusError):
        discover([tmp_path / "a\0b"])


def test_empty_folder_is_an_error_unless_allowed(tmp_path: Path) -> None:
    """Nothing to read is said plainly, or accepted on request."""
    with pytest.raises(CorpusError, match="no files"):
        discover([tmp_path])
    assert discover([tmp_path], allow_empty=True).files == ()


def test_folder_without_articles_names_what_it_holds(tmp_path: Path) -> None:
    """The message names a file that was found and could not be used."""
    write(tmp_path / "photo.jpg")
    with pytest.raises(CorpusError, match=r"photo\.jpg.*unsupported"):
        discover([tmp_path])


def test_links_are_followed_once_and_loops_end(tmp_path: Path) -> None:
    """A folder linked into itself is entered once, a file linked twice read once; both are told."""
    write(tmp_path / "real" / "a.txt")
    (tmp_path / "real" / "loop").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "real")
    (tmp_path / "aa.txt").symlink_to(tmp_path / "real" / "a.txt")
    found = discover([tmp_path])
    assert [file.id for file in found.files] == ["real/a.txt"]
    assert {Path(problem.path).name: problem.reason for problem in found.problems} == {
        "loop": "link to a folder that is read already",
        "again": "link to a folder that is read already",
        "aa.txt": "same file as real/a.txt, which is read already",
    }
    assert {problem.state for problem in found.problems} == {FileState.SKIPPED}


def test_links_out_of_the_folder_are_followed(tmp_path: Path) -> None:
    """People keep archives elsewhere and link them in."""
    write(tmp_path / "elsewhere" / "old.txt")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "archive").symlink_to(tmp_path / "elsewhere")
    assert ids(tmp_path / "root") == ["archive/old.txt"]


def test_broken_and_circular_links_are_reported(tmp_path: Path) -> None:
    """Links that lead nowhere fail by name; the rest goes on."""
    write(tmp_path / "a.txt")
    (tmp_path / "broken.txt").symlink_to(tmp_path / "gone.txt")
    (tmp_path / "circle.txt").symlink_to(tmp_path / "circle.txt")
    found = discover([tmp_path])
    assert [file.id for file in found.files] == ["a.txt"]
    assert [problem.state for problem in found.problems] == [FileState.FAILED] * 2


def test_pipes_and_sockets_are_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe without a writer would hang whoever opens it."""
    write(tmp_path / "a.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)  # a socket's path has a short limit
        listener.bind("socket.txt")
        found = discover([tmp_path])
    assert [file.id for file in found.files] == ["a.txt"]
    assert all("not a regular file" in problem.reason for problem in found.problems)
    assert len(found.problems) == 2


def test_unreadable_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without access is named; the rest goes on."""
    write(tmp_path / "a.txt")
    closed = tmp_path / "closed"
    closed.mkdir()
    listing = Path.iterdir

    def refuse(folder: Path) -> Iterator[Path]:
        # Not by its mode: the tests may run as root, who may read everything.
        if folder == closed:
            raise PermissionError(errno.EACCES, "Permission denied")
        return listing(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)
    found = discover([tmp_path])
    assert [file.id for file in found.files] == ["a.txt"]
    (problem,) = found.problems
    assert problem.path == str(closed)
    assert problem.state is FileState.FAILED
    assert "Permission denied" in problem.reason


def test_name_that_is_not_utf_8_is_reported(tmp_path: Path) -> None:
    """Such a name fits into no id; it is shown as far as it can be."""
    write(tmp_path / "a.txt")
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    except OSError:
        pytest.skip("this file system allows UTF-8 names only")
    found = discover([tmp_path])
    assert [file.id for file in found.files] == ["a.txt"]
    assert "UTF-8" in found.problems[0].reason
    found.problems[0].path.encode()


def test_colliding_ids_get_the_name_of_their_root(tmp_path: Path) -> None:
    """The first root keeps its ids; later ones are told apart by name, then by place."""
    roots = [tmp_path / "news", tmp_path / "archive", tmp_path / "old" / "archive"]
    for root in roots:
        write(root / "2020" / "truce.md", str(root))
    found = ids(*roots)
    assert found[:2] == ["2020/truce.md", "archive/2020/truce.md"]
    assert found[2].startswith("archive~")
    assert found[2].endswith("/2020/truce.md")
    assert ids(*roots) == found


def test_a_root_given_twice_or_nested_is_read_once(tmp_path: Path) -> None:
    """Overlapping roots add nothing; the one named first gives the ids."""
    write(tmp_path / "sub" / "a.txt")
    write(tmp_path / "b.txt")
    assert ids(tmp_path, tmp_path, tmp_path / "sub") == ["b.txt", "sub/a.txt"]
    assert ids(tmp_path / "sub", tmp_path) == ["a.txt", "b.txt"]
