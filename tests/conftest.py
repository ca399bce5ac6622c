"""What all tests share: no network, no settings from outside, one encoder, one sample index."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from network_guard import SocketGuard
from service_articles import TEXTS

from qa_service.config import load_settings
from qa_service.encoder.protocol import Encoder

if TYPE_CHECKING:
    from qa_service.service import Service

SAMPLES = Path(__file__).parent.parent / "seeds"

# The tests' own settings; whatever else is set outside must not decide how they end.
KEPT_VARIABLES = frozenset({"QA_CACHE"})

for _name in [name for name in os.environ if name.startswith("QA_")]:
    if _name not in KEPT_VARIABLES:
        del os.environ[_name]
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

# Deadlines would make the outcome depend on how busy the machine is. CI tries the same examples
# every time; on a developer's machine each run tries others.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def socket_guard() -> Iterator[SocketGuard]:
    """Guard every socket of this process for the whole run."""
    guard = SocketGuard()
    with pytest.MonkeyPatch.context() as patch:
        guard.install(patch)
        yield guard


@pytest.fixture(autouse=True)
def no_network(socket_guard: SocketGuard) -> Iterator[None]:
    """Fail each test that tries to reach beyond this machine, even if it hides the refusal."""
    socket_guard.refused.clear()
    yield
    assert not socket_guard.refused, f"the test reached for {socket_guard.refused}"


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """Load the real encoder with default settings, once for all tests that want it."""
    from qa_service.encoder.loading import load_encoder  # slow, and most tests do without

    return load_encoder(load_settings())


@pytest.fixture(scope="session")
def sample_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real service over the sample articles, indexed once for all tests that only ask."""
    from qa_service.service import Service  # slow, and most tests do without

    index = tmp_path_factory.mktemp("sample") / "index"
    with closing(Service(load_settings(index=index, articles=SAMPLES))) as service:
        service.index()
        yield service


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """A folder of five articles in five languages."""
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def service(tmp_path: Path, articles: Path) -> Iterator[Service]:
    """A service over those articles; nothing is indexed yet."""
    from qa_service.service import Service  # slow, and most tests do without

    with closing(Service(load_settings(index=tmp_path / "index", articles=articles))) as made:
        yield made
