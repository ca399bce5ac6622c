"""Kills an index run at random moments, over and over, and looks at what is left.

A worker process imports everything once and forks a child for each run, so that a kill costs
milliseconds. Half of the children kill themselves before a step of the write chosen by chance, half
are killed from outside after a time chosen by chance. After each kill the index must hold exactly
what the last finished run made of the folder, or what this one was making of it, and answer.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from index_parts import (
    RECIPE,
    WordAnalyzer,
    WordHashEncoder,
    make_indexer,
    make_parts,
    make_store,
    verify,
)

from qa_service.errors import NoIndexError
from qa_service.store import Generation
from qa_service.store.reading_log import KILLER

FILES = 12
_VOCABULARY = (
    "يريفان الشرطة المعارضة أيار القناة سفينة 运河 船闸 公里 长城 แม่น้ำ ตลาด नदी पहाड़ "
    "canal lock river bridge Киев мост 2024 82"
)
WORDS = _VOCABULARY.split()

State = dict[str, str]
"""The text of every article, by its id."""


@dataclass(slots=True)
class Tally:
    """What a campaign did. `killed_at` counts kills by the step before which they came.

    `set_aside` counts files, in each generation that was looked at, that are left out until they
    change because two runs in turn were killed while they were at them.
    """

    kills: int = 0
    finished: int = 0
    kept_old: int = 0
    reached_new: int = 0
    questions: int = 0
    embedded: int = 0
    embedded_again: int = 0
    set_aside: int = 0
    killed_at: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """Return the tally as a JSON document."""
        return json.dumps(asdict(self) | {"killed_at": dict(sorted(self.killed_at.items()))})


class Worker:
    """A process that runs the indexer in children of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(
        self, root: Path, *, kill_at: int | None = None, kill_after_s: float | None = None
    ) -> int:
        """Run the indexer, killed before this step or after this time.

        Returns:
            the exit status, negative for a signal.
        """
        stdin, stdout = self._pipes()
        message = {"root": str(root), "kill_at": kill_at, "kill_after_s": kill_after_s}
        stdin.write(json.dumps(message) + "\n")
        stdin.flush()
        return int(stdout.readline())

    def close(self) -> None:
        """End the process."""
        stdin, stdout = self._pipes()
        stdin.close()
        stdout.close()
        self._process.wait(timeout=60)

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout


class Campaign:
    """One index and its folder, changed and killed again and again."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.articles = root / "articles"
        self.articles.mkdir(parents=True)
        self.store = make_store(root / "index")
        self.chance = random.Random(seed)
        self.tally = Tally()
        self.committed: State = {}
        self._worker = Worker()
        self._write("a0.txt", "first\nfirst words")
        self._run_whole()
        # A long run of many changes tells how many steps and how much time there are to kill in.
        for number in range(FILES):
            self._write(f"a{number}.txt", self._text())
        started = time.monotonic()
        steps = self._run_whole()
        self._longest = time.monotonic() - started
        self._steps = steps

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def run(self, kills: int) -> Tally:
        """Go on until this many runs were killed; return what happened."""
        while self.tally.kills < kills and len(self.tally.problems) < 10:
            self._change_folder()
            # Now and then several runs in a row are killed over one state of the folder.
            while not self._run_killed() and self.chance.random() < 0.3:
                pass
            if self.chance.random() < 0.15:
                self._run_whole()
        self._run_whole()
        return self.tally

    def _run_killed(self) -> bool:
        """Run once, most likely killed; return True when the run finished."""
        if self.chance.random() < 0.5:
            status = self._worker.run(self.root, kill_at=self.chance.randrange(self._steps))
        else:
            kill_after_s = self.chance.uniform(0, self._longest)
            status = self._worker.run(self.root, kill_after_s=kill_after_s)
        return self._look(status)

    def _run_whole(self) -> int:
        """Run once to the end; return the number of steps."""
        if not self._look(self._worker.run(self.root)):
            self._problem("a run that was not killed did not finish")
        self.tally.embedded_again += self._embedded_twice()
        return len((self.root / "steps.log").read_text(encoding="utf-8").splitlines())

    def _look(self, status: int) -> bool:
        """Check what a run left; return True when it had finished."""
        finished = status == 0
        if finished:
            self.tally.finished += 1
        elif status == -signal.SIGKILL:
            self.tally.kills += 1
            self.tally.killed_at[self._last_step()] += 1
        else:
            self._problem(f"a run ended with status {status}")
        wanted = self._folder_state()
        try:
            generation = self.store.open_current(RECIPE)
        except NoIndexError:
            if self.committed:
                self._problem("the index is gone")
            return finished
        state = state_of(generation)
        aside = set_aside(generation)
        self.tally.set_aside += len(aside)
        if aside and self.tally.killed_at["read"] < 2:
            self._problem("a file was set aside that two runs cannot have died at")
        wanted = {name: text for name, text in wanted.items() if name not in aside}
        if finished and state != wanted:
            self._problem("a finished run did not index what is in the folder")
        elif state == wanted != self.committed:
            self.tally.reached_new += 1
        elif state == self.committed:
            self.tally.kept_old += 1
        elif state != wanted:
            self._problem("the index holds neither the old state nor the new one")
        self.committed = state
        for problem in verify(generation):
            self._problem(problem)
        for problem in ask_everything(generation, state):
            self._problem(problem)
        self.tally.questions += len(state)
        generation.close()
        return finished

    def _change_folder(self) -> None:
        for _ in range(self.chance.randint(1, 4)):
            name = f"a{self.chance.randrange(FILES)}.txt"
            path = self.articles / name
            match self.chance.choice(["write", "write", "append", "delete", "move"]):
                case "append" if path.exists():
                    self._write(name, path.read_text(encoding="utf-8") + "\n" + self._sentence())
                case "delete" if len(list(self.articles.iterdir())) > 2:
                    path.unlink(missing_ok=True)
                case "move" if path.exists():
                    path.rename(self.articles / f"a{self.chance.randrange(FILES)}.txt")
                case _:
                    self._write(name, self._text())

    def _write(self, name: str, text: str) -> None:
        (self.articles / name).write_text(text, encoding="utf-8")

    def _text(self) -> str:
        return "\n".join(self._sentence() for _ in range(self.chance.randint(2, 12)))

    def _sentence(self) -> str:
        # The number makes every sentence, and so every article, unlike all others.
        words = self.chance.choices(WORDS, k=self.chance.randint(3, 10))
        return " ".join([*words, str(self.chance.getrandbits(40))])

    def _folder_state(self) -> State:
        return {
            path.name: path.read_text(encoding="utf-8") for path in sorted(self.articles.iterdir())
        }

    def _last_step(self) -> str:
        lines = (self.root / "steps.log").read_text(encoding="utf-8").splitlines()
        return kind_of_step(lines[-1]) if lines else "start"

    def _embedded_twice(self) -> int:
        """Count texts that went to the encoder more than once between two whole runs."""
        path = self.root / "embedded.log"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.tally.embedded += len(lines)
        path.unlink(missing_ok=True)
        return len(lines) - len(set(lines))

    def _problem(self, text: str) -> None:
        where = f"after {self.tally.kills} kills, {self.tally.finished} whole runs"
        self.tally.problems.append(f"{where}: {text}")


def state_of(generation: Generation) -> State:
    """Return the text of every article of a generation."""
    page = generation.article_page(0, 1000)
    return {item.id: generation.article(item.id).text for item in page.items}


def set_aside(generation: Generation) -> set[str]:
    """Return the files that are left out because two runs in turn were killed while at them."""
    unread = generation.unread_files(0, 1000).items
    return {file.path for file in unread if KILLER in (file.reason or "")}


def ask_everything(generation: Generation, state: State) -> list[str]:
    """Ask for a sentence of every article, by vector and by terms; return the wrong answers."""
    problems = []
    for article_id, text in state.items():
        sentence = text.splitlines()[-1]
        title = text.splitlines()[0]
        vector = WordHashEncoder().encode_document([sentence], [title]).vectors[0]
        by_vector = generation.vectors.search(vector, 3).keys
        # The number that ends each sentence is found nowhere else.
        terms = WordAnalyzer().terms(sentence.split()[-1], "und")
        by_terms = generation.lexical.search(terms, 3).keys
        for way, keys in (("vector", by_vector), ("terms", by_terms)):
            passages = generation.passages(keys)
            if not any((p.article_id, p.text) == (article_id, sentence) for p in passages):
                problems.append(f"{article_id} is not found by {way}: {sentence}")
            if not all(state[p.article_id][p.start : p.end] == p.text for p in passages):
                problems.append(f"{article_id}: a passage found by {way} is not in its article")
        counts = np.diff(generation.embeddings.tokens(by_vector).offsets).tolist()
        expected = WordHashEncoder().count_tokens(
            [passage.text for passage in generation.passages(by_vector)]
        )
        if counts != expected:
            problems.append(f"{article_id}: its tokens are {counts}, expected {expected}")
    return problems


def kind_of_step(step: str) -> str:
    """Return a step without the names that differ from run to run."""
    verb, _, path = step.partition(" ")
    if "/" not in path:
        return step
    name = path.rsplit("/", 1)[1]
    if "/building/" in path or "/generations/" in path:
        inside = path.split("/building/")[-1].split("/generations/")[-1].split("/")[1:]
        name = "/".join(part for part in inside[:1]) or "generation"
    return f"{verb} {name}"


def run_worker() -> None:
    """Fork a child for every line on the standard input."""
    for line in sys.stdin:
        message = json.loads(line)
        child = os.fork()
        if child == 0:
            run_child(Path(message["root"]), message["kill_at"])
        if message["kill_after_s"] is not None:
            time.sleep(message["kill_after_s"])
            # Not waited for yet, so this is still the child, finished or not.
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


class LoggingEncoder(WordHashEncoder):
    """Writes down every text that it embeds."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def encode_document(self, texts, titles=None):  # type: ignore[no-untyped-def]
        encoded = super().encode_document(texts, titles)
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(f"{title} {text}\n" for title, text in zip(titles, texts, strict=True))
        return encoded


def run_child(root: Path, kill_at: int | None) -> None:
    """Index the folder, and die before a step."""
    log = os.open(root / "steps.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    steps = 0

    def fault(step: str) -> None:
        nonlocal steps
        os.write(log, f"{step}\n".encode())
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1

    status = 1
    try:
        parts = make_parts(LoggingEncoder(root / "embedded.log"))
        make_indexer(root / "index", parts, fault).run([root / "articles"])
        status = 0
    finally:
        # Without the worker's own clean-up, which is not the child's.
        os._exit(status)


if __name__ == "__main__":
    run_worker()
