"""Files of the index that are not what was written: seen on opening, stood in for, and mended."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from damages import DAMAGES, PAGE, Damage, all_random, random_page
from index_parts import RECIPE, WordHashEncoder, make_indexer, make_parts, make_store

from qa_service.errors import IndexCorruptError, IndexWriteError
from qa_service.store import Generation, Store
from qa_service.store.manifest import MANIFEST
from qa_service.store.soundness import SoundnessCheck


def write_articles(folder: Path, version: str) -> None:
    """Write articles of several pages in many scripts."""
    folder.mkdir(exist_ok=True)
    for number, words in enumerate(
        ("canal lock", "قناة بوابة", "运河 水闸", "คลอง ประตู", "नहर फाटक")
    ):
        lines = [f"Article {number}", *(f"{version} {line} {words}." for line in range(20))]
        (folder / f"{number}.txt").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """Return a folder of articles, version `new`, that has been indexed as `old` before."""
    folder = tmp_path / "articles"
    for version in ("old", "new"):
        write_articles(folder, version)
        make_indexer(tmp_path / "index").run([folder])
    return folder


@pytest.fixture
def store(tmp_path: Path, articles: Path) -> Store:
    """Return a store with two generations."""
    assert articles.is_dir()
    return make_store(tmp_path / "index")


def live_folder(store: Store) -> Path:
    """Return the folder of the generation in service."""
    return store.path / "generations" / str(store.current_id())


def files_in(folder: Path) -> list[str]:
    """List a generation's files, the manifest included."""
    opened = make_store(folder.parent.parent).open_current(RECIPE)
    opened.close()
    return [*opened.manifest.files, MANIFEST]


def put(path: Path, content: bytes) -> None:
    """Put a new file in the place of one that other generations may share."""
    beside = path.with_name("beside")
    beside.write_bytes(content)
    beside.replace(path)


def version_of(generation: Generation) -> str:
    """Return what a generation answers."""
    return generation.article("0.txt").text.splitlines()[1].split()[0]


def damaged_copies(store: Store, damage: Damage, root: Path) -> Iterator[tuple[str, Store]]:
    """Give a copy of the index for each file of its generation in service, that file damaged."""
    for number, name in enumerate(files_in(live_folder(store))):
        copy = make_store(root / f"copy-{number}")
        shutil.copytree(store.path, copy.path)
        path = live_folder(copy) / name
        sound = path.read_bytes()
        path.write_bytes(damage(sound))
        if path.read_bytes() != sound:
            yield Path(name).name, copy


@pytest.mark.parametrize("damage", DAMAGES)
def test_any_damaged_file_is_stood_in_for_and_mended(
    damage: Damage, store: Store, articles: Path, tmp_path: Path
) -> None:
    """Whatever file is damaged however, the generation before answers and a run mends it."""
    before = store.previous_id()
    tried = 0
    for name, copy in damaged_copies(store, damage, tmp_path):
        last = copy.open_last_good(RECIPE)
        assert last.generation is not None, name
        assert last.generation.id == before, name
        assert version_of(last.generation) == "old"
        assert name in str(last.problem)
        last.generation.close()
        try:
            problems = copy.verify()
        except IndexCorruptError as error:
            problems = (str(error),)
        assert any(name in problem for problem in problems), (name, problems)
        report = make_indexer(copy.path).run([articles])
        assert report.is_new
        assert report.mended is not None
        assert name in report.mended
        assert f"generation {before}" in report.mended
        mended = make_store(copy.path).open_current(RECIPE)
        assert version_of(mended) == "new"
        mended.close()
        assert make_store(copy.path).verify() == ()
        tried += 1
    assert tried > 8


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_the_only_generation_is_told_and_mended(
    damage: Damage, store: Store, articles: Path, tmp_path: Path
) -> None:
    """With nothing before it, the damage is one clear error, and a run makes the index anew."""
    shutil.rmtree(store.path / "generations" / str(store.previous_id()))
    for name, copy in damaged_copies(store, damage, tmp_path):
        last = copy.open_last_good(RECIPE)
        assert last.generation is None, name
        assert isinstance(last.problem, IndexCorruptError)
        assert name in str(last.problem)
        report = make_indexer(copy.path).run(default_paths=[articles])
        assert report.mended is not None
        assert "made the index anew" in report.mended
        assert make_store(copy.path).verify() == ()


def test_a_shared_file_damaged_in_place_is_mended(store: Store, articles: Path) -> None:
    """Damage to a file that both generations share leaves neither; a run makes the index anew."""
    (articles / "more.txt").write_text("More\nof the same", encoding="utf-8")
    make_indexer(store.path).run([articles])
    shared = [
        path
        for path in live_folder(store).rglob("*")
        if path.is_file() and path.stat().st_nlink > 1 and path.stat().st_size > PAGE
    ]
    assert shared
    content = shared[0].read_bytes()
    with shared[0].open("r+b") as file:
        file.write(all_random(content))
    assert make_store(store.path).open_last_good(RECIPE).generation is None
    report = make_indexer(store.path).run()
    assert report.mended is not None
    assert make_store(store.path).verify() == ()
    assert version_of(make_store(store.path).open_current(RECIPE)) == "new"


def test_a_damaged_index_goes_on_mirroring_its_own_folders(tmp_path: Path) -> None:
    """Made anew, the index mirrors what it did, not the folder that is the default."""
    write_articles(tmp_path / "mine", "new")
    write_articles(tmp_path / "default", "old")
    index = tmp_path / "index"
    make_indexer(index).run([tmp_path / "mine"])
    put(live_folder(make_store(index)) / "articles.db", b"torn")
    make_indexer(index).run(default_paths=[tmp_path / "default"])
    assert version_of(make_store(index).open_current(RECIPE)) == "new"


def test_unharmed_embeddings_are_not_computed_again(store: Store, articles: Path) -> None:
    """Mending goes on from the generation before, so that only what it lacks is embedded."""
    make_indexer(store.path).run([articles])
    (articles / "more.txt").write_text("More\nof the same", encoding="utf-8")
    make_indexer(store.path).run([articles])
    put(live_folder(store) / "articles.db", all_random(b"x" * 9000))
    encoder = WordHashEncoder()
    make_indexer(store.path, make_parts(encoder)).run([articles])
    assert len(encoder.encoded) <= 2


class TestLargeIndex:
    """What is too large to be compared at each opening."""

    @staticmethod
    def check(store: Store, most: int) -> None:
        """Compare as much as may be compared."""
        folder = live_folder(store)
        generation = store.open_current(RECIPE, is_checked=False)
        generation.close()
        SoundnessCheck(most).check(folder, generation.manifest)

    def test_what_was_changed_since_is_compared(self, store: Store) -> None:
        """A file that was written to after the manifest is compared, however large."""
        self.check(store, 0)
        path = live_folder(store) / "articles.db"
        put(path, random_page(path.read_bytes()))
        with pytest.raises(IndexCorruptError, match=r"articles\.db"):
            self.check(store, 0)

    def test_the_smaller_files_are_compared_whatever_their_time(self, store: Store) -> None:
        """Damage that leaves no trace in the times is seen as far as reading is cheap."""
        path = live_folder(store) / "articles.db"
        times = path.stat()
        put(path, random_page(path.read_bytes()))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        self.check(store, 0)
        with pytest.raises(IndexCorruptError, match=r"articles\.db"):
            self.check(store, 1 << 20)

    def test_damage_first_seen_while_building_is_set_aside(
        self, store: Store, articles: Path
    ) -> None:
        """A run whose base turns out to be torn starts again without it."""
        path = live_folder(store) / "articles.db"
        times = path.stat()
        before = store.previous_id()
        put(path, path.read_bytes()[:100] + all_random(path.read_bytes()[100:]))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        large = make_indexer(store.path)
        large._store._soundness = SoundnessCheck(0)
        (articles / "0.txt").write_text("Article 0\nnewest 0", encoding="utf-8")
        report = large.run([articles])
        assert report.mended is not None
        assert f"generation {before}" in report.mended
        assert version_of(make_store(store.path).open_current(RECIPE)) == "newest"


def test_damage_seen_while_answering_sets_the_generation_aside(store: Store) -> None:
    """What a question runs into is told from mistakes by the checksums, and remembered."""
    generation = store.open_current(RECIPE)
    assert store.set_aside(generation, KeyError(7)) is None
    assert store.set_aside(generation, KeyboardInterrupt()) is None
    assert store.open_current(RECIPE).id == generation.id
    fresh = make_store(store.path)
    put(generation.folder / "vectors.faiss", b"torn")
    found = fresh.set_aside(generation, KeyError(7))
    assert found is not None
    assert "vectors.faiss" in str(found)
    put(generation.folder / "vectors.faiss", b"torn")
    last = fresh.open_last_good(RECIPE)
    assert last.problem is found
    assert last.generation is not None
    assert version_of(last.generation) == "old"


def make_pipe(path: Path) -> None:
    """Make a pipe that nobody writes to."""
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    """Make a socket; its address has few characters."""
    with socket.socket(socket.AF_UNIX) as bound:
        here = Path.cwd()
        os.chdir(path.parent)
        try:
            bound.bind(path.name)
        finally:
            os.chdir(here)


def make_link_to_a_device(path: Path) -> None:
    """Link to a device that never ends."""
    path.symlink_to("/dev/zero")


def make_huge(path: Path) -> None:
    """Make a file that takes no room and would take all memory."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.skipif(os.name == "nt", reason="no pipes in folders there")
@pytest.mark.parametrize(
    "make", [make_pipe, make_socket, Path.mkdir, make_link_to_a_device, make_huge]
)
class TestNoFile:
    """Something else than a file under a file's name."""

    def test_current(self, make: Callable[[Path], object], store: Store, articles: Path) -> None:
        """CURRENT is never waited for; the generations are there still."""
        (store.path / "CURRENT").unlink()
        make(store.path / "CURRENT")
        with pytest.raises(IndexCorruptError, match="CURRENT"):
            store.open_current(RECIPE)
        last = store.open_last_good(RECIPE)
        assert last.generation is not None
        assert version_of(last.generation) == "new"
        if make is not Path.mkdir:
            make_indexer(store.path).run([articles])
            assert store.verify() == ()

    def test_any_file_of_a_generation(self, make: Callable[[Path], object], store: Store) -> None:
        """Neither is any file of a generation; the one before answers."""
        folder, before = live_folder(store), store.previous_id()
        for name in files_in(folder):
            kept = folder / f"{name}.kept"
            (folder / name).rename(kept)
            make(folder / name)
            last = make_store(store.path).open_last_good(RECIPE)
            assert last.generation is not None, name
            assert last.generation.id == before, name
            last.generation.close()
            (folder / name).rmdir() if (folder / name).is_dir() else (folder / name).unlink()
            kept.rename(folder / name)

    def test_the_files_of_writers(
        self, make: Callable[[Path], object], store: Store, articles: Path
    ) -> None:
        """What writers put beside the generations is replaced, not waited for."""
        for name in ("writer.json", "CURRENT.new"):
            make(store.path / name)
            (articles / "0.txt").write_text(f"Article 0\n{name} 0", encoding="utf-8")
            if make is Path.mkdir:
                with pytest.raises(IndexWriteError, match=name):
                    make_indexer(store.path).run([articles])
                (store.path / name).rmdir()
            make_indexer(store.path).run([articles])
            assert version_of(store.open_current(RECIPE)) == name
