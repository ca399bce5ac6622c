"""The service when its index is damaged or its last article goes."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from qa_service.config import load_settings
from qa_service.errors import IndexCorruptError
from qa_service.service import Service
from qa_service.store import Generation
from qa_service.store.soundness import SoundnessCheck
from qa_service.types import JobState, Question


def make_service(root: Path) -> Service:
    """Return a service on folders of its own, with the real model."""
    return Service(load_settings(index=root / "index", articles=root / "articles"))


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """Return a service with two generations of one article."""
    articles = tmp_path / "articles"
    articles.mkdir()
    made = make_service(tmp_path)
    for length in (82, 97):
        text = f"القناة\nيبلغ طول القناة {length} كيلومترا وتمر بأربع بوابات."
        (articles / "canal.txt").write_text(text, encoding="utf-8")
        made.index()
    return made


def first_passage(service: Service) -> str:
    """Ask, and return what stands first."""
    return service.ask(Question("ما طول القناة؟")).passages[0].text


@pytest.mark.slow
def test_a_damaged_generation_does_not_stop_the_service(
    service: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A server goes on with what it has open; one that starts anew takes the last good one."""
    assert "97" in first_passage(service)
    generation = tmp_path / "index" / "generations" / service.status().generation
    (generation / "articles.db").write_bytes(b"torn")
    (tmp_path / "articles" / "canal.txt").touch()
    with caplog.at_level(logging.ERROR):
        restarted = make_service(tmp_path)
        assert "82" in first_passage(restarted)
        assert "82" in first_passage(restarted)
    assert [record.message.count("articles.db") for record in caplog.records] == [1]
    with pytest.raises(IndexCorruptError, match="qa-service rollback"):
        restarted.verify()
    # The next run mends it.
    restarted.index()
    assert "97" in first_passage(restarted)
    assert restarted.verify() == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["articles.db", "vectors.faiss", "tokens/table.npy"])
def test_damage_that_only_a_question_meets(
    name: str, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an index too large to be compared on opening, damage is met later and stood in for."""
    service.close()
    damaged = service.status().generation
    path = tmp_path / "index" / "generations" / damaged / name
    service.close()
    content = path.read_bytes()
    start = len(content) // 3
    path.unlink()
    path.write_bytes(content[:start] + b"\xa5" * (len(content) - start))
    monkeypatch.setattr(SoundnessCheck, "check", lambda *_: None)
    restarted = make_service(tmp_path)
    assert "82" in first_passage(restarted)
    assert "82" in restarted.article("canal.txt").text
    damage = restarted.status().damage
    assert damage is not None
    assert damaged in damage
    monkeypatch.undo()
    report = restarted.index()
    assert report.mended is not None
    assert "97" in first_passage(restarted)
    assert restarted.status().damage is None
    assert restarted.verify() == ()


@pytest.mark.slow
def test_a_mistake_of_ours_is_no_damage(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw leaves a sound generation in service, and is told as it is."""
    monkeypatch.setattr(Generation, "article_page", lambda *_: {}["no such key"])
    with pytest.raises(KeyError, match="no such key"):
        service.articles()
    assert service.status().damage is None


@pytest.mark.slow
def test_a_lost_current_file_does_not_stop_the_service(service: Service, tmp_path: Path) -> None:
    """With garbage in CURRENT questions are answered, and rollback or a run mends it."""
    (tmp_path / "index" / "CURRENT").write_bytes(b"\x00\xff")
    assert "97" in first_passage(service) or "82" in first_passage(service)
    restarted = make_service(tmp_path)
    assert "97" in first_passage(restarted)
    restarted.index(rebuild=True)
    assert restarted.verify() == ()


@pytest.mark.slow
def test_removing_the_last_article_leaves_nothing_that_answers(service: Service) -> None:
    """An article that its owner took out does not answer any more, even when it was the last."""
    job = service.remove_article("canal.txt")
    while job.state is JobState.RUNNING:
        changed = service.wait_for_job_change(job.version, 60)
        assert changed is not None
        job = changed
    assert job.error is None
    assert service.status().articles == 0
    answer = service.ask(Question("ما طول القناة؟"))
    assert not answer.is_answered
    assert answer.passages == ()
