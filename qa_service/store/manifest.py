"""`manifest.json`: what a generation is made of, and the checksum of each of its files."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qa_service.errors import IndexCorruptError, IndexMismatchError
from qa_service.indexes.packing import EmbeddingSize
from qa_service.store.small_files import read_small

FORMAT = 1
MANIFEST = "manifest.json"
# Lines that most articles repeat are what makes it long.
MOST_BYTES = 64 * 1024 * 1024

MEND = "Run: qa-service index, which makes it anew, or qa-service rollback"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What shapes the content of an index; each field but the sizes names a version of a part.

    `reading` stands for the rules that turn files into articles, `statistics` for what is learnt
    from the corpus and kept from run to run.
    """

    model: str
    dimension: int
    codec: str
    code_size: int
    analyzer: str
    chunker: str
    reading: str
    statistics: str

    @property
    def embedding(self) -> str:
        """Name whatever changes the stored form of a passage's embedding."""
        return f"{self.model}|{self.dimension}|{self.codec}|{self.code_size}"

    @property
    def embedding_size(self) -> EmbeddingSize:
        """How large a passage's embedding is."""
        return EmbeddingSize(self.dimension, self.code_size)

    def check_answers(self, wanted: Recipe, path: Path) -> None:
        """Let pass when an index of this recipe answers questions put by parts of `wanted`.

        Articles read and cut by other rules, and means learnt by others, answer as well as they
        did; the next index run makes them anew.

        Raises:
            IndexMismatchError: another model, codec or analyser is set than built the index.
        """
        for part in ("model", "dimension", "codec", "code_size", "analyzer"):
            found, expected = getattr(self, part), getattr(wanted, part)
            if found != expected:
                raise IndexMismatchError(
                    f"{path} was built with {part} {found}; settings ask for {expected}. "
                    "Run: qa-service index --rebuild"
                )


@dataclass(frozen=True, slots=True)
class FileRecord:
    """The size and SHA-256 of one file of a generation."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RepeatedLines:
    """Lines that are dropped because most articles repeat them, folded as the corpus compares them.

    `counted_articles` is how many articles there were when they were looked for.
    """

    lines: frozenset[str]
    counted_articles: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A generation's own description.

    `parent` is the generation that it was made from, if any. `sources` are the paths that it
    mirrors. `languages` counts passages by language, `fitted_languages` those that the statistics
    were made from. `next_key` is the first passage key not given out yet. `files` maps paths
    relative to the generation, with `/`, to what they must be.
    """

    id: str
    parent: str | None
    created_at: dt.datetime
    recipe: Recipe
    sources: tuple[str, ...]
    file_count: int
    articles: int
    passages: int
    languages: Mapping[str, int]
    fitted_languages: Mapping[str, int]
    repeated_lines: RepeatedLines
    next_key: int
    files: Mapping[str, FileRecord]
    format: int = FORMAT

    @property
    def size_bytes(self) -> int:
        """Bytes of all files, those shared with other generations included."""
        return sum(record.size for record in self.files.values())

    def to_json(self) -> str:
        """Return the text of `manifest.json`, sealed with a checksum of itself."""
        lines = {
            "lines": sorted(self.repeated_lines.lines),
            "counted_articles": self.repeated_lines.counted_articles,
        }
        content = dataclasses.asdict(self) | {
            "created_at": self.created_at.isoformat(),
            "repeated_lines": lines,
        }
        return json.dumps(content | {"seal": _seal(content)}, indent=2, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Read a generation's manifest.

    Raises:
        IndexCorruptError: it is missing, torn or was changed.
        IndexMismatchError: it was written by a version of qa-service with another format.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(read_small(path, MOST_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _corrupt(path, str(error)) from error
    if not isinstance(content, dict):
        raise _corrupt(path, "not a JSON object")
    if not isinstance(content.get("format"), int):
        raise _corrupt(path, "it names no format")
    if content.get("format") != FORMAT:
        raise IndexMismatchError(
            f"{path} has format {content.get('format')}; this version reads format {FORMAT}. "
            "Run: qa-service index --rebuild"
        )
    if content.pop("seal", None) != _seal(content):
        raise _corrupt(path, "its checksum does not match its content")
    try:
        return _from_content(content)
    except (KeyError, TypeError, ValueError) as error:
        raise _corrupt(path, f"unexpected content: {error!r}") from error


def _from_content(content: dict[str, object]) -> Manifest:
    fields = dict(content)
    created_at = dt.datetime.fromisoformat(str(fields.pop("created_at")))
    parts = _mapping(fields.pop("recipe"))
    if "reader" in parts:
        # The name of `reading` in the first months.
        parts = {("reading" if name == "reader" else name): parts[name] for name in parts}
    recipe = Recipe(**parts)  # type: ignore[arg-type]
    files = {
        name: FileRecord(**_mapping(record))  # type: ignore[arg-type]
        for name, record in _mapping(fields.pop("files")).items()
    }
    lines = _mapping(fields.pop("repeated_lines"))
    repeated_lines = RepeatedLines(
        lines=frozenset(str(line) for line in _list(lines["lines"])),
        counted_articles=int(str(lines["counted_articles"])),
    )
    sources = tuple(str(source) for source in _list(fields.pop("sources")))
    return Manifest(
        created_at=created_at,
        recipe=recipe,
        files=files,
        sources=sources,
        repeated_lines=repeated_lines,
        **fields,  # type: ignore[arg-type]
    )


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, found {value!r}")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"expected an array, found {value!r}")
    return value


def _seal(content: Mapping[str, object]) -> str:
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _corrupt(path: Path, found: str) -> IndexCorruptError:
    return IndexCorruptError(f"{path} cannot be used: {found}. {MEND}")
