"""Batches from several threads: one run at a time, what waits goes together, each gets its own."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np
import pytest
from numpy.typing import NDArray

from qa_service.encoder.batching import BatchVectors, TokenBatch, pad
from qa_service.encoder.micro_batches import EncodesOutOfTurn, MicroBatches, Turn, usual_shape
from qa_service.encoder.protocol import Encoded, Encoder

QUESTIONS = (
    "كم نقطة مراقبة أقامت روسيا في قره باغ؟",
    "明长城全长多少公里？",
    "ทางรถไฟที่ยาวที่สุดในโลกยาวเท่าไร",
    "प्रकाश संश्लेषण कहाँ होता है?",
    "When was قناة السويس (苏伊士运河) opened?",
)


LONGEST = 512


class GatedModel:
    """Says of each token its id, of each text the sum of them; waits until it may go on."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.has_started = threading.Semaphore(0)
        self.may_go_on = threading.Semaphore(0)
        self.fails = False
        self._room: NDArray[np.float32] = np.empty(0, dtype=np.float32)

    def run(self, batch: TokenBatch) -> BatchVectors:
        """Run a batch; writes over what it returned before."""
        self.shapes.append(batch.ids.shape)
        self.has_started.release()
        assert self.may_go_on.acquire(timeout=60)
        self._room[...] = np.nan
        if self.fails:
            raise RuntimeError("out of memory")
        self._room = (batch.ids * batch.mask).astype(np.float32)[..., None]
        return BatchVectors(self._room, self._room.sum(axis=1))


def batch_of(*texts: Sequence[int]) -> TokenBatch:
    """Return a batch of texts given as ids."""
    return pad([np.array(text) for text in texts], pad_id=1)


def line_up(
    runs: MicroBatches, pool: ThreadPoolExecutor, batches: Sequence[TokenBatch]
) -> list[Future[BatchVectors]]:
    """Run each batch in a thread of its own; returns when all stand in line, in this order."""
    futures = []
    for place, batch in enumerate(batches, start=1):
        futures.append(pool.submit(runs.run, batch))
        while runs.waiting < place:
            wait(futures, timeout=0.001)
    return futures


def run_first(
    model: GatedModel, runs: MicroBatches, pool: ThreadPoolExecutor
) -> Future[BatchVectors]:
    """Run a batch in a thread; returns when it is under way."""
    first = pool.submit(runs.run, batch_of([7]))
    assert model.has_started.acquire(timeout=60)
    return first


def test_what_waits_goes_together_and_each_gets_its_own() -> None:
    """Batches that come during a run share the next one, and none sees another's padding."""
    model = GatedModel()
    runs = MicroBatches(model.run, LONGEST)
    batches = [batch_of([1, 2, 3]), batch_of([4], [5, 6]), batch_of([8, 9])]
    with ThreadPoolExecutor(4) as pool:
        first = run_first(model, runs, pool)
        others = line_up(runs, pool, batches)
        model.may_go_on.release(2)
        assert first.result().texts.tolist() == [[7]]
        found = [future.result() for future in others]
    assert model.shapes == [(1, 24), (4, 32)]
    assert runs.waiting == 0
    assert [one.texts.tolist() for one in found] == [[[6]], [[4], [11]], [[17]]]
    assert [one.tokens.shape for one in found] == [(1, 3, 1), (2, 2, 1), (1, 2, 1)]
    assert found[1].tokens[..., 0].tolist() == [[4, 0], [5, 6]]


def test_long_batches_do_not_hold_up_short_ones() -> None:
    """What would pad the others to hundreds of tokens runs by itself."""
    model = GatedModel()
    runs = MicroBatches(model.run, LONGEST)
    with ThreadPoolExecutor(4) as pool:
        first = run_first(model, runs, pool)
        others = line_up(runs, pool, [batch_of([1]), batch_of([1] * 400), batch_of([2, 2])])
        model.may_go_on.release(3)
        assert [one.result().texts.tolist() for one in (first, *others)] == [
            [[7]],
            [[1]],
            [[400]],
            [[4]],
        ]
    assert sorted(model.shapes) == [(1, 24), (1, 512), (2, 32)]


@pytest.mark.parametrize(
    ("length", "padded"),
    [
        (1, 24),
        (24, 24),
        (25, 32),
        (32, 32),
        (33, 64),
        (64, 64),
        (65, 96),
        (129, 192),
        (257, 300),
        (300, 300),
    ],
)
def test_shapes_are_few_and_fit_the_model(length: int, padded: int) -> None:
    """Rows are padded to few lengths, so that a runtime sees few shapes; never beyond the model."""
    model = GatedModel()
    model.may_go_on.release()
    found = MicroBatches(model.run, 300).run(batch_of([2] * length))
    assert model.shapes == [(1, padded)]
    assert found.tokens.shape == (1, length, 1)
    assert found.texts.tolist() == [[2 * length]]


@pytest.mark.parametrize("longest", [1, 20, 28])
def test_model_of_short_rows(longest: int) -> None:
    """No row is padded beyond what a model takes."""
    model = GatedModel()
    model.may_go_on.release()
    assert usual_shape(longest) == (1, min(longest, 24))
    assert MicroBatches(model.run, longest).run(batch_of([2] * longest)).texts == [[2 * longest]]
    assert model.shapes == [(1, longest)]


@pytest.mark.parametrize(("rows", "padded"), [(1, 1), (2, 2), (3, 4), (5, 8), (8, 8)])
def test_numbers_of_rows_are_few(rows: int, padded: int) -> None:
    """Rows are added up to a power of two, and nobody sees them."""
    model = GatedModel()
    model.may_go_on.release()
    found = MicroBatches(model.run, LONGEST).run(batch_of(*[[row] for row in range(1, rows + 1)]))
    assert model.shapes == [(padded, 24 if rows == 1 else 32)]
    assert found.texts[:, 0].tolist() == [*range(1, rows + 1)]


def test_padding_counts() -> None:
    """No batch is larger than one long question, whatever comes together: memory is bounded."""
    model = GatedModel()
    runs = MicroBatches(model.run, LONGEST)
    with ThreadPoolExecutor(8) as pool:
        first = run_first(model, runs, pool)
        others = line_up(runs, pool, [batch_of([3] * 90) for _ in range(5)])
        model.may_go_on.release(3)
        assert [one.result().texts.tolist() for one in (first, *others)] == [[[7]], *[[[270]]] * 5]
    assert model.shapes == [(1, 24), (4, 96), (1, 96)]


def test_failure_is_that_of_one() -> None:
    """A run that fails is told to one caller; whoever went along runs again."""
    model = GatedModel()
    runs = MicroBatches(model.run, LONGEST)
    with ThreadPoolExecutor(4) as pool:
        first = run_first(model, runs, pool)
        others = line_up(runs, pool, [batch_of([1]), batch_of([2])])
        model.may_go_on.release()
        assert first.result().texts.tolist() == [[7]]
        assert model.has_started.acquire(timeout=60)
        model.fails = True
        model.may_go_on.release()
        assert model.has_started.acquire(timeout=60)
        model.fails = False
        model.may_go_on.release()
        outcomes = [future.exception() for future in others]
    assert sorted(str(error) for error in outcomes) == ["None", "out of memory"]


def test_questions_asked_at_once_get_the_same_vectors(encoder: Encoder) -> None:
    """In any script, the vectors of a question do not tell who else asked at the time."""
    alone = [encoder.encode_query([question]) for question in QUESTIONS]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: encoder.encode_query([text]), QUESTIONS * 8))
    for place, found in enumerate(together):
        expected = alone[place % len(QUESTIONS)]
        assert found.vectors == pytest.approx(expected.vectors, abs=1e-3)
        assert found.tokens[0].vectors == pytest.approx(expected.tokens[0].vectors, abs=1e-2)
        assert np.array_equal(found.tokens[0].spans, expected.tokens[0].spans)


FOR_EVER_S = 60


class MeetingEncoder:
    """Encodes nothing, and only when as many threads as expected do so at once."""

    def __init__(self, threads: int) -> None:
        self._all_here = threading.Barrier(threads)

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Wait for the others; the texts must not ask for failure."""
        self._all_here.wait(FOR_EVER_S)
        if "fail" in texts:
            raise RuntimeError("out of memory")
        return None  # type: ignore[return-value]


def test_threads_meet_at_the_encoder_and_nowhere_else() -> None:
    """All of them can encode at the same time; before and after, each is alone."""
    turn = Turn()
    encoder = EncodesOutOfTurn(MeetingEncoder(6), turn)
    inside = most = 0

    def work() -> None:
        nonlocal inside, most
        with turn.take():
            for step in range(2):
                inside += 1
                most = max(most, inside)
                threading.Event().wait(0.001)
                inside -= 1
                if not step:
                    encoder.encode_query(["?"])

    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(work) for _ in range(6)]:
            future.result(FOR_EVER_S)
    assert most == 1


def test_failure_to_encode_leaves_the_turn_as_it_was() -> None:
    """A question that cannot be encoded still holds the turn, and gives it back in the end."""
    turn = Turn()
    encoder = EncodesOutOfTurn(MeetingEncoder(1), turn)
    with pytest.raises(RuntimeError, match="out of memory"), turn.take():
        encoder.encode_query(["fail"])
    with turn.take():
        assert encoder.encode_query(["?"]) is None
