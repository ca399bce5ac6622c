"""The figures about quoted sentences and refusals are what they say."""

from __future__ import annotations

import pytest

from benchmarks.measuring.cases import Case, Outcome
from benchmarks.reading import area, calibration_error, figures, to_markdown


def outcome(
    kind: str, confidence: float, *, is_answerable: bool, is_right: bool = False
) -> Outcome:
    """Return an outcome; one of .5 or more is answered."""
    case = Case("كم طولها؟", kind, "ar", (), ("193",), ("canal.md",), is_answerable)
    is_answered = confidence >= 0.5
    return Outcome(case, is_answered, is_right, is_answerable, confidence, 10.0)


FOUND = [
    outcome("plain", 0.95, is_answerable=True, is_right=True),
    outcome("plain", 0.95, is_answerable=True),
    outcome("plain", 0.2, is_answerable=True),
    outcome("near-miss", 0.9, is_answerable=False),
    outcome("near-miss", 0.1, is_answerable=False),
    outcome("off-topic", 0.0, is_answerable=False),
]


def test_shares_are_of_the_questions_that_they_are_about() -> None:
    """A near-topic question that is answered is neither right nor refused."""
    found = figures(FOUND)
    assert found["right sentence"] == pytest.approx(1 / 3)
    assert found["another sentence"] == pytest.approx(1 / 3)
    assert found["wrongly refused"] == pytest.approx(1 / 3)
    assert found["right article first"] == 1
    assert found["rightly refused"] == pytest.approx(2 / 3)
    assert found["near-topic refused"] == pytest.approx(1 / 2)
    assert found["right where sure"] == pytest.approx(1 / 3)


def test_shares_of_nothing_are_none() -> None:
    """No figure is made up where there is no question."""
    found = figures([one for one in FOUND if one.case.is_answerable])
    assert found["near-topic refused"] is None
    assert found["AUC"] is None
    assert "| near-topic refused | – |" in to_markdown(FOUND[:1])


def test_calibration_error_is_the_gap_between_said_and_true() -> None:
    """Two sure answers of which one is right, and one sure of what has no answer."""
    answered = [one for one in FOUND if one.is_answered]
    assert calibration_error(answered) == pytest.approx((0.95 * 2 + 0.9) / 3 - 1 / 3)
    assert calibration_error([]) is None


def test_area_counts_pairs_in_order() -> None:
    """Half of the pairs, a tie as half of one."""
    assert area([0.9, 0.1], [0.5]) == pytest.approx(0.5)
    assert area([0.5], [0.5]) == pytest.approx(0.5)
    assert area([], [0.5]) is None
