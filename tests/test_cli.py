"""The command line, as people and scripts meet it: what it prints, where, and how it ends."""

from __future__ import annotations

import ast
import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import qa_service
from qa_service import bodies
from qa_service.cli import main
from qa_service.store.manifest import read_manifest

TEXTS = {
    "ar.txt": "أقامت روسيا خمسا وعشرين نقطة مراقبة في إقليم قره باغ، واستقال وزير خارجية أرمينيا.",
    "en.txt": "The Suez Canal was opened in 1869 after ten years of work.",
    "hi.txt": "पत्तियों की कोशिकाओं में हरितलवक नाम के अंग होते हैं जिनमें क्लोरोफ़िल रहता है।",
    "zh.txt": "明长城东起辽宁虎山，西至甘肃嘉峪关，全长八千八百多公里，由很多朝代修筑而成。",
}
HEAVY = (
    *("torch", "sentence_transformers", "openvino", "faiss", "tantivy", "flask", "numpy", "rich"),
    *("pydantic", "pydantic_settings", "asyncio"),
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder: no settings file, no index, no articles."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def articles(folder: Path) -> Path:
    """A folder of articles in four languages."""
    made = folder / "مقالات"
    made.mkdir()
    for name, text in TEXTS.items():
        (made / name).write_text(text, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index that commands only read."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "articles").mkdir()
    for name, text in TEXTS.items():
        (folder / "articles" / name).write_text(text, encoding="utf-8")
    result = run("index", str(folder / "articles"), "--index", str(folder / "index"))
    assert result.exit_code == 0, result.output
    return folder / "index"


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def document(result: Result) -> dict[str, Any]:
    """Return the one JSON document that stands on stdout."""
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def process(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a shell does."""
    return subprocess.run(
        [sys.executable, "-m", "qa_service.cli", *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **variables},
        check=False,
    )


def test_index_and_ask_end_to_end(articles: Path) -> None:
    """Articles are indexed, a question is asked, and the passage is shown with its place."""
    indexed = run("index", str(articles))
    assert indexed.exit_code == 0
    assert "4 articles" in indexed.stdout
    for name, question in (("ar.txt", "من استقال في أرمينيا؟"), ("zh.txt", "明长城全长多少公里？")):
        asked = run("ask", question)
        assert asked.exit_code in (0, 3)
        assert asked.stdout.index(TEXTS[name]) < asked.stdout.index(f"{name}, characters 0-")
    again = run("index")
    assert again.exit_code == 0
    assert "Nothing has changed" in again.stdout


def test_exit_code_tells_whether_it_was_answered(built: Path) -> None:
    """0 with an answer, 3 without: the code and the document agree."""
    for question in ("When was the Suez Canal opened?", "ما هو علاج مرض السكري؟", "谁发明了电话？"):
        result = run("ask", question, "--json", "--index", str(built))
        assert result.exit_code == (0 if document(result)["answered"] else 3)
    refused = run("ask", "كيف أطبخ اللازانيا؟", "--index", str(built))
    assert refused.exit_code == 3
    assert re.search(r"[\u0600-\u06ff]", refused.stdout.splitlines()[0])


def test_json_is_one_document_and_nothing_else(built: Path) -> None:
    """Every command with --json prints exactly one document on stdout."""
    questions = built.parent / "questions.jsonl"
    questions.write_text(
        json.dumps({"question": "متى افتتحت قناة السويس؟", "relevant": ["en.txt"]}) + "\n",
        encoding="utf-8",
    )
    wanted: dict[tuple[str, ...], type[bodies.Body]] = {
        ("ask", "वर्णक"): bodies.AnswerOut,
        ("status",): bodies.IndexStatusOut,
        ("verify",): bodies.VerificationOut,
        ("explain", "Suez", "en.txt"): bodies.ExplanationOut,
        ("eval", str(questions)): bodies.EvaluationOut,
    }
    for arguments, model in wanted.items():
        result = run(*arguments, "--json", "--index", str(built))
        assert result.exit_code in (0, 3), result.output
        # The same document as over HTTP: what the model holds, in its order, and no more.
        found = document(result)
        assert list(found) == list(model.model_fields)
        assert json.loads(model.model_validate(found).to_text()) == found


def test_json_of_the_program_is_utf8_whatever_the_locale(built: Path) -> None:
    """As a program of its own: one document, letters as they are, in a locale without them."""
    result = process(
        "ask", "长城有多长？", "--json", "--index", str(built), LC_ALL="C", PYTHONIOENCODING="ascii"
    )
    assert result.returncode in (0, 3), result.stderr
    assert json.loads(result.stdout)["question"] == "长城有多长？"
    assert "长城" in result.stdout


def test_options_reach_the_question(built: Path) -> None:
    """--top-k, --language and dates restrict what is shown."""
    asked = run("ask", "1869", "--top-k", "2", "--json", "--index", str(built))
    assert len(document(asked)["passages"]) == 2
    asked = run("ask", "1869", "--language", "zh", "--json", "--index", str(built))
    assert [one["language"] for one in document(asked)["passages"]] == ["zh"]
    asked = run("ask", "1869", "--from", "2020-01-01", "--json", "--index", str(built))
    assert document(asked)["passages"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["unknown"],
        ["ask"],
        ["ask", "x", "--top-k", "0"],
        ["ask", "x", "--top-k", "51"],
        ["ask", "x", "--from", "yesterday"],
        ["serve", "--port", "70000"],
        ["explain", "x"],
        ["eval"],
        ["index", "--nonsense"],
    ],
)
def test_bad_usage_is_two(arguments: list[str]) -> None:
    """What cannot be understood is exit code 2, said on stderr."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["ask", "سؤال"], ["status"], ["verify"], ["rollback"], ["explain", "问", "a.txt"]],
    ids=lambda arguments: arguments[0],
)
def test_without_an_index_the_command_to_run_is_named(arguments: list[str]) -> None:
    """No index yet is exit code 1, and the message is the mend, with --json too."""
    for extra in ([], ["--json"]):
        result = run(*arguments, *extra)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "qa-service index" in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("question", ["", "   ", "س" * 1001])
def test_question_that_cannot_be_asked_fails_with_a_message(built: Path, question: str) -> None:
    """An empty or endless question says what was expected."""
    result = run("ask", question, "--index", str(built))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "1 to 1000" in result.stderr


def test_folder_that_is_not_there(folder: Path) -> None:
    """A path that does not exist is named, and no index is left behind."""
    result = run("index", "لا-يوجد")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "لا-يوجد" in result.stderr
    assert not (folder / "index" / "CURRENT").exists()


def test_empty_folder(folder: Path) -> None:
    """A folder without articles is an error that names it."""
    (folder / "空").mkdir()
    result = run("index", "空")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "空" in result.stderr


def test_unreadable_folder(folder: Path) -> None:
    """A folder that may not be read is told, not passed over in silence."""
    closed = folder / "closed"
    closed.mkdir()
    (closed / "a.txt").write_text("text", encoding="utf-8")
    closed.chmod(0)
    try:
        if os.access(closed, os.R_OK):
            pytest.skip("whoever runs this may read everything")
        result = run("index", "closed")
    finally:
        closed.chmod(0o700)
    assert result.exit_code == 1
    assert "closed" in result.stderr


def test_bad_files_are_named_and_hold_up_nothing(articles: Path) -> None:
    """Binary, undecodable and empty files are in the report with reasons; the rest is indexed."""
    (articles / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (articles / "empty.md").write_bytes(b"")
    (articles / "torn.pdf").write_bytes(b"%PDF-1.7\n\x00\x01")
    (articles / "broken.jsonl").write_text('{"text": "unfinished', encoding="utf-8")
    (articles / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = run("index", str(articles), "--json")
    assert result.exit_code == 0
    report = document(result)
    assert report["articles"] == 4
    reasons = {Path(file["path"]).name: file.get("reason") for file in report["files"]}
    for name in ("binary.txt", "empty.md", "torn.pdf", "broken.jsonl"):
        assert reasons[name], name
    assert reasons["empty.md"] == "it is empty. Fill or remove it."
    (articles / "empty2.md").write_bytes(b"")
    told = run("index", str(articles))
    assert told.exit_code == 0
    for name in ("binary.txt", "empty.md", "empty2.md", "torn.pdf", "broken.jsonl"):
        assert name in told.stdout


def test_index_of_another_model_is_refused_with_the_mend(articles: Path, folder: Path) -> None:
    """An index that other parts built is not searched: the message says to rebuild."""
    assert run("index", str(articles)).exit_code == 0
    name = (folder / "index" / "CURRENT").read_text().strip()
    generation = folder / "index" / "generations" / name
    stored = read_manifest(generation)
    other = replace(stored, recipe=replace(stored.recipe, model="another-model@1"))
    (generation / "manifest.json").write_text(other.to_json(), encoding="utf-8")
    result = run("ask", "من استقال؟")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Traceback" not in result.stderr
    assert "qa-service index --rebuild" in result.stderr


def test_verify_finds_a_torn_file(articles: Path, folder: Path) -> None:
    """A byte that changed on disk is a problem, and the exit code says so."""
    run("index", str(articles))
    assert run("verify").exit_code == 0
    name = (folder / "index" / "CURRENT").read_text().strip()
    generation = folder / "index" / "generations" / name
    largest = max(
        (file for file in generation.rglob("*") if file.is_file() and file.suffix != ".db"),
        key=lambda file: file.stat().st_size,
    )
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 0xFF
    largest.unlink()
    largest.write_bytes(content)
    result = run("verify", "--json")
    assert result.exit_code == 1
    if result.stdout:
        assert not document(result)["ok"]
    else:
        assert largest.name in result.stderr


@pytest.mark.parametrize("mend", ["index", "rollback"])
def test_status_tells_of_damage_and_the_mend(articles: Path, folder: Path, mend: str) -> None:
    """When an older generation stands in for a damaged one, that is the first thing said."""
    run("index", str(articles))
    first = document(run("status", "--json"))
    assert first["damage"] is None
    (articles / "zh.txt").unlink()
    run("index")
    name = (folder / "index" / "CURRENT").read_text().strip()
    (folder / "index" / "generations" / name / "keys.npy").unlink()
    result = run("status")
    assert result.exit_code == 0
    told = result.stdout.splitlines()[0]
    assert told.startswith("DAMAGED")
    assert "keys.npy is missing" in told
    assert "qa-service rollback" in told
    assert f". Meanwhile generation {first['generation']} answers." in told
    found = document(run("status", "--json"))
    assert found["generation"] == first["generation"]
    assert "keys.npy" in found["damage"]
    assert run(mend).exit_code == 0
    assert document(run("status", "--json"))["damage"] is None
    assert run("verify").exit_code == 0


def test_rollback_brings_the_last_generation_back(articles: Path) -> None:
    """One generation has nothing before it; of two the first returns."""
    run("index", str(articles))
    first = document(run("status", "--json"))["generation"]
    alone = run("rollback")
    assert alone.exit_code == 1
    assert alone.stderr
    (articles / "en.txt").unlink()
    run("index")
    second = document(run("status", "--json"))
    assert second["generation"] != first
    back = document(run("rollback", "--json"))
    assert (back["generation"], back["articles"]) == (first, 4)


def test_explain_tells_the_stages(built: Path) -> None:
    """An article's way is told in words; one that is not there is an error."""
    result = run("explain", "متى افتتحت قناة السويس؟", "en.txt", "--index", str(built))
    assert result.exit_code == 0
    for stage in ("dense", "lexical", "merge", "rerank", "answer"):
        assert stage in result.stdout
    missing = run("explain", "?", "no.txt", "--index", str(built))
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "no.txt" in missing.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no question"),
        (b"not json\n", "line 1"),
        (b'{"question": "x", "relevant": ["a"]}\n[1]\n', "line 2"),
        (b'{"relevant": []}\n', "question"),
        (b'{"question": "x", "relevant": "a"}\n', "relevant"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_eval_file_that_cannot_be_used_is_told(
    built: Path, folder: Path, content: bytes, told: str
) -> None:
    """The file, the line and what is wrong with it are named."""
    file = folder / "أسئلة.jsonl"
    file.write_bytes(content)
    result = run("eval", str(file), "--index", str(built))
    assert (result.exit_code, result.stdout) == (1, "")
    assert told in result.stderr
    absent = run("eval", "absent.jsonl", "--index", str(built))
    assert absent.exit_code == 1
    assert "absent.jsonl" in absent.stderr


def test_port_in_use_is_told(built: Path) -> None:
    """A taken port ends in a message that names it, not in a trace."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = process("serve", "--port", port, "--index", str(built))
    assert result.returncode == 1
    assert port in result.stderr
    assert "Traceback" not in result.stderr


def test_setting_that_cannot_be_used_is_told() -> None:
    """A bad variable is named with its value."""
    result = process("status", QA_PORT="eighty")
    assert (result.returncode, result.stdout) == (1, "")
    assert "QA_PORT" in result.stderr
    assert "eighty" in result.stderr


def imported_by(*arguments: str, among: tuple[str, ...]) -> list[str]:
    """Run a command in a process of its own; return which of these modules it imported."""
    script = (
        "import sys; from qa_service.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code\n"
        f"print(sorted(set({among!r}) & set(sys.modules)), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout
    found = ast.literal_eval(result.stderr)
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["ask", "--help"], ["serve", "--help"]]
)
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    """`--help` and `--version` answer without settings, the model's libraries, the web's, numpy."""
    assert imported_by(*arguments, among=HEAVY) == []


def test_status_imports_no_model_and_no_readers(built: Path) -> None:
    """What is indexed is told without what runs the model or reads articles."""
    model_and_readers = (
        *("torch", "sentence_transformers", "openvino", "sentencepiece", "py3langid"),
        *("trafilatura", "pdfminer", "charset_normalizer", "markdown_it", "flask", "rich"),
    )
    assert imported_by("status", "--index", str(built), among=model_and_readers) == []


def test_version_and_every_command_are_listed() -> None:
    """--help names every command with what it does."""
    assert qa_service.__version__ in run("--version").stdout
    listing = run("--help").stdout
    for name in ("index", "ask", "serve", "status", "verify", "rollback", "explain", "eval"):
        assert re.search(rf"^  {name} +\S", listing, re.MULTILINE), name


UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.slow
def test_nothing_in_articles_or_arguments_drives_a_terminal(folder: Path) -> None:
    """From the name of a file to its text, no command prints what a terminal would obey."""
    articles = folder / "hostile\x1b[31m"
    articles.mkdir()
    name = "canal\x1b]0;owned\x07\u202egpj\u2028.txt"
    text = "The canal \x1b[2J is \x9b31m 97 kilometres\u202e long, by \u2066locks\u0085 and gates."
    (articles / name).write_text(f"Canal \u202e\x1b[5m\n{text}\n", encoding="utf-8")
    (articles / "broken\x1b[0m.pdf").write_bytes(b"%PDF-no")
    (articles / os.fsdecode(b"raw-\xff.txt")).write_text("A raw name.", encoding="utf-8")
    questions = folder / "questions\x1b[0m.jsonl"
    questions.write_text('{"question": "How long is the canal?"', encoding="utf-8")
    question = "How long \x1b[31m is the \u202ecanal?"
    for arguments in (
        ["index", str(articles)],
        ["ask", question],
        ["explain", question, name],
        ["explain", question, "no\x1b[31m such"],
        ["status"],
        ["verify"],
        ["eval", str(questions)],
        ["index", str(folder / "no\x1b[31m such folder")],
        ["ask", question, "one too many\x1b[31m"],
        ["--no\x1b[31m-such-option"],
        ["no\x1b[31m-such-command"],
    ):
        for options in ([], ["--json"]) if arguments[0] in ("index", "ask", "status") else ([],):
            result = run(*arguments, *options)
            assert not UNSAFE.search(result.output), (arguments, options, result.output)
            assert not isinstance(result.exception, UnicodeError)
            if options and result.exit_code == 0:
                assert document(result)
    found = document(run("ask", question, "--json"))
    # The same content, only written otherwise.
    assert found["question"] == question
