"""What is packed is a part of the corpus, and the same questions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.reader.corpus import CORPUS, Corpus, read_corpus, text_of, write_corpus
from training.reader.pack import thinned, with_common_tokens, without_unused
from training.reader.split import Part
from training.reader.vocabulary import UNKNOWN


@pytest.fixture
def corpus(prepared: Path) -> Corpus:
    """Read the prepared corpus."""
    return read_corpus(prepared / CORPUS)


def passage_tokens(corpus: Corpus, question: str) -> list[int]:
    """Return the model's numbers of the tokens beside a question."""
    number = next(
        n for n in range(len(corpus.questions)) if text_of(corpus.questions, n) == question
    )
    return corpus.vocabulary[corpus.tokens[int(corpus.passages[number])]].tolist()


def test_common_tokens_have_new_numbers(corpus: Corpus) -> None:
    """Tokens that stay mean what they meant, rare ones are unknown."""
    packed, kept = with_common_tokens(corpus, len(corpus.vocabulary) - 10)
    question = "متى بني جسر النهر؟"
    before, after = passage_tokens(corpus, question), passage_tokens(packed, question)
    assert len(before) == len(after)
    assert all(new in (old, UNKNOWN) for old, new in zip(before, after, strict=True))
    assert sum(new != UNKNOWN for new in after) > len(after) / 2
    assert np.array_equal(corpus.vocabulary[kept], packed.vocabulary)
    assert len(kept) < len(corpus.vocabulary)


def test_thinner(corpus: Corpus) -> None:
    """What judges goes, then some of what there is most of; no question loses its passage."""
    whole, small = without_unused(thinned(corpus, 1.0)), without_unused(thinned(corpus, 0.3))
    assert {*whole.parts.tolist(), *small.parts.tolist()} == {int(Part.TRAIN)}
    assert len(whole.questions) == (corpus.parts == int(Part.TRAIN)).sum()
    assert 0 < len(small.questions) < len(whole.questions)
    assert small.passages.max() < len(small.tokens) < len(corpus.tokens)
    assert small.negatives.max() < len(small.tokens)
    has_more = (small.negatives[:, :, 1:] >= 0) & (small.negatives[:, :, :-1] < 0)
    assert not has_more.any()
    for number in range(len(small.questions)):
        question = text_of(small.questions, number)
        assert passage_tokens(small, question) == passage_tokens(corpus, question)


@pytest.mark.parametrize("is_compressed", [False, True])
def test_way_through_a_file(corpus: Corpus, tmp_path: Path, is_compressed: bool) -> None:
    """A corpus is the same when it is read back, compressed or not."""
    write_corpus(tmp_path / CORPUS, corpus, is_compressed=is_compressed)
    again = read_corpus(tmp_path / CORPUS)
    assert again.names == corpus.names
    assert np.array_equal(again.negatives, corpus.negatives)
    for number in range(len(corpus.questions)):
        assert text_of(again.questions, number) == text_of(corpus.questions, number)
        assert np.array_equal(again.spans[number], corpus.spans[number])


def test_missing_corpus_says_what_makes_it(tmp_path: Path) -> None:
    """Whoever has none is told the command."""
    with pytest.raises(FileNotFoundError, match=r"training\.reader\.prepare"):
        read_corpus(tmp_path / CORPUS)
