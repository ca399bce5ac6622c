"""Readers while generations change under them, and writers against each other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from index_parts import RECIPE, WordHashEncoder, make_indexer, make_store, verify

from qa_service.errors import IndexBusyError
from qa_service.store import Generation, Store

READERS = 8
SWITCHES = 20
ARTICLES = ("ar", "zh", "th", "hi", "en")


def write_version(folder: Path, version: int) -> None:
    """Write articles that all say which version they are of; their length differs, too."""
    folder.mkdir(exist_ok=True)
    for name in ARTICLES:
        lines = [f"{name} version{version} سطر 行 {line}" for line in range(3 + version % 4)]
        (folder / f"{name}.txt").write_text("\n".join(lines), encoding="utf-8")


def ask(generation: Generation, encoder: WordHashEncoder) -> set[str]:
    """Ask about every article in every way; return the versions seen in the answers."""
    versions = set()
    for name in ARTICLES:
        question = f"{name} سطر 行"
        vector = encoder.encode_query([question]).vectors[0]
        by_vector = generation.vectors.search(vector, 5).keys
        by_terms = generation.lexical.search([name], 5).keys
        for keys in (by_vector, by_terms):
            assert len(keys) > 0
            for passage in generation.passages(keys):
                versions.add(passage.text.split()[1])
                text = generation.article(passage.article_id).text
                assert passage.text == text[passage.start : passage.end]
            generation.embeddings.tokens(keys)
            generation.languages_of(keys)
        versions.add(generation.article(f"{name}.txt").text.split()[1])
    return versions


class Reader(threading.Thread):
    """Asks on and on, taking a new generation now and then, and notes what it saw."""

    def __init__(self, store: Store, stop: threading.Event) -> None:
        super().__init__()
        self._store = store
        self._stopping = stop
        self.seen: list[str] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        """Ask until told to stop."""
        encoder = WordHashEncoder()
        try:
            generation = self._store.open_current(RECIPE)
            while not self._stopping.is_set():
                versions = ask(generation, encoder)
                assert len(versions) == 1, f"mixed answers: {versions}"
                self.seen.append(versions.pop())
                if self._store.current_id() != generation.id:
                    generation = self._store.open_current(RECIPE)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            self.error = error


@pytest.mark.slow
def test_eight_readers_during_twenty_switches(tmp_path: Path) -> None:
    """No answer mixes two generations, no question fails, and every reader sees time go forward."""
    articles = tmp_path / "articles"
    write_version(articles, 0)
    make_indexer(tmp_path / "index").run([articles])
    store = make_store(tmp_path / "index")
    stop = threading.Event()
    readers = [Reader(store, stop) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        for version in range(1, SWITCHES + 1):
            write_version(articles, version)
            assert make_indexer(tmp_path / "index").run([articles]).is_new
    finally:
        stop.set()
        for reader in readers:
            reader.join(timeout=60)
    for reader in readers:
        assert reader.error is None, reader.error
        numbers = [int(seen.removeprefix("version")) for seen in reader.seen]
        assert numbers == sorted(numbers)
        assert len(set(numbers)) > 2
    generation = store.open_current(RECIPE)
    assert verify(generation) == ()
    assert ask(generation, WordHashEncoder()) == {f"version{SWITCHES}"}
    # With the readers gone, so are the generations that only they kept.
    del readers, reader
    write_version(articles, SWITCHES + 1)
    generation.close()
    make_indexer(tmp_path / "index").run([articles])
    assert len(list((tmp_path / "index" / "generations").iterdir())) == 2


@pytest.mark.slow
def test_writers_in_many_processes(tmp_path: Path) -> None:
    """Of several runs at a time one goes on and the others are turned away; none does harm."""
    articles, index = tmp_path / "articles", tmp_path / "index"
    write_version(articles, 0)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from index_parts import make_indexer\n"
        "from qa_service.errors import IndexBusyError\n"
        "sys.stdin.readline()\n"
        "for _ in range(5):\n"
        "    try:\n"
        "        make_indexer(Path(sys.argv[1])).run([Path(sys.argv[2])], rebuild=True)\n"
        "        print('done')\n"
        "    except IndexBusyError as error:\n"
        "        assert 'is being written by' in str(error)\n"
        "        print('busy')\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(index), str(articles)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    results = [process.communicate(timeout=120) for process in processes]
    assert [error for _, error in results] == ["", "", ""]
    outcomes = "".join(output for output, _ in results).split()
    assert len(outcomes) == 15
    assert set(outcomes) <= {"done", "busy"}
    generation = make_store(index).open_current(RECIPE)
    assert int(generation.id.split("-")[0]) == outcomes.count("done")
    assert verify(generation) == ()


def test_a_run_during_a_run_is_turned_away(tmp_path: Path) -> None:
    """A thread that indexes keeps out the others of its process, and the index is whole."""
    articles, index = tmp_path / "articles", tmp_path / "index"
    write_version(articles, 0)
    refused = []

    def meanwhile(step: str) -> None:
        if step == "verify":
            with pytest.raises(IndexBusyError) as caught:
                make_indexer(index).run([articles])
            refused.append(str(caught.value))

    make_indexer(index, fault=meanwhile).run([articles])
    assert len(refused) == 1
    assert verify(make_store(index).open_current(RECIPE)) == ()
