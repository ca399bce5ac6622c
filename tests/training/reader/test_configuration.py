"""A run is what its file and its lines say, and its rate has no end until it is told one."""

from __future__ import annotations

import pytest

from training.reader.configuration import DEFAULT, load_configuration, rate_at


def test_lines_override_the_file() -> None:
    """A line changes one value, and lists become tuples."""
    found = load_configuration(DEFAULT, ["loss.answerability=0.0", "examples.windows=[[70, 1.0]]"])
    assert found.loss.answerability == 0
    assert found.examples.windows == ((70, 1.0),)
    assert found.examples.kinds["given"] > 0
    assert found.to_json()["examples"]["question"]["greeting"] == found.examples.question.greeting


@pytest.mark.parametrize("line", ["loss.other=1", "nothing=1", "examples.kinds.other=0.5"])
def test_unknown_names_are_told(line: str) -> None:
    """A name that nothing has is an error that has the name."""
    with pytest.raises(ValueError, match=r"other|nothing"):
        load_configuration(DEFAULT, [line])


def test_rate() -> None:
    """It rises in a line, stays, and falls in a line to 0 once a decay has begun."""
    assert rate_at(0, 10, None, 0) == pytest.approx(0.1)
    assert rate_at(9, 10, None, 0) == rate_at(100_000, 10, None, 0) == 1
    assert rate_at(999, 10, 1000, 200) == rate_at(1000, 10, 1000, 200) == 1
    assert rate_at(1100, 10, 1000, 200) == pytest.approx(0.5)
    assert rate_at(1200, 10, 1000, 200) == 0
