"""Tests move alike: each module has its tests at the same path, or a reason why not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "qa_service"
TESTS = ROOT / "tests"

# Modules without tests of their own. The last group is tried through whole requests.
WITHOUT_TESTS: Mapping[str, str] = {
    "types": "values alone",
    "corpus/bounds": "constants; compared with the README by tests/test_limits.py",
    "corpus/draft": "values alone",
    "encoder/protocol": "values and an interface, held by tests/encoder/test_text_encoder.py",
    "indexes/protocols": "interfaces and values, held by tests/indexes/test_engine.py",
    "store/centering": "an interface alone",
    "store/layout": "names alone",
    "web/context": "values alone",
    "web/api": "tests/web/test_ask_api.py, tests/web/test_articles_api.py, "
    "tests/web/test_index_api.py",
    "web/app": "tests/web/test_openapi.py, tests/web/test_security.py",
    "web/connection": "tests/web/test_connection_server.py",
    "web/metrics": "tests/web/test_index_api.py",
    "web/server_log": "tests/web/test_logs.py",
}

# Tests that are about more than one module, or about none.
OVERARCHING: Mapping[str, str] = {
    "test_ask_cases": "the whole service over questions as people put them",
    "test_docs": "the documentation",
    "test_every_format": "the whole way of a file of each format",
    "test_layers": "all modules",
    "test_limits": "the README's table of limits",
    "test_make": "the Makefile",
    "test_mirror": "the tests",
    "test_network_guard": "the guard of all tests",
    "test_peers": "the measuring of other libraries",
    "test_readme_examples": "the documentation",
    "test_seeds": "the whole service over real articles",
    "corpus/test_articles_page": "the page on one's own articles",
    "corpus/test_reading_version": "the rules of all readers",
    "corpus/test_sample_articles": "the articles that ship with the project",
    "encoder/test_against_wheel": "the whole model against another engine",
    "text/test_hostile_text": "the time of all that is done to text",
    "web/test_article_paths": "addresses, from whoever makes them to the app",
    "web/test_articles_api": "requests through all of the app",
    "web/test_ask_api": "requests through all of the app",
    "web/test_docs_pages": "the documentation",
    "web/test_index_api": "requests through all of the app",
    "web/test_page_scripts": "the scripts of the page",
}


def modules() -> set[str]:
    """Return every module, by its path in the package."""
    return {
        path.relative_to(PACKAGE).with_suffix("").as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    }


def files_in_packages() -> set[str]:
    """Return every file of tests in a folder that a package has as well, by its path."""
    return {
        path.relative_to(TESTS).with_suffix("").as_posix()
        for path in TESTS.rglob("test_*.py")
        if (PACKAGE / path.relative_to(TESTS).parent / "__init__.py").is_file()
    }


def place_of_tests(module: str) -> str:
    """Return where the tests of a module stand."""
    folder, _, name = module.rpartition("/")
    return f"{folder}/test_{name}".lstrip("/")


def test_every_module_has_its_tests() -> None:
    """At the same path, so that whoever changes one knows where to look."""
    found = files_in_packages()
    lacking = {module for module in modules() if place_of_tests(module) not in found}
    assert lacking - WITHOUT_TESTS.keys() == set(), "write tests, or say why there are none"
    assert WITHOUT_TESTS.keys() - lacking == set(), "these need no exception any more"


def test_every_test_has_its_module() -> None:
    """Tests whose module moved or went move or go with it."""
    expected = {place_of_tests(module) for module in modules()}
    strays = files_in_packages() - expected
    assert strays - OVERARCHING.keys() == set(), "move these beside their module's place"
    assert OVERARCHING.keys() - strays == set(), "these are gone, or belong to a module now"


def test_tests_named_in_reasons_are_there() -> None:
    """A reason that leads nowhere is none."""
    named = re.findall(r"tests/[\w/]+\.py", " ".join(WITHOUT_TESTS.values()))
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
