"""What every engine does, the embedded one and one that keeps nothing in files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from engine_passages import ENCODER, SILENT, SIZE, TEXTS, append, center, embed, go_on, keys, write
from index_parts import DIMENSION, WordAnalyzer
from memory_engine import MemoryEngine

from qa_service.errors import IndexCorruptError
from qa_service.indexes.embedded_engine import EmbeddedEngine
from qa_service.indexes.engine import Engine


@pytest.fixture(params=[EmbeddedEngine, MemoryEngine])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Return each engine."""
    make: Callable[[], Engine] = request.param
    return make()


@pytest.mark.parametrize("key", TEXTS)
def test_a_passage_is_found_by_vector_and_terms(engine: Engine, tmp_path: Path, key: int) -> None:
    """In every script, and by the vector that centring has made of it."""
    opened = write(engine, tmp_path / "1", TEXTS)
    vector = ENCODER.encode_document([TEXTS[key]]).vectors[0]
    found = opened.vectors.search(-vector, 1)
    assert found.keys.tolist() == [key]
    assert found.scores[0] == pytest.approx(1.0, abs=1e-2)
    terms = WordAnalyzer().terms(TEXTS[key], "und")
    by_terms = opened.lexical.search(terms, 10)
    assert by_terms.keys[0] == key
    assert by_terms.scores[0] <= opened.lexical.attainable_score(terms) + 1e-3
    others = keys(*(other for other in TEXTS if other != key))
    assert key not in opened.vectors.search(-vector, 10, others).keys
    assert key not in opened.lexical.search(terms, 10, others).keys


def test_embeddings_come_in_the_order_asked_for(engine: Engine, tmp_path: Path) -> None:
    """Keys may be asked for in any order and more than once; an unknown one is an error."""
    embeddings = write(engine, tmp_path / "1", TEXTS).embeddings
    wanted = keys(9, SILENT, 3, 9)
    packed = [embed(text) for text in (TEXTS[9], "", TEXTS[3], TEXTS[9])]
    for found, expected in zip(embeddings.packed(wanted), packed, strict=True):
        assert np.array_equal(found.vector, expected.vector)
        assert np.array_equal(found.tokens, expected.tokens)
    encoded = ENCODER.encode_document([TEXTS[9], "", TEXTS[3], TEXTS[9]])
    halves = encoded.vectors.astype(np.float16).astype(np.float32)
    assert np.array_equal(embeddings.vectors(wanted), halves)
    batch = embeddings.tokens(wanted)
    assert np.diff(batch.offsets).tolist() == [len(one.spans) for one in encoded.tokens]
    start, end = batch.spans[batch.offsets[2]].tolist()
    assert TEXTS[3][start:end] == "وصل"
    assert embeddings.vectors(keys()).shape == (0, DIMENSION)
    for ask in (embeddings.vectors, embeddings.tokens, embeddings.packed):
        with pytest.raises(KeyError):
            ask(keys(3, 5))


@pytest.mark.parametrize("is_stale", [False, True])
def test_a_generation_goes_on_from_another(
    engine: Engine, tmp_path: Path, *, is_stale: bool
) -> None:
    """What is removed is gone, what is added is found, and the one before answers as ever."""
    base = write(engine, tmp_path / "1", TEXTS)
    writer = engine.begin(go_on(tmp_path / "2", tmp_path / "1"), SIZE, tmp_path / "1")
    append(writer, {12: "新しい記事"})
    left = keys(4, 7, 8, 9, SILENT, 12)
    assert np.array_equal(
        writer.finish_embeddings(left).vectors(keys(4)), base.embeddings.vectors(keys(4))
    )
    writer.finish_terms(keys(3))
    writer.finish_vectors(left, keys(12), keys(3), center, is_stale=is_stale)
    new = engine.open(tmp_path / "2", SIZE, center)
    for key, text in ((3, TEXTS[3]), (12, "新しい記事")):
        vector = -ENCODER.encode_document([text]).vectors[0]
        terms = WordAnalyzer().terms(text, "und")
        for opened, has_it in ((base, key == 3), (new, key == 12)):
            assert (key in opened.vectors.search(vector, 1).keys) is has_it
            assert (key in opened.lexical.search(terms, 9).keys) is has_it
    assert set(new.counts().values()) == {len(left)}
    assert set(base.counts().values()) == {len(TEXTS) + 1}
    for _, own in new.keys_by_part():
        assert own.tolist() == left.tolist()
    assert list(new.problems()) == []
    with pytest.raises(KeyError):
        new.embeddings.tokens(keys(3))


def test_a_passage_that_was_never_appended_is_an_error(engine: Engine, tmp_path: Path) -> None:
    """Before anything is in service, rather than when a question meets it."""
    (tmp_path / "1").mkdir()
    writer = engine.begin(tmp_path / "1", SIZE, None)
    append(writer, TEXTS)
    with pytest.raises(KeyError):
        writer.finish_embeddings(keys(*TEXTS, 99))
    writer.abandon()


def test_what_is_abandoned_does_not_open(engine: Engine, tmp_path: Path) -> None:
    """And the generation that it would have gone on from is what it was."""
    base = write(engine, tmp_path / "1", TEXTS)
    writer = engine.begin(go_on(tmp_path / "2", tmp_path / "1"), SIZE, tmp_path / "1")
    append(writer, {12: "新しい記事"})
    writer.abandon()
    shutil.rmtree(tmp_path / "2")
    with pytest.raises(IndexCorruptError):
        engine.open(tmp_path / "2", SIZE, center)
    assert set(base.counts().values()) == {len(TEXTS) + 1}
