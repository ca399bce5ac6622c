"""`Ingestion`: reads files into the articles of a generation that is being written."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace

from qa_service.corpus.discovery import SourceFile
from qa_service.corpus.file_articles import FileArticles
from qa_service.errors import UnreadableFileError
from qa_service.indexer.components import Components
from qa_service.indexer.plan import time_to_store
from qa_service.indexer.read_ahead import ReadAhead, Reading
from qa_service.store import (
    FileContent,
    GenerationWriter,
    NewPassage,
    ReadFile,
    ReadingLog,
    embedding_hash,
)
from qa_service.text.encoding import half_surrogate_at
from qa_service.types import Article, FileOutcome, FileState, Progress, Stage

# The first few say what is the matter with ids; the others are counted.
IDS_TO_NAME = 3
# What a file costs beside its bytes, in bytes.
BYTES_TO_OPEN = 4096
# Of the time that a file takes, reading it takes this share; the rest goes into storing it.
SHARE_TO_READ = 0.5
# A larger file is not read ahead: its articles would be in memory beside those of another.
MOST_BYTES_AHEAD = 8 * 2**20
# The passages of a long article are not in memory together.
PASSAGES_AT_ONCE = 1000
# What takes longer to find out is not found out again by the run after one that died.
COSTLY_S = 2.0


class Ingestion:
    """Reads files into a generation, and decides which article goes by an id that several claim.

    A file's own path is an id for its article alone. Any other id goes to the first file that
    claims it, in the order of the files, whenever it was read: a file that must give an id back,
    or may have one at last, is read again. Articles that lose out go by `file#id`; none is lost.
    """

    def __init__(
        self,
        parts: Components,
        writer: GenerationWriter,
        files: Sequence[SourceFile],
        log: ReadingLog,
        on_outcome: Callable[[FileOutcome], None],
        on_progress: Callable[[Progress], None],
    ) -> None:
        """Take all files of the corpus in order, and who is told what became of each."""
        self._parts = parts
        self._writer = writer
        self._log = log
        self._files = files
        self._places = {file.id: place for place, file in enumerate(files)}
        self._on_outcome = on_outcome
        self._on_progress = on_progress
        # SHA-256 of the files still to be read, and their places in order.
        self._contents: dict[str, str] = {}
        self._queue: list[int] = []
        # Those that a run may have died of, the next one last; they come when all others are read.
        self._suspects: list[str] = []
        # What is being read, or read already, by file.
        self._readings: dict[str, Reading] = {}
        # Files that were read, and the work that they and all that are to be read make.
        self._done = 0
        self._work_done = self._work = 0

    def read(self, contents: Mapping[str, str], repeated: Set[str]) -> None:
        """Read files that were removed from the database before, and those that depend on them.

        Args:
            contents: the SHA-256 of each file's content.
            repeated: lines that are dropped because most articles repeat them.
        """
        self._done = self._work_done = self._work = 0
        for path, sha256 in contents.items():
            self._put(path, sha256)
        self._put_dependents()
        self._tell(self._left)
        ahead = ReadAhead(self._parts.loader)
        try:
            while self._queue or self._put_dependents() or self._put_suspect():
                file = self._files[heapq.heappop(self._queue)]
                self._writer.step("read")
                reading = self._begin(file, ahead, repeated)
                self._on_outcome(self._read_file(file, self._contents.pop(file.id), reading))
                self._done += 1
                self._work_done += _work(file)
                self._tell(self._done + self._left)
        finally:
            ahead.close()

    @property
    def _left(self) -> int:
        return len(self._queue) + len(self._suspects)

    def _begin(self, file: SourceFile, ahead: ReadAhead, repeated: Set[str]) -> Reading | None:
        """Have a file read, and begin the next; None when something speaks against reading it."""
        wanted = [file]
        if self._queue and not self._readings.keys() - {file.id}:
            following = self._files[self._queue[0]]
            if following.size <= MOST_BYTES_AHEAD:
                wanted.append(following)
        wanted = [one for one in wanted if self._log.reason_against(self._content(one)) is None]
        at = {file.id: file for file in [*wanted, *(r.file for r in self._readings.values())]}
        self._log.begin(map(self._content, at.values()))
        for one in wanted:
            if one.id not in self._readings:
                self._readings[one.id] = ahead.start(one, repeated)
        return self._readings.pop(file.id, None)

    def _content(self, file: SourceFile) -> FileContent:
        return FileContent(file.id, self._contents[file.id])

    def _tell(self, total: int, on_the_way: float = 0.0) -> None:
        """Tell how many files of how many are read, with the work that is done of the next."""
        share = (self._work_done + on_the_way) / self._work if self._work else 1.0
        self._on_progress(Progress(Stage.READING, self._done, total, share))

    def _tell_within(self, file: SourceFile, share: float) -> None:
        """Tell what share of a file is read and stored."""
        self._tell(self._done + 1 + self._left, share * _work(file))

    def _put(self, path: str, sha256: str) -> None:
        self._contents[path] = sha256
        place = self._places[path]
        self._work += _work(self._files[place])
        if self._log.is_suspect(FileContent(path, sha256)):
            self._suspects.append(path)
        else:
            heapq.heappush(self._queue, place)

    def _put_suspect(self) -> bool:
        """Put a file next that a run may have died of, when there is nothing else left to read."""
        if not self._suspects:
            return False
        heapq.heappush(self._queue, self._places[self._suspects.pop()])
        return True

    def _take_back(self, path: str) -> None:
        """Forget a file that was read, to read it again."""
        self._put(path, self._writer.articles.remove_file(path) or "")

    def _put_dependents(self) -> bool:
        """Take back files that repeat a text, or yielded an id, of an article that is gone."""
        articles = self._writer.articles
        found = False
        while paths := {
            *articles.orphaned_files(),
            *(claim.file for claim in articles.free_claims() if claim.id not in self._places),
        }:
            found = True
            for path in sorted(paths):
                self._take_back(path)
        return found

    def _read_file(self, file: SourceFile, sha256: str, reading: Reading | None) -> FileOutcome:
        outcome, content = self._outcome(file, FileContent(file.id, sha256), reading)
        number = self._writer.articles.add_file(
            ReadFile(
                path=file.id,
                size=file.size,
                mtime_ns=time_to_store(file, time.time_ns()),
                sha256=sha256,
                state=outcome.state,
                dropped=outcome.dropped,
            )
        )
        articles = passages = 0
        clashes: list[str] = []
        numbers: dict[str, int] = {}
        for count, claimed in enumerate(content.articles):
            stored = count / len(content.articles)
            self._tell_within(file, SHARE_TO_READ + (1.0 - SHARE_TO_READ) * stored)
            article = self._with_free_id(file, claimed, numbers)
            original = self._writer.articles.original_of(article.text)
            claim = claimed.id if claimed.id != article.id else None
            row = self._writer.articles.add_article(number, article, original, claim)
            if original is not None:
                continue
            if claim is not None:
                clashes.append(f"the id {claim!r} is taken; its article goes by {article.id!r}")
            articles += 1
            passages += self._add_passages(row, article)
        notes = [*([outcome.reason] if outcome.reason else content.warnings), *_shortened(clashes)]
        outcome = replace(
            outcome, articles=articles, passages=passages, reason="; ".join(notes) or None
        )
        self._writer.articles.set_reason(number, outcome.reason)
        self._log.found_harmless(FileContent(file.id, sha256))
        return outcome

    def _outcome(
        self, file: SourceFile, known: FileContent, reading: Reading | None
    ) -> tuple[FileOutcome, FileArticles]:
        """Wait for a file's articles; none come back, and the outcome says why, if it has none."""
        try:
            if reading is None:
                raise UnreadableFileError(self._log.reason_against(known))
            content = reading.result(lambda share: self._tell_within(file, SHARE_TO_READ * share))
            _check_storable(content)
        except UnreadableFileError as error:
            # The report names the file already.
            reason = str(error).removeprefix(f"{file.path}: ")
            if reading is not None and reading.elapsed_s >= COSTLY_S:
                self._log.found_unreadable(known, reason)
            return FileOutcome(file.id, FileState.FAILED, reason=reason), FileArticles(())
        return FileOutcome(file.id, FileState.INDEXED, dropped=content.dropped), content

    def _with_free_id(self, file: SourceFile, article: Article, numbers: dict[str, int]) -> Article:
        """Return the article by the id that it claims, or by another that says where it stands.

        `numbers` holds where the search for a free number goes on, by what is numbered.
        """
        holder = self._writer.articles.file_of(article.id)
        is_path = article.id in self._places
        if is_path and article.id != file.id:
            holder = article.id
        elif holder is not None and (is_path or self._places[file.id] < self._places[holder]):
            self._take_back(holder)
            return article
        if holder is None:
            return article
        plain = f"{file.id}#{article.id}"
        free, number = plain, numbers.get(plain, 1)
        while self._writer.articles.file_of(free) is not None:
            number += 1
            free = f"{plain}~{number}"
        numbers[plain] = number
        return replace(article, id=free)

    def _add_passages(self, row: int, article: Article) -> int:
        """Store an article's passages; return how many there are."""
        embedding = self._parts.recipe.embedding
        passages = (
            NewPassage(passage, embedding_hash(embedding, article.title, passage.text))
            for passage in self._parts.chunker(article)
        )
        count = 0
        while some := list(itertools.islice(passages, PASSAGES_AT_ONCE)):
            self._writer.articles.add_passages(row, some)
            count += len(some)
        return count


def _work(file: SourceFile) -> int:
    """Return what reading a file costs, in bytes."""
    return file.size + BYTES_TO_OPEN


def _shortened(clashes: Sequence[str]) -> list[str]:
    more = len(clashes) - IDS_TO_NAME
    rest = [f"{more} more ids are taken like this"] if more > 0 else []
    return [*clashes[:IDS_TO_NAME], *rest]


def _check_storable(content: FileArticles) -> None:
    """Refuse text that has no UTF-8 form: halves of surrogate pairs, as broken JSON can hold."""
    for article in content.articles:
        fields = (article.id, article.title, article.text, article.source, article.url)
        for text in (*fields, article.author, article.language):
            place = half_surrogate_at(text or "")
            if place is not None:
                raise UnreadableFileError(
                    f"half of a surrogate pair at {place} in article {article.id!a}. "
                    "Save the file as valid UTF-8."
                )
