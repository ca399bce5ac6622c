"""The index as a body: in service, damaged, missing; and whether it is whole."""

from __future__ import annotations

from dataclasses import replace

from fake_service import FakeService

from qa_service.bodies.index import IndexOut, IndexStatusOut, VerificationOut
from qa_service.bodies.index_runs import Excerpt
from qa_service.errors import NoIndexError
from qa_service.types import FileOutcome, FilePage, FileState

FOLDER = "/srv/مكتبة/"
STATUS = replace(FakeService().status(), path=f"{FOLDER}index", damage=f"{FOLDER}x is torn")
NETWORK = Excerpt.for_reply(lambda text: text.replace(FOLDER, ""))


def test_status_tells_folders_to_its_owner_alone() -> None:
    """The command line is told where the index lies; clients over the network are not."""
    whole, cut = IndexStatusOut.from_status(STATUS), IndexStatusOut.from_status(STATUS, NETWORK)
    assert (whole.path, whole.damage) == (STATUS.path, STATUS.damage)
    assert (cut.path, cut.damage) == ("index", "x is torn")
    assert cut.model_copy(update={"path": whole.path, "damage": whole.damage}) == whole


def test_missing_index_is_a_problem_with_a_code() -> None:
    """Without an index there is a problem, its message without folders, and nothing else."""
    problem = NoIndexError(f"{FOLDER}index holds no index yet")
    body = IndexOut.from_index(None, problem, None, None, NETWORK)
    assert body.model_dump() == {
        "index": None,
        "problem": {"code": "no_index", "message": "index holds no index yet", "detail": None},
        "job": None,
        "unread": None,
    }


def test_unread_files_can_be_removed_by_their_link() -> None:
    """A file that holds no article is told with the address that removes it."""
    page = FilePage(7, 3, (FileOutcome("ข่าว/a b.pdf", FileState.SKIPPED, reason="empty"),))
    unread = IndexOut.from_index(STATUS, None, None, page, NETWORK).unread
    assert unread is not None
    assert (unread.total, unread.offset) == (7, 3)
    (file,) = unread.files
    assert (file.path, file.state, file.reason) == ("ข่าว/a b.pdf", "skipped", "empty")
    assert file.link == "/articles/%E0%B8%82%E0%B9%88%E0%B8%B2%E0%B8%A7/a%20b.pdf"


def test_whole_index_has_no_problems() -> None:
    """An index is well when nothing was found, and else all that was found is told."""
    assert VerificationOut.from_problems(()).model_dump() == {"ok": True, "problems": []}
    assert VerificationOut.from_problems(("x",)).model_dump() == {"ok": False, "problems": ["x"]}
