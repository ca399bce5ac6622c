"""The lexical index: scores, order, filters, odd terms, and what survives crashes and links."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qa_service.errors import IndexBusyError, IndexCorruptError, IndexWriteError
from qa_service.indexes import lexical
from qa_service.indexes.lexical import K1, TantivyIndex
from qa_service.indexes.protocols import Candidates, LexicalIndex

NEWS = {
    1: "هدنة ارميني اذربيج هدنة",
    2: "停火 亚美 尼亚 停火",
    3: "หยุด ยิง อาร์ หยุด",
    4: "युद्धविराम आर्मेनिया",
    5: "ceasefire هدنة 停火 armenia",
    6: "armenia",
}


def keys_of(*values: int) -> NDArray[np.int64]:
    """Make an array of keys."""
    return np.array(values, dtype=np.int64)


def build(path: Path, documents: Mapping[int, str]) -> TantivyIndex:
    """Store documents, written as their terms with spaces between."""
    index = TantivyIndex.create(path)
    for key, text in documents.items():
        index.add(key, text.split())
    index.commit()
    return index


def found(candidates: Candidates) -> list[int]:
    """Return the keys found, after checking types and order."""
    assert candidates.keys.dtype == np.int64
    assert candidates.scores.dtype == np.float32
    pairs = list(zip((-candidates.scores).tolist(), candidates.keys.tolist(), strict=True))
    assert pairs == sorted(pairs)
    return [int(key) for key in candidates.keys]


def fingerprints(folder: Path) -> dict[str, str]:
    """Hash every file of a folder."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


@pytest.fixture
def index(tmp_path: Path) -> TantivyIndex:
    """Return an index of six passages in five scripts."""
    return build(tmp_path / "lexical", NEWS)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("هدنة", [1, 5]),
        ("停火", [2, 5]),
        ("หยุด", [3]),
        ("आर्मेनिया", [4]),
        ("armenia", [6, 5]),
        ("هدنة armenia", [5, 6, 1]),
        ("nowhere", []),
        ("ARMENIA", []),
    ],
)
def test_passages_are_found_by_shared_terms(
    index: TantivyIndex, question: str, expected: list[int]
) -> None:
    """Terms of every script are matched exactly, and rarer or more frequent ones score higher."""
    assert found(index.search(question.split(), 10)) == expected


def test_it_is_a_lexical_index(index: TantivyIndex) -> None:
    """It stands where the retriever wants a `LexicalIndex`."""
    as_interface: LexicalIndex = index
    assert len(as_interface) == 6


def test_only_top_k_come_back(index: TantivyIndex) -> None:
    """No more than `top_k` are returned, the best; none for 0."""
    assert found(index.search(["هدنة", "armenia", "停火"], 1)) == [5]
    assert found(index.search(["هدنة"], 0)) == []


@pytest.mark.parametrize("terms", [[], ["unknown"], ["x" * 70_000]])
def test_nothing_to_search_for_finds_nothing(index: TantivyIndex, terms: list[str]) -> None:
    """Empty questions, unknown terms and a term no index could hold find nothing."""
    assert found(index.search(terms, 5)) == []


def test_an_empty_index_answers(tmp_path: Path) -> None:
    """An index that never held anything finds nothing, before and after reopening."""
    index = TantivyIndex.create(tmp_path / "lexical")
    index.commit()
    assert len(index) == 0
    assert found(index.search(["هدنة"], 5)) == []
    assert found(TantivyIndex.open(tmp_path / "lexical").search(["a"], 5)) == []


@pytest.mark.parametrize(
    "term",
    [
        '"',
        "a:b",
        "key:1",
        "(",
        "+x",
        "-x",
        "*",
        "AND",
        "OR",
        "~2",
        "\\",
        "[a",
        "^",
        "\u00a0",
        "\x00",
    ],
)
def test_terms_are_never_syntax(tmp_path: Path, term: str) -> None:
    """Quotes, operators, field names and wildcards are terms like any other."""
    index = TantivyIndex.create(tmp_path / "lexical")
    if term.strip():
        index.add(1, ["نص", term])
        index.add(2, ["text", "b", "x"])
        index.commit()
        assert found(index.search([term], 5)) == [1]
    else:
        with pytest.raises(ValueError, match="must be one word"):
            index.add(1, ["text", term])


@pytest.mark.parametrize("terms", [["two words"], [""], ["a", "\n"]])
def test_terms_with_white_space_are_refused(tmp_path: Path, terms: list[str]) -> None:
    """A term that the index would split is a programming error, named with its passage."""
    index = TantivyIndex.create(tmp_path / "lexical")
    with pytest.raises(ValueError, match="of passage 7"):
        index.add(7, terms)


def test_a_repeated_question_term_counts_once(index: TantivyIndex) -> None:
    """Saying a word three times does not raise its weight."""
    once, thrice = index.search(["هدنة"], 5), index.search(["هدنة"] * 3, 5)
    assert np.array_equal(once.scores, thrice.scores)


def test_weights_multiply_what_a_term_adds(index: TantivyIndex) -> None:
    """A term of half the weight adds half, and one of weight 0 finds nothing."""
    plain = index.search(["युद्धविराम"], 5).scores[0]
    assert index.search(["युद्धविराम"], 5, weights=[0.5]).scores[0] == pytest.approx(
        plain / 2, abs=1e-3
    )
    assert found(index.search(["هدنة", "armenia"], 5, weights=[1.0, 0.0])) == [1, 5]
    assert found(index.search(["هدنة", "armenia"], 2, weights=[0.1, 9.0])) == [6, 5]
    with pytest.raises(ValueError, match="zip"):
        index.search(["هدنة"], 5, weights=[])


def test_no_passage_exceeds_the_attainable_score(index: TantivyIndex) -> None:
    """Every score lies under the bound, which grows with terms that nobody holds."""
    terms, weights = ["هدنة", "armenia", "停火"], [1.0, 0.4, 2.0]
    bound = index.attainable_score(terms, weights)
    assert 0 < index.search(terms, 1, weights=weights).scores[0] <= bound
    assert index.attainable_score([*terms, "nowhere"], [*weights, 1.0]) > bound
    assert index.attainable_score([]) == 0


def test_thousands_of_terms_are_safe(index: TantivyIndex) -> None:
    """A question of 20 000 terms is answered like any other."""
    terms = [f"t{number}" for number in range(20_000)]
    assert found(index.search([*terms, "युद्धविराम"], 5)) == [4]


def test_equal_scores_come_by_key_even_at_the_cut(tmp_path: Path) -> None:
    """Of 200 equal passages, over many segments and in any order, the lowest keys are returned."""
    index = TantivyIndex.create(tmp_path / "lexical")
    keys = np.random.default_rng(1).permutation(200) + 1
    for number, key in enumerate(keys.tolist()):
        index.add(key, ["هدنة", "停火"])
        if number % 60 == 0:
            index.commit()
    index.commit()
    assert found(index.search(["停火", "هدنة"], 7)) == [1, 2, 3, 4, 5, 6, 7]
    assert found(index.search(["停火"], 300)) == list(range(1, 201))


def test_filters_are_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few or many allowed passages, the best of them are found, whichever way is taken."""
    documents = {key: "هدنة " * (key % 5 + 1) + f"k{key}" for key in range(1, 301)}
    index = build(tmp_path / "lexical", documents)
    ranked = found(index.search(["هدنة"], 300))
    for allowed in (keys_of(3), keys_of(4, 9, 250), np.arange(1, 301, 7), np.arange(2, 300)):
        expected = [key for key in ranked if key in set(allowed.tolist())][:10]
        for most_in_query in (0, 10**6):
            monkeypatch.setattr(lexical, "_MAX_KEYS_IN_QUERY", most_in_query)
            candidates = index.search(["هدنة"], 10, allowed)
            assert found(candidates) == expected
            everywhere = index.search(["هدنة"], 300)
            scores = dict(zip(everywhere.keys.tolist(), everywhere.scores.tolist(), strict=True))
            assert candidates.scores.tolist() == [scores[key] for key in expected]
    assert found(index.search(["هدنة"], 10, keys_of())) == []
    assert found(index.search(["هدنة"], 10, keys_of(999))) == []


def test_deleted_passages_are_gone_and_others_stay(index: TantivyIndex) -> None:
    """Deleting takes effect with `commit`; unknown keys are ignored."""
    index.delete(keys_of(5, 777))
    assert found(index.search(["هدنة"], 5)) == [1, 5]
    index.commit()
    assert found(index.search(["هدنة"], 5)) == [1]
    assert len(index) == 5


def test_additions_show_after_commit_and_last(index: TantivyIndex, tmp_path: Path) -> None:
    """What is added is found after `commit`, also by whoever opens the index later."""
    reader = TantivyIndex.open(tmp_path / "lexical")
    index.add(7, ["هدنة", "جديد"])
    assert found(index.search(["جديد"], 5)) == []
    index.commit()
    assert found(index.search(["جديد"], 5)) == [7]
    assert found(reader.search(["جديد"], 5)) == []
    assert found(TantivyIndex.open(tmp_path / "lexical").search(["جديد"], 5)) == [7]


def test_keys_of_any_size_are_kept(tmp_path: Path) -> None:
    """Keys are 64-bit numbers."""
    index = build(tmp_path / "lexical", {2**62: "a", 1: "b"})
    assert found(index.search(["a"], 1, keys_of(1, 2**62))) == [2**62]


def test_idf_bounds_the_score(tmp_path: Path) -> None:
    """One occurrence in a passage of average length scores the idf; many stay under the bound."""
    index = build(tmp_path / "lexical", {key: f"هدنة w{key}" for key in range(1, 9)} | {9: "x y"})
    assert index.document_frequency("هدنة") == 8
    assert index.document_frequency("none") == 0
    assert index.idf("none") == 0.0
    assert index.search(["هدنة"], 1).scores[0] == pytest.approx(index.idf("هدنة"), abs=2e-3)
    many = build(tmp_path / "many", {1: "هدنة " * 500, 2: "x " * 500, 3: "y " * 500})
    score = many.search(["هدنة"], 1).scores[0]
    assert 0.9 * (1 + K1) * many.idf("هدنة") < score <= (1 + K1) * many.idf("هدنة")


def test_a_folder_of_hard_links_can_change_alone(index: TantivyIndex, tmp_path: Path) -> None:
    """Changing a linked copy, merges included, leaves every byte of the first as it was."""
    first, second = tmp_path / "lexical", tmp_path / "second"
    for key in range(100, 120):
        index.add(key, ["مشترك"])
        index.commit()
    second.mkdir()
    for file in first.iterdir():
        os.link(file, second / file.name)
    before = fingerprints(first)
    copy = TantivyIndex.open(second)
    for key in range(200, 220):
        copy.add(key, ["مشترك", "جديد"])
        copy.delete(keys_of(key - 100))
        copy.commit()
    assert fingerprints(first) == before
    assert len(TantivyIndex.open(first)) == 26
    assert found(TantivyIndex.open(first).search(["جديد"], 5)) == []
    assert len(TantivyIndex.open(second)) == 26
    assert found(copy.search(["مشترك"], 3)) == [200, 201, 202]


def test_small_commits_are_merged(tmp_path: Path) -> None:
    """Commits of one passage each do not leave a segment each."""
    index = TantivyIndex.create(tmp_path / "lexical")
    for key in range(1, 26):
        index.add(key, ["خبر"])
        index.commit()
    assert len(list((tmp_path / "lexical").glob("*.idx"))) < 15
    assert len(index) == 25


KILLED_WRITER = """
import os, sys
from pathlib import Path
from qa_service.indexes.lexical import TantivyIndex
index = TantivyIndex.create(Path(sys.argv[1]))
for batch in range(10_000):
    for key in range(batch * 50 + 1, batch * 50 + 51):
        index.add(key, ["هدنة", f"k{key}"])
    index.commit()
    print(batch, flush=True)
"""


def test_a_killed_writer_leaves_the_last_commit(tmp_path: Path) -> None:
    """SIGKILL among commits leaves whole batches, an index that opens, and no stale lock."""
    path = tmp_path / "lexical"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(12):
            last = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        last = max([last, *map(int, process.stdout.read().split())])
    index = TantivyIndex.open(path)
    assert len(index) % 50 == 0
    assert len(index) >= (last + 1) * 50
    index.add(10**9, ["بعد"])
    index.commit()
    assert found(index.search(["بعد"], 5)) == [10**9]


def test_uncommitted_changes_are_lost_with_their_writer(tmp_path: Path) -> None:
    """Changes that were never committed are not there after reopening."""
    index = build(tmp_path / "lexical", NEWS)
    index.add(99, ["ضائع"])
    del index
    again = TantivyIndex.open(tmp_path / "lexical")
    assert found(again.search(["ضائع"], 5)) == []
    assert len(again) == 6


def test_a_second_writer_is_refused(index: TantivyIndex, tmp_path: Path) -> None:
    """Two writers at once are told apart; after the first commits, the second may go on."""
    other = TantivyIndex.open(tmp_path / "lexical")
    index.add(50, ["a"])
    with pytest.raises(IndexBusyError, match="Another process is writing"):
        other.add(51, ["b"])
    index.commit()
    other.add(51, ["b"])
    other.commit()
    assert len(TantivyIndex.open(tmp_path / "lexical")) == 8


@pytest.mark.parametrize(
    "damage", ["missing", "no meta", "torn meta", "no segment", "torn segment"]
)
def test_damage_is_named(index: TantivyIndex, tmp_path: Path, damage: str) -> None:
    """A missing or torn file is reported with the path and the way to mend it."""
    path = tmp_path / "lexical"
    segment = next(path.glob("*.idx"))
    if damage == "missing":
        path = tmp_path / "elsewhere"
    elif damage == "no meta":
        (path / "meta.json").unlink()
    elif damage == "torn meta":
        (path / "meta.json").write_text("{")
    elif damage == "no segment":
        segment.unlink()
    else:
        segment.write_bytes(b"xx")
    with pytest.raises(IndexCorruptError, match="Run: qa-service index") as caught:
        TantivyIndex.open(path)
    assert str(path) in str(caught.value)


def test_creating_over_something_is_refused(index: TantivyIndex, tmp_path: Path) -> None:
    """An index is never made where something is."""
    with pytest.raises(IndexWriteError, match="lexical"):
        TantivyIndex.create(tmp_path / "lexical")


def test_many_threads_may_search_while_one_commits(index: TantivyIndex) -> None:
    """Searches in threads see one commit or the next, never an error."""

    def search(_: int) -> Sequence[int]:
        return found(index.search(["هدنة"], 100))

    with ThreadPoolExecutor(4) as pool:
        pending = [pool.submit(search, number) for number in range(200)]
        for key in range(100, 110):
            index.add(key, ["هدنة"])
            index.commit()
        assert all(set(result.result()) >= {1, 5} for result in pending)
    assert len(search(0)) == 12


WORDS = st.sampled_from(["هدنة", "停火", "หยุด", "युद्ध", "a", "b", "c:d"])


@settings(max_examples=40, deadline=None)
@given(
    documents=st.lists(st.lists(WORDS, max_size=6), min_size=1, max_size=12),
    question=st.lists(WORDS, max_size=4),
    top_k=st.integers(1, 14),
)
def test_it_finds_exactly_the_passages_that_share_a_term(
    tmp_path_factory: pytest.TempPathFactory,
    documents: list[list[str]],
    question: list[str],
    top_k: int,
) -> None:
    """Whatever the documents, the hits are those that share a term, as many as asked for."""
    path = tmp_path_factory.mktemp("any") / "lexical"
    index = build(path, {key: " ".join(terms) for key, terms in enumerate(documents, start=1)})
    sharing = {key for key, terms in enumerate(documents, start=1) if set(terms) & set(question)}
    hits = found(index.search(question, top_k))
    assert set(hits) <= sharing
    assert len(hits) == min(top_k, len(sharing))
