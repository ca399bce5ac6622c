"""An evaluation as a body."""

from __future__ import annotations

import json

from qa_service.bodies.evaluations import EvaluationOut
from qa_service.types import Evaluation


def test_depths_are_keys_and_what_was_not_asked_is_null() -> None:
    """JSON has keys of text alone, in the order of depth; times are told to a microsecond."""
    evaluation = Evaluation(4, {1: 0.25, 5: 0.5, 10: 1.0}, 0.4, None, 0.75, None, 1.23456, 9.87654)
    told = json.loads(EvaluationOut.from_evaluation(evaluation).to_text())
    assert list(told["recall"].items()) == [("1", 0.25), ("5", 0.5), ("10", 1.0)]
    assert (told["sentence_accuracy"], told["answered"], told["refused"]) == (None, 0.75, None)
    assert (told["p50_ms"], told["p95_ms"]) == (1.235, 9.877)
    assert (told["questions"], told["mrr"]) == (4, 0.4)
