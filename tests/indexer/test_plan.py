"""Which files are read again: those that may have changed, and no others."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest
from workshop import Workshop, states

from qa_service.corpus.discovery import SourceFile
from qa_service.indexer import plan
from qa_service.indexer.plan import RACY_NS, make_plan, time_to_store
from qa_service.store import StoredFile
from qa_service.types import FileState


def test_unchanged_files_are_not_even_opened(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of old date, the same size and time is not read at all."""
    for path in workshop.articles.rglob("*.txt"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    workshop.write("new.txt", "New\nnew")
    workshop.index()
    monkeypatch.setattr(
        "qa_service.indexer.plan.sha256_of",
        lambda path: pytest.fail(f"{path} was read") if path.name != "new.txt" else "",
    )
    (workshop.articles / "new.txt").unlink()
    assert workshop.index().is_new


def test_a_change_right_after_reading_is_seen(workshop: Workshop) -> None:
    """A file rewritten with the same size within the clock's grain is read again."""
    path = workshop.articles / "zh.txt"
    status = path.stat()
    path.write_text("运河\n运河全长97公里。", encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    report = workshop.index()
    assert states(report)["zh.txt"] == "indexed"
    assert workshop.nearest("运河全长97公里") == "运河全长97公里。"


def test_a_file_without_access_is_named_and_tried_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may not be read does not answer; as soon as it may, it does, embedding nothing."""
    (workshop.articles / "zh.txt").touch()

    def refuse(path: Path) -> str:
        if path.name == "zh.txt":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path)

    read = plan.sha256_of
    with monkeypatch.context() as patch:
        patch.setattr(plan, "sha256_of", refuse)
        report = workshop.index()
    (outcome,) = (item for item in report.files if item.path == "zh.txt")
    assert outcome.state is FileState.FAILED
    assert "Permission denied" in (outcome.reason or "")
    assert "zh.txt" not in workshop.texts()
    assert workshop.index().embedded == 0
    assert "zh.txt" in workshop.texts()


def there(name: str, content: str, folder: Path, mtime_ns: int = 7) -> SourceFile:
    """Write a file as discovery would find it."""
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return SourceFile(path=path, id=name, root=folder, size=path.stat().st_size, mtime_ns=mtime_ns)


def as_stored(file: SourceFile, state: FileState = FileState.INDEXED) -> StoredFile:
    """Return a file as an earlier run has stored it."""
    return StoredFile(
        path=file.id,
        size=file.size,
        mtime_ns=file.mtime_ns,
        sha256=hashlib.sha256(file.path.read_bytes()).hexdigest(),
        state=state,
        reason="why" if state is FileState.FAILED else None,
        dropped=(),
        articles=1,
        passages=2,
    )


def test_a_file_touched_only_is_not_read(tmp_path: Path) -> None:
    """Its time is stored anew, so that its content need not be compared each time."""
    known = as_stored(there("运河.txt", "运河", tmp_path))
    file = there("运河.txt", "运河", tmp_path, mtime_ns=8)
    plan = make_plan([file], {file.id: known})
    assert plan.is_empty
    assert plan.touched == (file,)
    assert [outcome.path for outcome in plan.unchanged] == ["运河.txt"]


def test_times_are_not_trusted_when_one_says_so(tmp_path: Path) -> None:
    """Files from elsewhere may have the time and size of others by chance."""
    known = as_stored(there("क.txt", "नदी", tmp_path))
    file = there("क.txt", "नहर"[:3], tmp_path)
    assert file.size == known.size
    assert make_plan([file], {file.id: known}).is_empty
    assert [one.file for one in make_plan([file], {file.id: known}, trust_times=False).to_read] == [
        file
    ]


def test_what_failed_is_told_again_and_not_read(tmp_path: Path) -> None:
    """Until it changes, or everything is to be read."""
    file = there("ملف.txt", "نص", tmp_path)
    known = {file.id: as_stored(file, FileState.FAILED)}
    plan = make_plan([file], known)
    assert plan.is_empty
    assert [(one.path, one.reason) for one in plan.failed] == [("ملف.txt", "why")]
    assert [one.file for one in make_plan([file], known, read_all=True).to_read] == [file]


def test_what_is_gone_is_removed_in_order(tmp_path: Path) -> None:
    """By id, whatever the order in which it was stored."""
    file = there("b.txt", "b", tmp_path)
    known = as_stored(file)
    plan = make_plan([], {"ไฟล์.txt": known, "文.txt": known, "b.txt": known})
    assert plan.removed == ("b.txt", "ไฟล์.txt", "文.txt")
    assert not plan.is_empty


@pytest.mark.parametrize(("age_ns", "is_kept"), [(0, False), (RACY_NS, False), (RACY_NS + 1, True)])
def test_times_of_files_just_changed_are_not_kept(
    tmp_path: Path, age_ns: int, *, is_kept: bool
) -> None:
    """A file that may change again within the clock's grain is compared next time."""
    file = there("a.txt", "a", tmp_path, mtime_ns=10**18)
    assert time_to_store(file, 10**18 + age_ns) == (10**18 if is_kept else 0)
